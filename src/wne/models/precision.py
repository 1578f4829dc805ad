"""Layers that stay in float32 inside a bfloat16 region."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Float32Conv2d(nn.Conv2d):
    """A convolution that ignores autocast: the last layer writes intensities, and 8 bits of mantissa
    would quantize them to about 1/256 of their size, as coarse as the 8-bit images themselves."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.to(self.weight.dtype))
