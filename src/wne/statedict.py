"""State dicts of wrapped and of bare networks, each loaded into the other.

A wrapper has torch's own names: the parameter `w` of the backbone is `backbone.w`. A state dict without that prefix
(the backbone's own, or a checkpoint from before it was wrapped) loads as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import nn

_PREFIX = "backbone."


class BackboneHolder(nn.Module):
    """A module around `backbone` whose `load_state_dict` takes the backbone's own state dict as well."""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        own = {prefix + name for name in _loadable_names(self)}
        names = [name for name in state_dict if name.startswith(prefix)]
        renamed = _renaming(names, own, prefix)
        # Take all out before the first goes back: a backbone may have a submodule `backbone` of its own.
        values = {renamed[name]: state_dict.pop(name) for name in names}
        state_dict.update(values)
        super()._load_from_state_dict(state_dict, prefix, *args)


def load_state_dict(model: nn.Module, state_dict: Mapping[str, Any], strict: bool = True) -> Any:
    """`model.load_state_dict` for a wrapped or a bare model and the state dict of a wrapped or a bare one.

    Args:
        model: loaded in place.
        state_dict: with or without the prefix `backbone.` of a wrapper.
        strict: as in torch: every name must be known, and none may be missing.

    Returns:
        Missing and unexpected names, as torch does.

    Raises:
        RuntimeError: names or shapes that do not fit.
    """
    renamed = _renaming(state_dict, _loadable_names(model), "")
    return model.load_state_dict({renamed[name]: value for name, value in state_dict.items()}, strict=strict)


def _renaming(names: Collection[str], own: Collection[str], prefix: str) -> dict[str, str]:
    """Each name as it is, with the prefix or without it: whichever makes most of them names of the module.

    All are treated alike, because `backbone.w` may be a name in two ways. A name that nobody knows stays.
    """
    candidates: tuple[Callable[[str], str], ...] = (
        lambda name: name,
        lambda name: prefix + _PREFIX + name.removeprefix(prefix),
        lambda name: prefix + name.removeprefix(prefix).removeprefix(_PREFIX),
    )

    def known(candidate: Callable[[str], str]) -> int:
        return len({candidate(name) for name in names} & set(own))

    best = max(candidates, key=known)  # as they are, if that is as good
    return {name: best(name) if best(name) in own else name for name in names}


def _loadable_names(module: nn.Module) -> set[str]:
    """The names in the module's state dict, and those that holders further inside accept in their place."""
    names = set(module.state_dict(keep_vars=True))
    inside = [path for path, child in module.named_modules() if path and isinstance(child, BackboneHolder)]
    for path in reversed(inside):  # the innermost first
        start = f"{path}.{_PREFIX}"
        names |= {f"{path}.{name.removeprefix(start)}" for name in names if name.startswith(start)}
    return names
