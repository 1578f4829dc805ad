"""Mean and standard deviation of each image, and the image in units of them (Eqs. 3 and 6 of the paper).

    mean(y) = (1/d) sum_i y_i,     std(y)^2 = (1/d) sum_i |y_i - mean(y)|^2

over the d entries that share one a and one b in f(a y + b 1) = a f(y) + b 1 (`pool`):

    "joint"      all channels and pixels of an image; the paper's, and what keeps colours together
    "channel"    the pixels of each channel: f(a_c y_c + b_c 1) = a_c f(y)_c + b_c 1, which contains "joint"

A mask leaves entries out (padding, dead pixels): the identity then holds whatever they are.

In floating point, with l = min(y) and p = max(y) - l,

    mean = l + mean(y - l),     x = (y - mean) / p,     std = p ||x|| / sqrt(d),     T_NE(y) = x sqrt(d) / ||x||.

y - l keeps the digits of a small contrast on a large offset, and is exactly 0 for a constant image. |x| <= 1, so no
square leaves the range of float32. l and p drop out of the results, so no gradient is lost by detaching them.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Pool = Literal["joint", "channel"]
POOLS: dict[str, int] = {"joint": 1, "channel": 2}  # the first axis that the statistics run over


def normalize(y: Tensor, mask: Tensor | None = None, pool: Pool = "joint") -> tuple[Tensor, Tensor, Tensor]:
    """T_NE of Eq. 6: (y - mean(y) 1) / std(y), or 0 where y is constant; with mean(y) and std(y).

    Arguments as those of `instance_statistics`. The result is 0, the mean, where the mask is False.
    """
    image = _centred(y, mask, pool)
    z, std = _unit_power(image.values.div_(image.peak), image)
    return z, image.mean, std


def instance_statistics(y: Tensor, mask: Tensor | None = None, pool: Pool = "joint") -> tuple[Tensor, Tensor, Tensor]:
    """Centred image, mean and population standard deviation of each instance (Eq. 3).

    Args:
        y: (B, C, ...) floating point, any range; or complex, with a complex mean and a real deviation.
        mask: bool, True where y counts, of a shape that broadcasts to y's; None: everywhere. Where it is
            False, y may be anything, inf and NaN too.
        pool: the entries that share a mean and a std, "joint" or "channel".

    Returns:
        `centred` like y, and 0 where the mask is False. `mean` and `std` of shape (B, 1, ..., 1), for
        "channel" (B, C, 1, ..., 1). All float32 (complex64) or better. `std` is exactly 0 for a constant
        image, and `mean` exactly its value. Both are NaN for an image of which the mask leaves nothing.
    """
    image = _centred(y, mask, pool)
    return image.values, image.mean, _unit_power(image.values / image.peak, image)[1]


def normalize_power(y: Tensor, mask: Tensor | None = None, pool: Pool = "joint") -> tuple[Tensor, Tensor]:
    """y / s and s = ||y|| / sqrt(d) of each instance, for scale equivariance; 0 and 0 where y = 0."""
    y, over = _promoted(y), _axes(y, pool)
    if mask is not None:
        mask = mask.expand(y.shape)
        y = torch.where(mask, y, 0.0)
    parts = _real_parts(y.detach())
    peak = torch.stack([extreme for part in parts for extreme in (part.amax(over, True), -part.amin(over, True))])
    image = _Centred(y, y, _positive(peak.amax(0)), over, _count(y, mask, over))
    return _unit_power(y / image.peak, image)


class _Centred(NamedTuple):
    values: Tensor  # y - mean(y), no view of y; 0 where masked
    mean: Tensor
    peak: Tensor  # positive, and no entry of `values` exceeds it
    over: tuple[int, ...]  # the axes that are pooled
    count: int | Tensor  # d


def _centred(y: Tensor, mask: Tensor | None, pool: Pool) -> _Centred:
    y, over = _promoted(y), _axes(y, pool)
    if mask is not None:
        mask = mask.expand(y.shape)
    lowest = _lowest(y.detach(), mask, over)
    if mask is not None:
        y = torch.where(mask, y, lowest)
    raised = y - lowest
    peak = _positive(_highest(raised.detach(), over))
    count = _count(y, mask, over)
    mean = raised.sum(over, keepdim=True) / count
    values = raised.sub_(mean)
    if mask is not None:
        values = torch.where(mask, values, 0.0)
    return _Centred(values, lowest + mean, peak, over, count)


def _unit_power(x: Tensor, image: _Centred) -> tuple[Tensor, Tensor]:
    """x / rms(x), and the rms of what was divided by the peak to give x; both exactly 0 where x = 0."""
    # By rows, then over the rows: a CPU adds the squares one after the other, and float32 loses the last ones of
    # millions (4e-5 of std at 2048 x 2048, 1e-7 by rows).
    rows = torch.linalg.vector_norm(x, 2, -1, keepdim=True)
    rms = torch.linalg.vector_norm(rows, 2, image.over, keepdim=True) / image.count**0.5
    # 0 / inf: there the value is 0 and the gradient too, instead of 0 / 0.
    return x / rms.masked_fill(rms.logical_not(), torch.inf), image.peak * rms


def _positive(peak: Tensor) -> Tensor:
    """A divisor in place of 0: what it divides is 0 as well."""
    return peak.clamp_min(torch.finfo(peak.dtype).smallest_normal)


def check_pool(pool: Pool) -> None:
    """Raises ValueError unless the pool is known."""
    if pool not in POOLS:
        raise ValueError(f"pool must be {' or '.join(map(repr, POOLS))}, not {pool!r}")


def _promoted(y: Tensor) -> Tensor:
    return y.to(torch.promote_types(y.dtype, torch.float32))


def _axes(y: Tensor, pool: Pool) -> tuple[int, ...]:
    check_pool(pool)
    return tuple(range(POOLS[pool], y.ndim))


def _count(y: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> int | Tensor:
    if mask is None:
        return math.prod(y.shape[over[0] :])
    return mask.sum(over, keepdim=True).to(y.real.dtype)


def _real_parts(y: Tensor) -> tuple[Tensor, ...]:
    return (y.real, y.imag) if y.is_complex() else (y,)


def _lowest(y: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> Tensor:
    """min(y) of the entries that count; of complex ones, of the real and of the imaginary parts."""
    parts = _real_parts(y)
    if mask is not None:
        parts = tuple(torch.where(mask, part, torch.inf) for part in parts)
    lowest = [part.amin(over, keepdim=True) for part in parts]
    return torch.complex(*lowest) if y.is_complex() else lowest[0]


def _highest(raised: Tensor, over: tuple[int, ...]) -> Tensor:
    highest = [part.amax(over, keepdim=True) for part in _real_parts(raised)]
    return torch.maximum(*highest) if raised.is_complex() else highest[0]
