"""What all modules of numbers do with rows: choose them by their columns, and write the range of a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from replication.report.cells import Cell


def where(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    for column, value in values.items():
        table = table[table[column] == value]
    return table


def span(values: Iterable[float], style: Callable[[float], Cell]) -> str | None:
    """0.10 to 0.30; one number where both ends are written alike, None where there is no value."""
    known = [value for value in values if not pd.isna(value)]
    return " to ".join(dict.fromkeys(style(end).latex for end in (min(known), max(known)))) if known else None
