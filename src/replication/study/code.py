"""The code that a result depends on, as a hash: what DVC compares in place of files.

A stage starts at one module. Its hash covers that module and all that it imports from this repository, lazily or not,
and the modules that strings of the form "package.module:name" point to. It covers what Python executes, so that

    a comment, a docstring, the layout of the text, a file that moves       change no hash
    a new backbone                                                          changes no hash
    a line of one backbone                                                  changes that of the models that use it

The hashes of a profile stand in `code.yaml` beside its params.yaml, where dvc.yaml names them as parameters.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import wne
from wne.registry import BACKBONES, TIMM_ENCODER

SOURCES = Path(__file__).parents[2]
PACKAGES = ("wne", "replication")
REGISTRY = "wne.registry"  # a model depends on the backbone that it names there, not on the others

# Modules that no result depends on, and why.
LEFT_OUT = {
    "wne": "names what its modules define; an import from it counts as one from them",
    REGISTRY: "says where backbones are; those that a stage uses are added to it",
    "wne.console": "prints",
    "replication.study.code": "makes the hashes",
    "replication.study.params": "reads params.yaml, whose values DVC compares itself",
    "replication.study.params.cluster": "as above",
    "replication.study.params.keywords": "as above",
    "replication.study.params.links": "as above",
    "replication.study.params.names": "as above",
    "replication.study.params.profile": "as above",
    "replication.study.params.reading": "as above",
    "replication.study.params.sections": "as above",
    "replication.study.params.sizes": "as above",
    "replication.study.params.types": "as above",
    "replication.study.paths": "says where files are, as dvc.yaml does",
    "replication.study.environment": "describes the machine",
    "replication.experiments": "lists the analyses",
}
_REFERENCE = re.compile(rf"({'|'.join(PACKAGES)})(\.\w+)*:\w+")


def code_hash(roots: Iterable[str]) -> str:
    """Hash of the code that the modules `roots` execute, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for text in sorted(_content(name) for name in closure(roots)):  # sorted by content: names may change
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def closure(roots: Iterable[str]) -> list[str]:
    """The modules of this repository that importing and running `roots` can execute, without LEFT_OUT."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        waiting += [parent for parent in _parents(name) if parent not in found]  # Python runs their __init__.py
        if name not in LEFT_OUT:
            found.add(name)
            waiting += imported(syntax_tree(name))
    return sorted(found)


def imported(tree: ast.AST) -> list[str]:
    """The modules of this repository that a piece of Python names in imports and in strings "module:name"."""
    return list(dict.fromkeys(module for node in ast.walk(tree) for module, _ in _targets(node)))


def backbone_module(backbone: str) -> str:
    """The module of a backbone of the registry."""
    place = TIMM_ENCODER if backbone.startswith("timm:") else BACKBONES[backbone]
    return place.split(":")[0]


@cache
def syntax_tree(name: str) -> ast.Module:
    """The source of a module, parsed."""
    return ast.parse(_file(name).read_text())


def _file(name: str) -> Path:
    path = SOURCES.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _targets(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(module, name in it) for everything of this repository that an import or a string refers to."""
    if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
        for alias in node.names:
            submodule, home = f"{node.module}.{alias.name}", node.module
            if home == "wne":
                home = wne.HOME.get(alias.name, home)
            yield (submodule, "") if _file(submodule).is_file() else (home, alias.name)
    elif isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] in PACKAGES)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _REFERENCE.fullmatch(node.value):
        module, _, name = node.value.partition(":")
        if _file(module).is_file():
            yield module, name


@cache
def _content(name: str) -> str:
    return _written(syntax_tree(name), with_imports=True)


@cache
def _own_hash(name: str) -> str:
    """Names an imported module by what it says, so that it may move; not by what it imports, which may be a circle."""
    if name in LEFT_OUT:
        return ""
    return hashlib.sha256(_written(syntax_tree(name), with_imports=False).encode()).hexdigest()


def _written(node: object, with_imports: bool) -> str:
    """What Python executes, written the same way by every version of Python. Docstrings go.

    An import from this repository becomes the hash of the module and the name taken from it, or nothing.
    """
    if isinstance(node, list):
        return "".join(_written(item, with_imports) for item in node)
    if not isinstance(node, ast.AST):
        return repr(node)
    if targets := list(_targets(node)):
        shown = [alias.asname or "" for alias in getattr(node, "names", [])]
        return "".join(f"<{_own_hash(module)} {name} {shown}>" for module, name in targets) if with_imports else ""
    parts = []
    for field, value in ast.iter_fields(node):
        if field == "body" and _has_docstring(node):
            value = value[1:]
        if value not in (None, []) and field not in ("ctx", "kind", "type_comment"):
            parts.append(f"{field}={_written(value, with_imports)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _has_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node, clean=False) is not None
    )
