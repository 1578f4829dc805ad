"""PSNR at matched noise (Table 1) and the gain of every variant over its baseline under mismatch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from wne import style
from wne.collect import Summary, awgn
from wne.params import Params
from wne.tables.latex import DASH, SPACE, escape, fixed, grey, interval, row, signed, small, spanning, stacked, tabular
from wne.tables.published import Published, row_name

_MOST_COLUMNS = 6  # of numbers that fit the text width
_RUN_FAMILY = ["group", "task", "model", "backbone", "variant", "recipe", "train_set", "seed"]


def table01(params: Params, summary: Summary, published: Published) -> str:
    """PSNR at sigma_test = sigma_train; below it the gain over the baseline, and the paper's number in grey."""
    curves = matched(summary.curves)
    levels = sorted(curves["sigma_train"].unique(), key=float)
    test_sets = list(curves["test_set"].unique())
    width = max(1, _MOST_COLUMNS // len(levels))
    return stacked(
        [
            _matched_block(curves, matched(summary.paired), published, levels, test_sets[start : start + width])
            for start in range(0, len(test_sets), width)
        ]
    )


def _matched_block(
    curves: pd.DataFrame, paired: pd.DataFrame, published: Published, levels: list[str], test_sets: list[str]
) -> str:
    count, per_set = len(levels) * len(test_sets), len(levels)
    names = [spanning(per_set, escape(style.test_set_label(test_set))) for test_set in test_sets]
    rules = [rf"\cmidrule(lr){{{2 + i * per_set}-{1 + (i + 1) * per_set}}}" for i in range(len(test_sets))]
    sigmas = [r"$\sigma$ (8-bit units)", *levels * len(test_sets)]
    blocks = [[row(["", *names]), "".join(rules), row(sigmas)]]
    cells = [(test_set, sigma) for test_set in test_sets for sigma in levels]
    group = None
    for label, family, runs in run_families(curves):
        lines = [row([label, *[_psnr(runs, *cell) for cell in cells]])]
        gains = [_gain(paired[paired["run"].isin(runs["run"])], *cell) for cell in cells]
        if any(gains):
            lines.append(row([small(r"\quad gain"), *map(small, gains)]))
        printed = [published.matched_psnr(family["backbone"], family["variant"], *cell) for cell in cells]
        if any(value is not None for value in printed):
            texts = ["" if value is None else grey(fixed(value)) for value in printed]
            lines.append(row([small(grey(r"\quad paper")), *map(small, texts)]))
        if family["group"] != group:
            blocks.append(lines)
        else:
            blocks[-1] += [SPACE, *lines]
        group = family["group"]
    return tabular("l" + "c" * count, blocks)


def _psnr(runs: pd.DataFrame, test_set: str, sigma: str) -> str:
    cell = runs[(runs["test_set"] == test_set) & (runs["sigma_train"] == sigma)]
    return DASH if cell.empty else fixed(cell["psnr"].iloc[0])


def _gain(gains: pd.DataFrame, test_set: str, sigma: str) -> str:
    """Mean difference and half the width of its interval."""
    cell = gains[(gains["test_set"] == test_set) & (gains["sigma_train"] == sigma)]
    if cell.empty:
        return ""
    half = (cell["psnr_gain_high"].iloc[0] - cell["psnr_gain_low"].iloc[0]) / 2
    spread = "" if np.isnan(half) else rf"\,$\pm$\,{half:.2f}"
    return signed(cell["psnr_gain"].iloc[0]) + spread


def mismatch(params: Params, summary: Summary, published: Published) -> str:
    """Gain over the baseline in dB, with its interval, at the lowest, the matched and the highest sigma_test."""
    paired = awgn(summary.paired)
    return stacked([_mismatch_block(rows, test_set) for test_set, rows in swept(paired)])


def _mismatch_block(paired: pd.DataFrame, test_set: str) -> str:
    lowest, highest = sweep_ends(paired)
    head = [f"{escape(style.test_set_label(test_set))}, {paired['n'].iloc[0]} images", r"$\sigma_{\mathrm{train}}$"]
    tests = [f"{lowest:g}", r"\sigma_{\mathrm{train}}", f"{highest:g}"]
    blocks = [[row([*head, *[rf"$\sigma_{{\mathrm{{test}}}} = {sigma}$" for sigma in tests]])], []]
    for label, _, runs in run_families(paired):
        blocks[1] += [SPACE] if blocks[1] else []
        for name, run in runs.groupby("run", sort=False):
            own = run["sigma_train"].iloc[0]
            cells = [_gain_with_interval(run, sigma) for sigma in (lowest, float(own), highest)]
            blocks[1].append(row([label if name == runs["run"].iloc[0] else "", own, *cells]))
    return tabular("lcccc", blocks)


def _gain_with_interval(run: pd.DataFrame, sigma: float) -> str:
    cell = run[run["sigma_test"] == sigma].iloc[0]
    return f"{signed(cell['psnr_gain'])} {small(interval(cell['psnr_gain_low'], cell['psnr_gain_high']))}".rstrip()


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with sigma_test = sigma_train."""
    rows = awgn(table)
    return rows[rows["sigma_test"] == rows["sigma_train"].astype(float)]


def swept(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The test sets with more than one sigma_test common to all runs, and their rows."""
    parts = [(name, table[table["test_set"] == name]) for name in table["test_set"].unique()]
    return [(name, rows) for name, rows in parts if len(set(sweep_ends(rows))) > 1]


def sweep_ends(table: pd.DataFrame) -> tuple[float, float]:
    """The lowest and highest sigma_test that all runs of the table share."""
    shared = table.groupby("sigma_test")["run"].nunique()
    shared = shared[shared == table["run"].nunique()].index
    return float(shared.min()), float(shared.max())


def run_families(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series, pd.DataFrame]]:
    """(label, the columns in common, rows) for each set of runs that differ by sigma_train alone.

    What tells two families apart enters their labels where they would otherwise be called the same.
    """
    families = [(dict(zip(_RUN_FAMILY, key)), rows) for key, rows in table.groupby(_RUN_FAMILY, sort=False)]
    labels = [row_name(family["backbone"], family["variant"]) for family, _ in families]
    for label, (family, rows) in zip(labels, families):
        namesakes = [other for other_label, (other, _) in zip(labels, families) if other_label == label]
        yield escape(label + _distinction(family, namesakes)), pd.Series(family), rows


def _distinction(family: dict, namesakes: list[dict]) -> str:
    """The first property that no namesake shares, in brackets; all that differ where it takes several."""
    if len(namesakes) == 1:
        return ""
    columns = ("task", "recipe", "seed", "model", "train_set", "group")
    differing = [column for column in columns if len({other[column] for other in namesakes}) > 1]
    unique = [column for column in differing if len({other[column] for other in namesakes}) == len(namesakes)]
    return f" ({', '.join(str(family[column]) for column in unique[:1] or differing)})"
