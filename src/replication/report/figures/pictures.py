"""Pictures side by side: one noisy image, denoised by several models (Figures 2 and 19; Figure 17 lays out here)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from replication.report import style
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_TITLE = 0.20  # above a line of pictures, inches
_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}


class Picture(NamedTuple):
    """Pixels in [0, 1], the lines printed below, and the PSNR in dB for the corner."""

    pixels: np.ndarray
    caption: str
    psnr: float | None


def fig02(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 2: far more noise than in training."""
    return pictures_figure([("", read_example(params, paths, "fig02"))])


def fig19(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 19: the input alone normalized, at the noise level of the training."""
    return pictures_figure([("", read_example(params, paths, "fig19"))])


def read_example(params: Params, paths: ProfilePaths, key: str) -> list[Picture]:
    """The panels of an example: an image with the noise of the training, with that of the test, and denoised by each run.

    The first is left out where training and test have the same noise.
    """
    if key not in params.examples:
        raise CollectError(f"{params.params_file}: examples has no {key}")
    folders = {name: paths.evaluated(params, name) for name in params.examples[key].runs}
    files = {name: [folder / file for file in _files(params, name, key)] for name, folder in folders.items()}
    if missing := [name for name, wanted in files.items() if not all(file.is_file() for file in wanted)]:
        raise CollectError(f"{key}: no pictures of {', '.join(missing)}; make them with: replicate evaluate RUN")
    facts = {name: json.loads((folder / f"{key}.json").read_text()) for name, folder in folders.items()}
    first, shared = next(iter(folders.values())), next(iter(facts.values()))
    trained, tested = shared["sigma_train"], f"$\\sigma$ = {shared['sigma_test']:g}"
    pictures = []
    mismatch = isinstance(trained, (int, float)) and trained != shared["sigma_test"]
    if mismatch:
        caption = f"Image at training noise\n$\\sigma$ = {trained:g}"
        pictures.append(Picture(read_pixels(first / f"{key}-noisy-training.png"), caption, None))
    caption = f"{'Image at test noise' if mismatch else 'Noisy image'}\n{tested}"
    pictures.append(Picture(read_pixels(first / f"{key}-noisy.png"), caption, shared["input_psnr"]))
    for name, folder in folders.items():
        run = params.runs[name]
        caption = f"Denoised by\n{labels.denoiser_label(params.models[run.model].backbone, run.variant)}"
        pictures.append(Picture(read_pixels(folder / f"{key}.png"), caption, facts[name]["psnr"]))
    return pictures


def pictures_figure(
    lines: Sequence[tuple[str, list[Picture]]], gap: float = 0.07, caption: float = 0.40, note: str = ""
) -> Figure:
    """Lines of pictures, one below the other, each with its title; none has one where the first is empty.

    gap: between pictures, in widths of one. caption: inches below them. note: a line at the foot. The resolution of the PNG is chosen so that
    every pixel of a picture becomes a whole number of its pixels: resampled noise would look smoother than it is.
    """
    columns = max(len(pictures) for _, pictures in lines)
    pixels = max(picture.pixels.shape[1] for _, pictures in lines for picture in pictures)
    side = pixels * max(1, round(style.TEXT_WIDTH / columns * style.PNG_DPI / pixels))
    step = side + round(gap * side)
    width = step * columns - (step - side)
    dpi = width / style.TEXT_WIDTH
    above, below = round(_TITLE * dpi) if lines[0][0] else 0, round(caption * dpi)
    foot = round(_TITLE * dpi) if note else 0
    height = len(lines) * (above + side + below) + foot
    figure = Figure(figsize=(style.TEXT_WIDTH, height / dpi), dpi=dpi)
    for row, (title, pictures) in enumerate(lines):
        top = height - row * (above + side + below)
        figure.text(0, (top - above / 2) / height, title, va="center")
        for column, picture in enumerate(pictures):
            place = (column * step / width, (top - above - side) / height, side / width, side / height)
            _draw(figure.add_axes(place), picture)
    figure.text(0.5, foot / 2 / height, note, ha="center", va="center", fontsize=8)
    return figure


def _draw(ax: Axes, picture: Picture) -> None:
    ax.imshow(picture.pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
    ax.set_axis_off()
    spacing = 1.15 if "\n" in picture.caption else None
    ax.text(0.5, -0.03, picture.caption, transform=ax.transAxes, ha="center", va="top", linespacing=spacing)
    if picture.psnr is not None:
        text = f"{picture.psnr:.2f} dB"
        ax.text(0.03, 0.97, text, transform=ax.transAxes, ha="left", va="top", fontsize=8, bbox=_BOX)


def _files(params: Params, name: str, key: str) -> list[str]:
    single_noise = isinstance(params.runs[name].sigma, (int, float))
    return [f"{key}.png", f"{key}-noisy.png", f"{key}.json"] + [f"{key}-noisy-training.png"] * single_noise


def read_pixels(path: Path) -> np.ndarray:
    pixels = imread(path)
    return pixels[..., :3] if pixels.ndim == 3 else pixels
