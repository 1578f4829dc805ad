"""Real noise (Table 10): SIDD's photographs in the paper profile, a stand-in that is named elsewhere."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import EMPTY, fixed, heading
from replication.report.families import mean_gain, of_groups, run_families
from replication.report.source import Source
from replication.report.table import SPACE, Row, Table, paper_row, small_row
from replication.study import labels
from replication.study.published import Published, is_papers_real_set

_DIGITS = {"psnr": 2, "ssim": 4}


def table10(source: Source) -> list[Table]:
    """PSNR and SSIM, with the gain over the baseline; the paper's numbers where the photographs are its own."""
    parts = of_groups(source.summary.real, "real-noise").groupby("test_set", sort=False)
    return [
        Table("lcc", [["", "PSNR (dB)", "SSIM"]], [_block(str(name), rows, source.published) for name, rows in parts])
    ]


def _block(test_set: str, rows: pd.DataFrame, published: Published) -> list[Row]:
    first, own = rows.iloc[0], is_papers_real_set(test_set)
    title = f"{labels.test_set_label(test_set)}, {first['n']} images" + ("" if own else ", a stand-in for SIDD")
    noisy = [fixed(first[f"input_{metric}"], digits) for metric, digits in _DIGITS.items()]
    block: list[Row] = [[heading(3, title, emphasized=False)], ["Noisy input", *noisy]]
    for label, family, runs in run_families(rows):
        run = runs.iloc[0]
        block += [SPACE, [label, *[fixed(run[metric], digits) for metric, digits in _DIGITS.items()]]]
        if not pd.isna(run["psnr_gain"]):
            block += small_row("gain", [mean_gain(run, *metric) for metric in _DIGITS.items()])
        paper = {m: published.real(family["backbone"], family["variant"], m.upper()) if own else None for m in _DIGITS}
        block += paper_row([EMPTY if paper[m] is None else fixed(paper[m], digits) for m, digits in _DIGITS.items()])
    return block
