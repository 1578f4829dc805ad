"""How far the pixels of a network see, measured: which outputs change when one pixel becomes NaN or very large."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from wne.contract import chosen_image
from wne.modes import in_eval_mode

_FIRST, _POSITIONS = 32, 8  # pixels of the first probe; neighbouring pixels that are tried
_LARGE = 1e4  # the second probe, in units of the largest entry around it
_CHANGED = 1e-3  # of the largest output: what is less may be rounding


@torch.no_grad()
def receptive_radius(
    backbone: Callable[..., Any],
    z: Tensor,
    limit: int,
    args: tuple = (),
    kwargs: dict | None = None,
    output: int | str | None = None,
) -> int | None:
    """r such that g(z)_i depends on z_j for |i - j| <= r only, in rows and in columns; None where none is known.

    NaN spreads through every layer that reads it, also with a weight of 0, so the radius is that of the architecture.
    A comparison swallows it (NaN > 0 is False), so a large value of either sign is tried too, and the larger radius
    counts. None as well for networks whose footprint is not the same at every pixel (strides: it depends on the
    alignment), for those that swallow NaN, and for plain functions, which may hold a network in training.

    It is no bound for what a network takes from the place of a pixel: coordinates and positional encodings.

    Args:
        backbone: (B, C, H, W) to the same shape, called on crops of `z`, at most `limit` pixels wide, in evaluation
            mode, so that no running statistic sees a NaN. Hooks of its own do see it.
        args, kwargs: its other arguments; those that are maps of the size of z are cropped alike.
        output: of a backbone that returns a tuple or a dict, the index or key of the image.
    """
    if not isinstance(backbone, nn.Module):
        return None
    with in_eval_mode(backbone):
        return _radius(backbone, z, limit, args, kwargs or {}, output)


def _radius(
    backbone: nn.Module, z: Tensor, limit: int, args: tuple, kwargs: dict, output: int | str | None
) -> int | None:
    size, edge = z.shape[-2:], _FIRST
    while True:
        edge = min(2 * edge, limit, *size)
        if edge < 2 * _POSITIONS:
            return None
        inside = (slice(0, 1), ..., slice(0, edge), slice(0, edge))
        crop = torch.nan_to_num(z[inside])
        extra = [cut(x, size, inside, z.shape[0]) for x in args]
        named = {name: cut(x, size, inside, z.shape[0]) for name, x in kwargs.items()}
        found = _footprints(partial(_probed, backbone, crop, extra, named, output), crop)
        if len(found) == 1 and None not in found:
            return max(found.pop())  # type: ignore[arg-type]
        if edge in (limit, *size) or None not in found:
            return None


def _footprints(image: Callable[..., Tensor], crop: Tensor) -> set[tuple[int, int, int, int] | None]:
    """The footprint that all positions have; where they have no common one, several or None among them."""
    centre = crop.shape[-1] // 2 - _POSITIONS // 2
    found = set()
    for at in range(centre, centre + _POSITIONS):
        seen = image(at, torch.nan).isnan()
        found.add(_reach(seen, at))
        if None in found or len(found) > 1:  # which no further position can mend
            return found
    return {_reach(seen | _changed(image, crop, at), at)}


def _probed(
    backbone: nn.Module, crop: Tensor, args: list, kwargs: dict, output: int | str | None, at: int, value: object
) -> Tensor:
    """What the backbone makes of the crop with `value` at the pixel (at, at); NaN where it takes no such crop."""
    probe = crop.clone()
    probe[..., at, at] = value
    try:
        return chosen_image(backbone(probe, *args, **kwargs), output, probe.shape)
    except (RuntimeError, ValueError, AssertionError):  # a larger crop may do, and the tiles will tell if none does
        return torch.full_like(crop, torch.nan)


def _changed(image: Callable[..., Tensor], crop: Tensor, at: int) -> Tensor:
    """The entries of the output that a large value of either sign at (at, at) changes, bool."""
    before, large = image(at, crop[..., at, at]), _LARGE * crop.abs().amax().clamp(min=1)
    same = [(image(at, value) - before).abs() <= _CHANGED * before.abs().amax() for value in (large, -large)]
    return ~(same[0] & same[1])  # of NaN and infinity too


def _reach(seen: Tensor, at: int) -> tuple[int, int, int, int] | None:
    """Pixels up, down, left and right of `at` that are True; None where they reach the border, or there are none."""
    seen = seen.flatten(0, -3).any(0)
    rows, columns = seen.any(1).nonzero().flatten(), seen.any(0).nonzero().flatten()
    if not len(rows):
        return None
    ends = [int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])]
    if ends[0] == 0 or ends[2] == 0 or ends[1] == seen.shape[0] - 1 or ends[3] == seen.shape[1] - 1:
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
