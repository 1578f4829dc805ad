"""The sections of params.yaml that have results of their own, each with the command that makes an item and its reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from replication.experiments.analysis import analysis_problem
from replication.results.controls import control_estimates
from replication.results.corpus import difficulty_table, leakage_table
from replication.results.errors import errors_table
from replication.results.filters import filters_table
from replication.results.runs import run_files
from replication.results.samplers import sampler_estimates
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths


class Section(NamedTuple):
    """`command`: of `python -m replication`, for one item. `file`: of the summary, that the rows enter."""

    command: str
    file: str
    collect: Callable[[Params, ProfilePaths], pd.DataFrame]


SECTIONS = {
    "filters": Section("filters", "filters", filters_table),
    "errors": Section("errors", "errors", errors_table),
    "samplers": Section("sample", "estimates", sampler_estimates),
    "controls": Section("controls", "estimates", control_estimates),
    "leakage": Section("audit", "leakage", leakage_table),
    "difficulty": Section("difficulty", "difficulty", difficulty_table),
}


def items(params: Params, section: str) -> list[str]:
    """The items whose results are collected: of an analysis those of reported groups, else all training sets."""
    return list(params.reported(section) if section in ANALYSES else getattr(params, section))


def item_files(paths: ProfilePaths, section: str, name: str) -> list[Path]:
    if section in ANALYSES:
        return [file for file in paths.analysis(section, name).iterdir() if file.suffix == ".csv"]
    return [paths.results / section / f"{name}.csv"]


def item_problem(params: Params, paths: ProfilePaths, section: str, name: str) -> str | None:
    """Why the results of an item cannot be used, or None."""
    if section in ANALYSES:
        return analysis_problem(params, paths, section, name)
    return None if item_files(paths, section, name)[0].is_file() else "not made"


def timing_files(paths: ProfilePaths) -> list[Path]:
    return [paths.timing / "samples.csv", paths.timing / "environment.json"]


def input_files(params: Params, paths: ProfilePaths) -> list[Path]:
    """Everything that the summary is made from."""
    files = timing_files(paths)
    for name in params.reported_runs:
        files += [file for made in run_files(params, paths, name) for file in made]
    for section in SECTIONS:
        for name in items(params, section):
            files += item_files(paths, section, name)
    return files
