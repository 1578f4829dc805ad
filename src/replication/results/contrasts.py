"""Which runs are compared beside each run and its baseline.

| run | against |
|---|---|
| WNE | the architectural variants that share its baseline or its model (C4, C16) |
| without a baseline of its own model in its group | that of this model and sigma_train elsewhere (Table 7, C10) |
| baseline trained on a range of noise or with another objective | supervised baselines of its model (C11) |

A run on a range of noise meets the baselines of all single levels, any other run that of its own level.
"""

from __future__ import annotations

from collections.abc import Sequence

from replication.results.identity import baseline_of, likeness
from replication.study.params import Params, Run


def contrast_pairs(params: Params, among: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """(run, run compared with), both reported, in the order of params; `among`: of these runs alone."""
    runs = [
        name
        for name, run in params.reported_runs.items()
        if params.tasks[run.task].noise != "real" and (among is None or name in among)
    ]
    return [
        (name, other)
        for name in runs
        for other in (*_architectures(params, name, runs), *_baselines(params, name, runs))
    ]


def _architectures(params: Params, name: str, runs: list[str]) -> list[str]:
    run = params.runs[name]
    if run.variant != "wne":
        return []
    return [
        other
        for other in runs
        if params.runs[other].variant in ("se_arch", "ne_arch")
        and (params.runs[other].task, params.runs[other].sigma) == (run.task, run.sigma)
        and (params.runs[other].model == run.model or baseline_of(params, other) == baseline_of(params, name))
    ]


def _baselines(params: Params, name: str, runs: list[str]) -> list[str]:
    """The supervised baselines of the model, one for each level: that which shares most of recipe, data and seed."""
    run, own = params.runs[name], baseline_of(params, name)
    if run.variant == "baseline" and _is_plain(params, run):
        return []
    if own is not None and params.runs[own].model == run.model:
        return []  # a gain over the baseline already
    found: dict[object, list[str]] = {}
    for other in runs:
        against = params.runs[other]
        if against.variant == "baseline" and _is_plain(params, against) and _same_problem(params, run, against):
            found.setdefault(against.sigma, []).append(other)
    best = {
        sigma: max(names, key=lambda other: likeness(run, params.runs[other], "recipe", "train_set", "seed"))
        for sigma, names in found.items()
    }
    return [other for sigma, other in best.items() if isinstance(run.sigma, tuple) or sigma == run.sigma]


def _is_plain(params: Params, run: Run) -> bool:
    """Trained with clean targets at one level."""
    return params.tasks[run.task].objective == "supervised" and isinstance(run.sigma, (int, float))


def _same_problem(params: Params, run: Run, other: Run) -> bool:
    tasks = params.tasks[run.task], params.tasks[other.task]
    return run.model == other.model and len({(task.noise, task.channels) for task in tasks}) == 1
