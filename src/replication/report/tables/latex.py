"""Numbers and tables as LaTeX, with booktabs, xcolor and nothing else."""

from __future__ import annotations

import math
import re

DASH = "---"  # not measured
SPACE = r"\addlinespace[3pt]"  # between families of rows
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def generated(maker: str, profile: str, inputs: str, body: str) -> str:
    """A file whose first line says who made it and from what."""
    return f"% {maker}, from results/{profile} with hash {inputs}; made by `replicate tables`, do not edit\n{body.rstrip()}\n"


def escape(text: object) -> str:
    """Plain text for LaTeX: a run id such as dncnn-ne_arch-s25 has characters of its own there."""
    return re.sub(r"[\\{}_%&#$~^<>]", lambda match: _SPECIAL[match.group()], str(text))


def fixed(value: float, digits: int = 2) -> str:
    """30.11; a dash for NaN."""
    return DASH if math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 2) -> str:
    """$+0.07$ with a true minus; a dash for NaN; no sign for what rounds to zero."""
    if math.isnan(value):
        return DASH
    text = f"{value:+.{digits}f}"
    return f"${text[1:] if float(text) == 0 else text}$"


def interval(low: float, high: float, digits: int = 2) -> str:
    """[$-0.12$, $0.03$]; empty where there is none (a single image)."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[${low:.{digits}f}$, ${high:.{digits}f}$]"


def scientific(value: float) -> str:
    """$3.2\\times10^{-7}$; 0 as it is."""
    if math.isnan(value):
        return DASH
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return rf"${mantissa}\times10^{{{int(exponent)}}}$"


def seconds(value: float) -> str:
    """Three significant digits, never an exponent."""
    if math.isnan(value):
        return DASH
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"


def grey(text: str) -> str:
    """The paper's numbers, told apart from ours."""
    return rf"\textcolor{{gray}}{{{text}}}"


def small(text: str) -> str:
    return rf"{{\footnotesize {text}}}" if text else ""


def row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def spanning(count: int, text: str, align: str = "c") -> str:
    return rf"\multicolumn{{{count}}}{{{align}}}{{{text}}}"


def tabular(columns: str, blocks: list[list[str]]) -> str:
    """Blocks of finished rows with a rule between two of them; the first block is the head."""
    body = "\n\\midrule\n".join("\n".join(block) for block in blocks if block)
    return f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}\n\\toprule\n{body}\n\\bottomrule\n\\end{{tabular}}"


def fitted(body: str) -> str:
    """Smaller letters for a table of many rows, so that it stays on its page."""
    rows = body.count("\\\\\n")
    size = r"\scriptsize\renewcommand{\arraystretch}{0.88}" if rows > 50 else r"\footnotesize" if rows > 32 else ""
    return f"{{{size}%\n{body}\n\\par}}" if size else body


def stacked(tables: list[str]) -> str:
    """Several tabulars of one table, one below the other."""
    return "\n\n\\medskip\n\n".join(tables)
