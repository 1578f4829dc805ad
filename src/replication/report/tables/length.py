"""Beyond the paper: the PSNR of each variant against the length of training."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from replication.claims.paper import PaperSummary
from replication.report.cells import DASH, Cell, at_sigma_test, count, fixed, grey, heading
from replication.report.families import of_groups, setting, sweep_ends
from replication.report.source import Source
from replication.report.table import Row, Table
from replication.results.length import GROUP, MAIN, training_steps
from replication.results.summary import on_first_set, single_level
from replication.study.published import row_name


def length(source: Source) -> list[Table]:
    """PSNR after each length of training (mean over seeds) at three levels of noise; below it the paper's, in grey."""
    curves = on_first_set(single_level(source.summary.curves))
    own = of_groups(curves, GROUP)
    main = [MAIN[backbone] for backbone in own.loc[own["variant"] == "wne", "backbone"].unique()]
    curves = of_groups(curves, *main, GROUP)
    curves = curves[curves["sigma_train"].isin(own["sigma_train"])]
    curves = curves.assign(steps=curves["run"].map(training_steps(source.params)))
    papers = of_groups(PaperSummary(source.published).curves, *main)
    lowest, highest = sweep_ends(curves)
    tables = []
    for sigma, runs in curves.groupby("sigma_train", sort=False):
        levels, first = (lowest, float(sigma), highest), runs.iloc[0]
        rows: list[Row] = [[heading(5, setting("CNNs", sigma, first["test_set"], first["n"]), emphasized=False)]]
        for (backbone, variant), own in runs.groupby(["backbone", "variant"], sort=False):
            name = row_name(backbone, variant)
            for steps, seeds in own.groupby("steps"):
                label = name if steps == own["steps"].min() else ""
                rows.append([label, count(steps), *_psnr(seeds, levels)])
            # Fig. 3 and 10 both have SE-arch and NE-arch, in numbers that differ.
            group = MAIN["dncnn" if variant.endswith("_arch") else backbone]
            same = {"group": group, "variant": variant, "sigma_train": sigma, "test_set": first["test_set"]}
            printed = papers[(papers[list(same)] == pd.Series(same)).all(axis="columns")]
            if len(printed):
                steps = source.published.value(("Table 4",), name, "iterations")
                matched = source.published.matched_psnr(backbone, variant, first["test_set"], sigma)  # not read off
                ends = _psnr(printed, levels)
                cells = (DASH if steps is None else count(int(steps)), ends[0], fixed(matched), ends[2])
                rows.append(["", *map(grey, cells)])
        tables.append(Table("lcccc", [["", "steps", *map(at_sigma_test, levels)]], [rows]))
    return tables


def _psnr(runs: pd.DataFrame, levels: Sequence[float]) -> list[Cell]:
    at = [runs.loc[runs["sigma_test"] == level, "psnr"] for level in levels]
    return [fixed(values.mean()) if len(values) else DASH for values in at]
