"""The collected tables of a profile, results/<profile>/summary/, as figures, tables and notebooks read them.

No torch here, and no raw results: `replication.results` makes the tables and says what they hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths

# Names stay text: an image called "01" must not become the number 1, nor one called "NA" a gap.
_TEXT = (
    "run",
    "baseline",
    "against",
    "test_set",
    "image",
    "noise",
    "sigma_train",
    "train_image",
    "recipe",
    "item",
    "denoiser",
    "seed",
)


class CollectError(ValueError):
    """Results are missing, stale or incomplete: one line that names them and the command to run."""


@dataclass(frozen=True)
class Summary:
    """The tables of a profile as `replicate collect` wrote them; see replication.results for what each holds."""

    curves: pd.DataFrame
    paired: pd.DataFrame
    contrasts: pd.DataFrame
    defects: pd.DataFrame
    defect_levels: pd.DataFrame
    jpeg: pd.DataFrame
    real: pd.DataFrame
    training: pd.DataFrame
    loss: pd.DataFrame
    timing: pd.DataFrame
    leakage: pd.DataFrame
    unleaked: pd.DataFrame
    difficulty: pd.DataFrame
    filters: pd.DataFrame
    errors: pd.DataFrame
    samplers: pd.DataFrame
    controls: pd.DataFrame
    recipe: pd.DataFrame
    source: dict


TABLES = tuple(field.name for field in fields(Summary) if field.name != "source")


def read_csv(path: Path) -> pd.DataFrame:
    """A results file; empty cells are gaps, and nothing else is."""
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        raise CollectError(f"{path}: empty; make it again") from None
    except FileNotFoundError:
        raise CollectError(f"{path}: missing; make it with: dvc repro") from None


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError:
        raise CollectError(f"{path}: not valid JSON; make it again") from None


def read_summary(params: Params, paths: ProfilePaths) -> Summary:
    """The collected tables, checked against params again: `dvc repro -s figures` skips `collect`.

    Raises:
        CollectError: the summary is missing, or lacks the current version of a run or of an analysis.
    """
    remedy = "make it with: replicate collect"
    if not (paths.summary / "source.json").is_file():
        raise CollectError(f"{paths.summary}: no summary of {', '.join(params.reported_runs)}; {remedy}")
    source = read_json(paths.summary / "source.json")
    expected = fingerprints(params)
    stale = [name for name in expected if source.get("fingerprints", {}).get(name) != expected[name]]
    if stale:
        raise CollectError(f"{paths.summary}: lacks the current version of {', '.join(stale)}; {remedy}")
    surplus = [name for name in source.get("fingerprints", {}) if name not in expected]
    if surplus:
        raise CollectError(f"{paths.summary}: has what params lacks, {', '.join(surplus)}; {remedy}")
    return Summary(**{name: read_csv(paths.summary / f"{name}.csv") for name in TABLES}, source=source)


def fingerprints(params: Params) -> dict[str, str]:
    """Of every reported run, and of every reported analysis as "<section>.<item>"."""
    runs = {name: params.fingerprint(name) for name in params.reported_runs}
    analyses = {
        f"{section}.{name}": params.analysis_fingerprint(section, name)
        for section in ANALYSES
        for name in params.reported(section)
    }
    return runs | analyses


def covered(difficulty: pd.DataFrame, train_set: str, quantity: str = "coverage") -> pd.DataFrame:
    """m(sigma_test; sigma_train) of a training set, in [0, 1], or its standard error ("coverage_error").

    A row for each sigma_train, a column for each sigma_test, both falling as in Table 3 of the paper.
    """
    rows = difficulty[(difficulty["train_set"] == train_set) & (difficulty["quantity"] == quantity)]
    matrix = rows.pivot(index="sigma", columns="at", values="value")
    return matrix.sort_index(ascending=False).sort_index(axis="columns", ascending=False)


def of_group(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """The rows of one experiment."""
    return table[table["group"] == group]


def awgn(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of grey denoisers trained, with clean targets, at a single level of Gaussian noise."""
    single_noise = table["sigma_train"].str.fullmatch(r"[\d.]+")
    plain = (table["objective"] == "supervised") & (table["channels"] == 1) & (table["noise"] == "gaussian")
    return table[single_noise & plain]


def first_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Of `awgn`, one run for each (backbone, variant, sigma_train), on the first test set of its task.

    Of several (other recipes, other seeds) the first of params.yaml, where the main run stands first.
    """
    rows = awgn(table)
    runs = rows.drop_duplicates(["backbone", "variant", "sigma_train"])[["run", "test_set"]]
    return rows.merge(runs, on=["run", "test_set"])
