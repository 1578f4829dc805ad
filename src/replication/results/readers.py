"""What figures and tables look up in the collected tables `controls` and `recipe`."""

from __future__ import annotations

import pandas as pd

from replication.results.identity import sigma_text
from replication.results.recipe import ALL_SEEDS, GROUP, MATCHED_GROUP
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params


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
        raise CollectError(f"the summary has no rows with {wanted}; make it with: replicate collect")
    return rows.sort_values("sigma_test", kind="stable")


def wrapped_twin(params: Params, name: str) -> str:
    """The wrapped run of the same group that differs from a bare one by its variant, and by its recipe if it must.

    Raises:
        CollectError: there is none.
    """
    run = params.runs[name]
    alike = ("task", "model", "sigma", "train_set", "seed")
    twins = [
        other
        for other in params.runs_of(run.group)
        if params.runs[other].variant == "wne"
        and all(getattr(params.runs[other], key) == getattr(run, key) for key in alike)
    ]
    if not twins:
        raise CollectError(f"{params.params_file}: {run.group} has no wrapped run to set beside {name}; add it")
    return max(twins, key=lambda other: params.runs[other].recipe == run.recipe)


def crossings(summary: Summary) -> list[pd.DataFrame]:
    """The rows of each crossing of wrapper and recipe, on the first test set of its task.

    Over all its seeds where it has several.

    Raises:
        CollectError: there is none.
    """
    if summary.recipe.empty:
        raise CollectError("the summary has no crossing of wrapper and recipe; make it with: replicate collect")
    parts = []
    for _, rows in summary.recipe.groupby(["model", "sigma_train", "train_set", "noise"], sort=False):
        rows = rows[rows["test_set"] == rows["test_set"].iloc[0]]
        over_seeds = rows[rows["seed"] == ALL_SEEDS]
        parts += [rows] if over_seeds.empty else [over_seeds]
    return parts


def shown_levels(rows: pd.DataFrame) -> list[float]:
    """The lowest sigma_test, sigma_train, and the highest sigma_test of a crossing or an item; 8-bit units."""
    tested = rows["sigma_test"]
    return sorted({float(tested.min()), float(rows["sigma_train"].iloc[0]), float(tested.max())})


def all_recipes(rows: pd.DataFrame) -> list[str]:
    """The recipes of a crossing, the crossed ones first."""
    return list(dict.fromkeys(rows.loc[rows["effect"] == "psnr", "recipe"]))


def crossed_recipes(rows: pd.DataFrame) -> list[str]:
    """The recipes that a crossing is made of, without one that the core group adds."""
    return list(dict.fromkeys(rows.loc[(rows["effect"] == "psnr") & rows["crossed"], "recipe"]))


def recipe_labels(params: Params, rows: pd.DataFrame) -> dict[str, str]:
    """Recipe -> its loss and schedule in words."""
    used = {name: params.recipes[name] for name in all_recipes(rows)}
    return {name: labels.recipe_label(recipe.loss, recipe.schedule) for name, recipe in used.items()}


def cell_runs(params: Params, rows: pd.DataFrame, variant: str, recipe: str) -> list[str]:
    """The runs of a cell of a crossing, one for each of its seeds.

    Raises:
        CollectError: params has none: the summary is of other parameters.
    """
    first = rows.iloc[0]
    wanted = (variant, recipe, first["model"], first["train_set"], first["sigma_train"])
    found: dict[str, str] = {}  # seed -> run
    for group in (GROUP, MATCHED_GROUP):
        for name in params.runs_of(group):
            run = params.runs[name]
            alike = (run.variant, run.recipe, run.model, run.train_set, sigma_text(run)) == wanted
            if alike and first["seed"] in (ALL_SEEDS, str(run.seed)):
                found.setdefault(str(run.seed), name)
    if not found:
        raise CollectError(
            f"{params.params_file}: no run of {variant} by {recipe}, which the summary has; run: replicate collect"
        )
    return list(found.values())
