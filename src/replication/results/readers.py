"""What figures and tables look up in the tables `controls`, `recipe` and `windows`."""

from __future__ import annotations

import pandas as pd

from replication.results.identity import sigma_text
from replication.results.recipe import ALL_SEEDS, GROUP, MATCHED_GROUP
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params

_COLLECT = "make it with: replicate collect"


def rows_with(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows with these values of columns, by rising sigma_test, else in their order.

    Raises:
        CollectError: there are none.
    """
    rows = table
    for column, value in values.items():
        rows = rows[rows[column] == value]
    if rows.empty:
        wanted = ", ".join(f"{column} {value}" for column, value in values.items())
        raise CollectError(f"the summary has no rows with {wanted}; {_COLLECT}")
    return rows.sort_values("sigma_test", kind="stable")


def wne_counterpart(params: Params, name: str) -> str:
    """The WNE run of the same group that differs from a baseline by its variant, and by its recipe if it must.

    Raises:
        CollectError: there is none.
    """
    run = params.runs[name]
    alike = ("task", "model", "sigma", "train_set", "seed")
    found = [
        other
        for other in params.runs_of(run.group)
        if params.runs[other].variant == "wne"
        and all(getattr(params.runs[other], key) == getattr(run, key) for key in alike)
    ]
    if not found:
        raise CollectError(f"{params.params_file}: {run.group} has no WNE run to set beside {name}; add it")
    return max(found, key=lambda other: params.runs[other].recipe == run.recipe)


def ablations(summary: Summary) -> list[pd.DataFrame]:
    """The rows of each factorial ablation of wrapper and recipe, on the first test set of its task.

    Over all its seeds where it has several.

    Raises:
        CollectError: there is none.
    """
    if summary.recipe.empty:
        raise CollectError(f"the summary has no ablation of wrapper and recipe; {_COLLECT}")
    parts = []
    for _, rows in summary.recipe.groupby(["model", "sigma_train", "train_set", "noise"], sort=False):
        rows = rows[rows["test_set"] == rows["test_set"].iloc[0]]
        over_seeds = rows[rows["seed"] == ALL_SEEDS]
        parts += [rows] if over_seeds.empty else [over_seeds]
    return parts


def shown_levels(rows: pd.DataFrame) -> list[float]:
    """The lowest sigma_test, sigma_train, and the highest sigma_test of an ablation or an item; 8-bit units."""
    tested = rows["sigma_test"]
    return sorted({float(tested.min()), float(rows["sigma_train"].iloc[0]), float(tested.max())})


def smallest_windows(summary: Summary) -> pd.DataFrame:
    """The rows of each run of `windows` over its smallest ones, with its gain over the whole image's statistics."""
    rows = summary.windows[summary.windows["psnr_gain"].notna()]
    return rows[rows["window"] == rows.groupby("run")["window"].transform("min")]


def all_recipes(rows: pd.DataFrame) -> list[str]:
    """The recipes of an ablation, those of the design first."""
    return list(dict.fromkeys(rows.loc[rows["effect"] == "psnr", "recipe"]))


def design_recipes(rows: pd.DataFrame) -> list[str]:
    """The recipes of the factorial design, without one that the core group adds."""
    return all_recipes(rows[rows["in_design"]])


def recipe_labels(params: Params, rows: pd.DataFrame) -> dict[str, str]:
    """Recipe -> its loss and schedule in words."""
    used = {name: params.recipes[name] for name in all_recipes(rows)}
    return {name: labels.recipe_label(recipe.loss, recipe.schedule) for name, recipe in used.items()}


def cell_runs(params: Params, rows: pd.DataFrame, variant: str, recipe: str) -> list[str]:
    """The runs of a cell of an ablation, one for each of its seeds.

    Raises:
        CollectError: params has none: the summary is of other parameters.
    """
    first = rows.iloc[0]
    wanted = (variant, recipe, first["model"], first["train_set"], first["sigma_train"])
    found: dict[str, str] = {}  # seed -> run
    for name in (*params.runs_of(GROUP), *params.runs_of(MATCHED_GROUP)):
        run = params.runs[name]
        alike = (run.variant, run.recipe, run.model, run.train_set, sigma_text(run)) == wanted
        if alike and first["seed"] in (ALL_SEEDS, str(run.seed)):
            found.setdefault(str(run.seed), name)
    if not found:
        raise CollectError(
            f"{params.params_file}: no run of {variant} by {recipe}, which the summary has; run: replicate collect"
        )
    return list(found.values())
