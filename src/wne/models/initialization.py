"""Initial weights that suit short schedules as well as long ones."""

from __future__ import annotations

import torch
from torch import nn


def initialize_for_relu(model: nn.Module) -> None:
    """He's initialization: without BatchNorm, torch's default loses the signal within 20 layers."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def start_near_zero(last: nn.Conv2d) -> None:
    """Scales the last layer of a residual network by 0.1, so that it starts near the identity.

    The noise that it predicts is a tenth of its activations or less; learning that scale would take most
    of a short schedule (5 dB after 200 steps of DnCNN). NOTE: the published networks start unscaled.
    """
    with torch.no_grad():
        last.weight.mul_(0.1)
        if last.bias is not None:
            last.bias.mul_(0.1)
