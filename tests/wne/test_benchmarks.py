"""The comparison of starting points: what it trains on and is scored on, and that its page follows its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import starts, starts_page
from replication.data.images import image_paths, load_set
from replication.data.registry import COMPOSITES, registered_files
from replication.study.paths import IMAGES

ROOT = Path(__file__).parents[2]


def test_each_trial_is_a_run_of_the_default_profile_but_for_its_start_and_seed():
    params = starts.parameters()
    for trial in starts.trials():
        run, base = params.runs[trial.name], params.runs[trial.base]
        assert run.model_dump(exclude={"model", "seed"}) == base.model_dump(exclude={"model", "seed"})
        model, default = params.models[run.model].size, params.models[base.model].size
        assert model == default | starts.STARTS[trial.start] and run.seed == trial.seed
        assert run.sigma == 25
    assert len({params.fingerprint(trial.name) for trial in starts.trials()}) == len(starts.trials())


@pytest.mark.slow
def test_no_validation_image_is_trained_on_or_belongs_to_a_test_set(tmp_path):
    starts.prepare_training_set(tmp_path)
    trained = {path.name for path in image_paths(tmp_path / IMAGES, "embedded-train")}
    everything = {file.file for member in COMPOSITES["embedded-train"] for file in registered_files()[member]}
    assert trained == everything - {*starts.HELD_OUT, *starts.DROPPED} and len(trained) == len(everything) - 5
    assert not set(starts.HELD_OUT) & {file.file for file in registered_files()["photos-test"]}

    images = list(starts.validation_images(tmp_path))
    assert len(images) == len(starts.HELD_OUT) + starts.LEAVES
    leaves = [pixels for _, pixels in load_set(tmp_path / IMAGES, "leaves-train", 1)]
    for image in images:
        assert image.clean.shape == (starts.SIDE, starts.SIDE, 1) and image.clean.std() > 20
        assert not any(np.array_equal(image.clean, pixels[: starts.SIDE, : starts.SIDE]) for pixels in leaves)


def table(gains: dict[str, float], spread: float = 0.1) -> pd.DataFrame:
    """Scores of FDnCNN and its WNE: the gain of WNE from each start, more by `spread` in the second seed."""
    rows = [
        {"backbone": "fdncnn", "variant": variant, "start": start, "seed": seed, "image": image, "sigma": 25,
         "psnr": 30 + offset + (gain + spread * seed if variant == "wne" else 0)}
        for start, gain in gains.items()
        for variant in ("baseline", "wne")
        for seed in (0, 1)
        for image, offset in (("a", -1), ("b", 1))
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("published", "verdict"),
    [
        (3.0, "1 of 1 comparisons have the same sign from both starts."),
        (-3.0, "0 of 1 comparisons have the same sign from both starts. Reversed: (FDnCNN, WNE) minus FDnCNN."),
        (-0.05, "0 of 1 comparisons have the same sign from both starts. Of either sign over the seeds: (FDnCNN, WNE)"),
    ],
)
def test_the_page_says_what_the_numbers_say(published, verdict):
    page = starts_page.page(table({"near_identity": 1.0, "published": published}), "torch 0, CPU")
    assert f"At sigma 25, {verdict}" in page
    change = published - 1
    assert f"The published start changes (FDnCNN, WNE) minus FDnCNN most, by {change:+.2f} dB." in page
    assert "mean over 2 validation images" in page and "over\n2 seeds" in page
    assert f"| FDnCNN, WNE | 31.05 (0.05) | {30.05 + published:.2f} (0.05) | {change:+.2f} (0.00) |" in page
    assert (
        f"| (FDnCNN, WNE) minus FDnCNN | +1.05 (0.05) | {published + 0.05:+.2f} (0.05) | {change:+.2f} (0.00) |" in page
    )
    assert "Stochastic depth" not in page


def test_the_committed_page_follows_from_the_committed_scores():
    scores, page = pd.read_csv(starts.SCORES), starts.PAGE.read_text()
    assert len(scores) == len(starts.trials()) * len(starts.SIGMAS) * (len(starts.HELD_OUT) + starts.LEAVES)
    versions = page.split("starts`: ")[1].split(" -->")[0]
    assert page == starts_page.page(scores, versions)


def test_scores_are_appended_and_a_trial_is_done_when_its_fingerprint_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(starts, "SCORES", tmp_path / "starts.csv")
    params, (first, second, *_) = starts.parameters(), starts.trials()
    assert not starts.is_done(params, first)
    for trial in (first, second):
        starts.append([{"start": trial.start, "fingerprint": params.fingerprint(trial.name)}], starts.SCORES)
        assert starts.is_done(params, trial)
    assert len(pd.read_csv(starts.SCORES)) == 2
