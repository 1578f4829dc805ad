"""The claims: a table over several pages in LaTeX, with the rules and the former rules as tables of their own."""

from __future__ import annotations

import re

from replication.claims import Claim
from replication.claims.ledger import NOT_TESTED, REDUCED, REFUTED, REPRODUCED
from replication.report.cells import Cell, cell, escape
from replication.report.source import Source
from replication.report.table import Row, Table, latex_row

_COLOURS = {
    REPRODUCED: "green!45!black", REDUCED: "orange!70!black", REFUTED: "red!70!black", NOT_TESTED: "black!60",
}  # fmt: skip


class LongTable(Table):
    """A table over several pages with columns of these widths (cm), that may break between two rows."""

    alone = True

    def __init__(self, widths: tuple[float, ...], caption: str, label: str, head: Row, rows: list[Row]):
        super().__init__("l" * len(widths), [head], [[row] for row in rows])
        self.widths, self.caption, self.label = widths, caption, label

    def latex(self) -> str:
        columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}cm}}" for width in self.widths)
        head = latex_row(self.head[0])
        return "\n".join(
            [
                r"{\footnotesize\setlength{\tabcolsep}{6pt}",
                rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
                rf"\caption{{{self.caption}}}\label{{{self.label}}}\\",
                rf"\toprule {head} \midrule \endfirsthead",
                rf"\toprule {head} \midrule \endhead",
                r"\endfoot",
                r"\bottomrule \endlastfoot",
                "\n\\midrule\n".join("*\n".join(block) for block in self.latex_blocks()[1:]),
                r"\end{longtable}}",
            ]
        )


def claims(source: Source) -> list[Table]:
    """C1 to C17: statement, the paper's numbers under the rule, ours, verdict."""
    caption = (
        "The paper's claims. Each line of the two middle columns is one part of the claim's rule: the number, or the "
        "median of several and their range, then how many comparisons hold, are open and fail. The column Paper applies "
        "the rule to the paper's own numbers, or names the figure or proof where there are none to read."
    )
    rows = [_row(line) for line in source.claims]
    return [LongTable((3.4, 4.3, 5.0, 1.9), caption, "tab:claims", ["Claim", "Paper", "Here", "Verdict"], rows)]


def _row(line: Claim) -> Row:
    rule = line.rule
    verdict = Cell(rf"\textcolor{{{_COLOURS[line.verdict]}}}{{{line.decided}}}", f"**{line.decided}**")
    claim = Cell(rf"\textbf{{{rule.id}}} ", f"**{rule.id}** ") + f"{rule.statement} ({rule.where})"
    finding = f"Finding: {line.finding}" if line.finding else ""
    paper = _lines([*(part.text for part in line.papers), finding] if line.papers else [rule.where, finding])
    return [claim, paper, _lines([*line.notes, *(part.text for part in line.parts), line.n]), verdict]


def _lines(texts: list[str]) -> Cell:
    """One below the other, what is left of each on indented lines."""
    made = [cell(text) for text in texts if text]
    latex = r"\par ".join(rf"\hangindent=1em {each.latex}" for each in made)
    return Cell(latex, "<br>".join(each.markdown for each in made))


def rules(source: Source) -> list[Table]:
    """What decides each claim, since when, and the command that makes its numbers."""
    caption = (
        "The rule of each claim, and the day on which it took this form. All were fixed after the results of default and "
        "bsd400 were known, those of 28 November 2026 also after the first runs at the published size."
    )
    rows: list[Row] = [
        [line.rule.id, cell(line.rule.rule), line.rule.fixed, _command(line.command)] for line in source.claims
    ]
    return [LongTable((0.8, 7.8, 1.7, 4.4), caption, "tab:rules", ["", "Rule", "Fixed", "Command"], rows)]


def former_rules(source: Source) -> list[Table]:
    """Rules that were replaced, why, and what they said of the results of that day."""
    caption = (
        "Former rules, why they were replaced, and their verdicts on the results of that day, in the words of that day."
    )
    rows: list[Row] = [
        [row.id, cell(row.rule), cell(f"{row.why} ({row.replaced})"), row.default, row.bsd400]
        for row in source.former_rules.itertuples()
    ]
    head: Row = ["", "Former rule", "Why replaced", "default", "bsd400"]
    return [LongTable((0.7, 6.0, 3.7, 1.9, 2.0), caption, "tab:former", head, rows)]


def _command(command: str) -> Cell:
    """In typewriter letters, with braces of that fount, that may break after punctuation."""
    if not command:
        return cell("not in this profile")
    made = escape(command).replace(r"\{", r"{\char123}").replace(r"\}", r"{\char125}")
    made = re.sub(r"[/,:@]|(?<=\w)-", r"\g<0>\\allowbreak{}", made)
    return Cell(rf"\texttt{{{made}}}", f"`{command}`")
