"""FLOPs, bytes and operations of each variant, and the least time that a GPU can take for them, beside the paper's times."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import EMPTY, TIMES, Cell, cell, count, fixed, grey, heading, product
from replication.report.source import Source
from replication.report.table import Row, Table
from replication.study import labels
from replication.study.params import Params
from replication.study.published import TIMING_TABLES, Published, row_name

_MODES = {"training": "backward", "inference": "inference"}  # as the paper calls them


def counts(source: Source) -> list[Table]:
    """A block for each backbone and mode; bounds in ms, with the ratio to the baseline's."""
    cards = source.params.cards
    head: list[Row] = [
        ["Variant", "GFLOP", "GB", "Operations", *[cell(card.title) for card in cards.values()], grey("paper")]
    ]
    blocks = []
    for (_, mode), rows in source.summary.counts.groupby(["family", "mode"], sort=False):
        first = rows.iloc[0]
        shape = product(*first[["batch", "channels", "height", "width"]])
        title = f"{labels.backbone_label(first['backbone'])}, " + shape + f", {mode}"
        block: list[Row] = [[heading(len(head[0]), title)]]
        for variant, part in rows.groupby("variant", sort=False):
            block.append(_row(variant, part.set_index("card").loc[list(cards)], mode, source.published))
        blocks.append(block)
    return [Table("l" + "r" * (len(head[0]) - 1), head, blocks, _note(source.params))]


def _row(variant: str, by_card: pd.DataFrame, mode: str, published: Published) -> Row:
    first = by_card.iloc[0]
    sums = [fixed(first["flops"] / 1e9, 1), fixed(first["bytes"] / 1e9), count(first["operations"])]
    bounds = [_milliseconds(row.seconds, row.ratio, variant) for row in by_card.itertuples()]
    return [labels.variant_label(variant), *sums, *bounds, grey(_paper(first["backbone"], variant, mode, published))]


def _milliseconds(seconds: float, ratio: float, variant: str, digits: int = 1) -> Cell:
    time = fixed(1000 * seconds, digits)
    return time if variant == "baseline" or pd.isna(ratio) else time + " (" + fixed(ratio) + TIMES + ")"


def _paper(backbone: str, variant: str, mode: str, published: Published) -> Cell:
    """What its GPU took; printed to the millisecond."""
    seconds = published.value(TIMING_TABLES, row_name(backbone, variant), f"GPU {_MODES[mode]}")
    if seconds is None:
        return EMPTY
    ratio = published.time_ratio(backbone, variant, "cuda", mode)
    return _milliseconds(seconds, float("nan") if ratio is None else ratio, variant, 0)


def _note(params: Params) -> Cell:
    """What the bounds were reckoned with."""
    cards = [
        f"{card.title} {card.teraflops:g} TFLOP/s, {card.terabytes:g} TB/s, {card.launch:g}"
        for card in params.cards.values()
    ]
    return cell(f"In ms. Peak, bandwidth and microseconds a launch: {'; '.join(cards)}.")
