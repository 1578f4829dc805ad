"""Overlap of the difficulties at different noise levels (Table 3)."""

from __future__ import annotations

from replication.report.cells import Cell, cell, code, count, grey, heading, product, small
from replication.report.source import Source
from replication.report.table import Message, Row, Table
from replication.results.summary import covered


def table03(source: Source) -> list[Table]:
    """m(sigma_test; sigma_train) in percent for each training set, with the paper's number beside it."""
    if source.summary.difficulty.empty:
        return [Message("the difficulty of no training set was measured in this profile")]
    blocks = []
    sets = source.summary.difficulty[["train_set", "patches", "patch"]].drop_duplicates()
    for train_set, patches, patch in sets.itertuples(index=False):
        matrix = covered(source.summary.difficulty, train_set)
        note = code(train_set) + ", " + count(patches) + " patches of " + product(patch, patch)
        block: list[Row] = [[heading(len(matrix.columns) + 1, note, emphasized=False)]]
        for sigma_train, shares in matrix.iterrows():
            cells = [_cell(share, source.published.coverage(sigma_train, sigma)) for sigma, share in shares.items()]
            block.append([f"{sigma_train:g}", *cells])
        blocks.append(block)
    corner = Cell(r"$\strain\backslash\stest$", "sigma_train \\ sigma_test")
    head = [corner, *(f"{sigma:g}" for sigma in matrix.columns)]
    return [Table("c" * len(head), [head], blocks)]


def _cell(ours: float, paper: float | None) -> Cell:
    made = cell(f"{100 * ours:.0f}")
    return made if paper is None else made + Cell(" ", " ") + grey(small(f"{paper:.0f}"))
