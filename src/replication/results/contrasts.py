"""Differences between runs that `paired` does not compare: mean over images, on the same images and noise.

| run | against |
|---|---|
| wrapped | the architectural variants that share its baseline or its model (C4, C16) |
| without a baseline of its own model in its group | that of this model and sigma_train elsewhere (Table 7, C10) |
| bare, trained on a range of noise or with another objective | supervised baselines of its model (C11) |

A run on a range of noise meets the baselines of all single levels, any other run that of its own level.
"""

from __future__ import annotations

import pandas as pd

from replication.results.identity import baseline_of, identity
from replication.results.runs import RunResults, image_means
from replication.results.statistics import mean_interval
from replication.study.params import Params, Run

_METRICS = ("psnr", "ssim")
_ENDS = ("", "_low", "_high")


def contrast_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """One row for each pair, test set and sigma_test that both have.

    Columns: the identity of the run, `against` (the other run) and `against_variant`, test_set, noise,
    sigma_test, n images, psnr_gain (dB) and ssim_gain of the run over the other one, each with _low and _high.
    """
    rows = []
    for name, other in contrast_pairs(params):
        pair = [image_means(results[run].quality["psnr"], "psnr") for run in (name, other)]
        head = identity(params, name) | {"against": other, "against_variant": params.runs[other].variant}
        noise = params.tasks[params.runs[name].task].noise
        for test_set in params.tasks[params.runs[name].task].test_sets:
            if test_set in pair[1].index.get_level_values("test_set"):
                frames = [frame.loc[test_set, list(_METRICS)] for frame in pair]
                rows += [
                    head | {"test_set": test_set, "noise": noise} | row for row in _differences(*frames, params=params)
                ]
    gains = [f"{metric}_gain{end}" for metric in _METRICS for end in _ENDS]
    columns = [*identity(params, next(iter(params.runs))), "against", "against_variant", "test_set", "noise"]
    return pd.DataFrame(rows, columns=[*columns, "sigma_test", "n", *gains])


def contrast_pairs(params: Params) -> list[tuple[str, str]]:
    """(run, run compared with), both reported, in the order of params."""
    runs = [name for name, run in params.reported_runs.items() if params.tasks[run.task].noise != "real"]
    return [
        (name, other) for name in runs for other in (*_architectural(params, name, runs), *_bare(params, name, runs))
    ]


def _architectural(params: Params, name: str, runs: list[str]) -> list[str]:
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


def _bare(params: Params, name: str, runs: list[str]) -> list[str]:
    """The supervised baselines of the model, one for each level: that which shares most of recipe, data and seed."""
    run, own = params.runs[name], baseline_of(params, name)
    if run.variant == "baseline" and _is_plain(params, run):
        return []
    if run.variant != "baseline" and own is not None and params.runs[own].model == run.model:
        return []  # `paired` has it
    best: dict[object, str] = {}
    for other in runs:
        against = params.runs[other]
        if against.variant == "baseline" and _is_plain(params, against) and _same_problem(params, run, against):
            likeness = _likeness(run, against)
            if against.sigma not in best or likeness > _likeness(run, params.runs[best[against.sigma]]):
                best[against.sigma] = other
    return [other for sigma, other in best.items() if isinstance(run.sigma, tuple) or sigma == run.sigma]


def _is_plain(params: Params, run: Run) -> bool:
    """Trained with clean targets at one level."""
    return params.tasks[run.task].objective == "supervised" and isinstance(run.sigma, (int, float))


def _same_problem(params: Params, run: Run, other: Run) -> bool:
    tasks = params.tasks[run.task], params.tasks[other.task]
    return run.model == other.model and len({(task.noise, task.channels) for task in tasks}) == 1


def _likeness(run: Run, other: Run) -> list[bool]:
    return [getattr(run, trait) == getattr(other, trait) for trait in ("recipe", "train_set", "seed")]


def _differences(ours: pd.DataFrame, theirs: pd.DataFrame, params: Params) -> list[dict[str, float]]:
    """Frames with the index (level, image): one row for each level in both, over the images in both."""
    difference = (ours - theirs).dropna()
    rows = []
    for level, part in difference.groupby("level"):
        estimate = mean_interval(part.to_numpy(), params.statistics)
        row = {"sigma_test": level, "n": len(part)}
        for index, metric in enumerate(_METRICS):
            row |= {f"{metric}_gain{end}": column[index] for end, column in zip(_ENDS, estimate)}
        rows.append(row)
    return rows
