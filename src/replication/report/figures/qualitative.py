"""One noisy image, denoised by several models (Figures 2 and 19)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from replication.report import style
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_GAP = 0.07  # between panels, in widths of one
_CAPTION = 0.40  # below them, inches


@dataclass(frozen=True)
class Picture:
    """Pixels in [0, 1] with the lines printed below, and the PSNR in dB for the corner."""

    pixels: np.ndarray
    caption: str
    psnr: float | None


def fig02(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 2: far more noise than in training."""
    return pictures_figure(read_example(params, paths, "fig02"))


def fig19(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 19: the input alone normalized, at the noise level of the training."""
    return pictures_figure(read_example(params, paths, "fig19"))


def read_example(params: Params, paths: ProfilePaths, key: str) -> list[Picture]:
    """The panels of an example: noisy as in training, noisy in the test, and denoised by each of its runs.

    The first is left out where training and test have the same noise.

    Raises:
        CollectError: the profile has no such example, or runs whose pictures are missing, by name.
    """
    if key not in params.examples:
        raise CollectError(f"{params.params_file}: examples has no {key}")
    example = params.examples[key]
    folders = {name: paths.evaluated(params, name) for name in example.runs}
    missing = [
        name
        for name, folder in folders.items()
        if not all((folder / file).is_file() for file in _file_names(params, name, key))
    ]
    if missing:
        raise CollectError(f"{key}: no pictures of {', '.join(missing)}; make them with: replicate evaluate RUN")
    facts = {name: json.loads((folder / f"{key}.json").read_text()) for name, folder in folders.items()}
    first, shared = folders[example.runs[0]], facts[example.runs[0]]
    pictures = []
    mismatch = isinstance(shared["sigma_train"], (int, float)) and shared["sigma_train"] != shared["sigma_test"]
    if mismatch:
        caption = f"Noisy training image\n$\\sigma$ = {shared['sigma_train']:g}"
        pictures.append(Picture(_read_pixels(first / f"{key}-noisy-training.png"), caption, None))
    caption = f"Noisy {'test ' * mismatch}image\n$\\sigma$ = {shared['sigma_test']:g}"
    pictures.append(Picture(_read_pixels(first / f"{key}-noisy.png"), caption, shared["input_psnr"]))
    for name, folder in folders.items():
        run = params.runs[name]
        caption = f"Denoised by\n{labels.denoiser_label(params.models[run.model].backbone, run.variant)}"
        pictures.append(Picture(_read_pixels(folder / f"{key}.png"), caption, facts[name]["psnr"]))
    return pictures


def pictures_figure(pictures: list[Picture]) -> Figure:
    """The pictures side by side.

    The resolution of the PNG is chosen so that every pixel of a picture becomes a whole number of its
    pixels: resampled noise would look smoother than it is.
    """
    pixels = max(picture.pixels.shape[1] for picture in pictures)
    side = pixels * max(1, round(style.TEXT_WIDTH / len(pictures) * style.PNG_DPI / pixels))
    gap = round(_GAP * side)
    total = side * len(pictures) + gap * (len(pictures) - 1)
    dpi = total / style.TEXT_WIDTH
    height = side + round(_CAPTION * dpi)
    figure = Figure(figsize=(style.TEXT_WIDTH, height / dpi), dpi=dpi)
    for index, picture in enumerate(pictures):
        left = index * (side + gap) / total
        ax = figure.add_axes((left, 1 - side / height, side / total, side / height))
        ax.imshow(picture.pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
        ax.set_axis_off()
        ax.text(0.5, -0.03, picture.caption, transform=ax.transAxes, ha="center", va="top", linespacing=1.15)
        if picture.psnr is not None:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
            label = f"{picture.psnr:.2f} dB"
            ax.text(0.03, 0.97, label, transform=ax.transAxes, ha="left", va="top", fontsize=8, bbox=box)
    return figure


def _file_names(params: Params, name: str, key: str) -> list[str]:
    single_noise = isinstance(params.runs[name].sigma, (int, float))
    return [f"{key}.png", f"{key}-noisy.png", f"{key}.json"] + [f"{key}-noisy-training.png"] * single_noise


def _read_pixels(path: Path) -> np.ndarray:
    pixels = imread(path)
    return pixels[..., :3] if pixels.ndim == 3 else pixels
