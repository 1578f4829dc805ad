"""What must be there before anything is collected: every reported run and analysis, current and whole."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.experiments.analysis import analysis_problem
from replication.results.corpus import difficulty_file, leakage_file
from replication.results.runs import KINDS, RunResults, kinds_of
from replication.results.summary import CollectError, read_json
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths

_RUN_COMMANDS = {
    "not trained": "replicate train RUN && replicate evaluate RUN",
    "trained with other parameters": "replicate train RUN && replicate evaluate RUN",
    "not evaluated": "replicate evaluate RUN",
    "evaluated with other parameters": "replicate evaluate RUN",
}
_ANALYSIS_COMMANDS = {
    "filters": "replicate filters",
    "errors": "replicate errors",
    "samplers": "replicate sample",
    "controls": "replicate controls",
}


def refuse_missing(params: Params, paths: ProfilePaths) -> None:
    """One error with everything that is missing or stale, each with its command."""
    found: dict[str, list[str]] = {}  # "what is wrong (what to do)" -> names
    for name in params.reported_runs:
        if problem := _problem_of_run(params, paths, name):
            found.setdefault(f"{problem} ({_RUN_COMMANDS[problem]})", []).append(name)
    for section in ANALYSES:
        for name in params.reported(section):
            if problem := analysis_problem(params, paths, section, name):
                found.setdefault(f"{section} {problem} ({_ANALYSIS_COMMANDS[section]} NAME)", []).append(name)
    if not ((paths.timing / "samples.csv").is_file() and (paths.timing / "environment.json").is_file()):
        found["not timed (replicate timing)"] = list(params.timing.families)
    if unaudited := [name for name in params.leakage if not leakage_file(paths, name).is_file()]:
        found["not audited (replicate audit TRAIN_SET)"] = unaudited
    if unmeasured := [name for name in params.difficulty if not difficulty_file(paths, name).is_file()]:
        found["difficulty not measured (replicate difficulty TRAIN_SET)"] = unmeasured
    if found:
        parts = [f"{problem}: {', '.join(names)}" for problem, names in found.items()]
        raise CollectError(f"{paths.results}: {'; '.join(parts)}; all of it: dvc repro")


def _problem_of_run(params: Params, paths: ProfilePaths, name: str) -> str | None:
    training, evaluation = paths.training, paths.evaluated(params, name)
    made = (training / f"{name}.csv", training / f"{name}.json", paths.cost / f"{name}.json")
    if not all(file.is_file() for file in made):
        return "not trained"
    if read_json(training / f"{name}.json").get("fingerprint") != params.fingerprint(name):
        return "trained with other parameters"
    files = [*(f"{kind}.csv" for kind in kinds_of(params, name)), "defect.csv", "run.json"]
    if not all((evaluation / file).is_file() for file in files):
        return "not evaluated"
    if read_json(evaluation / "run.json").get("fingerprint") != params.fingerprint(name):
        return "evaluated with other parameters"
    return None


def refuse_gaps(params: Params, results: dict[str, RunResults]) -> None:
    """Every run has every (image, draw, level) of its test sets, once, and all runs the same images."""
    images: dict[str, set[str]] = {}
    for result in results.values():
        for rows in result.quality.values():
            for test_set, part in rows.groupby("test_set"):
                images.setdefault(test_set, set()).update(part["image"])
    for name, result in results.items():
        for kind, rows in result.quality.items():
            _refuse_gaps_of_run(params, name, kind, rows, images)


def _refuse_gaps_of_run(params: Params, name: str, kind: str, rows: pd.DataFrame, images: dict[str, set[str]]) -> None:
    remedy = f"evaluate it again: replicate evaluate {name}"
    task, column = params.tasks[params.runs[name].task], KINDS[kind][0]
    test_sets = task.test_sets if kind == "psnr" else task.test_sets[:1] if kind == "jpeg" else task.test_sets
    wanted = {
        (test_set, image, draw, level)
        for test_set in test_sets
        for image in images.get(test_set, {"any image"})
        for draw in range(params.test_sets[test_set].draws if kind == "psnr" else 1)
        for level in _levels(params, name, kind, test_set)
    }
    draws = rows["draw"] if "draw" in rows else pd.Series(0, index=rows.index)
    levels = rows[column].astype(float).round(6) if column else pd.Series(0.0, index=rows.index)
    cells = list(zip(rows["test_set"], rows["image"], draws, levels))
    what = "the noise sweep" if kind == "psnr" else f"{kind}.csv"
    if missing := sorted(wanted - set(cells)):
        raise CollectError(
            f"{name}: {len(missing)} of {len(wanted)} rows of {what} are missing, "
            f"the first: {_cell(missing[0], column)}; {remedy}"
        )
    if surplus := sorted(set(cells) - wanted):
        raise CollectError(
            f"{name}: {len(surplus)} rows of {what} are not in params, the first: {_cell(surplus[0], column)}; {remedy}"
        )
    if len(cells) > len(wanted):
        raise CollectError(f"{name}: {len(cells) - len(wanted)} rows of {what} are there twice; {remedy}")
    if not np.isfinite(rows[[*KINDS[kind][1], *KINDS[kind][2]]].to_numpy()).all():
        raise CollectError(f"{name}: {kind}.csv has values that are not finite; {remedy}")


def _levels(params: Params, name: str, kind: str, test_set: str) -> list[float]:
    if kind == "psnr":
        return params.sweep(name, test_set)
    return [float(q) for q in params.test_sets[test_set].qualities] if kind == "jpeg" else [0.0]


def _cell(cell: tuple, column: str | None) -> str:
    test_set, image, draw, level = cell
    place = {"sigma_test": f", sigma {level:g}", "quality": f", quality {level:g}", None: ""}[column]
    return f"{test_set}/{image}, draw {draw}{place}"
