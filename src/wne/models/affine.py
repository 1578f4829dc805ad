"""Layers that are normalization equivariant one by one (Herbreteau et al., 2023; App. A.2 of the paper).

NOTE: the weights of {sum of weights = 1} can be parameterized in several ways, which train differently. Ours is
the orthogonal projection onto that set; the published one, which the paper uses as well (App. A.3), is the option
`constraint="differences"`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from wne.models.initialization import check_option, start_as_torch
from wne.models.padding import reflect_pad


class AffineConv2d(nn.Module):
    """Bias-free convolution whose weights sum to 1 for each output channel, with reflect padding.

    "projection": W = V + (1 - sum(V)) / n, n = C_in k^2; V starts with standard deviation n^-1/2.
    "differences": W = roll(V, 1) - V + 1 / n over the n weights of each output channel, as published (Herbreteau
    et al., 2023); V starts as torch's Conv2d does, uniform on +-n^-1/2.
    Both give every W whose channels sum to 1, and no other: W * 1 = 1, so W * (a y + b 1) = a (W * y) + b 1.
    (B, C_in, H, W) to (B, C_out, H, W); `kernel` is odd.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 3,
        float32: bool = False,
        constraint: Literal["projection", "differences"] = "projection",
    ):
        super().__init__()
        check_option("constraint", constraint, ("projection", "differences"))
        self.float32 = float32  # ignore autocast, for the last layer: see models/precision.py
        self.constraint = constraint
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel, kernel))
        if constraint == "projection":
            # Sorting keeps norms, unlike ReLU: gain 1.
            nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        else:
            start_as_torch(self.weight)

    def constrained_weight(self) -> Tensor:
        count = self.weight[0].numel()
        if self.constraint == "differences":
            flat = self.weight.flatten(1)
            return (flat.roll(1, 1) - flat + 1.0 / count).view_as(self.weight)
        total = self.weight.sum((1, 2, 3), keepdim=True)
        return self.weight + (1.0 - total) / count

    def forward(self, x: Tensor) -> Tensor:
        pad = self.weight.shape[-1] // 2
        with torch.autocast(x.device.type, enabled=torch.is_autocast_enabled(x.device.type) and not self.float32):
            x = x.to(self.weight.dtype) if self.float32 else x
            return nn.functional.conv2d(reflect_pad(x, pad, pad, pad, pad), self.constrained_weight())


class SortPool(nn.Module):
    """Sorts pairs of channels, (u, v) to (min(u, v), max(u, v)); channel c is paired with c + C/2.

    Commutes with y -> a y + b 1 for a > 0, because order does. (B, C, H, W) with C even, to the same shape.
    NaN makes both of its pair NaN. At a tie the gradient takes the pair as ordered: that of the minimum goes to u,
    that of the maximum to v. Where gradients are recorded an infinite value makes both of its pair NaN.
    NOTE: the published layer pairs c with c + 1, the same up to an order of the channels.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] % 2:
            raise ValueError(
                f"SortPool pairs channels, so their number must be even, not {x.shape[1]}: use an even width"
            )
        u, v = x.chunk(2, dim=1)
        if not torch.is_grad_enabled():
            return torch.cat((torch.minimum(u, v), torch.maximum(u, v)), dim=1)
        # The gradients of minimum, maximum and where are several times slower on a CPU than those of lerp, which
        # gives its ends exactly at weights 0 and 1.
        swap = (u > v).to(x.dtype)
        return torch.cat((torch.lerp(u, v, swap), torch.lerp(v, u, swap)), dim=1)


class AffineResidual(nn.Module):
    """(1 - t) y + t branch(y) with a trainable scalar t: the weights sum to 1, so b passes once."""

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.branch = branch
        self.t = nn.Parameter(torch.tensor(0.5))

    def forward(self, y: Tensor) -> Tensor:
        return (1.0 - self.t) * y + self.t * self.branch(y)
