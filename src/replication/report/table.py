"""A table as data, rendered twice: as LaTeX for the report, as Markdown for the results page and README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from replication.report.cells import EMPTY, Cell, cell, grey, indented, small

Row = list[Cell | str | int]
SPACE: Row = []  # between families of rows


@dataclass
class Table:
    """Rows of cells.

    columns: of LaTeX, without what separates them. head: one row or two, blocks: of rows, with a rule in between.
    note: below the table. joined: LaTeX sets it in one with the table before it, so that columns align.
    """

    columns: str
    head: list[Row]
    blocks: list[list[Row]] = field(default_factory=list)
    note: Cell = EMPTY
    joined: bool = False
    alone = False  # whether a subclass sets itself, by `latex`

    def latex_blocks(self) -> list[list[str]]:
        """The rows of the head and of each block."""
        return [_latex_head(self.head), *[[latex_row(row) for row in block] for block in self.blocks if block]]

    def markdown(self) -> str:
        head = [", ".join(filter(None, texts)) for texts in zip(*[_markdown_cells(row, True) for row in self.head])]
        rows = [_markdown_cells(row) for block in self.blocks for row in block if row]
        lines = [head, ["---"] * len(head), *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{text}\n\n{self.note.markdown}" if self.note else text


@dataclass
class Message(Table):
    """A sentence in place of a table that the profile has nothing for."""

    def __init__(self, text: str):
        super().__init__("", [], note=cell(f"({text})"))

    def markdown(self) -> str:
        return self.note.markdown


def small_row(label: str, cells: list[Cell]) -> list[Row]:
    """A row in small letters that belongs to the one above; none where all its cells are empty."""
    return [[small(indented(label)), *map(small, cells)]] if any(cells) else []


def paper_row(cells: list[Cell]) -> list[Row]:
    """What the paper prints, below ours."""
    return [[small(indented(grey("paper"))), *map(small, map(grey, cells))]] if any(cells) else []


def markdown(tables: Sequence[Table]) -> str:
    """Several tables of one artefact, one below the other."""
    return "\n\n".join(table.markdown() for table in tables)


def latex(tables: Sequence[Table]) -> str:
    """The same; many rows are set in smaller letters, so that they stay on their page."""
    if tables[0].alone:
        return tables[0].latex()
    groups: list[list[Table]] = []
    for table in tables:
        groups += [] if table.joined else [[]]
        groups[-1].append(table)
    body = "\n\n\\medskip\n\n".join(map(_tabular, groups))
    rows = body.count("\\\\\n")
    lines = 0.76 if rows > 60 else 0.88
    size = (
        rf"\scriptsize\renewcommand{{\arraystretch}}{{{lines}}}" if rows > 50 else r"\footnotesize" if rows > 32 else ""
    )
    return f"{{{size}%\n{body}\n\\par}}" if size else body


def _tabular(tables: list[Table]) -> str:
    first, note = tables[0], tables[-1].note
    if isinstance(first, Message):
        return note.latex
    blocks = [block for table in tables for block in table.latex_blocks()]
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks)
    text = f"\\begin{{tabular}}{{@{{}}{first.columns}@{{}}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"
    return f"{text}\n\n\\smallskip\n{small(note).latex}" if note else text


def latex_row(row: Row) -> str:
    if not row:
        return r"\addlinespace[3pt]"
    cells = map(cell, row)
    return (
        " & ".join(rf"\multicolumn{{{c.span}}}{{{c.align}}}{{{c.latex}}}" if c.span else c.latex for c in cells)
        + r" \\"
    )


def _latex_head(rows: list[Row]) -> list[str]:
    """With a rule below what spans columns."""
    lines = []
    for row in rows:
        rules, column = "", 1
        for made in map(cell, row):
            end = column + max(1, made.span)
            rules += rf"\cmidrule(lr){{{column}-{end - 1}}}" if made.span else ""
            column = end
        lines += [latex_row(row), rules] if rules else [latex_row(row)]
    return lines


def _markdown_cells(row: Row, repeated: bool = False) -> list[str]:
    """The text of each column; what spans several is repeated in a head, and stands in the first of them in a body."""
    texts = []
    for made in map(cell, row):
        texts += [made.markdown, *[made.markdown if repeated else ""] * (made.span - 1)]
    return texts
