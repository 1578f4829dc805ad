"""The claim ledger as a LaTeX table over several pages."""

from __future__ import annotations

import re

from replication.claims import Claim
from replication.claims import claims as settle_all
from replication.report.tables.latex import escape, row, spanning
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.published import Published

_WIDTHS = (4.3, 2.1, 6.9, 2.0)  # cm: claim, paper, here, verdict; with the gaps between them the text width
_CAPTION = r"""\caption{The paper's claims. Here: the least favourable number of each part of the rule with its
  interval, and how many comparisons hold. In grey the rule, written down before the runs that decide it.}%
  \label{tab:claims}\\"""
_COLOURS = {"reproduced": "green!45!black", "partly": "orange!70!black", "not reproduced": "red!70!black"}


def claims(params: Params, summary: Summary, published: Published) -> str:
    """C1 to C17: statement, the paper's number, ours with n and interval, verdict; below each the rule."""
    lines = settle_all(params, summary, published)
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}cm}}" for width in _WIDTHS)
    head = row(["Claim", "Paper", "Here", "Verdict"])
    body = "\n\\midrule\n".join(_lines(line) for line in lines)
    return "\n".join(
        [
            r"{\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            _CAPTION,
            rf"\toprule {head} \midrule \endfirsthead",
            rf"\toprule {head} \midrule \endhead",
            r"\endfoot",
            r"\bottomrule \endlastfoot",
            body,
            r"\end{longtable}}",
        ]
    )


def _lines(line: Claim) -> str:
    """The claim and what came out, with a line for each part of the rule; the rule below, over the whole width."""
    here = [prose(text) for text in (*line.ours.split("; "), line.n) if text]
    verdict = rf"\textcolor{{{_COLOURS.get(line.verdict, 'black!60')}}}{{{line.verdict}}}"
    where = "" if line.paper == line.where else f" ({prose(line.where)})"
    claim = rf"\textbf{{{line.id}}} {prose(line.statement)}{where}"
    rule = f"Rule: {prose(line.rule)} Made by \\texttt{{{_breakable(line.command)}}}."
    width = rf"\dimexpr {sum(_WIDTHS):g}cm+6\tabcolsep"
    below = spanning(4, rf"\scriptsize\color{{black!60}} {rule}", rf"@{{}}p{{{width}}}@{{}}")
    cells = [claim, prose(line.paper), r"\newline ".join(here), verdict]
    return f"{row(cells)}*\n{below} \\\\"


# Words of the plain text that have a symbol; after `escape`.
_SYMBOLS = {
    r"eps\_NE": r"$\epsilon_{\mathrm{NE}}$", r"sigma\_test": r"$\stest$", r"sigma\_train": r"$\strain$",
    "+-": r"$\pm$", r"\textless{}=": r"$\leq$", r"\textgreater{}=": r"$\geq$", r"\textless{}": "$<$",
    " - ": " $-$ ", "|": r"\textbar{}", "Delta": r"$\Delta$", r"std(y)\textasciicircum{}2": r"$\mathrm{std}(y)^2$",
}  # fmt: skip


def prose(text: str) -> str:
    """Plain text for LaTeX, with symbols, powers of ten and a true minus."""
    made = escape(text)
    for words, symbol in _SYMBOLS.items():
        made = made.replace(words, symbol)
    made = re.sub(r"(?<![\w.}$-])-(?=\d)", "$-$", made)
    return re.sub(r"(\d(?:\.\d+)?)e([+-])0*(\d+)", _power, made)


def _power(match: re.Match) -> str:
    mantissa, sign, exponent = match.groups()
    power = rf"10^{{{'-' if sign == '-' else ''}{exponent}}}"
    return f"${power}$" if float(mantissa) == 1 and "." not in mantissa else rf"${mantissa}\times{power}$"


def _breakable(command: str) -> str:
    """A command in typewriter letters, with braces of that fount, that may break after a slash or a comma."""
    made = escape(command).replace(r"\{", r"{\char123}").replace(r"\}", r"{\char125}")
    return re.sub(r"[/,]", r"\g<0>\\allowbreak{}", made)
