"""Evaluation gives the numbers of the definitions, on noise that every run shares."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from tiny_profile import RUN, tiny_profile
from wne.checkpoints import CheckpointError
from wne.evaluate import evaluate, image_quality, numpy_denoiser
from wne.noise import load_bench
from wne.train import train

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    params, paths = tiny_profile(tmp_path_factory.mktemp("evaluated"))
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    return params, paths


def test_every_image_and_sigma_has_a_row_and_sigma_train_is_added(evaluated):
    _, paths = evaluated
    frame = pd.read_csv(paths.evaluation / RUN / "psnr.csv")
    assert sorted(frame["sigma_test"].unique()) == [10, 25, 50]
    assert len(frame) == 2 * 3 and set(frame["image"]) == {"a", "b"}
    # The input PSNR of unclipped noise is that of sigma itself: 20 log10(255 / sigma) up to sampling.
    expected = 20 * np.log10(255 / frame["sigma_test"])
    assert np.abs(frame["input_psnr"] - expected).max() < 0.5
    assert (frame["input_psnr_clipped"] > frame["input_psnr"]).all()


def test_the_defect_of_the_wrapped_network_is_rounding(evaluated):
    _, paths = evaluated
    defect = pd.read_csv(paths.evaluation / RUN / "defect.csv")
    assert len(defect) == 2 * 3
    assert defect["sharp"].max() < 1e-5


def test_the_defect_of_a_bare_network_is_not(tmp_path):
    params, paths = tiny_profile(tmp_path, variant="baseline")
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    assert pd.read_csv(paths.evaluation / RUN / "defect.csv")["sharp"].min() > 1e-3


def test_evaluation_repeats_to_the_last_digit(evaluated, tmp_path):
    params, paths = evaluated
    before = (paths.evaluation / RUN / "psnr.csv").read_bytes()
    evaluate(params, RUN, paths, CPU)
    assert (paths.evaluation / RUN / "psnr.csv").read_bytes() == before


def test_examples_are_pictures_of_the_size_asked_for(evaluated):
    _, paths = evaluated
    for name in ("fig02", "fig02-clean", "fig02-noisy", "fig02-noisy-training"):
        assert Image.open(paths.evaluation / RUN / f"{name}.png").size == (16, 16)
    facts = json.loads((paths.evaluation / RUN / "fig02.json").read_text())
    assert facts["sigma_test"] == 90 and facts["input_psnr"] == pytest.approx(20 * np.log10(255 / 90), abs=0.5)


def test_identity_scores_the_clipped_input(evaluated):
    _, paths = evaluated
    image = next(load_bench(paths, "tiny"))
    scores = image_quality(numpy_denoiser(torch.nn.Identity(), CPU), image, "gaussian", 0, 50)
    assert scores["psnr"] == pytest.approx(scores["input_psnr_clipped"], abs=1e-9)


def test_noise_does_not_depend_on_the_run(tmp_path):
    benches = []
    for variant in ("wne", "baseline"):
        _, paths = tiny_profile(tmp_path / variant, variant=variant)
        benches.append([image.field_unit("gaussian", 0) for image in load_bench(paths, "tiny")])
    assert all(np.array_equal(a, b) for a, b in zip(*benches))


def test_missing_pieces_are_named(tmp_path):
    params, paths = tiny_profile(tmp_path)
    with pytest.raises(CheckpointError, match=f"wne train {RUN}"):
        evaluate(params, RUN, paths, CPU)
    train(params, RUN, paths, CPU)
    other, _ = tiny_profile(tmp_path, recipe={"steps": 13})
    with pytest.raises(CheckpointError, match="does not fit"):
        evaluate(other, RUN, paths, CPU)
    with pytest.raises(FileNotFoundError, match="wne noise elsewhere"):
        next(load_bench(paths, "elsewhere"))
