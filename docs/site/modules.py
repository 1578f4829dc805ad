"""The directive `modules`: each module of a package with the first line of its docstring. Nothing is imported."""

from __future__ import annotations

import ast
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SOURCE = Path(__file__).parents[2] / "src"


class Modules(SphinxDirective):
    """One argument: the folder of the package below src/."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        package = SOURCE / self.arguments[0]
        self.env.note_dependency(str(package))
        entries = [_entry(path) for path in sorted(package.rglob("*.py")) if path.stem != "__init__"]
        if not entries:
            raise self.error(f"no modules in {package}")
        return [nodes.definition_list("", *entries)]


def _entry(path: Path) -> nodes.definition_list_item:
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    summary = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].replace("\n", " ")
    return nodes.definition_list_item(
        "", nodes.term("", "", nodes.literal("", name)), nodes.definition("", nodes.paragraph("", summary))
    )


def setup(app: Sphinx) -> None:
    app.add_directive("modules", Modules)
