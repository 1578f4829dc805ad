"""Beyond the paper: controls without training, for how much of the gain is scale matching."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import EMPTY, at_sigma_test, fixed, heading, scientific, with_interval
from replication.report.families import setting
from replication.report.source import Source
from replication.report.table import Row, Table, small_row
from replication.results.readers import rows_with, shown_levels, wne_counterpart
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Controls, Params


def controls(source: Source) -> list[Table]:
    """PSNR at the lowest sigma_test, sigma_train and the highest, the gain below it, and the largest defect.

    The gain of a wrapped classical denoiser is over the one without the wrapper, every other over the trained
    baseline. The defect is the sharp one of `wne.equivariance`, over all images and levels it is measured at.
    """
    return [
        _item(source.params, source.summary, name, item) for name, item in source.params.reported("controls").items()
    ]


def _item(params: Params, summary: Summary, name: str, item: Controls) -> Table:
    table = rows_with(summary.controls, item=name)
    levels, baseline = shown_levels(table), params.runs[item.run]
    network = labels.backbone_label(params.models[baseline.model].backbone)
    note = setting(network, f"{baseline.sigma:g}", item.test_set, table["n"].iloc[0])
    blocks: list[list[Row]] = [[[heading(len(levels) + 2, note, emphasized=False)]]]
    for run in (item.run, wne_counterpart(params, item.run)):
        rows = rows_with(summary.curves, run=run, test_set=item.test_set)
        gains = summary.paired[(summary.paired["run"] == run) & (summary.paired["test_set"] == item.test_set)]
        defects = summary.defects[summary.defects["run"] == run]
        label = f"{network} {labels.variant_label(params.runs[run].variant)}, trained"
        blocks[-1] += _rows(label, rows, gains, defects["sharp_max"].max(), levels)
    for denoiser, is_wrapped in table[["denoiser", "wrapped"]].drop_duplicates().itertuples(index=False):
        rows = rows_with(table, denoiser=denoiser, wrapped=is_wrapped)
        gains = rows[rows["against"].notna()]
        if gains.empty:  # a classical denoiser, which its wrapped form follows
            blocks.append([])
        blocks[-1] += _rows(labels.control_label(denoiser, is_wrapped), rows, gains, rows["sharp_max"].max(), levels)
    return Table("l" + "c" * (len(levels) + 1), [["", *map(at_sigma_test, levels), "defect"]], blocks)


def _rows(label: str, rows: pd.DataFrame, gains: pd.DataFrame, defect: float, levels: list[float]) -> list[Row]:
    psnr = rows.set_index("sigma_test")["psnr"]
    lines: list[Row] = [[label, *[fixed(psnr[level]) for level in levels], scientific(defect)]]
    if not gains.empty:
        at = gains.set_index("sigma_test")[["psnr_gain", "psnr_gain_low", "psnr_gain_high"]]
        lines += small_row("gain", [*[with_interval(*at.loc[level]) for level in levels], EMPTY])
    return lines
