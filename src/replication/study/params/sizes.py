"""What the sizes of a backbone must be for one another. Its class fails far later, in a layer or in the first training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check_sizes(backbone: str, sizes: dict[str, Any]) -> None:
    """Raises ValueError for sizes that make no network; `sizes`: every keyword -> value, each of its own type."""
    if backbone in _CHECKS:
        _CHECKS[backbone](**sizes)


def _swinir(embed_dim: int, heads: int, drop_path: float, **others: object) -> None:
    if drop_path >= 1:
        raise ValueError(f"drop_path: is a share of the blocks, at least 0 and below 1, not {drop_path:g}")
    if heads > embed_dim:
        raise ValueError(f"heads: {heads} are more than the features, embed_dim: {embed_dim}")


def _restormer(dim: int, blocks: list[int], heads: list[int], expansion: float, **others: object) -> None:
    if not 2 <= len(blocks) <= len(heads):
        raise ValueError(f"blocks: needs 2 levels or more, and heads for each; has {len(blocks)}, heads {len(heads)}")
    if dim % 2:
        raise ValueError(f"dim: must be even, because a level halves it before it folds pixels, not {dim}")
    for level in range(len(blocks)):
        if dim * 2**level % heads[level]:
            raise ValueError(f"heads: {heads[level]} do not divide the {dim * 2**level} features of level {level}")
    if dim * expansion < 1:
        raise ValueError(f"expansion: {expansion:g} leaves nothing of dim: {dim}")


_CHECKS: dict[str, Callable[..., None]] = {"swinir": _swinir, "restormer": _restormer}
