"""Large images tile by tile, with the statistics of the whole image.

    f(y) = std(y) sum_k w_k g_k(T_NE(y)) + mean(y) 1,     sum_k w_k = 1 at every pixel

g_k is the backbone on tile k of the *normalized* image, w_k a weight that is 0 where the tile lacks its surroundings.
Only the backbone is tiled: mean and std are those of the whole image, so f stays normalization equivariant. (A wrapper
around each tile would have statistics of its own, and f(a y + b 1) = a f(y) + b 1 would hold tile by tile, with as many
different denoisers as there are tiles.)

A pixel of g_k is right when it is at least r, the radius of the receptive field, away from the inner borders of its
tile. So an overlap of 2 r, split in its middle, gives the result of the whole image to rounding. r is measured
(receptive_field.py). Where it has no bound (attention or pooling over the whole image) or is too large for the tile,
each tile is an approximation: the weight is 0 in the outer quarter of the overlap and passes from one tile to the next
in the two middle quarters. An overlap that is given is blended like that too, so it must be 4 r to be exact. Windows of
attention stay where they were when tile and overlap are multiples of twice the window.

Never exact: a backbone that takes coordinates or a positional encoding, which a tile counts from its own corner.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from wne.contract import chosen_image
from wne.receptive_field import cut, receptive_radius
from wne.statedict import BackboneHolder
from wne.wrapper import BackboneWrapper

T = TypeVar("T")

# Overlap in pixels where the receptive field has no known bound. Tiles of 256, 384, 512, ... pixels then start at
# multiples of 128, so that strides and windows which divide the sides of an image divide those of its last tiles too.
BLENDED = 128
MULTIPLE = 8  # a measured overlap is rounded up to this, so that windows and strides of 8 stay aligned


@dataclass(frozen=True)
class Tiles:
    """How an image is cut: `tile` and `overlap` in pixels, as for `Tiled`; None: 2 r where r is known and fits.

    Args:
        output: of a backbone that returns a tuple or a dict, the index or key of the image.
        radii: keeps r by the kind of image, for a backbone that does not change; None: r is measured at every call.
    """

    tile: int = 512
    overlap: int | None = None
    progress: bool = False
    output: int | str | None = field(default=None, repr=False)
    radii: dict[tuple, int | None] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.tile < 1:
            raise ValueError(
                f"tile must be at least 1 pixel, got {self.tile}; for the image as a whole, leave tiling out"
            )
        if not 0 <= (self.overlap or 0) <= self.tile // 2:
            raise ValueError(
                f"overlap must be between 0 and half of tile, got overlap {self.overlap}, tile {self.tile}"
            )

    def __call__(self, backbone: Callable[..., Any], z: Tensor, *args: object, **kwargs: object) -> Any:
        """`backbone(z, *args, **kwargs)` tile by tile; with `output` of a large image that result alone, in a dict."""
        height, width = size = z.shape[-2:]
        if height <= self.tile and width <= self.tile:
            return backbone(z, *args, **kwargs)
        overlap, margin = self._overlap(backbone, z, args, kwargs)
        rows, columns = (tile_spans(n, self.tile, overlap) for n in size)
        blended = torch.zeros_like(z)
        for row, column in _with_progress(list(itertools.product(rows, columns)), self.progress):
            inside = (..., slice(*row), slice(*column))
            cut_args = [cut(x, size, inside) for x in args]
            cut_kwargs = {name: cut(x, size, inside) for name, x in kwargs.items()}
            # A copy: a backbone may overwrite its input, of which the next tile shares a part.
            part = self._part(backbone, z[inside].clone(), *cut_args, **cut_kwargs)
            down, across = (
                blending_weights(span, n, overlap, margin).to(z.device, z.real.dtype)
                for span, n in ((row, height), (column, width))
            )
            blended[inside] += part * down[:, None] * across
        return blended if self.output is None else {self.output: blended}

    def _part(self, backbone: Callable[..., Any], z: Tensor, *args: object, **kwargs: object) -> Tensor:
        """The image that the backbone makes of one tile."""
        shape = z.shape
        try:
            part = backbone(z, *args, **kwargs)
            if self.output is not None:
                return chosen_image(part, self.output, shape)
            if not isinstance(part, Tensor) or part.shape != shape:
                found = tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__
                raise ValueError(f"the backbone must keep the shape {tuple(shape)}, got {found}")
        except (RuntimeError, ValueError, AssertionError) as error:
            if not isinstance(error, torch.OutOfMemoryError):
                error.add_note(
                    f"on a tile of {shape[-2]} x {shape[-1]} pixels; if the network needs sides that are multiples, "
                    "take the image as a whole (--tile 0), or put wne.Padded around the network"
                )
            raise
        return part

    def _overlap(self, backbone: Callable[..., Any], z: Tensor, args: tuple, kwargs: dict) -> tuple[int, float]:
        """The overlap, and how much at each end of it has weight 0."""
        if self.overlap is not None:
            return self.overlap, self.overlap / 4
        radius = self._radius(backbone, z, args, kwargs)
        if radius is not None and 4 * radius <= self.tile:
            overlap = -(-2 * radius // MULTIPLE) * MULTIPLE
            if overlap <= self.tile // 2:
                return overlap, overlap / 2
        overlap = min(BLENDED, self.tile // 2)
        return overlap, overlap / 4

    def _radius(self, backbone: Callable[..., Any], z: Tensor, args: tuple, kwargs: dict) -> int | None:
        def measured() -> int | None:
            # Not through torch.compile, which would compile for each size of the probes.
            return receptive_radius(_unwrapped(backbone), z, self.tile, args, kwargs, self.output)

        if self.radii is None or args or kwargs:
            return measured()
        kind = (z.shape[1:-2], *(min(n, self.tile) for n in z.shape[-2:]), z.dtype, z.device)
        if kind not in self.radii:
            self.radii[kind] = measured()
        return self.radii[kind]


class Tiled(BackboneHolder):
    """A backbone applied tile by tile, (B, C, H, W) to the same shape, blended without seams.

    Args:
        backbone: any module or function, (B, C, H, W) to the same shape, without a wrapper inside.
        tile: height and width of a tile in pixels; the last ones are smaller. Memory grows with its square.
        overlap: pixels that neighbours share, at most half of `tile`; None: twice the radius r of the receptive
            field, or 128 where that has no bound. One that is given is exact from 4 r up (head of this module).
        progress: show a progress bar (needs tqdm).

    An image of at most one tile goes to the backbone as it is. A tensor of three axes or more whose last two are those
    of the image (a noise map) is cut into the same tiles where it is itself an argument of `forward`; one of two axes,
    or inside a list or a dict, is not.

    Raises:
        ValueError: an overlap of more than half a tile; a backbone that changes the shape; a wrapper inside the
            backbone, which would take its statistics from each tile: see `tiled`.
    """

    def __init__(
        self, backbone: Callable[..., Any], tile: int = 512, overlap: int | None = None, progress: bool = False
    ):
        super().__init__()
        _refuse_wrappers(backbone)
        self.backbone = backbone
        self.tiles = Tiles(tile, overlap, progress)

    def forward(self, z: Tensor, *args: object, **kwargs: object) -> Tensor:
        return self.tiles(self.backbone, z, *args, **kwargs)

    def extra_repr(self) -> str:
        return repr(self.tiles)


def tiled(denoiser: nn.Module, tile: int = 512, overlap: int | None = None, progress: bool = False) -> nn.Module:
    """`denoiser` that goes through large images tile by tile.

    It shares the modules of `denoiser`, so their weights, devices and modes: train() and eval() of one are those of the
    other's backbone too. Of a wrapped denoiser the backbone alone is tiled, so that the statistics remain those of the
    whole image; the names of its parameters stay the same. What torch puts around a model (`torch.compile`,
    DataParallel, DistributedDataParallel) is taken off: put it around the backbone, or around the result. Arguments as
    those of `Tiled`.

    Raises:
        ValueError: a wrapper that is not the outermost module, in a Sequential for example, or two wrappers around
            each other: each tile would have its own statistics.

    >>> from wne import NormalizationEquivariant
    >>> f = NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1))
    >>> y = torch.rand(1, 1, 50, 70)
    >>> torch.allclose(tiled(f, tile=32)(y), f(y), atol=1e-6)
    True
    """
    denoiser = _unwrapped(denoiser)
    if not isinstance(denoiser, BackboneWrapper):
        return Tiled(denoiser, tile, overlap, progress)
    _refuse_wrappers(denoiser.backbone)
    whole = copy.copy(denoiser)
    # Its own tables of modules, parameters and hooks, so that a change of one is no change of the other.
    whole.__dict__.update({k: copy.copy(v) for k, v in denoiser.__dict__.items() if isinstance(v, dict)})
    whole.tiles = Tiles(tile, overlap, progress, denoiser.output)
    return whole


def _unwrapped(model: Any) -> Any:
    """The model inside torch.compile, DataParallel and DistributedDataParallel."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        else:
            return model


