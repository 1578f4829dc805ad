"""Initial weights: those that suit short schedules as well as long ones, and those of the published networks.

`initialization` of the networks' classes says which. "near_identity": ours; a network with a skip starts close to
y -> y. "published": as in the published code of the paper, which takes FDnCNN and its NE form from Herbreteau et al.
(2023), DnCNN from SaoYan's DnCNN-PyTorch, and SwinIR and Restormer from their authors. The choice does not change
what a network can compute, only where its training begins and, for NE-arch, the coordinates in which it trains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

Initialization = Literal["near_identity", "published"]
INITIALIZATIONS = ("near_identity", "published")


def check_option(name: str, value: object, known: Sequence[str]) -> None:
    """Raises ValueError for a value that is none of the known ones."""
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, not {value!r}")


def initialize_for_relu(model: nn.Module) -> None:
    """He's initialization: without BatchNorm, torch's default loses the signal within 20 layers."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def start_near_zero(last: nn.Conv2d) -> None:
    """Scales the last layer of a residual network by 0.1, so that it starts near the identity.

    The noise that it predicts is a tenth of its activations or less, and a short schedule has no time to learn that
    scale. NOTE: the published networks start unscaled; docs/starting-points.md has both, measured.
    """
    with torch.no_grad():
        last.weight.mul_(0.1)
        if last.bias is not None:
            last.bias.mul_(0.1)


def start_smoothing(model: nn.Module) -> None:
    """Convolutions start as those of NE-arch do: deviation n^-1/2, then a sum of 1 for each output channel; no bias."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            with torch.no_grad():
                module.weight += (1.0 - module.weight.sum((1, 2, 3), keepdim=True)) / module.weight[0].numel()
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def start_batch_norm_small(model: nn.Module) -> None:
    """BatchNorm weights from N(0, 2 / (9 64)), clamped to +-0.025: most are at one of the ends. Biases 0.

    As in DnCNN-PyTorch, where 64 is the width; it is kept for other widths.
    """
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, std=math.sqrt(2 / (9 * 64))).clamp_(-0.025, 0.025)
                nn.init.zeros_(module.bias)


def start_as_torch(weight: Tensor) -> None:
    """Uniform on +-fan_in^-1/2, as torch starts the weights of a Conv2d."""
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))
