"""Assertions for the tests of whoever writes or wraps a denoiser.

from wne.testing import assert_normalization_equivariant
assert_normalization_equivariant(my_denoiser)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wne.wrapper import Pool, instance_statistics

# Largest error allowed, in standard deviations of the transformed image. A map that is equivariant in exact
# arithmetic stays one to two orders below; a bare network is far above.
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 0.1, torch.bfloat16: 0.5}


class Identity(NamedTuple):
    """One case of f(a y + b 1) = a f(y) + b 1, or of f(c 1) = c 1 (`on_constant`)."""

    formula: str
    scale: float
    shift: float
    on_constant: bool = False


IDENTITIES = (
    Identity("f(a y) = a f(y)", 3.0, 0.0),
    Identity("f(a y) = a f(y)", 0.1, 0.0),
    Identity("f(y + b 1) = f(y) + b 1", 1.0, 0.5),
    Identity("f(y + b 1) = f(y) + b 1", 1.0, -2.0),
    Identity("f(a y + b 1) = a f(y) + b 1", 0.5, 0.25),
    Identity("f(c 1) = c 1", 1.0, 0.3, on_constant=True),
)


def assert_normalization_equivariant(
    f: Callable[[Tensor], Tensor],
    images: Tensor | None = None,
    *,
    channels: int = 1,
    dtype: torch.dtype = torch.float32,
    pool: Pool = "joint",
    tolerance: float | None = None,
) -> None:
    """Fails unless f(a y + b 1) = a f(y) + b 1 for several a > 0 and b, f(c 1) = c 1, and f is deterministic.

    Args:
        f: (B, C, H, W) to the same shape. A module is put into eval() while it is tested, for dropout and
            BatchNorm, and back.
        images: (B, C, H, W), none of them constant; random ones of `channels` and `dtype` when left out.
        pool: "joint" for one a and one b per image, "channel" for different ones in each channel.
        tolerance: largest error in units of std(a y + b 1), above the rounding of the image itself, which is
            added; for each dtype in TOLERANCES when left out.

    Raises:
        AssertionError: which identity fails, by how much, and at which entry.
        ValueError: f changes the shape, or an image is constant.

    >>> from wne import NormalizationEquivariant
    >>> assert_normalization_equivariant(NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1)))
    >>> assert_normalization_equivariant(lambda y: y.clamp(0, 1))
    Traceback (most recent call last):
        ...
    AssertionError: not normalization equivariant: f(a y) = a f(y) fails with a = 3: got 1 ...
    """
    if images is None:
        images = torch.rand(2, channels, 24, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        images = images.to(dtype)
    if (instance_statistics(images, pool=pool)[2] == 0).any():
        raise ValueError("the images must not be constant: a constant one has no contrast to measure an error in")
    tolerance = TOLERANCES[images.dtype] if tolerance is None else tolerance
    trained_module = f if isinstance(f, nn.Module) and f.training else None
    if trained_module is not None:
        trained_module.eval()
    try:
        with torch.no_grad():
            of_images = _apply(f, images)
            if not torch.allclose(_apply(f, images), of_images, rtol=0, atol=0, equal_nan=True):
                raise AssertionError("not deterministic: f(y) differs from f(y); switch off dropout and the like")
            for identity in IDENTITIES:
                _check(f, images, of_images, identity, pool, tolerance)
    finally:
        if trained_module is not None:
            trained_module.train()


def _apply(f: Callable[[Tensor], Tensor], y: Tensor) -> Tensor:
    out = f(y)
    if out.shape != y.shape:
        raise ValueError(f"f must keep the shape {tuple(y.shape)}, it returned {tuple(out.shape)}")
    return out


def _check(
    f: Callable[[Tensor], Tensor], y: Tensor, of_y: Tensor, identity: Identity, pool: Pool, tolerance: float
) -> None:
    a, b = _group_element(identity, y, pool)
    if identity.on_constant:
        transformed = b.to(y.dtype).expand(y.shape)
        expected = transformed.double()
        unit = torch.ones_like(b)
    else:
        transformed = (a * y.double() + b).to(y.dtype)
        expected = a * of_y.double() + b
        unit = instance_statistics(transformed.double(), pool=pool)[2]
    got = _apply(f, transformed)
    # a y + b 1 itself is rounded, relative to its largest entry: no f can be closer than that.
    rounding = 4 * torch.finfo(y.dtype).eps * transformed.double().abs().amax() / unit
    excess = (got.double() - expected).abs() / unit / (tolerance + rounding)
    excess = torch.where(excess.isnan(), torch.inf, excess)
    if (excess <= 1).all():
        return
    at = torch.unravel_index(excess.argmax(), excess.shape)
    where = tuple(int(index) for index in at)
    scale, shift = (float(value.expand(y.shape)[at]) for value in (a, b))
    values = f"c = {shift:g}" if identity.on_constant else f"a = {scale:g}, b = {shift:g}"
    if not identity.on_constant and not identity.shift:
        values = f"a = {scale:g}"
    elif not identity.on_constant and identity.scale == 1:
        values = f"b = {shift:g}"
    error = float((got.double() - expected)[at].abs() / unit.expand(y.shape)[at])
    raise AssertionError(
        f"not normalization equivariant: {identity.formula} fails with {values}: "
        f"got {float(got[at]):.6g} instead of {float(expected[at]):.6g} at {where} (image, channel, pixel), "
        f"{error:.2g} times the contrast of the image where {tolerance:.2g} is allowed; "
        f"{float((excess > 1).double().mean()):.0%} of all entries are off"
    )


def _group_element(identity: Identity, y: Tensor, pool: Pool) -> tuple[Tensor, Tensor]:
    """a and b that broadcast to y, float64; for "channel" different in every channel."""
    shape = [y.shape[0], y.shape[1] if pool == "channel" else 1, *[1] * (y.ndim - 2)]
    a = torch.full(shape, identity.scale, dtype=torch.float64, device=y.device)
    b = torch.full(shape, identity.shift, dtype=torch.float64, device=y.device)
    if pool == "channel":
        step = torch.arange(shape[1], dtype=torch.float64, device=y.device).reshape(1, -1, *[1] * (y.ndim - 2))
        a = a * (1 + 0.5 * step) if identity.scale != 1 else a
        b = b * (1 - 0.5 * step)
    return a, b
