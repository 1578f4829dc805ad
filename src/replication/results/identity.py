"""Which run a row belongs to, and which run it is compared with."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from replication.study.params import Params, Run

IDENTITY = ("run", "group", "task", "objective", "channels", "model", "backbone", "variant", "sigma_train", "recipe",
            "train_set", "seed")  # fmt: skip


def sigma_text(run: Run) -> str:
    """sigma_train for tables and labels: "25", "0-55" for a range, "real" for sensor noise."""
    if run.sigma is None:
        return "real"
    return "-".join(f"{sigma:g}" for sigma in dict.fromkeys(run.sigma_range))


def identity(params: Params, name: str) -> dict[str, object]:
    """The columns IDENTITY of a run."""
    run, task = params.runs[name], params.tasks[params.runs[name].task]
    facts = (name, run.group, run.task, task.objective, task.channels, run.model, params.models[run.model].backbone,
             run.variant, sigma_text(run), run.recipe, run.train_set, run.seed)  # fmt: skip
    return dict(zip(IDENTITY, facts))


def identities(params: Params, names: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame([identity(params, name) for name in names], columns=list(IDENTITY))


def baseline_of(params: Params, name: str) -> str | None:
    """The run to compare with: variant `baseline` of the same group, task, sigma_train and degradation.

    Where a group has several, the one that shares most of model, recipe, seed and training set, in this order of
    weight: a baseline of another length would mislead more than one of another seed. So the architectural variants of
    FDnCNN meet the DnCNN baseline in the core group, as in Table 1, and the FDnCNN baseline where there is one.
    """
    run = params.runs[name]
    if run.variant == "baseline":
        return None
    candidates = [
        key for key, other in params.runs.items() if other.variant == "baseline" and _setting(other) == _setting(run)
    ]
    return max(candidates, key=lambda key: likeness(run, params.runs[key], "model", "recipe", "seed", "train_set"),
               default=None)  # fmt: skip


def _setting(run: Run) -> tuple[object, ...]:
    return run.group, run.task, run.sigma, run.degradation


def likeness(run: Run, other: Run, *traits: str) -> list[bool]:
    """For comparing two candidates by the traits they share with a run, the first trait weighs most."""
    return [getattr(run, trait) == getattr(other, trait) for trait in traits]
