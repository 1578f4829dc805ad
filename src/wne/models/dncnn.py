"""DnCNN and FDnCNN (Zhang et al., 2017) with the architectural SE and NE forms (Herbreteau et al., 2023).

NOTE: FDnCNN is known from code only. As published for this paper it predicts the clean image directly
(`residual=False`, the paper's profile). `residual=True` adds the skip that DnCNN has; it reaches a useful
denoiser in the short schedules of the small profiles, and is where NE-arch needs its affine residual.

NOTE: published, DnCNN has biases before BatchNorm too, which cancels them: 1,152 parameters more at paper size and
the same function. The last layer of the published FDnCNN has no bias (`last_bias=False`): 665,920 parameters at
paper size; the FDnCNN that is trained with a map of the noise level (KAIR) has one. The paper states no counts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from wne.models.affine import AffineConv2d, AffineResidual, SortPool
from wne.models.initialization import (
    INITIALIZATIONS,
    Initialization,
    check_option,
    initialize_for_relu,
    start_batch_norm_small,
    start_near_zero,
    start_smoothing,
)
from wne.models.precision import Float32Conv2d


class DnCNN(nn.Module):
    """f(y) = y - r(y), r = Conv ReLU, (Conv BN ReLU) x (depth - 2), Conv; 3 x 3 kernels, zero padding.

    (B, channels, H, W) to the same shape, trained on [0, 1]. Paper size: depth 20, width 64.
    `initialization`: "near_identity" scales the last layer by 0.1; "published" leaves it and starts the weights of
    BatchNorm near +-0.02.
    """

    def __init__(
        self,
        channels: int = 1,
        depth: int = 20,
        width: int = 64,
        initialization: Initialization = "near_identity",
    ):
        super().__init__()
        check_option("initialization", initialization, INITIALIZATIONS)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            # BatchNorm has its own shift, so a bias before it would be redundant.
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers += [Float32Conv2d(width, channels, 3, padding=1)]
        self.noise = nn.Sequential(*layers)
        initialize_for_relu(self)
        if initialization == "published":
            start_batch_norm_small(self)
        else:
            start_near_zero(layers[-1])

    def forward(self, y: Tensor) -> Tensor:
        return y - self.noise(y)


class FDnCNN(nn.Module):
    """DnCNN without BatchNorm, in three forms.

    "ordinary": biases and ReLU. "scale": no biases, so f(a y) = a f(y). "normalization": affine
    convolutions, SortPool and an affine residual, so f(a y + b 1) = a f(y) + b 1 layer by layer.
    (B, channels, H, W) to the same shape. Paper size: depth 20, width 64, residual False, last_bias False.
    `initialization`: "published" leaves torch's weights and biases as they are ("ordinary", "scale"), which lets the
    signal shrink by sqrt(6) a layer, and takes the published parameterization of the affine weights ("normalization").

    Parts of the normalization-equivariant form for the others, to find out what each of them does: `padding`,
    "zeros" or "reflect" (for images of 2 x 2 pixels or more); `activation`, "relu" or "sort"; `mixing`, the skip
    (1 - t) y + t body(y) with a trainable scalar t; `initialization` "smoothing", initial weights that sum to 1 for each output channel.
    """

    def __init__(
        self,
        channels: int = 1,
        depth: int = 20,
        width: int = 64,
        residual: bool = False,
        form: Literal["ordinary", "scale", "normalization"] = "ordinary",
        last_bias: bool = True,
        initialization: Literal["near_identity", "published", "smoothing"] = "near_identity",
        padding: Literal["zeros", "reflect"] = "zeros",
        activation: Literal["relu", "sort"] = "relu",
        mixing: bool = False,
    ):
        super().__init__()
        check_option("initialization", initialization, (*INITIALIZATIONS, "smoothing"))
        check_option("padding", padding, ("zeros", "reflect"))
        check_option("activation", activation, ("relu", "sort"))
        constraint = "differences" if initialization == "published" else "projection"
        mixes = residual if form == "normalization" else mixing
        self.residual = residual and not mixes
        widths = [channels, *[width] * (depth - 1), channels]
        layers: list[nn.Module] = []
        for index, (fan_in, fan_out) in enumerate(pairwise(widths)):
            last = index == depth - 1
            if form == "normalization":
                layers.append(AffineConv2d(fan_in, fan_out, float32=last, constraint=constraint))
            else:
                convolution = Float32Conv2d if last else nn.Conv2d
                bias = form == "ordinary" and (last_bias or not last)
                layers.append(convolution(fan_in, fan_out, 3, padding=1, bias=bias, padding_mode=padding))
            if not last:
                sorts = form == "normalization" or activation == "sort"
                layers.append(SortPool() if sorts else nn.ReLU(inplace=True))
        body = nn.Sequential(*layers)
        self.body = AffineResidual(body) if mixes else body
        if form != "normalization" and initialization == "smoothing":
            start_smoothing(self)
        elif form != "normalization" and initialization == "near_identity":
            initialize_for_relu(self)
            if self.residual:
                start_near_zero(layers[-1])

    def forward(self, y: Tensor) -> Tensor:
        return y - self.body(y) if self.residual else self.body(y)
