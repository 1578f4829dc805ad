"""The ledger of claims: a table over several pages in LaTeX."""

from __future__ import annotations

import re

from replication.claims import Claim
from replication.report.cells import Cell, cell, escape
from replication.report.source import Source
from replication.report.table import Row, Table, latex_row

_WIDTHS = (4.3, 2.1, 6.9, 2.0)  # cm: claim, paper, here, verdict; with the gaps between them the text width
_CAPTION = r"""\caption{The paper's claims. Here: the least favourable number of each part of the rule with its
  interval, and how many comparisons hold. In grey the rule, written down before the runs that decide it.}%
  \label{tab:claims}\\"""
_COLOURS = {"reproduced": "green!45!black", "partly": "orange!70!black", "not reproduced": "red!70!black"}


class Ledger(Table):
    """A table over several pages, with widths of its own, that may break between two claims and not within one."""

    alone = True

    def latex(self) -> str:
        columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}cm}}" for width in _WIDTHS)
        head = latex_row(self.head[0])
        return "\n".join(
            [
                r"{\footnotesize\setlength{\tabcolsep}{3pt}",
                rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
                _CAPTION,
                rf"\toprule {head} \midrule \endfirsthead",
                rf"\toprule {head} \midrule \endhead",
                r"\endfoot",
                r"\bottomrule \endlastfoot",
                "\n\\midrule\n".join("*\n".join(block) for block in self.latex_blocks()[1:]),
                r"\end{longtable}}",
            ]
        )


def claims(source: Source) -> list[Table]:
    """C1 to C17: statement, the paper's number, ours with n and interval, verdict; below each the rule."""
    blocks = [_rows(line) for line in source.claims]
    return [Ledger("llll", [["Claim", "Paper", "Here", "Verdict"]], blocks)]


def _rows(line: Claim) -> list[Row]:
    """The claim and what came out, with a line for each part of the rule; the rule below, over the whole width."""
    here = [cell(text) for text in (*line.ours.split("; "), line.n) if text]
    parts = Cell(r"\newline ".join(part.latex for part in here), "<br>".join(part.markdown for part in here))
    colour = _COLOURS.get(line.verdict, "black!60")
    verdict = Cell(rf"\textcolor{{{colour}}}{{{line.verdict}}}", f"**{line.verdict}**")
    where = "" if line.paper == line.where else f" ({line.where})"
    claim = Cell(rf"\textbf{{{line.id}}} ", f"**{line.id}** ") + line.statement + where
    rule = "Rule: " + cell(line.rule) + " Made by " + _command(line.command) + "."
    width = rf"@{{}}p{{\dimexpr {sum(_WIDTHS):g}cm+6\tabcolsep}}@{{}}"
    below = Cell(rf"\scriptsize\color{{black!60}} {rule.latex}", f"<sub>{rule.markdown}</sub>", 4, width)
    return [[claim, line.paper, parts, verdict], [below]]


def _command(command: str) -> Cell:
    """In typewriter letters, with braces of that fount, that may break after a slash or a comma."""
    made = escape(command).replace(r"\{", r"{\char123}").replace(r"\}", r"{\char125}")
    made = re.sub(r"[/,]", r"\g<0>\\allowbreak{}", made)
    return Cell(rf"\texttt{{{made}}}", f"`{command}`")
