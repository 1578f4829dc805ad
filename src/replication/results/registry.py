"""What is collected, and that all of it is there before anything is: current and whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from replication.experiments.analysis import analysis_problem
from replication.results.controls import control_estimates
from replication.results.corpus import difficulty_table, leakage_table
from replication.results.counts import counts_table
from replication.results.errors import errors_table
from replication.results.exposure import exposure_estimates
from replication.results.files import CollectError, read_json
from replication.results.filters import filters_table
from replication.results.runs import KINDS, RunResults, run_files
from replication.results.samplers import sampler_estimates
from replication.results.timing import timing_table
from replication.results.windows import window_estimates
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths

_EVALUATE = "replicate evaluate RUN"
_TRAIN = f"replicate train RUN && {_EVALUATE}"


class Section(NamedTuple):
    """A section of params.yaml that has results of its own.

    `command`: of `replicate`, makes one item. `file`: of the summary, takes up the rows.
    """

    command: str
    file: str
    collect: Callable[[Params, ProfilePaths], pd.DataFrame]


SECTIONS = {
    "filters": Section("filters NAME", "filters", filters_table),
    "errors": Section("errors NAME", "errors", errors_table),
    "samplers": Section("samplers NAME", "estimates", sampler_estimates),
    "exposure": Section("exposure NAME", "estimates", exposure_estimates),
    "controls": Section("controls NAME", "estimates", control_estimates),
    "windows": Section("windows NAME", "estimates", window_estimates),
    "leakage": Section("audit NAME", "leakage", leakage_table),
    "difficulty": Section("difficulty NAME", "difficulty", difficulty_table),
    "timing": Section("timing", "timing", timing_table),
    "counts": Section("counts", "counts", counts_table),
}


def items(params: Params) -> list[tuple[str, str]]:
    """(section, item) of all that is collected: analyses of reported groups, all training sets, all timed families."""
    families = params.timing.families
    chosen = {"leakage": params.leakage, "difficulty": params.difficulty, "timing": families, "counts": families}
    chosen |= {section: params.reported(section) for section in ANALYSES}
    return [(section, item) for section in SECTIONS for item in chosen[section]]


def item_files(paths: ProfilePaths, section: str, item: str) -> list[Path]:
    if section in ANALYSES:
        return sorted(paths.analysis(section, item).glob("*.csv"))
    names = ["samples.csv", "environment.json"] if section == "timing" else [f"{item}.csv"]
    return [paths.results / section / name for name in names]


def input_files(params: Params, paths: ProfilePaths) -> list[Path]:
    """Everything that the summary is made from, but what a machine took: that is another each time."""
    files = {file for name in params.reported_runs for made in run_files(params, paths, name) for file in made}
    files |= {file for section, item in items(params) for file in item_files(paths, section, item)}
    return sorted(file for file in files if not {paths.cost, paths.timing} & {*file.parents})


def refuse_missing(params: Params, paths: ProfilePaths) -> None:
    """One error with everything that is missing or stale, each with its command."""
    found: dict[str, list[str]] = {}  # "what is wrong (what to do)" -> names
    for name in params.reported_runs:
        if problem := _problem_of_run(params, paths, name):
            found.setdefault(problem, []).append(name)
    for section, item in items(params):
        if problem := _problem_of_item(params, paths, section, item):
            command = f"replicate {SECTIONS[section].command}"
            found.setdefault(f"{section} {problem} ({command})", []).append(item)
    if found:
        parts = [f"{problem}: {', '.join(names)}" for problem, names in found.items()]
        raise CollectError(f"{paths.results}: {'; '.join(parts)}; all of it: dvc repro")


def _problem_of_run(params: Params, paths: ProfilePaths, name: str) -> str | None:
    for files, done, command in zip(run_files(params, paths, name), ("trained", "evaluated"), (_TRAIN, _EVALUATE)):
        if not all(file.is_file() for file in files):
            return f"not {done} ({command})"
        if read_json(files[-1]).get("fingerprint") != params.fingerprint(name):
            return f"{done} with other parameters ({command})"
    return None


def _problem_of_item(params: Params, paths: ProfilePaths, section: str, item: str) -> str | None:
    if section in ANALYSES:
        return analysis_problem(params, paths, section, item)
    return None if all(file.is_file() for file in item_files(paths, section, item)) else "not made"


def refuse_gaps(params: Params, results: dict[str, RunResults]) -> None:
    """Every run has every (image, draw, level) of its test sets, once, and all runs the same images."""
    tables = [(name, kind, rows) for name, result in results.items() for kind, rows in result.quality.items()]
    images: dict[str, set[str]] = {}
    for _, _, rows in tables:
        for test_set, part in rows.groupby("test_set"):
            images.setdefault(test_set, set()).update(part["image"])
    for name, kind, rows in tables:
        if problem := _gaps(params, name, kind, rows, images):
            remedy = f"evaluate it again: replicate evaluate {name}"
            raise CollectError(f"{name}: {kind}.csv has {problem}; {remedy}")


def _gaps(params: Params, name: str, kind: str, rows: pd.DataFrame, images: dict[str, set[str]]) -> str | None:
    column, scores = KINDS[kind]
    test_sets = params.tasks[params.runs[name].task].test_sets
    wanted: set[tuple] = set()
    for test_set in test_sets[:1] if kind == "jpeg" else test_sets:
        spec = params.test_sets[test_set]
        levels = {"psnr": params.sweep(name, test_set), "jpeg": spec.qualities, "real": [0]}[kind]
        draws = range(spec.draws if kind == "psnr" else 1)
        wanted |= set(product([test_set], images.get(test_set, {"any image"}), draws, map(float, levels)))
    level = rows[column].astype(float).round(6) if column else 0.0
    cells = rows.assign(level=level, draw=rows.get("draw", 0))[["test_set", "image", "draw", "level"]]
    found = set(cells.itertuples(index=False, name=None))
    twice = set(cells[cells.duplicated()].itertuples(index=False, name=None))
    for cells, problem in ((wanted - found, "missing"), (found - wanted, "that params lacks"), (twice, "twice")):
        if cells:
            test_set, image, draw, level = min(cells)
            first = f"{test_set}/{image}, draw {draw}" + (f", {column} {level:g}" if column else "")
            return f"{len(cells)} rows {problem}, the first: {first}"
    return None if np.isfinite(rows[scores].to_numpy()).all() else "values that are not finite"
