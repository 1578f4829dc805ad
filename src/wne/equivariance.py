"""How far a denoiser is from normalization equivariance: measured here, asserted in the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Defect(NamedTuple):
    """Two relative sizes of ||f(a y + b 1) - (a f(y) + b 1)||, each of shape (B,)."""

    paper: Tensor  # over ||a f(y) + b 1||, App. E
    sharp: Tensor  # over a std(y) sqrt(d): a large b cannot hide an error in this one


def sample_affine(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """a from U(0.5, 1.5) and b from U(-0.25, 0.25), the law of App. E; float64, shape (count,)."""
    unit = torch.rand(2, count, generator=generator, dtype=torch.float64)
    return 0.5 + unit[0], 0.5 * unit[1] - 0.25


@torch.no_grad()
def equivariance_defect(f: Callable[[Tensor], Tensor], y: Tensor, a: Tensor, b: Tensor) -> Defect:
    """The NE defect of f at y under y -> a y + b 1.

    Args:
        f: a denoiser, (B, C, H, W) to the same shape.
        y: (B, C, H, W), floating point; no constant image (its `sharp` defect would divide by 0).
        a, b: one positive scale and one shift per image, shape (B,).

    Norms are taken in float64, so the result shows the rounding of f and of a y + b, not of the norm.
    """
    shape = (-1, *[1] * (y.ndim - 1))
    a64, b64 = a.to(y.device, torch.float64).reshape(shape), b.to(y.device, torch.float64).reshape(shape)
    transformed = f((a64 * y.double() + b64).to(y.dtype)).double()
    expected = a64 * f(y).double() + b64
    error = (transformed - expected).flatten(1).norm(dim=1)
    spread = y.double().flatten(1)
    spread = (spread - spread.mean(1, keepdim=True)).norm(dim=1) * a64.flatten()
    return Defect(paper=error / expected.flatten(1).norm(dim=1), sharp=error / spread)
