"""How far a denoiser is from normalization equivariance: measured here, asserted in testing.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from wne.moments import Pool, instance_statistics


class Defect(NamedTuple):
    """Two relative sizes of ||f(a y + b 1) - (a f(y) + b 1)||, each of shape (B,)."""

    paper: Tensor  # over ||a f(y) + b 1||, App. E
    sharp: Tensor  # over a std(y) sqrt(d): a large b cannot hide an error in this one


class Comparison(NamedTuple):
    """Both sides of f(a y + b 1) = a f(y) + b 1, each like y, in float64."""

    got: Tensor  # f(a y + b 1)
    expected: Tensor  # a f(y) + b 1
    transformed: Tensor  # a y + b 1, in the dtype of y
    contrast: Tensor  # a std(y), which broadcasts to y


def sample_affine(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """a from U(0.5, 1.5) and b from U(-0.25, 0.25), the law of App. E; float64, shape (count,)."""
    unit = torch.rand(2, count, generator=generator, dtype=torch.float64)
    return 0.5 + unit[0], 0.5 * unit[1] - 0.25


Scalars = Tensor | float


def equivariance_defect(
    f: Callable[[Tensor], Tensor], y: Tensor, a: Scalars, b: Scalars, pool: Pool = "joint"
) -> Defect:
    """The NE defect of f at y under y -> a y + b 1.

    Args:
        f: a denoiser, (B, C, H, W) to the same shape.
        y: (B, C, H, W), floating point; no constant image (its `sharp` defect would divide by 0).
        a, b: positive scale and shift: numbers, or one per image, shape (B,), or per channel, shape (B, C).
        pool: "channel" where a and b differ between the channels: `sharp` is then relative to the contrast of
            each channel.

    Norms are taken in float64, so the result shows the rounding of f and of a y + b, not of the norm.
    """
    return defect(compare(f, y, a, b, pool))


@torch.no_grad()
def compare(f: Callable[[Tensor], Tensor], y: Tensor, a: Scalars, b: Scalars, pool: Pool = "joint") -> Comparison:
    """Applies f to y and to a y + b 1; arguments as those of `equivariance_defect`."""
    a, b = (torch.as_tensor(value, dtype=torch.float64, device=y.device) for value in (a, b))
    a, b = (value.reshape(*value.shape, *[1] * (y.ndim - value.ndim)) for value in (a, b))
    transformed = (a * y.double() + b).to(y.dtype)
    expected = a * f(y.clone()).double() + b  # a copy: f may overwrite its input
    contrast = a * instance_statistics(y.double(), pool=pool)[2]
    return Comparison(f(transformed.clone()).double(), expected, transformed, contrast)


def defect(found: Comparison) -> Defect:
    """The defect of a comparison."""
    error = found.got - found.expected
    relative = error / found.contrast
    return Defect(
        paper=error.flatten(1).norm(dim=1) / found.expected.flatten(1).norm(dim=1),
        sharp=relative.flatten(1).norm(dim=1) / relative[0].numel() ** 0.5,
    )
