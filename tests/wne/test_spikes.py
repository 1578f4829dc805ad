"""The page on the loss's jump follows from its numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks import spikes


@pytest.mark.parametrize("trial", spikes.TRIALS, ids=lambda trial: trial.change)
def test_a_trial_changes_what_it_says_alone(trial):
    params = spikes.parameters(trial)
    base, run = params.runs[spikes.BASE], params.runs["trial"]
    assert run.model_dump(exclude={"recipe", "seed"}) == base.model_dump(exclude={"recipe", "seed"})
    ours, theirs = params.recipes[run.recipe], params.recipes[base.recipe]
    assert ours.model_dump(exclude={"optimizer", "lr"}) == theirs.model_dump(exclude={"optimizer", "lr"})
    assert (run.seed, ours.optimizer, ours.lr) == (trial.seed, trial.optimizer, trial.rate)


def test_the_committed_page_follows_from_the_committed_scores():
    table, committed = pd.read_csv(spikes.SCORES), spikes.PAGE.read_text()
    assert list(table["change"]) == [trial.change for trial in spikes.TRIALS]
    versions = committed.split("benchmarks.spikes`: ")[1].split(" -->")[0]
    assert committed == spikes.page(table, versions)
