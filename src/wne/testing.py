"""Assertions for the tests of whoever writes or wraps a denoiser.

from wne.testing import assert_normalization_equivariant
assert_normalization_equivariant(my_denoiser)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wne.equivariance import Comparison, compare, defect
from wne.modes import in_eval_mode
from wne.moments import Pool, instance_statistics

# Largest `sharp` defect allowed. A map that is equivariant in exact arithmetic stays one to two orders below;
# an unwrapped network is far above.
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3, torch.float16: 0.1, torch.bfloat16: 0.5}


class Identity(NamedTuple):
    """One case of f(a y + b 1) = a f(y) + b 1."""

    formula: str
    scale: float
    shift: float


IDENTITIES = (
    Identity("f(a y) = a f(y)", 3.0, 0.0),
    Identity("f(a y) = a f(y)", 0.1, 0.0),
    Identity("f(y + b 1) = f(y) + b 1", 1.0, 0.5),
    Identity("f(y + b 1) = f(y) + b 1", 1.0, -2.0),
    Identity("f(a y + b 1) = a f(y) + b 1", 0.5, 0.25),
)
CONSTANT = 0.3  # f(c 1) = c 1


def assert_normalization_equivariant(
    f: Callable[[Tensor], Tensor],
    images: Tensor | None = None,
    *,
    channels: int = 1,
    dtype: torch.dtype | None = None,
    pool: Pool = "joint",
    tolerance: float | None = None,
) -> None:
    """Fails unless f(a y + b 1) = a f(y) + b 1 for several a > 0 and b, and f(c 1) = c 1.

    What is compared with the tolerance is the `sharp` defect of `equivariance_defect`. A function that is not
    deterministic, or that overwrites the image it is given, fails as well: no identity can be checked on it.

    Args:
        f: (B, C, H, W) to the same shape. A module is put into eval() while it is tested, for dropout and
            BatchNorm; each of its submodules then gets its own mode back.
        images: (B, C, H, W), real, none of them constant; when left out, random ones of `channels` and `dtype`, on
            the device of f's first parameter and, where that is a real number, in its dtype. For complex images give a function of their
            real and imaginary parts as channels.
        pool: "joint" for one a and one b per image, "channel" for different ones in each channel.
        tolerance: largest defect, in units of std(a y + b 1), above the rounding of the image itself, which is
            added; for each dtype in TOLERANCES when left out.

    Raises:
        AssertionError: which identity fails, by how much, and at which entry.
        TypeError: images of a dtype that is not in TOLERANCES: complex numbers, integers.
        ValueError: f changes the shape, or an image is constant.

    >>> from wne import NormalizationEquivariant
    >>> assert_normalization_equivariant(NormalizationEquivariant(torch.nn.Conv2d(1, 1, 3, padding=1)))
    >>> assert_normalization_equivariant(lambda y: y.clamp(0, 1))
    Traceback (most recent call last):
        ...
    AssertionError: not normalization equivariant: f(a y) = a f(y) fails with a = 3: got 1 ...
    """
    device, own = _device_and_dtype(f)
    dtype = dtype or own
    if (wrong := dtype if images is None else images.dtype) not in TOLERANCES:
        known = ", ".join(str(dtype).removeprefix("torch.") for dtype in TOLERANCES)
        hint = "; give a function of real and imaginary parts as channels" if wrong.is_complex else ""
        raise TypeError(f"expected images of {known}, got {wrong}{hint}")
    if images is None:
        images = torch.rand(2, channels, 24, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        images = images.to(device, dtype)
    elif (instance_statistics(images, pool=pool)[2] == 0).any():
        raise ValueError("the images must not be constant: a constant one has no contrast to measure an error in")
    tolerance = TOLERANCES[images.dtype] if tolerance is None else tolerance
    with torch.no_grad(), in_eval_mode(f):
        _check_that_it_is_a_function(f, images)
        for identity in IDENTITIES:
            a, b = _group_element(identity, images, pool)
            found = compare(f, images, a, b, pool)
            # a y + b 1 itself is rounded, relative to its largest entry: no f can be closer than that.
            rounding = 4 * torch.finfo(images.dtype).eps * found.transformed.double().abs().amax()
            allowed = tolerance + rounding / found.contrast.amin()
            if not (defect(found).sharp <= allowed).all():  # NaN fails
                raise AssertionError(_failure(identity, a, b, found, float(allowed)))
        constant = torch.full_like(images, CONSTANT)
        error = (f(constant.clone()).double() - constant.double()).abs()
        if not (error.amax() <= tolerance + 4 * torch.finfo(images.dtype).eps):
            raise AssertionError(
                f"not normalization equivariant: f(c 1) = c 1 fails with c = {CONSTANT}: off by {float(error.amax()):.2g}"
            )


def _device_and_dtype(f: Callable[[Tensor], Tensor]) -> tuple[torch.device, torch.dtype]:
    """Those of a module's first parameter; the CPU for a function, float32 also where that has no dtype of images."""
    first = next(f.parameters(), None) if isinstance(f, nn.Module) else None
    if first is None:
        return torch.device("cpu"), torch.float32
    return first.device, first.dtype if first.dtype in TOLERANCES else torch.float32


def _check_that_it_is_a_function(f: Callable[[Tensor], Tensor], y: Tensor) -> None:
    given = y.clone()
    out = f(given)
    if out.shape != y.shape:
        raise ValueError(f"f must keep the shape {tuple(y.shape)}, it returned {tuple(out.shape)}")
    if not torch.equal(given.nan_to_num(), y.nan_to_num()):
        raise AssertionError("f overwrites its input: give it a copy inside, or use no in-place operation on it")
    if not torch.allclose(f(y.clone()), out, rtol=0, atol=0, equal_nan=True):
        raise AssertionError("not deterministic: f(y) differs from f(y); switch off dropout and the like")


def _group_element(identity: Identity, y: Tensor, pool: Pool) -> tuple[Tensor, Tensor]:
    """a and b, (B,) or for "channel" (B, C), float64 and different in every channel."""
    step = torch.zeros(y.shape[:1], dtype=torch.float64)
    if pool == "channel":
        step = torch.arange(y.shape[1], dtype=torch.float64).expand(y.shape[:2])
    a = identity.scale * (1 + 0.5 * step) if identity.scale != 1 else torch.ones_like(step)
    return a, identity.shift * (1 - 0.5 * step)


def _failure(identity: Identity, a: Tensor, b: Tensor, found: Comparison, allowed: float) -> str:
    error = ((found.got - found.expected) / found.contrast).abs()
    error = torch.where(error.isnan(), torch.inf, error)
    at = tuple(int(index) for index in torch.unravel_index(error.argmax(), error.shape))
    scale, shift = (float(value[at[: value.ndim]]) for value in (a, b))
    values = {"a": scale, "b": shift}
    if identity.shift == 0:
        del values["b"]
    elif identity.scale == 1:
        del values["a"]
    return (
        f"not normalization equivariant: {identity.formula} fails with "
        f"{', '.join(f'{name} = {value:g}' for name, value in values.items())}: "
        f"got {float(found.got[at]):.6g} instead of {float(found.expected[at]):.6g} at {at} (image, channel, pixel); "
        f"the defect is {float(defect(found).sharp.nan_to_num(torch.inf).amax()):.2g} times the contrast of the image "
        f"where {allowed:.2g} is allowed; "
        f"{float((error > allowed).double().mean()):.0%} of all entries are off"
    )
