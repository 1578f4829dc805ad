"""Any timm model as the encoder of a denoiser, with a light decoder: a backbone to wrap, not one of the paper's.

    f(y) = y - decoder(encoder(y))

The encoder gives features at strides s_1 < ... < s_n (timm's `features_only`; a plain ViT gives a few of its blocks
at one stride). The decoder goes from the coarsest to the finest: project, add, 3 x 3 convolution, resize to the next,
and last to a 3 x 3 convolution of the image itself, which keeps the detail that the strides lose.

Not every encoder takes every image: some partition it into windows, some normalize a batch by statistics that one pixel
has not got, some know the positions of one size alone. So the architecture is first built without memory (torch's meta
device) and tried, in train() and eval(), square and not, to find the sides that it takes: the multiples of `multiple`
from `least` up. Images are reflected to these. An encoder without such sides is refused when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wne.models.initialization import start_near_zero
from wne.models.padding import pad_to_multiple, reflect_pad
from wne.models.precision import Float32Conv2d


class Sides(NamedTuple):
    """The heights and widths that an encoder takes, in pixels: the multiples of `multiple` from `least` up."""

    multiple: int
    least: int


class TimmDenoiser(nn.Module):
    """(B, channels, H, W) to the same shape for every H and W: reflected to the encoder's sides inside, and cropped.

    Args:
        encoder: a name of timm that has `features_only`, such as "convnext_atto", "swin_tiny_patch4_window7_224",
            "vit_tiny_patch16_224".
        channels: of the image.
        width: channels of the decoder.
        pretrained: weights that timm downloads; its encoders expect 3 channels and adapt to others.

    Raises:
        ValueError: timm has no such model, or it gives no feature maps, or it takes images of one size alone.
    """

    def __init__(self, encoder: str, channels: int = 1, width: int = 32, pretrained: bool = False):
        super().__init__()
        self.encoder, self.sides = _encoder(encoder, channels, pretrained)
        info = self.encoder.feature_info
        self.channels_last = str(getattr(self.encoder, "output_fmt", "NCHW")).endswith("NHWC")
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.projections = nn.ModuleList(nn.Conv2d(depth, width, 1) for depth in info.channels())
        self.mixers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in info.channels())
        self.last = Float32Conv2d(width, channels, 3, padding=1)
        start_near_zero(self.last)

    def forward(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        padded = self._pad(y)
        x = None
        levels = list(zip(self.encoder(padded), self.projections, self.mixers))
        for features, project, mix in reversed(levels):
            projected = project(features.permute(0, 3, 1, 2) if self.channels_last else features)
            x = projected if x is None else projected + _resize(x, projected)
            x = F.gelu(mix(x))
        stem = self.stem(padded)
        noise = self.last(F.gelu(stem + _resize(x, stem)))
        return y - noise[..., :height, :width]

    def _pad(self, y: Tensor) -> Tensor:
        height, width = y.shape[-2:]
        if min(height, width) < self.sides.least:
            y = reflect_pad(y, 0, max(self.sides.least - width, 0), 0, max(self.sides.least - height, 0))
        return pad_to_multiple(y, self.sides.multiple)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return x if x.shape[-2:] == like.shape[-2:] else F.interpolate(x, like.shape[-2:], mode="bilinear")


def _encoder(name: str, channels: int, pretrained: bool) -> tuple[nn.Module, Sides]:
    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:3]
        raise ValueError(f"timm has no model {name!r}: timm.list_models() has {', '.join(near) or 'all names'}")
    sides = _find_sides(name, channels)
    return _create(name, channels, pretrained), sides


def _create(name: str, channels: int, pretrained: bool = False) -> nn.Module:
    options = {"features_only": True, "in_chans": channels, "pretrained": pretrained}
    try:
        try:
            # Most transformers are built for one size; this makes them take every size.
            encoder = timm.create_model(name, dynamic_img_size=True, **options)
        except TypeError:
            encoder = timm.create_model(name, **options)
    except (RuntimeError, AttributeError, NotImplementedError, AssertionError, TypeError, ValueError) as error:
        raise ValueError(f"timm's {name} gives no feature maps: {_first_line(error)}. {_INSTEAD}") from error
    for module in encoder.modules():  # what dynamic_img_size does, for encoders that have it only inside
        if hasattr(module, "strict_img_size"):
            module.strict_img_size = False
    return encoder


_INSTEAD = "Encoders for every image size are convnext_atto, swin_tiny_patch4_window7_224 and vit_tiny_patch16_224"


def _find_sides(name: str, channels: int) -> Sides:
    """The sides that the architecture takes, tried without memory or arithmetic and without a random number."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        encoder = _create(name, channels)
        stride = max(encoder.feature_info.reduction())
        # BatchNorm of what an attention over channels pools to one pixel is trained on two images or more, at any size.
        for images in (1, 2):
            for sides in _candidates(encoder, stride):
                refusal = _refusal(encoder, channels, sides, images)
                if refusal is None:
                    return sides
    size = _native_size(encoder)
    raise ValueError(
        f"timm's {name} takes images of {f'{size} x {size}' if size else 'one size'} alone: {refusal}. {_INSTEAD}"
    )


def _candidates(encoder: nn.Module, stride: int) -> Iterator[Sides]:
    """From the least padding to the most; the model's own size last, which its windows divide."""
    for cells in (1, 2, 4):
        yield Sides(stride, cells * stride)  # a few cells of the coarsest features are the least, and no more is added
    for cells in (2, 7, 8):
        yield Sides(cells * stride, cells * stride)
    size = _native_size(encoder)
    if size:
        yield Sides(size, size)


def _native_size(encoder: nn.Module) -> int | None:
    for module in (encoder, getattr(encoder, "model", None)):
        size = (getattr(module, "pretrained_cfg", None) or {}).get("input_size")
        if size:
            return size[-1]
    return None


def _refusal(encoder: nn.Module, channels: int, sides: Sides, trained_images: int) -> str | None:
    """Why the encoder does not take these sides, or None. Sizes in turn: an encoder may remember the last one."""
    multiple, least = sides
    shapes = [(least, least), (least, least + multiple), (least + 2 * multiple, least), (least, least)]
    for (height, width), train in zip(shapes, (False, False, False, True)):
        encoder.train(train)  # BatchNorm of a batch of one wants more than one pixel
        try:
            with torch.no_grad():
                features = encoder(torch.empty(trained_images if train else 1, channels, height, width))
        except Exception as error:  # whatever the model's code raises is what it would raise at the first image
            return f"it fails at {height} x {width}: {_first_line(error)}"
        for x, depth in zip(features, encoder.feature_info.channels()):
            if x.ndim != 4 or depth not in (x.shape[1], x.shape[-1]):
                return (
                    f"at {height} x {width} it gives features of shape {tuple(x.shape)} where {depth} channels belong"
                )
    return None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
