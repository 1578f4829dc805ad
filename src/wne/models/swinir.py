"""SwinIR for denoising (Liang et al., 2021), the light configuration, on timm's Swin blocks.

NOTE: images are reflected up to a multiple of the window. `patch_norm` is the LayerNorm after the
embedding that App. A.1 names (2 x embed_dim parameters). Stochastic depth (`drop_path`), which the paper does not
mention, is 0.1 in its published code and 0 here unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn

from wne.models.initialization import INITIALIZATIONS, Initialization, check_option, start_near_zero
from wne.models.padding import pad_to_multiple
from wne.models.precision import Float32Conv2d


class ResidualSwinGroup(nn.Module):
    """RSTB: x + Conv(Swin blocks(x)), windows shifted in every other block. (B, H, W, D) to the same.

    One block for each of `drop_paths`, the share of the images for which training skips each of its two branches.
    """

    def __init__(self, dim: int, drop_paths: Sequence[float], heads: int, window: int, mlp_ratio: float):
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                SwinTransformerBlock(
                    dim,
                    input_resolution=(window, window),  # only a default: the mask is made for each size
                    num_heads=heads,
                    window_size=window,
                    shift_size=(index % 2) * (window // 2),
                    always_partition=True,
                    dynamic_mask=True,
                    mlp_ratio=mlp_ratio,
                    drop_path=rate,
                )
                for index, rate in enumerate(drop_paths)
            )
        )
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + _channels_last(self.conv(_channels_first(self.blocks(x))))


class SwinIR(nn.Module):
    """f(y) = y + Conv(h + Conv(LN(RSTBs(h)))), h = Conv(y).

    (B, channels, H, W) of any size to the same shape, trained on [0, 1]. Paper size: depths (6, 6, 6, 6),
    embed_dim 60, 6 heads, window 8, mlp_ratio 2: 903,001 parameters (903,121 with `patch_norm`).
    `drop_path`: stochastic depth, in training alone: 0 in the first block, rising linearly to this in the last; it
    draws from torch's global stream.
    `initialization`: "near_identity" scales the last layer by 0.1; "published" leaves it.
    """

    def __init__(
        self,
        channels: int = 1,
        depths: Sequence[int] = (6, 6, 6, 6),
        embed_dim: int = 60,
        heads: int = 6,
        window: int = 8,
        mlp_ratio: float = 2.0,
        patch_norm: bool = False,
        drop_path: float = 0.0,
        initialization: Initialization = "near_identity",
    ):
        super().__init__()
        check_option("initialization", initialization, INITIALIZATIONS)
        if not 0 <= drop_path < 1:
            raise ValueError(f"drop_path is a share of the blocks, at least 0 and below 1, not {drop_path}")
        rates = iter(torch.linspace(0, drop_path, sum(depths), device="cpu").tolist())
        self.window = window
        self.embed = nn.Conv2d(channels, embed_dim, 3, padding=1)
        self.patch_norm = nn.LayerNorm(embed_dim) if patch_norm else nn.Identity()
        self.groups = nn.Sequential(
            *(ResidualSwinGroup(embed_dim, [next(rates) for _ in range(d)], heads, window, mlp_ratio) for d in depths)
        )
        self.norm = nn.LayerNorm(embed_dim)
        self.conv_after_body = nn.Conv2d(embed_dim, embed_dim, 3, padding=1)
        self.reconstruct = Float32Conv2d(embed_dim, channels, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if initialization == "near_identity":
            start_near_zero(self.reconstruct)

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        padded = pad_to_multiple(y, self.window)
        shallow = self.embed(padded)
        deep = self.norm(self.groups(self.patch_norm(_channels_last(shallow))))  # (B, H, W, D)
        features = shallow + self.conv_after_body(_channels_first(deep))
        return (padded + self.reconstruct(features))[..., :height, :width]


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)
