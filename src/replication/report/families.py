"""Which rows of the collected tables stand together in a table, what they are called, and what a table says of each."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from replication.report.cells import Cell, with_half_width
from replication.study import labels
from replication.study.published import row_name

_FAMILY = ["group", "task", "model", "backbone", "variant", "recipe", "train_set", "seed"]
_OBJECTIVES = {"soft_ne": ", soft NE", "n2n": ", N2N"}


def model_name(backbone: str, variant: str, objective: str) -> str:
    """DnCNN WNE; the objective follows where it is not the usual one."""
    return row_name(backbone, variant) + _OBJECTIVES.get(objective, "")


def of_groups(table: pd.DataFrame, *groups: str) -> pd.DataFrame:
    return table[table["group"].isin(groups)]


def sweep_ends(table: pd.DataFrame) -> tuple[float, float]:
    """The lowest and highest sigma_test that all runs of the table share."""
    shared = table.groupby("sigma_test")["run"].nunique()
    shared = shared[shared == table["run"].nunique()].index
    return float(shared.min()), float(shared.max())


def run_families(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series, pd.DataFrame]]:
    """(label, the columns in common, rows) for each set of runs that differ by sigma_train alone.

    What tells two families apart enters their labels where they would otherwise be called the same.
    """
    families = [(dict(zip(_FAMILY, key)), rows) for key, rows in table.groupby(_FAMILY, sort=False)]
    found = [model_name(f["backbone"], f["variant"], rows["objective"].iloc[0]) for f, rows in families]
    for label, (family, rows) in zip(found, families):
        namesakes = [other for other_label, (other, _) in zip(found, families) if other_label == label]
        yield label + _distinction(family, namesakes), pd.Series(family), rows


def _distinction(family: dict, namesakes: list[dict]) -> str:
    """The first property that no namesake shares, in brackets; all that differ where it takes several."""
    if len(namesakes) == 1:
        return ""
    columns = ("task", "recipe", "seed", "model", "train_set", "group")
    differing = [column for column in columns if len({other[column] for other in namesakes}) > 1]
    unique = [column for column in differing if sum(other[column] == family[column] for other in namesakes) == 1]
    return f" ({', '.join(str(family[column]) for column in unique[:1] or differing)})"


def setting(network: str, sigma_train: str, test_set: str, images: int) -> Cell:
    """What a table is of."""
    sigma = Cell(rf"$\strain = {sigma_train}$", f"sigma_train = {sigma_train}")
    return f"{network}, " + sigma + f"; {labels.test_set_label(test_set)}, {images} images"


def mean_gain(row: pd.Series, metric: str, digits: int = 2) -> Cell:
    """Mean paired difference to the baseline, and half the width of its interval."""
    return with_half_width(*row[[f"{metric}_gain{end}" for end in ("", "_low", "_high")]], digits)
