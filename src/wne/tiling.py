"""Large images tile by tile, with the statistics of the whole image.

    f(y) = std(y) sum_k w_k g_k(T_NE(y)) + mean(y) 1,     sum_k w_k = 1 at every pixel

g_k is the backbone on tile k of the *normalized* image, w_k a weight that falls to 0 inside the overlap. Only the
backbone is tiled: mean and std are those of the whole image, so f stays normalization equivariant. (A wrapper around
each tile would have statistics of its own, and f(a y + b 1) = a f(y) + b 1 would hold tile by tile, with as many
different denoisers as there are tiles.)

The weight is 0 in the outer quarter of the overlap, where a tile lacks its surroundings, and passes from one tile to
the next in the two middle quarters. A backbone with a receptive field of radius r therefore gives what it gives on the
whole image, to rounding, when the overlap is at least 4 r; so do attention windows, when tile and overlap are
multiples of the window (twice the window, where windows are shifted). Layers that see the whole image (global
attention, global pooling) see the tile instead.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from wne.wrapper import BackboneWrapper, hide_backbone_prefix

T = TypeVar("T")


class Tiled(nn.Module):
    """A backbone applied tile by tile, (B, C, H, W) to the same shape, blended without seams.

    Args:
        backbone: any module or function, (B, C, H, W) to the same shape.
        tile: height and width of a tile in pixels; the last ones are smaller. Memory grows with its square.
        overlap: pixels that neighbours share, at most half of `tile`.
        progress: show a progress bar (needs tqdm).

    The state dict is the backbone's own. An image of at most one tile goes to the backbone as it is. Tensors among
    the other arguments of `forward` whose last two axes are those of the image (a noise map) are cut into the same
    tiles.

    Raises:
        ValueError: an overlap of more than half a tile; a backbone that changes the shape.
    """

    def __init__(self, backbone: Callable[..., Any], tile: int = 512, overlap: int = 96, progress: bool = False):
        super().__init__()
        if tile < 1 or not 0 <= overlap <= tile // 2:
            raise ValueError(f"overlap must be between 0 and half of tile, got overlap {overlap}, tile {tile}")
        self.backbone = backbone
        self.tile, self.overlap, self.progress = tile, overlap, progress
        hide_backbone_prefix(self)

    def forward(self, z: Tensor, *args: object, **kwargs: object) -> Tensor:
        height, width = z.shape[-2:]
        rows, columns = tile_spans(height, self.tile, self.overlap), tile_spans(width, self.tile, self.overlap)
        if len(rows) == len(columns) == 1:
            return self.backbone(z, *args, **kwargs)
        blended = torch.zeros_like(z)
        tiles = list(itertools.product(rows, columns))
        for row, column in _with_progress(tiles, self.progress):
            inside = (..., slice(*row), slice(*column))

            def cut(value: object, inside: tuple = inside) -> object:
                if isinstance(value, Tensor) and value.ndim > 2 and value.shape[-2:] == (height, width):
                    return value[inside]
                return value

            part = self.backbone(z[inside], *map(cut, args), **{name: cut(value) for name, value in kwargs.items()})
            if part.shape != z[inside].shape:
                raise ValueError(f"the backbone must keep the shape {tuple(z[inside].shape)}, got {tuple(part.shape)}")
            weights = [
                blending_weights(span, size, self.overlap).to(z.device, z.real.dtype)
                for span, size in ((row, height), (column, width))
            ]
            blended[inside] += part * weights[0][:, None] * weights[1]
        return blended

    def extra_repr(self) -> str:
        return f"tile={self.tile}, overlap={self.overlap}"


def tiled(denoiser: nn.Module, tile: int = 512, overlap: int = 96, progress: bool = False) -> nn.Module:
    """`denoiser`, its weights shared, that goes through large images tile by tile.

    Of a wrapped denoiser the backbone alone is tiled, so that the statistics remain those of the whole image.
    Arguments as those of `Tiled`; more than one wrapper around each other is not handled.

    >>> from wne import NormalizationEquivariant
    >>> f = NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1))
    >>> y = torch.rand(1, 1, 50, 70)
    >>> torch.allclose(tiled(f, tile=32, overlap=8)(y), f(y), atol=1e-6)
    True
    """
    if not isinstance(denoiser, BackboneWrapper):
        return Tiled(denoiser, tile, overlap, progress)
    whole = copy.copy(denoiser)
    whole._modules = dict(denoiser._modules)
    whole.backbone = Tiled(denoiser.backbone, tile, overlap, progress)
    return whole


def tile_spans(size: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """(start, end) of the tiles along an axis; all starts are multiples of tile - overlap.

    Neighbours share `overlap` pixels exactly, and the last tile is longer than that.
    """
    stride = tile - overlap
    count = max(1, -(-(size - overlap) // stride))
    return [(k * stride, min(k * stride + tile, size)) for k in range(count)]


def blending_weights(span: tuple[int, int], size: int, overlap: int) -> Tensor:
    """The weight of each pixel of a tile along an axis, float64; over all tiles they sum to 1."""
    start, end = span
    position = torch.arange(end - start, dtype=torch.float64) + 0.5
    weights = torch.ones_like(position)
    if overlap and start > 0:
        weights *= _ramp(position, overlap)
    if overlap and end < size:
        weights *= 1 - _ramp(position - (end - start - overlap), overlap)
    return weights


def _ramp(position: Tensor, overlap: int) -> Tensor:
    """0 in the first quarter of the overlap, 1 from its last quarter on, linear in between."""
    return ((position - overlap / 4) / (overlap / 2)).clamp(0, 1)


def _with_progress(items: list[T], show: bool) -> Iterable[T]:
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc="tiles", leave=False)
