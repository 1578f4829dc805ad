"""One direction: the library knows nothing of the study, and a room of the study imports from those before it alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from replication.study.code import imported

SOURCES = Path(__file__).parents[2] / "src"
ROOMS = ("study", "data", "experiments", "results", "claims", "report", "cluster", "cli")


def modules(folder: str) -> list[Path]:
    return sorted((SOURCES / folder).rglob("*.py"))


def imports(file: Path) -> list[str]:
    """Lazy imports and strings "module:name" count: they hide no arrow."""
    return imported(ast.parse(file.read_text()))


def test_the_library_imports_nothing_of_the_study():
    found = {str(file): [name for name in imports(file) if name.startswith("replication")] for file in modules("wne")}
    assert not any(found.values()), {file: names for file, names in found.items() if names}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_those_before_it(room):
    allowed = ROOMS[: ROOMS.index(room) + 1]
    upward = {
        f"{file.relative_to(SOURCES)} -> {name}"
        for file in modules(f"replication/{room}")
        for name in imports(file)
        if name.startswith("replication.") and name.split(".")[1] not in allowed
    }
    assert not upward


def test_every_module_of_the_study_is_in_a_room():
    rooms = {file.relative_to(SOURCES / "replication").parts[0] for file in modules("replication")}
    assert rooms == {*ROOMS, "__init__.py", "__main__.py"}


def test_no_circle():
    graph = {}
    for file in modules("wne") + modules("replication"):
        name = ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        # Names for type checkers alone, and packages that only list their modules, are not executed imports.
        graph[name] = {other for other in imports(file) if other not in ("wne", "replication.experiments")}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in graph.get(name, ()):
                if other != name:
                    visit(other, (*path, name))
            done.add(name)

    for name in graph:
        if name != "wne":
            visit(name, ())
