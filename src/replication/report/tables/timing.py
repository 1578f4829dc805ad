"""Seconds a batch, and times the baseline (Tables 2, 5 and 6)."""

from __future__ import annotations

import pandas as pd

from replication.report.tables.latex import DASH, escape, fixed, grey, interval, row, seconds, small, spanning, tabular
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published

_COLUMNS = {"cuda": "GPU", "cpu": "CPU"}
_MODES = {"training": "Training (s)", "inference": "Inference (s)"}


def table02(params: Params, summary: Summary, published: Published) -> str:
    """FDnCNN on the GPU; on the CPU, and saying so, where no GPU was measured."""
    part = summary.timing[summary.timing["backbone"] == "fdncnn"]
    if "cuda" in set(part["device"]):
        return _table(part, ["cuda"], published)
    note = small("No GPU was available: times on the CPU.")
    return f"{_table(part, ['cpu'], published)}\n\n\\smallskip\n{note}"


def table05(params: Params, summary: Summary, published: Published) -> str:
    """SwinIR on GPU and CPU."""
    return _table(summary.timing[summary.timing["backbone"] == "swinir"], ["cuda", "cpu"], published)


def table06(params: Params, summary: Summary, published: Published) -> str:
    """FDnCNN on GPU and CPU."""
    return _table(summary.timing[summary.timing["backbone"] == "fdncnn"], ["cuda", "cpu"], published)


def _table(timing: pd.DataFrame, devices: list[str], published: Published) -> str:
    if timing.empty:
        return "(not timed in this profile)"
    columns = [(device, mode) for device in devices for mode in _MODES]
    head = [row(["", *[spanning(2, _device_head(timing, device)) for device in devices]])]
    head.append("".join(rf"\cmidrule(lr){{{2 + 2 * i}-{3 + 2 * i}}}" for i in range(len(devices))))
    head.append(row(["Variant", *[_MODES[mode] for _, mode in columns]]))
    lines = []
    for variant in timing["variant"].unique():
        rows = timing[timing["variant"] == variant].set_index(["device", "mode"])
        times = [_seconds_and_ratio(rows, column, variant) for column in columns]
        lines.append(row([escape(labels.variant_label(variant)), *times]))
        if variant == "baseline":
            continue
        ranges = [_ratio_interval(rows, column) for column in columns]
        lines.append(row([small(r"\quad interval of the ratio"), *map(small, ranges)]))
        printed = [published.time_ratio(timing["backbone"].iloc[0], variant, *column) for column in columns]
        if any(value is not None for value in printed):
            texts = ["" if value is None else grey(rf"{value:.2f}$\times$") for value in printed]
            lines.append(row([small(grey(r"\quad paper")), *map(small, texts)]))
    return tabular("l" + "c" * len(columns), [head, lines])


def _device_head(timing: pd.DataFrame, device: str) -> str:
    """GPU, 16 x 1 x 128 x 128: the input shape differs between devices."""
    rows = timing[timing["device"] == device]
    if rows.empty:
        return _COLUMNS[device]
    shape = rows[["batch", "channels", "height", "width"]].iloc[0]
    product = r" \times ".join(str(size) for size in shape)
    return f"{_COLUMNS[device]}, ${product}$"


def _seconds_and_ratio(rows: pd.DataFrame, column: tuple[str, str], variant: str) -> str:
    if column not in rows.index:
        return DASH
    cell = rows.loc[column]
    if variant == "baseline" or pd.isna(cell["ratio"]):
        return seconds(cell["median_seconds"])
    return rf"{seconds(cell['median_seconds'])} ({fixed(cell['ratio'])}$\times$)"


def _ratio_interval(rows: pd.DataFrame, column: tuple[str, str]) -> str:
    if column not in rows.index:
        return ""
    return interval(rows.loc[column, "ratio_low"], rows.loc[column, "ratio_high"])
