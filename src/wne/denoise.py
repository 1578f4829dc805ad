"""Denoise images with a trained network: their bit depth, channels and size stay what they are.

Networks that are normalization equivariant see each image shifted and scaled to [0, 1] in double precision, which
changes nothing but the rounding: a contrast of 1 on an offset of 1e9 keeps its digits, and 1e-30 and 1e30 are alike.
Scale-equivariant ones see it divided by its largest magnitude. Others see what they were trained on: integers divided
by their largest possible value, and floating-point values as they are.

The result is rounded and clipped for integers, and neither for floating point. Channels go one by one through a network
for grey images, each with statistics of its own, and together through one for colour images; opacity is left as it is.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from wne.adapters.networks import OwnDenoiser
from wne.checkpoints import load_denoiser, read_config
from wne.memory import shortage
from wne.published import find_weights
from wne.registry import DEFAULT_MODEL
from wne.tiling import tiled
from wne.wrapper import BackboneWrapper

TILE = 512
SMALLEST_TILE = 128  # of the command line; the published networks are exact from 80 pixels on (`wne.tiling`)
_BYTES = {np.float32: 30, np.float64: 44}  # of all copies of an entry at a time, measured on 27 million entries
_EQUIVARIANT = {"wne": "normalization", "ne_arch": "normalization", "wse": "scale", "se_arch": "scale"}


class ImageDenoiser:
    """A checkpoint as a function of images as files hold them.

    Args:
        model: a path, the name of published weights, or a network of one's own, which stays as it is from here on.
        tile: side of the tiles that larger images are cut into, the statistics those of the whole image
            (`wne.tiling`); 0 for none. The receptive field is measured once for all images of a kind.
        strength: from 0, the input, to 1, the network's result; between, y + strength (f(y) - y).
        mask_nan: leave entries that are NaN or infinite out of the statistics, the backbone sees the mean there, and
            keep them as they are; else they are an error.

    Raises:
        CheckpointError: no such checkpoint, or not one of this project's.
        ValueError: a strength outside [0, 1]; `mask_nan` for a network without a wrapper.
    """

    def __init__(
        self,
        model: str | Path | OwnDenoiser = DEFAULT_MODEL,
        tile: int = TILE,
        device: torch.device | str = "cpu",
        *,
        strength: float = 1.0,
        mask_nan: bool = False,
    ):
        if not 0 <= strength <= 1:
            raise ValueError(f"strength must be between 0 (the input) and 1 (the network's result), got {strength}")
        network, self.channels, variant = _trained(str(model)) if isinstance(model, str | Path) else model
        network = network.to(device)
        if mask_nan and not isinstance(network, BackboneWrapper):
            raise ValueError("--mask-nan: the network has no wrapper that takes a mask; choose one with a wrapper")
        self.equivariance = _EQUIVARIANT.get(variant)
        self.device, self.strength, self.mask_nan = device, strength, mask_nan
        self.network: nn.Module = network
        if tile:
            self.network = tiled(network, tile, progress=True)
            self.network.tiles = replace(self.network.tiles, radii={})

    def __call__(self, image: np.ndarray, alpha: int | None = None) -> np.ndarray:
        """(H, W) or (H, W, C), integers or floating point, to the same shape and dtype.

        Args:
            alpha: the channel that is opacity, not an image, and stays as it is.

        Raises:
            ValueError: entries that are not finite, in the image or in the result; another number of colours than
                the network needs.
        """
        stacked, colours = _colours(image, alpha)
        if self.channels not in (1, len(colours)):
            raise ValueError(
                f"has {len(colours)} channel{'s' * (len(colours) != 1)}, and the network needs {self.channels}; take "
                f"{DEFAULT_MODEL}, which takes any number"
            )
        result = stacked.copy()
        for group in [[channel] for channel in colours] if self.channels == 1 else [colours]:
            result[..., group] = self._denoise(stacked[..., group])
        return result.reshape(image.shape)

    def doubt(self, image: np.ndarray, alpha: int | None = None) -> str | None:
        """What to tell the user of an image that is hardly like those that the network was trained on, or None.

        A network for colour leaves in the noise of a grey image saved as RGB. An equivariant network takes any range. Of
        the others this asks

            floating point: whether a tenth of the values is below -1 or above 2. Strong noise on [0, 1] and a few
                highlights stay inside that; values up to 255 or 4095 do not.
            integers of 16 and 32 bits: whether none reaches a quarter of the largest possible, as 12 and 14 bits in 16
                do not. 8 bits fill their range by convention, so there a small maximum is a dark photograph.
        """
        stacked, colours = _colours(image, alpha)
        values = stacked[..., colours]
        if self.channels > 1 and (values == values[..., :1]).all():
            return f"the channels are all the same, and this network leaves in the noise that they share; take {DEFAULT_MODEL}"
        if self.equivariance is not None:
            return None
        if np.issubdtype(values.dtype, np.integer):
            if values.itemsize == 1 or not 0 < values.max() < np.iinfo(values.dtype).max / 4:
                return None
            problem = f"no value reaches a quarter of what {values.dtype} holds, and the network sees a dark image"
            remedy = "scale them to all of it"
        else:
            values = values[np.isfinite(values)]
            if np.count_nonzero((values < -1) | (values > 2)) <= values.size / 10:
                return None
            problem, remedy = "values far outside [0, 1], which the network sees as they are", "scale them to its range"
        return f"{problem}: {remedy}, or take a network with equivariance, such as {DEFAULT_MODEL}"

    def _denoise(self, planes: np.ndarray) -> np.ndarray:
        """(H, W, C) of one instance to the same."""
        precision = np.float32 if planes.itemsize <= 2 else np.float64  # 8 and 16 bits are exact in single precision
        if problem := shortage(planes.size * _BYTES[precision]):
            raise ValueError(problem)
        finite = np.isfinite(planes)
        if not finite.all() and not self.mask_nan:
            count = np.count_nonzero(~finite.all(axis=2))
            raise ValueError(f"has {count} pixels that are NaN or infinite; --mask-nan leaves them out")
        if not finite.any():
            return planes.copy()
        y = np.where(finite, planes, 0).astype(precision)
        with np.errstate(over="ignore", invalid="ignore"):
            offset, scale = self._range(y[finite], planes.dtype)
            denoised = self._run((y - offset) / scale, finite) * scale + offset
            blended = y + y.dtype.type(self.strength) * (denoised - y)
            result = _as(planes.dtype, blended)
        if not (np.isfinite(blended[finite]).all() and np.isfinite(result[finite]).all()):
            raise ValueError("the result is not finite: the weights are broken, or the values too large for them")
        result[~finite] = planes[~finite]
        return result

    def _range(self, values: np.ndarray, dtype: np.dtype) -> tuple[np.floating, np.floating]:
        """What is subtracted, and what divides the difference."""
        if self.equivariance is None:
            offset, scale = 0, np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
        elif self.equivariance == "scale":
            offset, scale = 0, np.abs(values).max()
        else:
            offset, scale = values.min(), values.max() - values.min()
        return values.dtype.type(offset), values.dtype.type(scale or 1)

    @torch.inference_mode()
    def _run(self, x: np.ndarray, finite: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(np.moveaxis(x, 2, 0)[None].astype(np.float32)).to(self.device)
        mask = {} if finite.all() else {"mask": torch.from_numpy(np.moveaxis(finite, 2, 0)[None]).to(self.device)}
        out = self.network(batch, **mask)
        if out.shape != batch.shape:
            raise ValueError(
                f"the network maps {tuple(batch.shape)} to {tuple(out.shape)}; if it needs sides that are multiples, put "
                "wne.Padded around it"
            )
        return np.moveaxis(out[0].float().cpu().numpy(), 0, 2).astype(x.dtype)


def _colours(image: np.ndarray, alpha: int | None) -> tuple[np.ndarray, list[int]]:
    """The image as (H, W, C), and those of its channels that are not opacity."""
    stacked = image if image.ndim == 3 else image[..., None]
    alpha = None if alpha is None else alpha % stacked.shape[2]
    return stacked, [channel for channel in range(stacked.shape[2]) if channel != alpha]


def _trained(model: str) -> OwnDenoiser:
    path = find_weights(model)
    config = read_config(path)[0]
    return OwnDenoiser(load_denoiser(path), config["task"]["channels"], config["variant"])


def _as(dtype: np.dtype, values: np.ndarray) -> np.ndarray:
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.rint(np.clip(values, limits.min, limits.max)).astype(dtype)
