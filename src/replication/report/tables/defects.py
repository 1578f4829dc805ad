"""Equivariance defects of the trained models."""

from __future__ import annotations

from replication.report.cells import heading, scientific, spanning
from replication.report.families import model_name
from replication.report.source import Source
from replication.report.table import Row, Table

_VALUES = (("paper_median", "median"), ("paper_max", "max"), ("sharp_median", "median"), ("sharp_max", "max"))


def defects(source: Source) -> list[Table]:
    """Defects in the paper's form and in the sharper one: median of the runs' medians, and the largest value.

    A row for each experiment and model, over its sigma_train and kinds of noise.
    """
    head: list[Row] = [
        ["", "", spanning(2, "eps_NE"), spanning(2, "sharper form")],
        ["Model", "runs", "median", "largest", "median", "largest"],
    ]
    blocks = []
    for group, experiment in source.summary.defects.groupby("group", sort=False):
        block: list[Row] = [[heading(6, source.params.groups[str(group)].title)]]
        for model, runs in experiment.groupby(["backbone", "variant", "objective"], sort=False):
            values = [scientific(runs[column].agg(statistic)) for column, statistic in _VALUES]
            block.append([model_name(*model), len(runs), *values])
        blocks.append(block)
    return [Table("lccccc", head, blocks)]
