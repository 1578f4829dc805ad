"""Generalization across noise levels: the gain of every run over its baseline, in two tables."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import DASH, Cell, at_sigma_test, dashed, with_interval
from replication.report.families import of_groups, run_families, sweep_ends
from replication.report.source import Source
from replication.report.table import SPACE, Message, Row, Table
from replication.results.length import GROUP as LENGTHS
from replication.results.summary import RESTORATION
from replication.study import labels
from replication.study.params import Params

# Groups of `mismatch`, and of `mismatch_other`.
_MAIN = ("cnn", "swinir", "fdncnn", "restormer")
_OTHER = ("colour", "training-controls", "n2n", "input-only", "non-gaussian", LENGTHS, *RESTORATION)


def mismatch(source: Source) -> list[Table]:
    """Gain over the baseline in dB, with its interval, at the lowest, the matched and the highest sigma_test.

    The experiments of the main text and their repetitions on other backbones.
    """
    return _tables(of_groups(source.summary.paired, *_MAIN), source.params)


def mismatch_other(source: Source) -> list[Table]:
    """The same for the other experiments that are reported. A run without a baseline in its own experiment is
    compared with the baseline of the same model; one trained on a range of noise has no matched level."""
    alone = of_groups(source.summary.contrasts, "input-only")
    alone = alone[alone["against_variant"] == "baseline"]
    rows = pd.concat([of_groups(source.summary.paired, *_OTHER), alone])
    return (
        _tables(rows, source.params)
        if len(rows)
        else [Message("none of these experiments is reported in this profile")]
    )


def _tables(paired: pd.DataFrame, params: Params) -> list[Table]:
    """One for each test set and kind of noise: their lowest and highest sigma_test differ."""
    parts = [part for part in paired.groupby(["test_set", "noise"], sort=False) if len(set(sweep_ends(part[1]))) > 1]
    return [_table(rows, *map(str, key), params, joined=index > 0) for index, (key, rows) in enumerate(parts)]


def _table(paired: pd.DataFrame, test_set: str, noise: str, params: Params, joined: bool) -> Table:
    lowest, highest = sweep_ends(paired)
    kind = "" if noise == "gaussian" else f", {noise}"
    title = f"{labels.test_set_label(test_set)}{kind}, {paired['n'].iloc[0]} images"
    head = [title, "sigma_train", *map(at_sigma_test, (lowest, "sigma_train", highest))]
    rows: list[Row] = []
    for label, family, runs in run_families(paired):
        if family["group"] == LENGTHS:
            seed = f", seed {family['seed']}" if int(family["seed"]) else ""
            label = f"{label.split(' (')[0]}, {params.recipes[family['recipe']].steps:,} steps{seed}"
        rows += [SPACE] if rows else []
        for index, (_, run) in enumerate(runs.groupby("run", sort=False)):
            own = run["sigma_train"].iloc[0]
            gains = [_gain(run, sigma) for sigma in (lowest, own, highest)]
            rows.append(["" if index else label, dashed(own), *gains])
    return Table("lcccc", [head], [rows], joined=joined)


def _gain(run: pd.DataFrame, sigma: float | str) -> Cell:
    if isinstance(sigma, str) and "-" in sigma:
        return DASH
    row = run[run["sigma_test"] == float(sigma)].iloc[0]
    return with_interval(row["psnr_gain"], row["psnr_gain_low"], row["psnr_gain_high"])
