"""Evaluation gives the numbers of the definitions, on corruptions that every run shares."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from replication.data.noise import load_test_set
from replication.experiments import evaluate as evaluation
from replication.experiments.evaluate import evaluate, noisy_image, numpy_denoiser
from replication.experiments.train import train
from replication.experiments.trained import load_run
from replication.study.params import Params
from replication.study.rng import torch_generator
from tiny_profile import PAIRED, RUN, tiny_profile
from wne.checkpoints import CheckpointError
from wne.equivariance import equivariance_defect, sample_affine

CPU = torch.device("cpu")


def _table(params, paths, name: str, run: str = RUN) -> pd.DataFrame:
    return pd.read_csv(paths.evaluated(params, run) / f"{name}.csv")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    params, paths = tiny_profile(tmp_path_factory.mktemp("evaluated"))
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    return params, paths


def test_every_image_and_sigma_has_a_row_and_sigma_train_is_added(evaluated):
    params, paths = evaluated
    frame = pd.read_csv(paths.evaluated(params, RUN) / "psnr.csv")
    assert sorted(frame["sigma_test"].unique()) == [10, 25, 50]
    assert len(frame) == 2 * 3 and set(frame["image"]) == {"a", "b"}
    # The input PSNR of unclipped noise is that of sigma itself: 20 log10(255 / sigma) up to sampling.
    expected = 20 * np.log10(255 / frame["sigma_test"])
    assert np.abs(frame["input_psnr"] - expected).max() < 0.5
    assert (frame["input_psnr_clipped"] > frame["input_psnr"]).all()


def test_the_defect_of_the_wrapped_network_is_rounding(evaluated):
    params, paths = evaluated
    defect = pd.read_csv(paths.evaluated(params, RUN) / "defect.csv")
    assert len(defect) == 2 * 3
    assert defect["sharp"].max() < 1e-5


def test_the_defect_of_a_bare_network_is_not(tmp_path):
    params, paths = tiny_profile(tmp_path, variant="baseline")
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    assert pd.read_csv(paths.evaluated(params, RUN) / "defect.csv")["sharp"].min() > 1e-3


def test_evaluation_repeats_to_the_last_digit(evaluated, tmp_path):
    params, paths = evaluated
    before = (paths.evaluated(params, RUN) / "psnr.csv").read_bytes()
    evaluate(params, RUN, paths, CPU)
    assert (paths.evaluated(params, RUN) / "psnr.csv").read_bytes() == before


def test_examples_are_pictures_of_the_size_asked_for(evaluated):
    params, paths = evaluated
    for name in ("fig02", "fig02-clean", "fig02-noisy", "fig02-noisy-training"):
        assert Image.open(paths.evaluated(params, RUN) / f"{name}.png").size == (16, 16)
    facts = json.loads((paths.evaluated(params, RUN) / "fig02.json").read_text())
    assert facts["sigma_test"] == 90 and facts["input_psnr"] == pytest.approx(20 * np.log10(255 / 90), abs=0.5)


def test_identity_scores_the_clipped_input(evaluated, monkeypatch):
    params, paths = evaluated
    monkeypatch.setattr(evaluation, "load_run", lambda *_: torch.nn.Identity())
    before = _table(params, paths, "psnr")
    evaluate(params, RUN, paths, CPU)
    after = _table(params, paths, "psnr")
    assert np.allclose(after["psnr"], after["input_psnr_clipped"], atol=1e-5)
    inputs = [column for column in after if column.startswith("input_")]
    assert len(inputs) == 4 and after[inputs].equals(before[inputs]), "the input's numbers depend on the model"
    monkeypatch.undo()
    evaluate(params, RUN, paths, CPU)
    assert _table(params, paths, "psnr").equals(before)


def test_inputs_are_scored_once_for_all_runs_of_a_group(evaluated, monkeypatch):
    params, paths = evaluated
    twin = "dncnn-wne-twin"
    raw = params.model_dump(mode="json")
    raw["runs"][twin] = raw["runs"][RUN]
    both = Params.model_validate(raw)
    monkeypatch.setattr(evaluation, "load_run", lambda *_: torch.nn.Identity())
    calls = []
    of_input, of_output = evaluation.METRICS["psnr"]
    counted = {"psnr": lambda *pair: calls.append(1) or of_input["psnr"](*pair)}
    monkeypatch.setitem(evaluation.METRICS, "psnr", (of_input | counted, of_output))
    evaluate(both, "cnn", paths, CPU)
    assert len(calls) == 2 * 3
    assert _table(both, paths, "psnr").equals(_table(both, paths, "psnr", twin))
    monkeypatch.undo()
    evaluate(params, RUN, paths, CPU)


def test_scores_are_those_of_scikit_image_on_the_clipped_output(evaluated):
    params, paths = evaluated
    image = list(load_test_set(paths, "tiny"))[1]
    noisy, clean = noisy_image(image, "gaussian", 0, 50), image.clean_unit()
    assert np.array_equal(noisy, clean + np.float32(50 / 255) * image.field_unit("gaussian", 0)) and noisy.max() > 1
    denoised = np.clip(numpy_denoiser(load_run(paths, params, RUN), CPU)(noisy), 0, 1)
    row = _table(params, paths, "psnr").query("image == 'b' and sigma_test == 50").iloc[0]
    for prefix, picture in (("", denoised), ("input_", noisy)):
        truth, given = clean[0].astype(float), picture[0].astype(float)
        wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        assert row[f"{prefix}psnr"] == pytest.approx(peak_signal_noise_ratio(truth, given, data_range=1), abs=1e-5)
        assert row[f"{prefix}ssim"] == pytest.approx(
            structural_similarity(truth, given, data_range=1, **wang), abs=1e-5
        )
        assert row[f"{prefix}ssim_uniform"] == pytest.approx(
            structural_similarity(truth, given, data_range=1), abs=1e-5
        )


@pytest.mark.parametrize("defects", [1, 2])
def test_the_defect_is_measured_at_every_sigma_on_the_first_images(tmp_path, defects):
    params, paths = tiny_profile(tmp_path, variant="baseline", defects=defects, draws=2)
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    frame = _table(params, paths, "defect")
    assert list(zip(frame["image"], frame["sigma_test"])) == [(i, s) for i in "ab"[:defects] for s in (10, 25, 50)]
    model = load_run(paths, params, RUN)
    image = next(load_test_set(paths, "tiny"))
    y = torch.from_numpy(noisy_image(image, "gaussian", 0, 50))[None]
    expected = equivariance_defect(model, y, *sample_affine(1, torch_generator("defect", "tiny", "a")))
    assert frame["paper"][2] == pytest.approx(expected.paper.item(), rel=1e-3)
    assert frame["sharp"][2] == pytest.approx(expected.sharp.item(), rel=1e-3)


def test_colour_images_are_scored_over_all_channels(tmp_path):
    params, paths = tiny_profile(tmp_path, channels=3)
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    image = next(load_test_set(paths, "tiny"))
    noisy, clean = noisy_image(image, "gaussian", 0, 10), image.clean_unit()
    row = _table(params, paths, "psnr").iloc[0]
    assert row["input_psnr"] == pytest.approx(peak_signal_noise_ratio(clean, noisy, data_range=1), abs=1e-4)
    planes = [structural_similarity(clean[c], noisy[c], data_range=1) for c in range(3)]
    assert row["input_ssim_uniform"] == pytest.approx(np.mean(planes), abs=1e-4)
    assert _table(params, paths, "defect")["sharp"].max() < 1e-5
    assert Image.open(paths.evaluated(params, RUN) / "fig02.png").mode == "RGB"


def test_jpeg_files_are_denoised_too(tmp_path):
    params, paths = tiny_profile(tmp_path, jpeg=True)
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    frame = _table(params, paths, "jpeg")
    assert list(frame) == ["test_set", "image", "quality", "input_psnr", "psnr", "ssim"]
    assert list(zip(frame["image"], frame["quality"])) == [("a", 10), ("a", 80), ("b", 10), ("b", 80)]
    image = next(load_test_set(paths, "tiny"))
    file = io.BytesIO()
    Image.fromarray(image.clean[..., 0]).save(file, "JPEG", quality=10)
    decoded = np.asarray(Image.open(file))[..., None]
    expected = peak_signal_noise_ratio(image.clean, decoded, data_range=255)
    assert frame["input_psnr"][0] == pytest.approx(expected, abs=1e-4)
    denoised = np.clip(numpy_denoiser(load_run(paths, params, RUN), CPU)(decoded[None, ..., 0] / np.float32(255)), 0, 1)
    expected = peak_signal_noise_ratio(image.clean_unit(), denoised, data_range=1)
    assert frame["psnr"][0] == pytest.approx(expected, abs=1e-4)


def test_real_noise_is_scored_on_8_bits(tmp_path):
    params, paths = tiny_profile(tmp_path, recipe={"steps": 40, "lr": 1e-2}, **PAIRED)
    train(params, RUN, paths, CPU)
    evaluate(params, RUN, paths, CPU)
    folder = paths.evaluated(params, RUN)
    assert sorted(path.name for path in folder.iterdir()) == ["defect.csv", "real.csv", "run.json"]
    frame = _table(params, paths, "real")
    assert list(frame) == ["test_set", "image", "input_psnr", "input_ssim", "psnr", "ssim"]
    assert list(frame["image"]) == ["a", "b"]
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    denoise = numpy_denoiser(load_run(paths, params, RUN), CPU)
    for row, image in zip(frame.itertuples(), load_test_set(paths, "tiny"), strict=True):
        assert row.input_psnr == pytest.approx(peak_signal_noise_ratio(image.clean, image.noisy), abs=1e-4)
        output = np.moveaxis(denoise(np.moveaxis(image.noisy, -1, 0) / np.float32(255)), 0, -1)
        rounded = np.clip(255 * output + 0.5, 0, 255).astype(np.uint8)
        assert row.psnr == pytest.approx(peak_signal_noise_ratio(image.clean, rounded), abs=1e-4)
        assert abs(row.psnr - peak_signal_noise_ratio(image.clean / 255, np.clip(output, 0, 1), data_range=1)) > 2e-4
        assert row.ssim == pytest.approx(structural_similarity(image.clean, rounded, **wang), abs=1e-4)
    defect = _table(params, paths, "defect")
    assert len(defect) == 2 and defect["sigma_test"].isna().all() and defect["sharp"].max() < 1e-5


def test_noise_does_not_depend_on_the_run(tmp_path):
    test_sets = []
    for variant in ("wne", "baseline"):
        _, paths = tiny_profile(tmp_path / variant, variant=variant)
        test_sets.append([image.field_unit("gaussian", 0) for image in load_test_set(paths, "tiny")])
    assert all(np.array_equal(a, b) for a, b in zip(*test_sets))


def test_missing_pieces_are_named(tmp_path):
    params, paths = tiny_profile(tmp_path)
    with pytest.raises(CheckpointError, match=f"replicate train {RUN}"):
        evaluate(params, RUN, paths, CPU)
    train(params, RUN, paths, CPU)
    other, _ = tiny_profile(tmp_path, recipe={"steps": 13})
    with pytest.raises(CheckpointError, match="does not fit"):
        evaluate(other, RUN, paths, CPU)
    with pytest.raises(FileNotFoundError, match="replicate noise elsewhere"):
        next(load_test_set(paths, "elsewhere"))
