"""The record table of training recipes: its schedule, its images, and that its page follows its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import recipe, recipe_images, recipe_page, recipe_train
from benchmarks.recipe_train import Trial, schedule_factor
from replication.data.noise import TestImage, noise_field
from replication.data.registry import DataError, registered_files


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_the_rate_climbs_in_the_warm_up_and_falls_to_zero(schedule):
    trial = Trial("x", steps=100, warm_up=0.1, schedule=schedule)
    factors = [schedule_factor(trial, step) for step in range(100)]
    assert factors[9] == factors[10] == 1 and np.argmax(factors) == 9
    assert np.all(np.diff(factors[:10]) > 0) and np.all(np.diff(factors[10:]) < 0) and factors[-1] < 0.02


def images(count: int, side: int) -> list[TestImage]:
    ramp = np.linspace(40, 200, side, dtype=np.uint8)[:, None, None].repeat(side, 1)
    return [
        TestImage(str(i), ramp, {"gaussian": noise_field("gaussian", ramp.shape, "test", i)[None]})
        for i in range(count)
    ]


@pytest.mark.parametrize("trial", [
    Trial("Adam", steps=6, batch=2, patch=16),
    Trial("Muon", optimizer="muon", rate=1e-2, steps=6, batch=2, patch=16, average=0.5, clip=1.0, small=0.5),
])  # fmt: skip
def test_a_trial_gives_a_row_and_the_same_one_again(trial, monkeypatch):
    monkeypatch.setitem(recipe_train.SIZES, "dncnn", {"depth": 3, "width": 8})
    training, validation = [image.clean for image in images(1, 24)], images(2, 16)
    first, again = (recipe_train.row(trial, training, validation) for _ in range(2))
    psnrs = [key for key in first if key.startswith("psnr")]
    assert psnrs == ["psnr_25", "psnr_5", "psnr_100"] and set(recipe.KEY) <= set(first)
    assert [first[key] for key in psnrs] == [again[key] for key in psnrs] and "nan" not in map(first.get, psnrs)


def test_a_trial_that_diverges_has_no_score(monkeypatch):
    monkeypatch.setitem(recipe_train.SIZES, "fdncnn", {"depth": 3, "width": 8})
    trial = Trial("x", variant="fdncnn-baseline", rate=1e30, steps=20, batch=2, patch=16, warm_up=0)
    assert recipe_train.row(trial, [i.clean for i in images(1, 24)], images(1, 16))["psnr_25"] == "nan"


def test_no_validation_image_is_trained_on_or_belongs_to_a_test_set(tmp_path, monkeypatch):
    tested = [Path(file.file).stem for file in registered_files()["cbsd68"]]
    assert len(tested) == len(registered_files()["bsd68"]) == 68  # the same images, BSD68 under other names
    folder = tmp_path / "BSDS500/val"
    folder.mkdir(parents=True)
    monkeypatch.setenv("WNE_DATA_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match=r"32 validation images are needed .* 0 are there: set WNE_DATA_MIRROR"):
        recipe_images.validation_files()
    for number in [*tested, *range(1, 41)]:
        (folder / f"{number}.jpg").touch()
    assert [file.stem for file in recipe_images.validation_files()] == [str(number) for number in range(1, 33)]


def test_trials_differ_and_a_trial_is_done_when_its_row_is_there(tmp_path, monkeypatch):
    keys = [tuple(getattr(trial, name) for name in recipe.KEY) for trial in recipe.trials()]
    assert len(set(keys)) == len(keys)
    monkeypatch.setattr(recipe, "SCORES", tmp_path / "recipe.csv")
    first, second, *_ = recipe.trials()
    for trial in (first, second):
        assert not recipe.is_done(trial)
        recipe.append({name: getattr(trial, name) for name in recipe.KEY})
        assert recipe.is_done(trial)


def scores(psnrs: dict[tuple[str, str, float], float], steps: int = 200) -> pd.DataFrame:
    """Rows of recipe.csv by variant, change and rate."""
    facts = {"optimizer": "", "steps": steps, "batch": 16, "patch": 48, "seed": 0, "seconds": 90.0, "load": 1.0}
    return pd.DataFrame(
        {"change": change, "variant": variant, "rate": rate, **facts, "psnr_25": psnr, "psnr_5": 30.0, "psnr_100": 20.0}
        for (variant, change, rate), psnr in psnrs.items()
    )


def test_the_page_says_what_the_numbers_say():
    table = scores({
        ("dncnn-wne", "Adam", 2e-3): 26.0, ("fdncnn-ne_arch", "Adam", 2e-3): 5.0, ("fdncnn-wne", "Adam", 2e-3): 25.0,
        ("dncnn-wne", "Muon", 3e-3): 26.5, ("fdncnn-ne_arch", "Muon", 3e-3): 26.8, ("fdncnn-wne", "Muon", 3e-3): 26.2,
        ("dncnn-wne", "Muon", 1e-2): 26.7, ("fdncnn-ne_arch", "Muon", 1e-2): np.nan, ("fdncnn-wne", "Muon", 1e-2): 24.0,
    })  # fmt: skip
    long = scores({("dncnn-wne", "Muon, longer", 3e-3): 28.0}, steps=1400)
    page = recipe_page.page(pd.concat([table, long]), "torch 0, CPU", ["Muon, something else, rate 0.01"])
    assert "- DnCNN with WNE, 200 steps: 26.70 dB with Muon, rate 0.01, 26.00 dB with Adam." in page
    assert (
        "- Muon at 0.003 trains the 3 variants tried with it (of 8), +0.50 to +1.20 dB against Adam; Adam fails on FDnCNN, NE-arch"
        in page
    )
    assert "FDnCNN, WNE at 0.01 (-2.20 dB from its best rate), FDnCNN, NE-arch at 0.01 (diverged)." in page
    assert "- The longest schedule, 1400 steps in 1.5 minutes: 28.00 dB at sigma 25" in page
    assert "| FDnCNN, NE-arch | 200 | 0.45 | 5.00 (failed) | 26.80 | diverged |" in page
    assert page.index("| Muon | 0.01 |") < page.index("| Muon | 0.003 |") < page.index("| Adam | 0.002 |")
    assert page.endswith("Not run: 1 of the trials in benchmarks/recipe.py.\n")


def test_the_committed_page_follows_from_the_committed_scores():
    page = recipe.PAGE.read_text()
    versions = page.split("recipe`: ")[1].split(" -->")[0]
    scores = pd.read_csv(recipe.SCORES)
    assert page == recipe_page.page(scores, versions, recipe.pending())
    assert {variant for variant in scores["variant"]} <= set(recipe_page.NAMES)
