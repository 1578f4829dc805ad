"""What must be there before anything is collected: every reported run and analysis, current and whole."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.files import CollectError, read_json
from replication.results.registry import SECTIONS, item_problem, items, timing_files
from replication.results.runs import KINDS, RunResults, run_files
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_EVALUATE = "python -m replication evaluate RUN"
_TRAIN = f"python -m replication train RUN && {_EVALUATE}"


def refuse_missing(params: Params, paths: ProfilePaths) -> None:
    """One error with everything that is missing or stale, each with its command."""
    found: dict[str, list[str]] = {}  # "what is wrong (what to do)" -> names
    for name in params.reported_runs:
        if problem := _problem_of_run(params, paths, name):
            found.setdefault(problem, []).append(name)
    for section, (command, *_) in SECTIONS.items():
        for name in items(params, section):
            if problem := item_problem(params, paths, section, name):
                found.setdefault(f"{section} {problem} (python -m replication {command} NAME)", []).append(name)
    if not all(file.is_file() for file in timing_files(paths)):
        found["not timed (python -m replication timing)"] = list(params.timing.families)
    if found:
        parts = [f"{problem}: {', '.join(names)}" for problem, names in found.items()]
        raise CollectError(f"{paths.results}: {'; '.join(parts)}; all of it: dvc repro")


def _problem_of_run(params: Params, paths: ProfilePaths, name: str) -> str | None:
    for files, done, command in zip(run_files(params, paths, name), ("trained", "evaluated"), (_TRAIN, _EVALUATE)):
        if not all(file.is_file() for file in files):
            return f"not {done} ({command})"
        facts = next(file for file in files if file.suffix == ".json")
        if read_json(facts).get("fingerprint") != params.fingerprint(name):
            return f"{done} with other parameters ({command})"
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
            if problem := _gaps(params, name, kind, rows, images):
                raise CollectError(
                    f"{name}: {kind}.csv {problem}; evaluate it again: python -m replication evaluate {name}"
                )


def _gaps(params: Params, name: str, kind: str, rows: pd.DataFrame, images: dict[str, set[str]]) -> str | None:
    column, scores = KINDS[kind]
    test_sets = params.tasks[params.runs[name].task].test_sets
    wanted = {
        (test_set, image, draw, level)
        for test_set in (test_sets[:1] if kind == "jpeg" else test_sets)
        for image in images.get(test_set, {"any image"})
        for draw in range(params.test_sets[test_set].draws if kind == "psnr" else 1)
        for level in _levels(params, name, kind, test_set)
    }
    draws = rows["draw"] if "draw" in rows else pd.Series(0, index=rows.index)
    levels = rows[column].astype(float).round(6) if column else pd.Series(0.0, index=rows.index)
    cells = list(zip(rows["test_set"], rows["image"], draws, levels))
    if missing := sorted(wanted - set(cells)):
        return f"lacks {len(missing)} of {len(wanted)} rows, the first: {_cell(missing[0], column)}"
    if surplus := sorted(set(cells) - wanted):
        return f"has {len(surplus)} rows that are not in params, the first: {_cell(surplus[0], column)}"
    if len(cells) > len(wanted):
        return f"has {len(cells) - len(wanted)} rows twice"
    if not np.isfinite(rows[scores].to_numpy()).all():
        return "has values that are not finite"
    return None


def _levels(params: Params, name: str, kind: str, test_set: str) -> list[float]:
    if kind == "psnr":
        return params.sweep(name, test_set)
    return [float(quality) for quality in params.test_sets[test_set].qualities] if kind == "jpeg" else [0.0]


def _cell(cell: tuple[str, str, int, float], column: str | None) -> str:
    test_set, image, draw, level = cell
    return f"{test_set}/{image}, draw {draw}" + (f", {column} {level:g}" if column else "")
