"""Evaluation mode for a while, and every submodule's own mode back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_eval_mode(f: object) -> Iterator[None]:
    """Puts each submodule of a module into eval() inside the block; does nothing to a plain function."""
    modes = {module: module.training for module in f.modules()} if isinstance(f, nn.Module) else {}
    for module in modes:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
