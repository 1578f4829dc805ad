"""The normalization wrapper as the paper and its published code write it, to compare with: not for use.

    text      s = sqrt(mean((y - m)^2)), z = (y - m) / (s + 1e-5)                  (Section 3 of the paper)
    code      s with d - 1, z = (y - m) / s without a guard                        (its published code)

and f(y) = s g(z) + m in both, everything in the dtype of the image.
"""

from __future__ import annotations

from torch import Tensor, nn


class TextFormula(nn.Module):
    """The paper's text: an epsilon of 1e-5 added to the deviation. (B, C, H, W) to the same shape."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, y: Tensor) -> Tensor:
        over = tuple(range(1, y.ndim))
        mean, std = y.mean(over, keepdim=True), y.std(over, correction=0, keepdim=True)
        return std * self.backbone((y - mean) / (std + 1e-5)) + mean


class CodeFormula(TextFormula):
    """The published code: the sample deviation, unguarded. (B, C, H, W) to the same shape."""

    def forward(self, y: Tensor) -> Tensor:
        over = tuple(range(1, y.ndim))
        mean, std = y.mean(over, keepdim=True), y.std(over, keepdim=True)
        return std * self.backbone((y - mean) / std) + mean
