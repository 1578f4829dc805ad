"""How far the pixels of a network see, measured: which outputs become NaN when one input pixel does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from wne.modes import in_eval_mode

_FIRST, _POSITIONS = 32, 8  # pixels of the first probe; neighbouring pixels that are tried


@torch.no_grad()
def receptive_radius(
    backbone: Callable[..., Any], z: Tensor, limit: int, args: tuple = (), kwargs: dict | None = None
) -> int | None:
    """r such that g(z)_i depends on z_j for |i - j| <= r only, in rows and in columns; None where none is known.

    NaN spreads through every layer that reads it, also with a weight of 0, so the radius is that of the architecture.
    None as well for networks whose footprint is not the same at every pixel (strides: it depends on the alignment),
    for those that swallow NaN, and for plain functions, which may hold a network in training.

    Args:
        backbone: (B, C, H, W) to the same shape, called on crops of `z`, at most `limit` pixels wide, in evaluation
            mode, so that no running statistic sees a NaN. Hooks of its own do see it.
        args, kwargs: its other arguments; those that are maps of the size of z are cropped alike.
    """
    if not isinstance(backbone, nn.Module):
        return None
    with in_eval_mode(backbone):
        return _radius(backbone, z, limit, args, kwargs or {})


def _radius(backbone: nn.Module, z: Tensor, limit: int, args: tuple, kwargs: dict) -> int | None:
    size, edge = z.shape[-2:], _FIRST
    while True:
        edge = min(2 * edge, limit, *size)
        if edge < 2 * _POSITIONS:
            return None
        inside = (slice(0, 1), ..., slice(0, edge), slice(0, edge))
        crop = torch.nan_to_num(z[inside])
        extra = [cut(x, size, inside, z.shape[0]) for x in args]
        named = {name: cut(x, size, inside, z.shape[0]) for name, x in kwargs.items()}
        centre = edge // 2 - _POSITIONS // 2
        found = set()
        for at in range(centre, centre + _POSITIONS):
            probe = crop.clone()
            probe[..., at, at] = torch.nan
            found.add(_reach(backbone(probe, *extra, **named), probe, at))
        if len(found) == 1 and None not in found:
            return max(found.pop())  # type: ignore[arg-type]
        if edge in (limit, *size) or None not in found:
            return None


def _reach(out: object, probe: Tensor, at: int) -> tuple[int, int, int, int] | None:
    """Pixels up, down, left and right of `at` that are NaN; None where they reach the border, or there are none."""
    if not isinstance(out, Tensor) or out.shape != probe.shape:
        return None
    broken = out.isnan().flatten(0, -3).any(0)
    rows, columns = broken.any(1).nonzero().flatten(), broken.any(0).nonzero().flatten()
    if not len(rows):
        return None
    ends = [int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])]
    if ends[0] == 0 or ends[2] == 0 or ends[1] == broken.shape[0] - 1 or ends[3] == broken.shape[1] - 1:
        return None
    return at - ends[0], ends[1] - at, at - ends[2], ends[3] - at


def cut(value: object, size: tuple[int, ...], inside: tuple, batch: int | None = None) -> object:
    """`value[inside]` of a tensor whose last two axes are those of the image; anything else as it is.

    With `batch`, the first entry of a tensor that has one for each image.
    """
    if isinstance(value, Tensor) and value.ndim > 2 and value.shape[-2:] == tuple(size):
        return value[inside]
    if batch is not None and isinstance(value, Tensor) and value.ndim > 0 and value.shape[0] == batch:
        return value[:1]
    return value
