"""Other exposures than that of training: the scale on which PSNR is stated, and what an item writes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from replication.data.degradations import degraded_array
from replication.data.metrics import psnr
from replication.data.noise import load_test_set
from replication.experiments.evaluate import evaluate
from replication.experiments.exposure import analyse, exposed, mapped_back
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field
from tiny_profile import PAIRED, RUN, tiny_profile
from wne.checkpoints import save_checkpoint
from wne.models import create_denoiser

CPU = torch.device("cpu")
BASELINE = RUN.replace("wne", "baseline")
CONTRASTS, BRIGHTNESSES = [0.25, 1, 4], [-0.5, 0, 1]
SPEC = {
    "test_set": "tiny", "images": 2, "sigma": 25, "contrasts": CONTRASTS, "brightnesses": BRIGHTNESSES,
    "pictures": [[1, 0], [0.5, 0.25]], "runs": [BASELINE, RUN],
}  # fmt: skip


def image(seed: int) -> np.ndarray:
    return uniform_field((1, 6, 5), "exposure", seed).astype(np.float32)


# --- the scale


def test_inputs_by_hand():
    x, n = np.full((1, 1, 1), 0.5, np.float32), np.full((1, 1, 1), -2.0, np.float32)
    assert exposed(x, n, 0.1, 2, 0.25, scaled=True).item() == pytest.approx(2 * 0.5 + 0.25 - 2 * 0.1 * 2)
    assert exposed(x, n, 0.1, 2, 0.25, scaled=False).item() == pytest.approx(2 * 0.5 + 0.25 - 0.1 * 2)


@pytest.mark.parametrize(("a", "b"), [(0.1, 0), (4, 0), (1, -0.5), (0.5, 1)])
def test_mapped_back_an_input_has_the_clean_image_and_its_noise(a, b):
    """Noise that scales is sigma again, other noise sigma / a."""
    x, n, sigma = image(0), image(1) - 0.5, 25 / 255
    scaled, fixed = (mapped_back(exposed(x, n, sigma, a, b, scaled), a, b) for scaled in (True, False))
    np.testing.assert_allclose(scaled, x + sigma * n, atol=3e-6)
    np.testing.assert_allclose(fixed, x + sigma / a * n, atol=3e-6)


# --- an item


@pytest.fixture(scope="module")
def item(tmp_path_factory) -> tuple[Params, ProfilePaths]:
    """An untrained network, bare and wrapped, and its exposures."""
    params, paths = tiny_profile(tmp_path_factory.mktemp("exposure"), crop=24)
    params = with_exposure(params)
    for name, run in params.runs.items():
        torch.manual_seed(0)
        model = create_denoiser("dncnn", run.variant, channels=1, **params.models[run.model].size)
        save_checkpoint(paths.checkpoint(params, name), model, params.describe(name), params.fingerprint(name))
    evaluate(params, RUN, paths, CPU)
    analyse(params, "mine", paths, CPU)
    return params, paths


def with_exposure(params: Params, **changes: object) -> Params:
    raw = params.model_dump()
    raw["runs"][BASELINE] = raw["runs"][RUN] | {"variant": "baseline"}
    raw["exposure"] = {"mine": {"group": raw["runs"][RUN]["group"]} | SPEC | changes}
    return Params.model_validate(raw)


@pytest.fixture(scope="module")
def scores(item) -> pd.DataFrame:
    _, paths = item
    return pd.read_csv(paths.analysis("exposure", "mine") / "scores.csv")


def test_every_run_image_and_point_has_one_row(scores):
    assert len(scores) == len(scores.drop_duplicates(["run", "image", "sweep", "a", "b"])) == 2 * 2 * (3 + 3 + 3)
    by_sweep = {sweep: rows for sweep, rows in scores.groupby("sweep")}
    assert {sweep: sorted(set(rows["a"])) for sweep, rows in by_sweep.items()} == {
        "scaled": CONTRASTS, "fixed": CONTRASTS, "brightness": [1],
    }  # fmt: skip
    assert sorted(set(by_sweep["brightness"]["b"])) == BRIGHTNESSES
    assert set(by_sweep["scaled"]["b"]) == set(by_sweep["fixed"]["b"]) == {0}


def test_at_the_exposure_of_training_the_scores_are_those_of_the_evaluation(item, scores):
    params, paths = item
    theirs = pd.read_csv(paths.evaluated(params, RUN) / "psnr.csv").query("sigma_test == 25").set_index("image")
    ours = scores[(scores["run"] == RUN) & (scores["a"] == 1) & (scores["b"] == 0)]
    for _, rows in ours.groupby("sweep"):
        rows = rows.set_index("image")
        np.testing.assert_array_equal(rows[["psnr", "input_psnr"]], theirs.loc[rows.index, ["psnr", "input_psnr"]])


def test_where_the_noise_scales_the_wrapped_network_is_blind_to_the_exposure_and_the_bare_one_is_not(scores):
    same = scores[scores["sweep"] != "fixed"].groupby(["run", "image"])["psnr"].agg(np.ptp)
    assert same[RUN].max() < 1e-3 < 0.1 < same[BASELINE].min()


def test_where_the_noise_keeps_its_size_the_wrapped_network_sees_another_noise_level(item, scores):
    """a = 4 and sigma 25 are a = 1 and sigma 6.25, mapped back."""
    params, paths = item
    lower = with_exposure(params, sigma=6.25)
    analyse(lower, "mine", ProfilePaths(params.profile, paths.root), CPU)
    theirs = pd.read_csv(paths.analysis("exposure", "mine") / "scores.csv")
    key, columns = "image", ["psnr", "input_psnr"]
    ours = scores[(scores["run"] == RUN) & (scores["sweep"] == "fixed") & (scores["a"] == 4)].set_index(key)
    theirs = theirs[(theirs["run"] == RUN) & (theirs["sweep"] == "fixed") & (theirs["a"] == 1)].set_index(key)
    np.testing.assert_allclose(ours[columns], theirs[columns], atol=2e-3)
    analyse(params, "mine", paths, CPU)


def test_pictures_are_on_the_scale_of_the_clean_image_and_have_their_psnr(item):
    _, paths = item
    folder = paths.analysis("exposure", "mine")
    clean = next(load_test_set(paths, "tiny")).clean[..., 0]
    pictures = pd.read_csv(folder / "pictures.csv")
    assert list(pictures[["a", "b"]].drop_duplicates().itertuples(index=False, name=None)) == [(1, 0), (0.5, 0.25)]
    for row in pictures.itertuples():
        shown = np.asarray(Image.open(folder / f"{row.run}-{row.place}.png"))
        error = np.mean((shown / 255 - clean / 255) ** 2)
        assert 10 * np.log10(1 / error) == pytest.approx(row.psnr, abs=0.02)  # rounded to 8 bits
    first, second = (np.asarray(Image.open(folder / f"input-{place}.png"), float) for place in (0, 1))
    inside = (first > 0) & (first < 255)
    np.testing.assert_allclose(second[inside], (0.5 * first + 0.25 * 255)[inside], atol=1)


def test_an_item_without_pictures_has_an_empty_table_of_them(item, tmp_path):
    params, paths = item
    analyse(with_exposure(params, pictures=[]), "mine", paths, CPU)
    assert pd.read_csv(paths.analysis("exposure", "mine") / "pictures.csv").empty
    assert not list(paths.analysis("exposure", "mine").glob("*.png"))
    analyse(params, "mine", paths, CPU)


# --- other tasks than denoising


@pytest.mark.parametrize("degradation", ["blur", "downsample"])
def test_a_network_for_another_task_gets_the_inputs_of_its_evaluation(tmp_path, degradation):
    params, paths = tiny_profile(tmp_path, crop=24)
    raw = params.model_dump()
    raw["examples"], raw["weights"], raw["runs"][RUN]["degradation"] = {}, {}, degradation
    params = with_exposure(Params.model_validate(raw))
    for name, run in params.runs.items():
        model = create_denoiser("dncnn", run.variant, channels=1, **params.models[run.model].size)
        save_checkpoint(paths.checkpoint(params, name), model, params.describe(name), params.fingerprint(name))
    evaluate(params, RUN, paths, CPU)
    analyse(params, "mine", paths, CPU)
    theirs = pd.read_csv(paths.evaluated(params, RUN) / "psnr.csv").query("sigma_test == 25").set_index("image")
    scores = pd.read_csv(paths.analysis("exposure", "mine") / "scores.csv")
    ours = scores[(scores["run"] == RUN) & (scores["a"] == 1) & (scores["b"] == 0) & (scores["sweep"] == "fixed")]
    ours = ours.set_index("image").loc[theirs.index]
    np.testing.assert_array_equal(ours[["psnr", "input_psnr"]], theirs[["psnr", "input_psnr"]])
    for image in load_test_set(paths, "tiny"):
        observed = degraded_array(image.clean_unit(), degradation)
        noisy = observed + np.float32(25 / 255) * image.field_unit("gaussian", 0)
        assert ours.loc[image.name, "input_psnr"] == pytest.approx(psnr(noisy, image.clean_unit()), abs=1e-4)
    same = scores[scores["sweep"] != "fixed"].groupby(["run", "image"])["psnr"].agg(np.ptp)
    assert same[RUN].max() < 1e-3


# --- what is refused


@pytest.mark.parametrize(("changed", "value"), [("contrasts", [0.5, 2]), ("brightnesses", [0.5])])
def test_without_the_exposure_of_training_there_is_nothing_to_compare_with(item, changed, value):
    with pytest.raises(ValidationError, match="contrasts must have 1 and brightnesses 0"):
        with_exposure(item[0], **{changed: value})


def test_more_images_than_there_are_are_refused(item):
    params, paths = item
    with pytest.raises(ValueError, match=r"exposure\.mine: tiny has 2 images, not 3; ask for fewer"):
        analyse(with_exposure(params, images=3), "mine", paths, CPU)


def test_runs_of_several_tasks_or_of_a_noise_that_the_test_set_lacks_are_refused(item):
    raw = item[0].model_dump(mode="json")
    raw["tasks"]["other"] = raw["tasks"]["awgn"]
    raw["runs"][BASELINE]["task"] = "other"
    with pytest.raises(
        ValidationError, match=r"exposure\.mine: its runs have several tasks, awgn, other; name runs of one"
    ):
        Params.model_validate(raw)
    raw["runs"][RUN]["task"] = "other"
    raw["test_sets"]["elsewhere"] = raw["test_sets"]["tiny"] | {"noises": ["uniform"]}
    raw["exposure"]["mine"]["test_set"] = "elsewhere"
    with pytest.raises(ValidationError, match=r"exposure\.mine: its runs need gaussian noise, elsewhere has uniform"):
        Params.model_validate(raw)


def test_photographs_with_their_own_noise_are_refused(tmp_path):
    params, _ = tiny_profile(tmp_path, **PAIRED)
    with pytest.raises(ValidationError, match=r"exposure\.mine: its runs are tested on pairs of photographs"):
        with_exposure(params)
