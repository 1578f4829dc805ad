"""Docstrings of this project as reStructuredText: Google's sections (napoleon) around prose and formulas in plain text.

An indented block is a formula and stays as it is; elsewhere `*` and `|` are characters, as in ||y||, and not markup.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_SECTION = re.compile(r"(Args|Returns|Raises):$")


def as_rst(lines: list[str]) -> list[str]:
    """The lines of a docstring, without its indentation, for napoleon."""
    out: list[str] = []
    for block in re.split(r"\n(?:[ ]*\n)+", "\n".join(lines).strip("\n")):
        if block.startswith(">>>"):
            text = block
        elif block.startswith("    ") and not _in_section(out):
            text = f"::\n\n{block}"
        else:
            text = re.sub(r"(?<!\\)([*|])", r"\\\1", block)
        out += [*text.split("\n"), ""]
    return out


def _in_section(before: list[str]) -> bool:
    """Whether an indented block goes on with the section before it."""
    start = next((line for line in reversed(before) if line and not line.startswith(" ")), "")
    return bool(_SECTION.match(start))


def _process(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    lines[:] = as_rst(lines)


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _process, priority=400)  # before napoleon, at 500
