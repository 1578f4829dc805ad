"""Which runs a figure draws, and their rows of the collected tables: by group, never by the name of a model.

What is missing is an error with its names: a figure is never drawn from a part of what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from replication.results.summary import CollectError
from replication.study.params import Params


def main_runs(params: Params, group: str) -> list[str]:
    """The runs of a group, the first of each (task, model, variant, sigma): others repeat it, with another seed say."""
    first: dict[tuple, str] = {}
    for name in params.runs_of(group):
        run = params.runs[name]
        first.setdefault((run.task, run.model, run.variant, run.sigma), name)
    return list(first.values())


def single_noise(params: Params, names: Iterable[str]) -> list[str]:
    """Those trained at one noise level."""
    return [name for name in names if isinstance(params.runs[name].sigma, (int, float))]


def levels(params: Params, names: Iterable[str]) -> list[float]:
    """The noise levels at which runs of `single_noise` were trained, 8-bit units, rising."""
    return sorted({float(params.runs[name].sigma) for name in names})


def at_level(params: Params, names: Iterable[str], sigma: float) -> list[str]:
    """The runs of `single_noise` trained at that noise level."""
    return [name for name in names if params.runs[name].sigma == sigma]


def find_run(params: Params, group: str, variant: str, *, sigma: float | str) -> str:
    """The main supervised run of a group with this variant and sigma_train, or "range" for a range of noise levels."""
    for name in main_runs(params, group):
        run = params.runs[name]
        fits = isinstance(run.sigma, tuple) if sigma == "range" else run.sigma == sigma
        if fits and run.variant == variant and params.tasks[run.task].objective == "supervised":
            return name
    trained = "a range of noise levels" if sigma == "range" else f"sigma {sigma:g}"
    raise CollectError(
        f"{params.params_file}: the group {group} has no supervised run of the variant {variant} trained at "
        f"{trained}; add it, or do not report the groups of this figure"
    )


def rows_of(params: Params, table: pd.DataFrame, names: Iterable[str], what: str) -> dict[str, pd.DataFrame]:
    """Run -> its rows on the first test set of its task, in the order of the table. what: they hold, for the error."""
    found = {}
    for name in names:
        first = params.tasks[params.runs[name].task].test_sets[0]
        found[name] = table[(table["run"] == name) & (table["test_set"] == first)]
    require(found, what)
    return found


def require(rows: dict[str, pd.DataFrame | None], what: str) -> None:
    """
    Raises:
        CollectError: runs without rows, by name.
    """
    if missing := [name for name, part in rows.items() if part is None or part.empty]:
        raise CollectError(f"the summary has no {what} of {', '.join(missing)}; make it with: replicate collect")


def on_papers_images(params: Params, names: Iterable[str], images: str = "set12") -> bool:
    """Whether the first test set of the runs has the images of the paper's figure, whole."""
    tested = [params.test_sets[params.tasks[params.runs[name].task].test_sets[0]] for name in names]
    return all(test_set.images == images and test_set.crop is None for test_set in tested)
