"""PSNR at matched noise (Tables 1, 7, 8 and 9)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import pandas as pd

from replication.report.cells import DASH, EMPTY, Cell, fixed, spanning
from replication.report.families import mean_gain, of_groups, run_families
from replication.report.source import Source
from replication.report.table import SPACE, Row, Table, paper_row, small_row
from replication.results.summary import matched, single_level
from replication.study import labels
from replication.study.published import Published

_MOST_COLUMNS = 6  # of numbers that fit the text width
_ORDER = {"baseline": 0, "se_arch": 1, "ne_arch": 2, "wne": 3}

Printed = Callable[[str, str, str, str], float | None]  # (backbone, variant, test set, sigma) -> dB


def table07(source: Source) -> list[Table]:
    """FDnCNN, baseline and WNE, beside its architectural forms; all gains are over the FDnCNN baseline."""
    own, core = of_groups(source.summary.curves, "fdncnn"), of_groups(source.summary.curves, "cnn")
    levels = single_level(own)["sigma_train"]
    arch = core[core["variant"].isin(("se_arch", "ne_arch")) & core["sigma_train"].isin(levels)]
    arch = arch[arch["model"].isin(own["model"])]
    contrasts = source.summary.contrasts
    over_baseline = contrasts[contrasts["run"].isin(arch["run"]) & (contrasts["against_variant"] == "baseline")]
    curves = pd.concat([own, arch]).assign(group="fdncnn")
    curves = curves.sort_values("variant", key=lambda variants: variants.map(_ORDER), kind="stable")
    paired = pd.concat([of_groups(source.summary.paired, "fdncnn"), over_baseline])
    return _blocks_of_test_sets(curves, paired, _printed(source.published, "Table 7"))


def _printed(published: Published, table: str) -> Printed:
    return lambda *cell: published.matched_psnr(*cell, tables=(table,))


def _matched_noise(table: str, *groups: str) -> Callable[[Source], list[Table]]:
    """The table of these groups, beside the one that the paper calls `table`."""

    def tables(source: Source) -> list[Table]:
        curves, paired = (of_groups(rows, *groups) for rows in (source.summary.curves, source.summary.paired))
        return _blocks_of_test_sets(curves, paired, _printed(source.published, table))

    tables.__doc__ = f"PSNR at matched noise of {', '.join(groups)}."
    return tables


table01 = _matched_noise("Table 1", "cnn", "swinir")
table08 = _matched_noise("Table 8", "restormer")
table09 = _matched_noise("Table 9", "colour")


def _blocks_of_test_sets(curves: pd.DataFrame, paired: pd.DataFrame, printed: Printed) -> list[Table]:
    """PSNR at sigma_test = sigma_train; below it the gain over the baseline, and the paper's number in grey."""
    curves, paired = matched(curves), matched(paired)
    levels = sorted(curves["sigma_train"].unique(), key=float)
    test_sets = list(curves["test_set"].unique())
    width = max(1, _MOST_COLUMNS // len(levels))
    parts = [test_sets[start : start + width] for start in range(0, len(test_sets), width)]
    return [_matched_table(curves, paired, printed, levels, part) for part in parts]


def _matched_table(
    curves: pd.DataFrame, paired: pd.DataFrame, printed: Printed, levels: list[str], test_sets: list[str]
) -> Table:
    cells = [(test_set, sigma) for test_set in test_sets for sigma in levels]
    names = [spanning(len(levels), labels.test_set_label(test_set)) for test_set in test_sets]
    head = [["", *names], [Cell(r"$\sigma$ (8-bit units)", "sigma"), *levels * len(test_sets)]]
    blocks = []
    for _, families in groupby(run_families(curves), key=lambda family: family[1]["group"]):
        block: list[Row] = []
        for label, family, runs in families:
            gains = paired[paired["run"].isin(runs["run"])]
            paper = [printed(family["backbone"], family["variant"], *cell) for cell in cells]
            block += [SPACE] if block else []
            block += [[label, *[_psnr(runs, *cell) for cell in cells]]]
            block += small_row("gain", [_gain(gains, *cell) for cell in cells])
            block += paper_row([EMPTY if value is None else fixed(value) for value in paper])
        blocks.append(block)
    return Table("l" + "c" * len(cells), head, blocks)


def _at(table: pd.DataFrame, test_set: str, sigma: str) -> pd.DataFrame:
    return table[(table["test_set"] == test_set) & (table["sigma_train"] == sigma)]


def _psnr(runs: pd.DataFrame, *place: str) -> Cell:
    rows = _at(runs, *place)
    return DASH if rows.empty else fixed(rows["psnr"].iloc[0])


def _gain(gains: pd.DataFrame, *place: str) -> Cell:
    rows = _at(gains, *place)
    return EMPTY if rows.empty else mean_gain(rows.iloc[0], "psnr")
