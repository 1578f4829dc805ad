"""The summary of a profile, results/<profile>/summary/, as figures, tables and notebooks read it.

No torch here, and no raw results: `replication.results` makes the files and says what they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from replication.results.files import CollectError, read_csv, read_json
from replication.results.identity import IDENTITY
from replication.results.views import views
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths

__all__ = ["PLACES", "CollectError", "Summary", "at_place", "awgn", "covered", "fingerprints", "first_runs", "matched",
           "of_group", "on_first_set", "read_csv", "read_json", "read_summary", "single_level", "summary_of"]  # fmt: skip

FILES = ("estimates", "training", "cost", "loss", "timing", "counts", "leakage", "difficulty", "filters", "errors",
         "recipe")  # fmt: skip
RESTORATION = ("deblurring", "super-resolution")  # groups whose networks do more than denoise


@dataclass(frozen=True)
class Summary:
    """The files of a summary, and the views of its estimates: see replication.results and its module `views`.

    `training` has the columns of `cost` as well.
    """

    estimates: pd.DataFrame
    training: pd.DataFrame
    loss: pd.DataFrame
    timing: pd.DataFrame
    counts: pd.DataFrame
    leakage: pd.DataFrame
    difficulty: pd.DataFrame
    filters: pd.DataFrame
    errors: pd.DataFrame
    recipe: pd.DataFrame
    source: dict
    # views of the estimates
    curves: pd.DataFrame
    paired: pd.DataFrame
    contrasts: pd.DataFrame
    jpeg: pd.DataFrame
    real: pd.DataFrame
    defects: pd.DataFrame
    defect_levels: pd.DataFrame
    unleaked: pd.DataFrame
    samplers: pd.DataFrame
    exposure: pd.DataFrame
    controls: pd.DataFrame
    windows: pd.DataFrame


def summary_of(files: dict[str, pd.DataFrame], source: dict) -> Summary:
    files = dict(files)
    files["training"] = files["training"].merge(files.pop("cost"), on="run")
    runs = files["training"][list(IDENTITY)]
    return Summary(**files, **views(files["estimates"], runs), source=source)


def read_summary(params: Params, paths: ProfilePaths) -> Summary:
    """The collected tables, checked against params again: `dvc repro -s figures` skips `collect`.

    Raises:
        CollectError: the summary is missing, or lacks the current version of a run or of an analysis.
    """
    remedy = "make it with: replicate collect"
    if not (paths.summary / "source.json").is_file():
        raise CollectError(f"{paths.summary}: no summary of {', '.join(params.reported_runs)}; {remedy}")
    source = read_json(paths.summary / "source.json")
    found, expected = source.get("fingerprints", {}), fingerprints(params)
    if stale := [name for name in expected if found.get(name) != expected[name]]:
        raise CollectError(f"{paths.summary}: lacks the current version of {', '.join(stale)}; {remedy}")
    if surplus := [name for name in found if name not in expected]:
        raise CollectError(f"{paths.summary}: has what params lacks, {', '.join(surplus)}; {remedy}")
    source["timing"] = read_json(paths.summary / "machine.json")
    return summary_of({name: read_csv(paths.summary / f"{name}.csv") for name in FILES}, source)


def fingerprints(params: Params) -> dict[str, str]:
    """The fingerprint of every reported run, and of every reported analysis as "<section>.<item>"."""
    runs = {name: params.fingerprint(name) for name in params.reported_runs}
    return runs | {
        f"{section}.{name}": params.analysis_fingerprint(section, name)
        for section in ANALYSES
        for name in params.reported(section)
    }


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


def single_level(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs trained at one sigma, not on a range and not on real noise."""
    return table[table["sigma_train"].str.fullmatch(r"[\d.]+").astype(bool)]  # an empty column has no dtype


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with sigma_test = sigma_train."""
    rows = single_level(table)
    return rows[rows["sigma_test"] == rows["sigma_train"].astype(float)]


PLACES = ("lowest", "matched", "highest")  # of sigma_test in the sweep of a run


def at_place(table: pd.DataFrame, place: str) -> pd.DataFrame:
    """The rows at the "lowest", the "matched" or the "highest" sigma_test of each run.

    A run that was trained on a range of levels has no matched one.
    """
    if place == "matched":
        return matched(table)
    return table[
        table["sigma_test"] == table.groupby("run")["sigma_test"].transform({"lowest": "min", "highest": "max"}[place])
    ]


def on_first_set(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of each run on the test set that it has first: the one of its noise sweep."""
    return table.merge(table.drop_duplicates("run")[["run", "test_set"]], on=["run", "test_set"])


def awgn(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of grey denoisers trained, with clean targets, at a single level of Gaussian noise."""
    plain = (table["objective"] == "supervised") & (table["channels"] == 1) & (table["noise"] == "gaussian")
    return single_level(table[plain & ~table["group"].isin(RESTORATION)])


def first_runs(table: pd.DataFrame) -> pd.DataFrame:
    """One run of `awgn` for each (backbone, variant, sigma_train), on the first test set of its task.

    Where there are several (other recipes, other seeds), the first of params.yaml, where the main run stands first.
    """
    rows = awgn(table)
    runs = rows.drop_duplicates(["backbone", "variant", "sigma_train"])[["run", "test_set"]]
    return rows.merge(runs, on=["run", "test_set"])
