"""Reflection padding that works for every image size, down to a single pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def _reflected_indices(size: int, before: int, after: int, device: torch.device) -> Tensor:
    period = max(2 * (size - 1), 1)
    position = torch.arange(-before, size + after, device=device) % period
    return torch.minimum(position, period - position) if size > 1 else torch.zeros_like(position)


def reflect_pad(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Reflects (..., H, W) about its border pixels; torch's own refuses a pad as wide as the image."""
    height, width = x.shape[-2:]
    if max(left, right) < width and max(top, bottom) < height:
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    x = x[..., _reflected_indices(height, top, bottom, x.device), :]
    return x[..., _reflected_indices(width, left, right, x.device)]


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Reflects right and bottom until H and W are multiples of `multiple`; crop the result to undo it."""
    height, width = x.shape[-2:]
    # Not -width % multiple: torch.compile does not take the remainder of a negative symbolic size.
    right, bottom = ((multiple - size % multiple) % multiple for size in (width, height))
    return reflect_pad(x, 0, right, 0, bottom)
