"""What stands in a table: text and numbers, each in LaTeX and in Markdown.

LaTeX needs booktabs and xcolor, and nothing else.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
# Words of plain text that have a symbol; after `escape`.
_SYMBOLS = {
    r"eps\_NE": r"$\epsilon_{\mathrm{NE}}$", r"sigma\_test": r"$\stest$", r"sigma\_train": r"$\strain$",
    "+-": r"$\pm$", r"\textless{}=": r"$\leq$", r"\textgreater{}=": r"$\geq$", r"\textless{}": "$<$",
    " - ": " $-$ ", "|": r"\textbar{}", "Delta": r"$\Delta$", r"std(y)\textasciicircum{}2": r"$\mathrm{std}(y)^2$",
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """The same content for both renderings; `+` joins two, or one and plain text.

    span: the columns it covers, 0 for an ordinary cell. align: of one that spans, as in \\multicolumn.
    """

    latex: str
    markdown: str
    span: int = 0
    align: str = "c"

    def __add__(self, other: Cell | str) -> Cell:
        end = cell(other)
        return replace(self, latex=self.latex + end.latex, markdown=self.markdown + end.markdown)

    def __radd__(self, other: str) -> Cell:
        return cell(other) + self

    def __bool__(self) -> bool:
        return bool(self.latex)


EMPTY = Cell("", "")
DASH = Cell("---", "\N{EN DASH}")  # not measured
TIMES = Cell(r"$\times$", "\N{MULTIPLICATION SIGN}")
SIGMA = Cell(r"$\sigma$", "sigma")


def cell(content: Cell | str | int) -> Cell:
    """Plain text becomes a cell, a cell stays one."""
    return content if isinstance(content, Cell) else Cell(prose(str(content)), str(content).replace("|", "\\|"))


def escape(text: object) -> str:
    """Plain text for LaTeX: a run id such as dncnn-ne_arch-s25 has characters of its own there."""
    return re.sub(r"[\\{}_%&#$~^<>]", lambda match: _SPECIAL[match.group()], str(text))


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


def fixed(value: float, digits: int = 2) -> Cell:
    """30.11; a dash for NaN."""
    return DASH if math.isnan(value) else Cell(*2 * (f"{value:.{digits}f}",))


def signed(value: float, digits: int = 2) -> Cell:
    """+0.07 with a true minus; a dash for NaN; no sign for what rounds to zero."""
    if math.isnan(value):
        return DASH
    text = f"{value:+.{digits}f}"
    text = text[1:] if float(text) == 0 else text
    return Cell(f"${text}$", text)


def interval(low: float, high: float, digits: int = 2) -> Cell:
    """[-0.12, 0.03]; empty where there is none (a single image)."""
    if math.isnan(low) or math.isnan(high):
        return EMPTY
    ends = f"{low:.{digits}f}", f"{high:.{digits}f}"
    return Cell(f"[${ends[0]}$, ${ends[1]}$]", f"[{ends[0]}, {ends[1]}]")


def with_interval(value: float, low: float, high: float) -> Cell:
    """+0.07 [-0.12, 0.03], the interval in small letters."""
    ends = interval(low, high)
    return signed(value) + (Cell(" ", " ") + small(ends) if ends else EMPTY)


def with_half_width(value: float, low: float, high: float, digits: int = 2) -> Cell:
    """+0.07 +- 0.08: the second is half the width of the interval."""
    half = (high - low) / 2
    spread = (
        EMPTY if math.isnan(half) else Cell(rf"\,$\pm$\,{half:.{digits}f}", f" \N{PLUS-MINUS SIGN} {half:.{digits}f}")
    )
    return signed(value, digits) + spread


def scientific(value: float) -> Cell:
    """3.2e-07; 0 as it is."""
    if math.isnan(value):
        return DASH
    mantissa, exponent = f"{value:.1e}".split("e")
    return cell("0") if value == 0 else Cell(rf"${mantissa}\times10^{{{int(exponent)}}}$", f"{value:.1e}")


def seconds(value: float) -> Cell:
    """Three significant digits, never an exponent."""
    return fixed(value, max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0)


def count(value: int) -> Cell:
    """20 000 with a thin space, 20,000."""
    return Cell(f"{value:,}".replace(",", r"\,"), f"{value:,}")


def percent(value: float, digits: int = 0) -> Cell:
    """12 %, of a share in [0, 1]."""
    return Cell(rf"{100 * value:.{digits}f}\,\%", f"{100 * value:.{digits}f} %")


def product(*sizes: float) -> Cell:
    """70 x 70"""
    texts = [f"{size:g}" for size in sizes]
    return Cell("$" + r" \times ".join(texts) + "$", " x ".join(texts))


def at_sigma_test(level: float | str) -> Cell:
    """The head of a column: sigma_test = 5."""
    words = f"{level:g}" if not isinstance(level, str) else level
    symbol = words.replace("sigma_train", r"\strain")
    return Cell(rf"$\stest = {symbol}$", f"sigma_test = {words}")


def grey(content: Cell | str) -> Cell:
    """The paper's numbers, told apart from ours; italic in Markdown."""
    made = cell(content)
    return replace(made, latex=rf"\textcolor{{gray}}{{{made.latex}}}", markdown=f"*{made.markdown}*") if made else made


def small(content: Cell | str) -> Cell:
    made = cell(content)
    return replace(made, latex=rf"{{\footnotesize {made.latex}}}") if made else made


def dashed(text: str) -> Cell:
    """0-55 with the dash of a range."""
    return Cell(text.replace("-", "--"), text.replace("-", "\N{EN DASH}"))


def code(text: str) -> Cell:
    return Cell(rf"\texttt{{{escape(text)}}}", f"`{text}`")


def indented(content: Cell | str) -> Cell:
    """The label of a row that belongs to the one above."""
    made = cell(content)
    return Cell(rf"\quad {made.latex}", f"&emsp;{made.markdown}")


def spanning(columns: int, content: Cell | str) -> Cell:
    """A centred cell over several columns; in a head, with a rule below."""
    return replace(cell(content), span=columns)


def heading(columns: int, content: Cell | str, emphasized: bool = True) -> Cell:
    """The title of a block of rows, over all columns."""
    made = cell(content)
    latex = rf"\emph{{{made.latex}}}" if emphasized else small(made).latex
    return Cell(latex, f"**{made.markdown}**", columns, "@{}l@{}")
