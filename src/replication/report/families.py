"""Which rows of the collected tables stand together in a table, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from replication.study.published import row_name

_FAMILY = ["group", "task", "model", "backbone", "variant", "recipe", "train_set", "seed"]
_OBJECTIVES = {"soft_ne": ", soft NE", "n2n": ", N2N"}


def model_name(backbone: str, variant: str, objective: str) -> str:
    """DnCNN WNE; the objective follows where it is not the usual one."""
    return row_name(backbone, variant) + _OBJECTIVES.get(objective, "")


def of_groups(table: pd.DataFrame, *groups: str) -> pd.DataFrame:
    return table[table["group"].isin(groups)]


def single_level(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs trained at one sigma."""
    return table[table["sigma_train"].str.fullmatch(r"[\d.]+")]


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with sigma_test = sigma_train."""
    rows = single_level(table)
    return rows[rows["sigma_test"] == rows["sigma_train"].astype(float)]


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
    unique = [column for column in differing if len({other[column] for other in namesakes}) == len(namesakes)]
    return f" ({', '.join(str(family[column]) for column in unique[:1] or differing)})"
