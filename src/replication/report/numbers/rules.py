"""From the macros that the text of the report uses to a file that defines each of them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from replication.claims import Claim
from replication.report.cells import Cell
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.published import Published

MISSING = r"\StudyMissing"
# Macros of LaTeX itself that begin with a capital letter, as those of numbers do.
_LATEX = {"DeclareMathOperator", "IfFileExists", "Delta", "Sigma", "Gamma", "Theta", "Lambda", "Phi", "Psi", "Omega"}


class Source(NamedTuple):
    """What a number can be read from."""

    params: Params
    summary: Summary
    published: Published
    claims: Sequence[Claim]


Value = Cell | str | int | None  # a string is LaTeX; None: the profile lacks the experiment
Rule = Callable[..., Value]
_RULES: list[tuple[re.Pattern, Rule]] = []


def number(pattern: str) -> Callable[[Rule], Rule]:
    """Registers a function of (source, *groups of the pattern) for the macros whose whole name fits the pattern."""

    def register(rule: Rule) -> Rule:
        _RULES.append((re.compile(pattern), rule))
        return rule

    return register


def used_macros(paper: Path) -> dict[str, Path]:
    """Name of each macro of a number in the text -> the first file that uses it; nothing where there is no text."""
    used: dict[str, Path] = {}
    for file in [*paper.glob("main.tex"), *sorted(paper.glob("sections/*.tex"))]:
        text = re.sub(r"(?<!\\)%.*", "", file.read_text())
        for name in re.findall(r"\\([A-Z][A-Za-z]*)", text):
            used.setdefault(name, file)
    return {name: file for name, file in used.items() if name not in _LATEX}


def known(name: str) -> tuple[Rule, tuple[str, ...]] | None:
    """The function for a macro and what the name says to it, or None."""
    fitting = ((rule, pattern.fullmatch(name)) for pattern, rule in _RULES)
    return next(((rule, match.groups()) for rule, match in fitting if match), None)


def define(
    used: dict[str, Path], params: Params, summary: Summary, published: Published, claims: Sequence[Claim]
) -> str:
    """A \\newcommand for each macro. A number that this profile lacks prints as a bold n/a.

    Raises:
        ValueError: macros that no rule makes, with the file that uses them.
    """
    if unknown := [name for name in used if known(name) is None]:
        uses = ", ".join(f"\\{name} ({used[name]})" for name in unknown)
        raise ValueError(
            f"no number is called {uses}; correct the name, or add a rule to src/replication/report/numbers/ "
            "(a macro of LaTeX itself: to _LATEX in its rules.py)"
        )
    source, values = Source(params, summary, published, claims), {}
    for name in sorted(used):
        rule, groups = known(name)
        value = rule(source, *groups)
        values[name] = value.latex if isinstance(value, Cell) else value
    missing = ", ".join(name for name, value in values.items() if value is None)
    note = f"Not measured in this profile, printed as n/a: {missing or 'none'}."
    head = textwrap.wrap(note, 110, initial_indent="% ", subsequent_indent="% ", break_on_hyphens=False)
    lines = [
        rf"\newcommand{{\{name}}}{{{MISSING if value in (None, '') else value}}}" for name, value in values.items()
    ]
    return "\n".join([*head, rf"\newcommand{{{MISSING}}}{{\textbf{{n/a}}}}", *lines])
