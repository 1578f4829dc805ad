"""Which runs are compared beside each run and its baseline.

| run | against |
|---|---|
| WNE | the architectural variants of its backbone, for DnCNN those of FDnCNN in its group; one of each (C4, C16) |
| without a baseline of its own model in its group | that of this model and sigma_train elsewhere (Table 7, C10) |
| baseline trained on a range of noise or with another objective | supervised baselines of its model (C11) |

A run on a range of noise meets the baselines of all single levels, any other run that of its own level.
"""

from __future__ import annotations

from collections.abc import Sequence

from replication.results.identity import baseline_of, likeness
from replication.study.params import Params, Run

_STAND_IN = {"dncnn": "fdncnn"}  # BatchNorm has no equivariant form, so Table 1 and Fig. 3 have FDnCNN's beside DnCNN


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

    def backbone_of(run: Run) -> str:
        return params.models[run.model].backbone

    found: dict[str, list[str]] = {}
    for key in runs:
        other = params.runs[key]
        same_backbone = backbone_of(other) == backbone_of(run)
        stands_in = other.group == run.group and backbone_of(other) == _STAND_IN.get(backbone_of(run))
        same = (other.task, other.sigma, other.degradation) == (run.task, run.sigma, run.degradation)
        if other.variant in ("se_arch", "ne_arch") and same and (same_backbone or stands_in):
            found.setdefault(other.variant, []).append(key)
    return [_nearest(params, run, names) for names in found.values()]


def _baselines(params: Params, name: str, runs: list[str]) -> list[str]:
    """The supervised baselines of the model, one for each level: that which shares most of recipe, data and seed."""
    run, own = params.runs[name], baseline_of(params, name)
    if run.variant == "baseline" and _is_plain(params, run):
        return []
    if own is not None and params.runs[own].model == run.model:
        return []  # a gain over the baseline already
    found: dict[object, list[str]] = {}
    for key in runs:
        other = params.runs[key]
        is_baseline = (other.variant, other.model) == ("baseline", run.model) and _is_plain(params, other)
        same_level = isinstance(run.sigma, tuple) or run.sigma == other.sigma
        if is_baseline and same_level and _problem(params, run) == _problem(params, other):
            found.setdefault(other.sigma, []).append(key)
    return [_nearest(params, run, names) for names in found.values()]


def _nearest(params: Params, run: Run, names: list[str]) -> str:
    """That which shares most of model, recipe, data and seed."""
    return max(names, key=lambda key: likeness(run, params.runs[key], "model", "recipe", "train_set", "seed"))


def _is_plain(params: Params, run: Run) -> bool:
    """Trained with clean targets at one level."""
    return params.tasks[run.task].objective == "supervised" and isinstance(run.sigma, (int, float))


def _problem(params: Params, run: Run) -> tuple[str, int, str]:
    task = params.tasks[run.task]
    return task.noise, task.channels, run.degradation
