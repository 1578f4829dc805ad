"""Rows of the collected tables, as the rules of the claims speak of them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from replication.study.labels import test_set_label


def wrapped(table: pd.DataFrame, *groups: str) -> pd.DataFrame:
    """WNE runs of these groups that were trained at a single level, on the first test set of their task."""
    rows = table[table["group"].isin(groups) & (table["variant"] == "wne")]
    return on_first_set(single_level(rows))


def single_level(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs trained at one sigma, not on a range and not on real noise."""
    return table[table["sigma_train"].str.fullmatch(r"[\d.]+")]


def on_first_set(table: pd.DataFrame) -> pd.DataFrame:
    """Of every run, the rows on the test set that it has first: the one of its noise sweep."""
    first = table.drop_duplicates("run")[["run", "test_set"]]
    return table.merge(first, on=["run", "test_set"])


def cells(table: pd.DataFrame, place: str) -> Iterator[tuple[str, pd.Series]]:
    """(label, row) at the "lowest", the "matched" or the "highest" sigma_test of every run in the table."""
    for _, rows in table.groupby("run", sort=False):
        own = float(rows["sigma_train"].iloc[0])
        sigma = {"lowest": rows["sigma_test"].min(), "matched": own, "highest": rows["sigma_test"].max()}[place]
        row = rows[rows["sigma_test"] == sigma].iloc[0]
        yield label(row), row


def label(row: pd.Series) -> str:
    """swinir, sigma 25"""
    return f"{row['group']}, sigma {row['sigma_train']}"


def gain(row: pd.Series) -> tuple[float, float, float]:
    """Mean paired difference in PSNR, dB, with its interval."""
    return row["psnr_gain"], row["psnr_gain_low"], row["psnr_gain_high"]


def counted(*tables: pd.DataFrame) -> str:
    """6 images (photographs): the test sets behind the rows, each with its number of images."""
    rows = pd.concat([table[["test_set", "n"]] for table in tables]).drop_duplicates()
    return ", ".join(f"{row.n} images ({test_set_label(row.test_set)})" for row in rows.itertuples())


def decibel(value: float) -> str:
    """+0.12 dB, as a difference."""
    return f"{0.0 if abs(value) < 0.005 else value:+.2f}"


def power(value: float) -> str:
    """3e-07, two digits for what spans powers of ten."""
    return f"{value:.1e}"
