"""A name that must be among others."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def check_known(where: str, name: str, known: Collection[str]) -> None:
    """Raises ValueError for an unknown name, with the nearest known one."""
    if name not in known:
        raise ValueError(f"{where}: unknown name {name!r}; {hint(name, known)}")


def hint(name: str, known: Collection[str]) -> str:
    """The nearest known name, or where none is near, all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
