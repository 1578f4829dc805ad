"""How a budget is divided. A family is the runs of one recipe: they are compared, so all have the same number of steps.

share of a family = time left * its runs / runs left
sum over its runs (start + steps * step + evaluation) <= (1 - MARGIN) share,   steps <= those of the recipe
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from replication.study.params import ParameterError, Params
from replication.study.params.names import check_known

MARGIN = 0.05  # of a share: what a trial of some seconds does not see
FEWEST = 20  # steps below which nothing is worth a start
_ENDING = ("one_cycle", "cosine")


class Trial(NamedTuple):
    """Seconds of one run: of a step, before its first step, and of its evaluation."""

    step: float
    start: float
    evaluation: float


def families(params: Params, only: Collection[str] = ()) -> dict[str, list[str]]:
    """Recipe -> its runs, both in the order of the file, the most important first. `only`: these recipes, all when empty.

    Raises:
        ParameterError: no such recipe, or a schedule that does not end at a rate of about 0 after any number of steps.
    """
    found: dict[str, list[str]] = {}
    for name, run in params.runs.items():
        found.setdefault(run.recipe, []).append(name)
    try:
        for recipe in only:
            check_known("family", recipe, found)
    except ValueError as error:
        raise ParameterError(f"{params.params_file}: {error}") from None
    chosen = {recipe: runs for recipe, runs in found.items() if not only or recipe in only}
    for recipe in chosen:
        if (schedule := params.recipes[recipe].schedule) not in _ENDING:
            raise ParameterError(
                f"{params.params_file}: recipes.{recipe}.schedule: {schedule} does not end with a budget; "
                f"use {' or '.join(_ENDING)}, or name other families"
            )
    return chosen


def share(seconds: float, runs: int, runs_left: int) -> float:
    """What a family of so many runs gets of the seconds left."""
    return seconds * runs / runs_left


def steps_within(seconds: float, trials: Collection[Trial], most: int) -> int:
    """The steps of each run of a family, at most `most`; 0 where not even FEWEST fit into `seconds`."""
    fixed = sum(trial.start + trial.evaluation for trial in trials) + max(trial.start for trial in trials)
    steps = int(((1 - MARGIN) * seconds - fixed) / sum(trial.step for trial in trials))
    return 0 if steps < min(FEWEST, most) else min(steps, most)