def _refuse_wrappers(backbone: object) -> None:
    if isinstance(backbone, nn.Module) and any(isinstance(m, BackboneWrapper) for m in backbone.modules()):
        raise ValueError(
            f"there is a normalization wrapper inside {type(backbone).__name__}: tile by tile it would take its mean "
            "and std from each tile; tile the wrapper itself, model.wrapper = tiled(model.wrapper)"
        )


def tile_spans(size: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """(start, end) of the tiles along an axis; all starts are multiples of tile - overlap.

    Neighbours share `overlap` pixels exactly, and the last tile is longer than that.
    """
    stride = tile - overlap
    count = max(1, -(-(size - overlap) // stride))
    return [(k * stride, min(k * stride + tile, size)) for k in range(count)]


def blending_weights(span: tuple[int, int], size: int, overlap: int, margin: float) -> Tensor:
    """The weight of each pixel of a tile along an axis, float64; over all tiles they sum to 1.

    0 in the outer `margin` pixels of an overlap, and from there linear to 1 in the pixels that are in the margin of
    the neighbour. A margin of half the overlap splits it in its middle.
    """
    start, end = span
    position = torch.arange(end - start, dtype=torch.float64) + 0.5
    weights = torch.ones_like(position)
    if overlap and start > 0:
        weights *= _ramp(position, overlap, margin)
    if overlap and end < size:
        weights *= 1 - _ramp(position - (end - start - overlap), overlap, margin)
    return weights


def _ramp(position: Tensor, overlap: int, margin: float) -> Tensor:
    if 2 * margin >= overlap:
        return (position > overlap / 2).to(position.dtype)
    return ((position - margin) / (overlap - 2 * margin)).clamp(0, 1)


def _with_progress(items: list[T], show: bool) -> Iterable[T]:
    if not show:
        return items
    from tqdm import tqdm

    return tqdm(items, desc="tiles", leave=False)
