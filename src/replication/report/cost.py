"""The estimated cost of a profile as a table: by experiment, and on how many GPUs."""

from __future__ import annotations

import pandas as pd

from replication.experiments.cost import hours_on
from replication.report.cells import cell, count, fixed
from replication.report.table import Row, Table
from replication.study.params import Card, Params

GPUS = (1, 8, 64)


def cost_tables(params: Params, runs: pd.DataFrame, card: Card, share: float) -> list[Table]:
    """A row for each experiment, and one for each number of GPUs. runs: of `cost_of_runs`."""
    head: list[Row] = [
        ["Experiment", "Runs", "EFLOP", "Arithmetic, h", "Memory, h", "GPU-hours", "Share", "Longest run, h"]
    ]
    rows = [_row(params.groups[str(group)].title, part, runs) for group, part in runs.groupby("group", sort=False)]
    note = cell(
        f"An estimate, not measured, of training alone. GPU-hours: the longer of arithmetic and memory, run by run. {card.title}: "
        f"{100 * share:g} % of {card.teraflops:g} TFLOP/s (assumed); {card.terabytes:g} TB/s for float32, nothing fused."
    )
    by_group = Table("lrrrrrrr", head, [rows, [_row("All", runs, runs)]], note)
    times = [[str(gpus), fixed(hours_on(gpus, runs["hours"]), 1)] for gpus in GPUS]
    return [by_group, Table("rr", [["GPUs", "Hours until all runs are done"]], [times])]


def _row(title: str, part: pd.DataFrame, runs: pd.DataFrame) -> Row:
    sums = part[["arithmetic_hours", "memory_hours", "hours"]].sum()
    percent = 100 * sums["hours"] / runs["hours"].sum()
    numbers = [fixed(part["flops"].sum() / 1e18, 1), *(fixed(hours, 1) for hours in sums)]
    return [title, count(len(part)), *numbers, fixed(percent, 0) + " %", fixed(part["hours"].max(), 1)]
