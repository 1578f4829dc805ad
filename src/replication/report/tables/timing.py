"""Seconds a batch, and times the baseline (Tables 2, 5 and 6)."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import EMPTY, TIMES, Cell, cell, fixed, interval, product, seconds, spanning
from replication.report.source import Source
from replication.report.table import Message, Row, Table, paper_row, small_row
from replication.results.summary import Summary
from replication.study import labels
from replication.study.published import Published

_DEVICES = {"cuda": "GPU", "cpu": "CPU"}
_MODES = {"training": "Training (s)", "inference": "Inference (s)"}


def table02(source: Source) -> list[Table]:
    """FDnCNN on the GPU."""
    timing = source.summary.timing
    if "cuda" not in set(timing.loc[timing["backbone"] == "fdncnn", "device"]):
        return [Message("no GPU was available")]
    return _tables(source.summary, "fdncnn", ["cuda"], source.published)


def table05(source: Source) -> list[Table]:
    """SwinIR on GPU and CPU."""
    return _tables(source.summary, "swinir", list(_DEVICES), source.published)


def table06(source: Source) -> list[Table]:
    """FDnCNN on GPU and CPU."""
    return _tables(source.summary, "fdncnn", list(_DEVICES), source.published)


def _tables(summary: Summary, backbone: str, devices: list[str], published: Published) -> list[Table]:
    timing = summary.timing[summary.timing["backbone"] == backbone]
    if timing.empty:
        return [Message("not timed in this profile")]
    columns = [(device, mode) for device in devices for mode in _MODES]
    names = ["Variant", *[_MODES[mode] for _, mode in columns]]
    head = [["", *[spanning(2, _device(timing, device)) for device in devices]], names]
    block: list[Row] = []
    for variant in timing["variant"].unique():
        rows = timing[timing["variant"] == variant].set_index(["device", "mode"]).reindex(columns)
        block.append([labels.variant_label(variant), *[_seconds(row, variant) for _, row in rows.iterrows()]])
        if variant != "baseline":
            ends = [interval(row["ratio_low"], row["ratio_high"]) for _, row in rows.iterrows()]
            block += small_row("interval of the ratio", ends)
            paper = [published.time_ratio(backbone, variant, *column) for column in columns]
            block += paper_row([EMPTY if value is None else fixed(value) + TIMES for value in paper])
    return [Table("l" + "c" * len(columns), head, [block])]


def _device(timing: pd.DataFrame, device: str) -> Cell:
    """GPU, 16 x 1 x 128 x 128: the input shape differs between devices."""
    rows = timing[timing["device"] == device]
    name = cell(_DEVICES[device])
    return name if rows.empty else name + ", " + product(*rows[["batch", "channels", "height", "width"]].iloc[0])


def _seconds(row: pd.Series, variant: str) -> Cell:
    """And times the baseline; a dash on a device that was not there."""
    time = seconds(row["median_seconds"])
    if variant == "baseline" or pd.isna(row["ratio"]):
        return time
    return time + " (" + fixed(row["ratio"]) + TIMES + ")"
