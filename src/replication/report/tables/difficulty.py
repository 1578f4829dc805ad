"""Overlap of the difficulties at different noise levels (Table 3)."""

from __future__ import annotations

from replication.report.tables.latex import escape, grey, row, small, spanning, tabular
from replication.results.summary import Summary, covered
from replication.study.params import Params
from replication.study.published import Published


def table03(params: Params, summary: Summary, published: Published) -> str:
    """m(sigma_test; sigma_train) in percent for each training set, with the paper's number beside it."""
    if summary.difficulty.empty:
        return "(the difficulty of no training set was measured in this profile)"
    blocks = []
    sets = summary.difficulty[["train_set", "patches", "patch"]].drop_duplicates()
    for train_set, patches, patch in sets.itertuples(index=False):
        matrix = covered(summary.difficulty, train_set)
        if not blocks:
            width = len(matrix.columns)
            head = [r"$\strain\backslash\stest$", *(f"{sigma:g}" for sigma in matrix.columns)]
            blocks.append([row(head)])
        count = f"{patches:,}".replace(",", r"\,")
        note = rf"\texttt{{{escape(train_set)}}}, {count} patches of ${patch}\times{patch}$"
        lines = [spanning(width + 1, small(note), "@{}l@{}") + r" \\"]
        for sigma_train, shares in matrix.iterrows():
            cells = [_cell(share, published.coverage(sigma_train, sigma)) for sigma, share in shares.items()]
            lines.append(row([f"{sigma_train:g}", *cells]))
        blocks.append(lines)
    return tabular("c" + "c" * width, blocks)


def _cell(ours: float, paper: float | None) -> str:
    return f"{100 * ours:.0f}" + (f" {grey(small(f'{paper:.0f}'))}" if paper is not None else "")
