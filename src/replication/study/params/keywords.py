"""The keywords that a backbone's class takes, and its variants: read from the source, because importing torch takes seconds.

    def __init__(self, channels: int = 1, depth: int = 20, drop_path: float = 0.0, patch_norm: bool = False, ...)

An int is at least 1, a float finite and not negative, and a Literal one of its values; so a new backbone is checked by
being in the registry.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from replication.study.code import backbone_module, syntax_tree
from replication.study.params.names import check_known
from replication.study.params.sizes import check_sizes
from wne.registry import BACKBONES

VARIANTS = ("baseline", "wne", "wse", "wne_input", "se_arch", "ne_arch")  # of wne.models, as a test asserts
ARCHITECTURAL = ("se_arch", "ne_arch")  # they replace the layers of FDnCNN

_SET_ELSEWHERE = ("self", "channels", "form")  # by the task and by the variant
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
_TYPES: dict[str, Any] = {
    "int": Annotated[int, Field(ge=1)],
    "float": Annotated[float, Field(ge=0)],
    "bool": bool,
    "Sequence[int]": Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)],
}


def check_backbone(backbone: str, size: dict[str, object]) -> None:
    """Raises ValueError for a backbone, a keyword or a value that does not exist, and for sizes that make no network.

    `size`: keyword -> value.
    """
    check_known("backbone", backbone, BACKBONES)
    kinds = _keywords(backbone)
    for key, value in size.items():
        check_known(f"keyword of {backbone}", key, kinds)
        try:
            TypeAdapter(kinds[key], config=_STRICT).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in (key, *first["loc"]) if not str(part).startswith("constrained"))
            raise ValueError(f"{place}: {first['msg']}, not {first['input']!r}") from None
    check_sizes(backbone, _defaults(backbone) | size)


def check_variant(where: str, variant: str, backbone: str) -> None:
    """Raises ValueError for a variant that does not exist, or not for this backbone."""
    check_known(where, variant, VARIANTS)
    if variant in ARCHITECTURAL and backbone != "fdncnn":
        raise ValueError(f"{where}: {variant} replaces the layers of fdncnn, and does not exist for {backbone}")


@cache
def _keywords(backbone: str) -> dict[str, Any]:
    """Keyword -> type, of the class that the registry names."""
    arguments, tree = _arguments(backbone), syntax_tree(backbone_module(backbone))
    taken = [*arguments.args, *arguments.kwonlyargs]
    return {a.arg: _type(a.annotation, tree) for a in taken if a.arg not in _SET_ELSEWHERE}


def _defaults(backbone: str) -> dict[str, Any]:
    """Keyword -> what it is when none is given."""
    arguments = _arguments(backbone)
    positional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [*zip(positional, arguments.defaults), *zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return {a.arg: ast.literal_eval(value) for a, value in pairs if isinstance(value, ast.Constant | ast.Tuple)}


def _arguments(backbone: str) -> ast.arguments:
    body, name = syntax_tree(backbone_module(backbone)).body, BACKBONES[backbone].split(":")[1]
    made = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    return next(node for node in made.body if isinstance(node, ast.FunctionDef) and node.name == "__init__").args


def _type(annotation: ast.expr | None, tree: ast.Module) -> Any:
    if annotation is None:
        return Any
    text = ast.unparse(annotation)
    if text.startswith("Literal["):
        return Literal[ast.literal_eval(annotation.slice)]
    if text in _TYPES:
        return _TYPES[text]
    for node in tree.body:  # a name for a type, defined here or imported
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == text:
            return _type(node.value, tree)
        if isinstance(node, ast.ImportFrom) and text in [alias.name for alias in node.names] and node.module:
            return _type(annotation, syntax_tree(node.module)) if node.module.startswith("wne.") else Any
    return Any
