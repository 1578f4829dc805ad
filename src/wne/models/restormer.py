"""Restormer (Zamir et al., 2022) for denoising: attention across channels at four scales.

NOTE: convolutions without biases. LayerNorm without a shift is how Restormer has it for Gaussian denoising
("bias_free"); the paper's code has it with one ("with_bias"). All weights start as torch starts them, as published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wne.models.initialization import check_option
from wne.models.padding import pad_to_multiple
from wne.models.precision import Float32Conv2d


class ScaleLayerNorm(nn.Module):
    """x / sqrt(var(x) + 1e-5) times a weight, over the channels of each pixel; the mean stays in."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float() if x.dtype != torch.float64 else x
        variance = x32.var(1, keepdim=True, correction=0)
        return (x32 * torch.rsqrt(variance + 1e-5)).to(x.dtype) * self.weight


class ShiftLayerNorm(nn.Module):
    """(x - mean(x)) / sqrt(var(x) + 1e-5) times a weight plus a bias, over the channels of each pixel."""

    def __init__(self, dim: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim, 1, 1))
        self.bias = nn.Parameter(torch.zeros(dim, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float() if x.dtype != torch.float64 else x
        variance, mean = torch.var_mean(x32, 1, keepdim=True, correction=0)
        return ((x32 - mean) * torch.rsqrt(variance + 1e-5)).to(x.dtype) * self.weight + self.bias


LAYER_NORMS: dict[str, Callable[[int], nn.Module]] = {"bias_free": ScaleLayerNorm, "with_bias": ShiftLayerNorm}


class ChannelAttention(nn.Module):
    """MDTA: attention between channels, softmax(t K^T Q) on L2-normalized rows, t one scalar a head."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = nn.Conv2d(dim, 3 * dim, 1, bias=False)
        self.qkv_depthwise = nn.Conv2d(3 * dim, 3 * dim, 3, padding=1, groups=3 * dim, bias=False)
        self.project = nn.Conv2d(dim, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, dim, height, width = x.shape
        qkv = self.qkv_depthwise(self.qkv(x)).reshape(batch, 3, self.heads, dim // self.heads, height * width)
        q, k, v = qkv.unbind(1)  # each (B, heads, D / heads, H W)
        attention = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        attention = (attention * self.temperature).softmax(-1)
        return self.project((attention.to(v.dtype) @ v).reshape(batch, dim, height, width))


class GatedFeedForward(nn.Module):
    """GDFN: project(GELU(u) v), u and v from one 1 x 1 and one depthwise 3 x 3 convolution."""

    def __init__(self, dim: int, expansion: float):
        super().__init__()
        hidden = int(dim * expansion)
        self.expand = nn.Conv2d(dim, 2 * hidden, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project = nn.Conv2d(hidden, dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        u, v = self.depthwise(self.expand(x)).chunk(2, dim=1)
        return self.project(F.gelu(u) * v)


class TransformerBlock(nn.Module):
    """x + MDTA(LN(x)), then x + GDFN(LN(x)). (B, D, H, W) to the same shape."""

    def __init__(self, dim: int, heads: int, expansion: float, layer_norm: str):
        super().__init__()
        norm = LAYER_NORMS[layer_norm]
        self.norm_attention, self.attention = norm(dim), ChannelAttention(dim, heads)
        self.norm_feed, self.feed = norm(dim), GatedFeedForward(dim, expansion)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm_attention(x))
        return x + self.feed(self.norm_feed(x))


class Restormer(nn.Module):
    """f(y) = y + decoder(encoder(y)), a four-level U shape of transformer blocks.

    (B, channels, H, W) of any size to the same shape. Paper size (App. A.1): dim 48, blocks (4, 6, 6, 8),
    heads (1, 2, 4, 8), expansion 2.66, refinement 4: 26,109,076 parameters for grey images ("bias_free"), or
    26,124,052 ("with_bias").
    """

    def __init__(
        self,
        channels: int = 1,
        dim: int = 48,
        blocks: Sequence[int] = (4, 6, 6, 8),
        heads: Sequence[int] = (1, 2, 4, 8),
        expansion: float = 2.66,
        refinement: int = 4,
        layer_norm: Literal["bias_free", "with_bias"] = "bias_free",
    ):
        super().__init__()
        check_option("layer_norm", layer_norm, tuple(LAYER_NORMS))

        def stack(width: int, count: int, level: int) -> nn.Sequential:
            return nn.Sequential(*(TransformerBlock(width, heads[level], expansion, layer_norm) for _ in range(count)))

        def down(width: int) -> nn.Sequential:  # (D, H, W) to (2 D, H / 2, W / 2)
            return nn.Sequential(nn.Conv2d(width, width // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))

        def up(width: int) -> nn.Sequential:  # (D, H, W) to (D / 2, 2 H, 2 W)
            return nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1, bias=False), nn.PixelShuffle(2))

        levels = len(blocks)
        self.multiple = 2 ** (levels - 1)
        self.embed = nn.Conv2d(channels, dim, 3, padding=1, bias=False)
        widths = [dim * 2**level for level in range(levels)]
        self.encoders = nn.ModuleList(stack(widths[i], blocks[i], i) for i in range(levels))
        self.downs = nn.ModuleList(down(widths[i]) for i in range(levels - 1))
        self.ups = nn.ModuleList(up(widths[i + 1]) for i in reversed(range(levels - 1)))
        # The finest decoder keeps the concatenated 2 D channels; the coarser ones reduce them.
        self.reduces = nn.ModuleList(
            nn.Conv2d(2 * widths[i], widths[i], 1, bias=False) if i > 0 else nn.Identity()
            for i in reversed(range(levels - 1))
        )
        self.decoders = nn.ModuleList(
            stack(widths[i] if i > 0 else 2 * dim, blocks[i], i) for i in reversed(range(levels - 1))
        )
        self.refinement = stack(2 * dim, refinement, 0)
        self.reconstruct = Float32Conv2d(2 * dim, channels, 3, padding=1, bias=False)

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        padded = pad_to_multiple(y, self.multiple)
        x, skips = self.embed(padded), []
        for encode, down in zip(self.encoders, self.downs):
            x = encode(x)
            skips.append(x)
            x = down(x)
        x = self.encoders[-1](x)
        for up, reduce, decode, skip in zip(self.ups, self.reduces, self.decoders, reversed(skips)):
            x = decode(reduce(torch.cat((up(x), skip), dim=1)))
        return (padded + self.reconstruct(self.refinement(x)))[..., :height, :width]
