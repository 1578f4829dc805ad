"""Denoise image files with a trained network: their bit depth, colours and size stay what they are.

Integers are divided by their largest value, so that a network trained on [0, 1] sees that range; floating-point values
go in as they are, which a wrapped network does not mind. The result is rounded and clipped for integers, and neither for
floating point. Colours go one by one through a network for grey images, each with statistics of its own; an alpha
channel is left as it is. What else a file holds (colour profiles, dates) is not kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from wne.checkpoints import load_denoiser, read_config
from wne.console import progress, say
from wne.imagefiles import READ, WRITTEN, ImageFileError, check_writable, read_image, write_image
from wne.published import find_weights
from wne.tiling import tiled

DEFAULT_MODEL = "dncnn-wne-s25"
TILE = 512


class ImageDenoiser:
    """A checkpoint as a function of images as files hold them.

    Args:
        model: a path, or the name of published weights.
        tile: side of the tiles that larger images are cut into, the statistics those of the whole image
            (`wne.tiling`); 0 for none.

    Raises:
        CheckpointError: no such checkpoint, or not one of this project's.
    """

    def __init__(self, model: str = DEFAULT_MODEL, tile: int = TILE, device: torch.device | str = "cpu"):
        path = find_weights(model)
        self.channels: int = read_config(path)[0]["task"]["channels"]
        self.device = device
        network = load_denoiser(path, device)
        self.network: nn.Module = tiled(network, tile, progress=True) if tile else network

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(H, W) or (H, W, 1 to 4), uint8, uint16 or floating point, to the same shape and dtype.

        Raises:
            ValueError: entries that are not finite, or fewer colours than the network needs.
        """
        if not np.isfinite(image).all():
            raise ValueError("has entries that are NaN or infinite; replace them first")
        stacked = image if image.ndim == 3 else image[..., None]
        colours = stacked.shape[2] - (stacked.shape[2] in (2, 4))  # without alpha
        top = np.iinfo(image.dtype).max if np.issubdtype(image.dtype, np.integer) else 1
        batch = torch.from_numpy(np.moveaxis(stacked[..., :colours], 2, 0).astype(np.float32) / np.float32(top))
        denoised = np.moveaxis(self._denoise(batch).numpy(), 0, 2)
        if top > 1:
            denoised = np.rint(np.clip(denoised, 0, 1) * top)
        result = stacked.copy()
        result[..., :colours] = denoised.astype(image.dtype)
        return result.reshape(image.shape)

    @torch.inference_mode()
    def _denoise(self, planes: Tensor) -> Tensor:
        """(C, H, W) float32 to the same."""
        if self.channels == 1:
            batch = planes[:, None]
        elif self.channels == len(planes):
            batch = planes[None]
        else:
            raise ValueError(f"has {len(planes)} colour channels; the network is for {self.channels}")
        return self.network(batch.to(self.device)).float().cpu().reshape(planes.shape)


def plan(source: Path, target: Path, force: bool) -> list[tuple[Path, Path]]:
    """(input, output) of a file or of all images in a folder and its subfolders.

    A file goes into `target`, or into the folder `target`; of a folder, the same names in the folder `target`.

    Raises:
        ImageFileError: no such input, no images in it, two that would have one result, or results that exist
            and `force` is not given.
    """
    if source.is_dir():
        target_inside = target.resolve()
        files = [
            path
            for path in sorted(source.rglob("*"))
            if path.suffix.lower() in READ
            and not any(part.startswith(".") for part in path.relative_to(source).parts)
            and (target_inside == source.resolve() or target_inside not in path.resolve().parents)
        ]
        if not files:
            raise ImageFileError(f"{source}: holds no images ({', '.join(READ)})")
        if target.is_file():
            raise ImageFileError(f"{target}: is a file; the results of a folder need a folder")
        jobs = [(path, _written_name(target / path.relative_to(source))) for path in files]
    elif source.is_file():
        jobs = [(source, _written_name(target / source.name) if target.is_dir() else target)]
    else:
        raise ImageFileError(f"{source}: no such file or folder")
    outputs = [output for _, output in jobs]
    if twice := sorted({str(output) for output in outputs if outputs.count(output) > 1}):
        raise ImageFileError(f"{twice[0]}: two images would be written there; rename one of them")
    there = [output for output in outputs if output.exists()]
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ImageFileError(f"{there[0]}{more}: exists already; use --force to overwrite")
    return jobs


def _written_name(path: Path) -> Path:
    return path if path.suffix.lower() in WRITTEN else path.with_suffix(".png")


def denoise_files(jobs: list[tuple[Path, Path]], denoise: ImageDenoiser) -> int:
    """Denoises each; one that cannot be is reported and the rest goes on. The number of those that could not."""
    failed = 0
    for source, target in progress(jobs, "denoise", disable=len(jobs) == 1):
        try:
            image = read_image(source)
            check_writable(target, image.dtype)
            write_image(target, denoise(image))
        except ImageFileError as error:
            failed += 1
            say(f"error: {error}")
        except (ValueError, OSError) as error:
            failed += 1
            say(f"error: {source}: {error}")
    return failed
