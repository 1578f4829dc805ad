"""The table of optimizers and rates of the default profile: its page follows its numbers."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from benchmarks import rates

ROWS = {  # (run, optimizer, rate) -> PSNR
    ("dncnn-wne-s25", "adam", 4e-3): 26.0, ("swinir-wne-s25", "adam", 5e-3): 27.0,
    ("dncnn-wne-s25", "muon", 3e-3): 26.5, ("swinir-wne-s25", "muon", 3e-3): 26.8,
    ("dncnn-wne-s25", "muon", 6e-3): 26.4, ("swinir-wne-s25", "muon", 6e-3): 26.9,
    ("dncnn-wne-s25", "muon", 1.2e-2): 27.0, ("swinir-wne-s25", "muon", 1.2e-2): math.nan,
}  # fmt: skip


def test_the_page_says_what_the_numbers_say():
    table = pd.DataFrame(
        {"base": base, "optimizer": optimizer, "rate": rate, "image": "a", "sigma": 25.0, "psnr": psnr}
        for (base, optimizer, rate), psnr in ROWS.items()
    )
    page = rates.page(table, "torch 0, CPU")
    assert (
        "- `cnn`: Muon at 0.012 (Muon over Adam, mean: +0.50 dB at 0.003, +0.40 dB at 0.006, +1.00 dB at 0.012)."
        in page
    )
    assert "- `swin`: Adam (Muon over Adam, mean: -0.20 dB at 0.003, -0.10 dB at 0.006, -inf dB at 0.012)." in page
    assert "| DnCNN WNE | 26.00 | 26.50 | 26.40 | 27.00 |" in page
    assert "| SwinIR WNE | 27.00 | 26.80 | 26.90 | nan |" in page


def test_the_committed_page_follows_from_the_committed_scores_and_the_profile_takes_its_rate():
    table, (params, trials) = pd.read_csv(rates.SCORES), rates.parameters()
    assert set(table["fingerprint"]) == {params.fingerprint(trial.name) for trial in trials}
    committed = rates.PAGE.read_text()
    versions = committed.split("benchmarks.rates`: ")[1].split(" -->")[0]
    assert committed == rates.page(table, versions)
    for name, gains in rates.choices(table).iterrows():
        recipe = params.recipes[name]
        chosen = ("muon", gains.idxmax()) if gains.max() > 0 else ("adam", rates.ADAM[name])
        assert (recipe.optimizer, recipe.lr) == chosen


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_trials_change_the_optimizer_alone(optimizer):
    params, trials = rates.parameters()
    for trial in (trial for trial in trials if trial.optimizer == optimizer):
        run, base = params.runs[trial.name], params.runs[trial.base]
        assert run.model_dump(exclude={"recipe"}) == base.model_dump(exclude={"recipe"})
        changed = {"optimizer", "lr"}
        recipes = (params.recipes[one.recipe].model_dump(exclude=changed) for one in (run, base))
        assert len({str(recipe) for recipe in recipes}) == 1
