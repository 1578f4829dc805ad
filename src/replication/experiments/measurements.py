"""What a linear measurement keeps of an image, as orthogonal projectors: P P = P and P = P^T (App. N).

    random pixels      P = M M^T            M: the columns of I that belong to the pixels kept
    block averages     P = U U^T            U: for each k x k block, 1/k on its pixels and 0 elsewhere
    low frequencies    P = F^* diag(m) F    F: unitary Fourier transform; m = 1 near frequency 0, else 0
    nothing            P = 0

P x is observed of an image x, and (I - P) x is to be found: inpainting, super-resolution by the factor k,
deblurring, and denoising without any measurement. All act on each channel alone, on (B, C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from replication.study.rng import uniform_field

Operator = Literal["none", "random_pixels", "block_average", "blur"]


class Projector(Protocol):
    """An orthogonal projector: (B, C, H, W) floating point to the same shape, type and device."""

    name: str

    def __call__(self, x: Tensor) -> Tensor: ...


class Nothing:
    """P = 0: nothing is measured."""

    name = "none"

    def __call__(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class RandomPixels:
    """P = M M^T: some pixels as they are, 0 in the others.

    Args:
        kept: (B, 1, H, W) or (1, 1, H, W) bool, True where a pixel is observed, in all channels at once.
    """

    name = "random_pixels"

    def __init__(self, kept: Tensor):
        self.kept = kept

    def __call__(self, x: Tensor) -> Tensor:
        return torch.where(self.kept.to(x.device), x, torch.zeros((), dtype=x.dtype, device=x.device))


class BlockAverage:
    """P = U U^T: every k x k block becomes its mean. `side` is k, which must divide height and width."""

    name = "block_average"

    def __init__(self, side: int):
        self.side = side

    def __call__(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if height % self.side or width % self.side:
            raise ValueError(f"blocks of {self.side} do not fill {height} x {width} pixels: crop to a multiple")
        means = F.avg_pool2d(x, self.side)
        return means.repeat_interleave(self.side, dim=-2).repeat_interleave(self.side, dim=-1)


class LowFrequencies:
    """P = F^* diag(m) F: the share of the frequencies nearest to 0, for images of height x width; an ideal blur.

    Nearest in cycles per pixel. Frequencies at one distance are all kept or all left out, so that m is
    symmetric and P x real; the share is met from above, by less than one such circle.
    """

    name = "blur"

    def __init__(self, share: float, height: int, width: int):
        rows = np.rint(np.fft.fftfreq(height) * height).astype(np.int64)
        columns = np.rint(np.fft.fftfreq(width) * width).astype(np.int64)
        # (f_y^2 + f_x^2) (height width)^2 in whole numbers: distances that are equal compare as equal.
        distance = (rows[:, None] * width) ** 2 + (columns[None, :] * height) ** 2
        last = np.sort(distance, axis=None)[min(_count(share, distance.size), distance.size) - 1]
        self.size = (height, width)
        self.kept = torch.from_numpy(distance <= last)  # (H, W)

    def __call__(self, x: Tensor) -> Tensor:
        if tuple(x.shape[-2:]) != self.size:
            raise ValueError(f"this blur is for {self.size} pixels, the image has {tuple(x.shape[-2:])}")
        half = self.kept[:, : self.size[1] // 2 + 1].to(x.device)
        return torch.fft.irfft2(torch.fft.rfft2(x) * half, s=self.size)


def random_mask(share: float, height: int, width: int, *stream: str | int) -> Tensor:
    """(1, H, W) bool with round(share H W) pixels True, chosen by the random stream of that name."""
    order = uniform_field((height * width,), "mask", *stream).argsort(kind="stable")
    kept = np.zeros(height * width, dtype=bool)
    kept[order[: _count(share, height * width)]] = True
    return torch.from_numpy(kept.reshape(1, height, width))


def create_projector(
    operator: Operator, amount: float | None, height: int, width: int, streams: Sequence[tuple[str | int, ...]]
) -> Projector:
    """The projector that params name, for a batch of images of one size.

    Args:
        amount: share of the pixels or of the frequencies kept, in (0, 1], or the side of a block in pixels.
        streams: name of the random stream of each image's mask.

    Raises:
        ValueError: the operator does not take that amount.
    """
    if operator == "none":
        if amount is not None:
            raise ValueError(f"operator none measures nothing: amount must be null, not {amount:g}")
        return Nothing()
    if operator == "block_average":
        if amount is None or amount != int(amount) or amount < 1:
            raise ValueError(f"operator block_average: amount must be the side of a block in pixels, not {amount}")
        return BlockAverage(int(amount))
    if amount is None or not 0 < amount <= 1:
        raise ValueError(f"operator {operator}: amount must be a share in (0, 1], not {amount}")
    if operator == "blur":
        return LowFrequencies(amount, height, width)
    return RandomPixels(torch.stack([random_mask(amount, height, width, *stream) for stream in streams]))


def _count(share: float, total: int) -> int:
    """At least one of `total`: a measurement of nothing is the operator none."""
    return max(1, round(share * total))
