"""Any timm model as the encoder of a denoiser, with a light decoder: a backbone to wrap, not one of the paper's.

    f(y) = y - decoder(encoder(y))

The encoder gives features at strides s_1 < ... < s_n (timm's `features_only`; a plain ViT gives a few of its blocks
at one stride). The decoder goes from the coarsest to the finest: project, add, 3 x 3 convolution, resize to the next,
and last to a 3 x 3 convolution of the image itself, which keeps the detail that the strides lose.
"""

from __future__ import annotations

import timm
import torch.nn.functional as F
from torch import Tensor, nn

from wne.models.initialization import start_near_zero
from wne.models.padding import pad_to_multiple
from wne.models.precision import Float32Conv2d


class TimmDenoiser(nn.Module):
    """(B, channels, H, W) to the same shape for every H and W: reflected to a multiple of s_n inside, and cropped.

    Args:
        encoder: a name of timm that has `features_only`, such as "convnext_atto", "swin_tiny_patch4_window7_224",
            "vit_tiny_patch16_224".
        channels: of the image.
        width: channels of the decoder.
        pretrained: weights that timm downloads; its encoders expect 3 channels and adapt to others.

    Raises:
        ValueError: timm has no such model, or it gives no feature maps.
    """

    def __init__(self, encoder: str, channels: int = 1, width: int = 32, pretrained: bool = False):
        super().__init__()
        self.encoder = _encoder(encoder, channels, pretrained)
        info = self.encoder.feature_info
        self.stride = max(info.reduction())
        self.channels_last = str(getattr(self.encoder, "output_fmt", "NCHW")).endswith("NHWC")
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.projections = nn.ModuleList(nn.Conv2d(depth, width, 1) for depth in info.channels())
        self.mixers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in info.channels())
        self.last = Float32Conv2d(width, channels, 3, padding=1)
        start_near_zero(self.last)

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        padded = pad_to_multiple(y, self.stride)
        x = None
        levels = list(zip(self.encoder(padded), self.projections, self.mixers))
        for features, project, mix in reversed(levels):
            projected = project(features.permute(0, 3, 1, 2) if self.channels_last else features)
            x = projected if x is None else projected + _resize(x, projected)
            x = F.gelu(mix(x))
        stem = self.stem(padded)
        noise = self.last(F.gelu(stem + _resize(x, stem)))
        return y - noise[..., :height, :width]


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return x if x.shape[-2:] == like.shape[-2:] else F.interpolate(x, like.shape[-2:], mode="bilinear")


def _encoder(name: str, channels: int, pretrained: bool) -> nn.Module:
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:3]
        raise ValueError(f"timm has no model {name!r}: timm.list_models() has {', '.join(near) or 'all names'}")
    options = {"features_only": True, "in_chans": channels, "pretrained": pretrained}
    try:
        try:
            # Transformers are built for one size; this makes them take every size.
            return timm.create_model(name, dynamic_img_size=True, **options)
        except TypeError:
            return timm.create_model(name, **options)  # a convolutional one takes every size as it is
    except (RuntimeError, AttributeError, NotImplementedError) as error:
        raise ValueError(f"timm's {name} gives no feature maps: {error}") from error
