"""What happens to an image before the noise in the tasks other than denoising: y = D x + sigma n, beyond the paper.

    none         D x = x                                                      denoising
    blur         D x = k * x, k a Gaussian of deviation 1.5 pixels            deblurring
    downsample   D x = the mean of each block of 2 x 2, repeated over it      x2 super-resolution

Each D is linear and keeps constant images, D 1 = 1, so D(a x + b 1) = a D x + b 1: exposure and degradation commute, and
where the noise scales with the exposure NE is as apt as for noise alone. Blocks that stick out at the lower or right border hold
fewer pixels. In training D acts on the patch, mirrored beyond its borders as a test image is; the borders are a larger share of a
patch, for baseline and WNE alike.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from replication.study.params import Degradation

DEVIATION, RADIUS = 1.5, 5  # of the blur's kernel, pixels; the image is mirrored beyond its borders
BLOCK = 2  # pixels


def degraded(image: Tensor, degradation: Degradation) -> Tensor:
    """D x of a batch (B, C, H, W) float32, of the same shape; x itself for "none".

    Raises:
        ValueError: an unknown degradation, or a side of RADIUS pixels or fewer for the blur.
    """
    if degradation == "none":
        return image
    if degradation == "blur":
        return _blurred(image)
    if degradation == "downsample":
        means = F.avg_pool2d(image, BLOCK, ceil_mode=True)
        height, width = image.shape[-2:]
        return means.repeat_interleave(BLOCK, -2).repeat_interleave(BLOCK, -1)[..., :height, :width]
    raise ValueError(f"there is no degradation called {degradation!r}")


def degraded_array(image: np.ndarray, degradation: Degradation) -> np.ndarray:
    """The same for one (C, H, W) float32 array."""
    return degraded(torch.from_numpy(image)[None], degradation)[0].numpy()


def _blurred(image: Tensor) -> Tensor:
    if min(image.shape[-2:]) <= RADIUS:
        raise ValueError(f"an image of {tuple(image.shape[-2:])} pixels is too small for a blur of radius {RADIUS}")
    places = torch.arange(-RADIUS, RADIUS + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-(places**2) / (2 * DEVIATION**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    batch, channels, height, width = image.shape
    rows = F.pad(image.reshape(batch * channels, 1, height, width), (RADIUS, RADIUS, RADIUS, RADIUS), mode="reflect")
    return F.conv2d(F.conv2d(rows, kernel), kernel.transpose(-2, -1)).reshape(image.shape)
