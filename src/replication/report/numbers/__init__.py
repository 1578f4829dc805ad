"""The numbers of the report's text as LaTeX macros, so that none is typed by hand: exactly those that it uses.

A new number is a line in FACTS of `study`, in QUESTIONS of `questions`, or in the tables of `effects` and `exposure`,
whose heads explain their names.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from pathlib import Path

from replication.report.cells import EMPTY, Cell
from replication.report.numbers.effects import EFFECTS
from replication.report.numbers.exposure import EXPOSURE
from replication.report.numbers.questions import QUESTIONS
from replication.report.numbers.study import FACTS
from replication.report.source import Source

NUMBERS = FACTS | EFFECTS | EXPOSURE | QUESTIONS
MISSING = r"\StudyMissing"
# Macros of LaTeX itself that begin with a capital letter, as those of numbers do.
_LATEX = {"DeclareMathOperator", "IfFileExists", "Delta", "Sigma", "Gamma", "Theta", "Lambda", "Phi", "Psi", "Omega"}


def used_macros(paper: Path) -> dict[str, Path]:
    """Name of each macro of a number in the text -> the first file that uses it; nothing where there is no text."""
    used: dict[str, Path] = {}
    for file in [*paper.glob("main.tex"), *sorted(paper.glob("sections/*.tex"))]:
        text = re.sub(r"(?<!\\)%.*", "", file.read_text())
        for name in re.findall(r"\\([A-Z][A-Za-z]*)", text):
            used.setdefault(name, file)
    return {name: file for name, file in used.items() if name not in _LATEX}


def define(used: dict[str, Path], source: Source) -> str:
    """A \\newcommand for each macro. A number that this profile lacks prints as a bold n/a.

    Raises:
        ValueError: macros that no code makes, with the file that uses them.
    """
    if unknown := [name for name in used if name not in NUMBERS]:
        near = difflib.get_close_matches(unknown[0], NUMBERS, n=1)
        hint = f"did you mean \\{near[0]}?" if near else "add them to FACTS or EFFECTS in replication.report.numbers"
        uses = ", ".join(f"\\{name} ({used[name]})" for name in unknown)
        raise ValueError(f"no number is called {uses}; {hint}")
    values = {name: NUMBERS[name](source) for name in sorted(used)}
    missing = [name for name, value in values.items() if value in (None, EMPTY)]
    note = f"Not measured in this profile, printed as n/a: {', '.join(missing) or 'none'}."
    lines = textwrap.wrap(note, 110, initial_indent="% ", subsequent_indent="% ", break_on_hyphens=False)
    lines += [rf"\newcommand{{{MISSING}}}{{\textbf{{n/a}}}}", rf"\newcommand{{\absent}}{{{MISSING}}}"]  # for \ifnumber
    for name, value in values.items():
        text = MISSING if name in missing else value.latex if isinstance(value, Cell) else value
        lines.append(rf"\newcommand{{\{name}}}{{{text}}}")
    return "\n".join(lines)
