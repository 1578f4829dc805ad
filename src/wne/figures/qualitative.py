"""One noisy image, denoised by models that never saw so much noise (Figure 2)."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread

from wne import style
from wne.collect import CollectError
from wne.params import Params
from wne.paths import ProfilePaths

_GAP = 0.07  # between panels, in widths of one
_CAPTION = 0.40  # below them, inches


@dataclass(frozen=True)
class Picture:
    """Grey pixels in [0, 1] with the lines printed below, and the PSNR in dB for the corner."""

    pixels: np.ndarray
    caption: str
    psnr: float | None


def read_example(params: Params, paths: ProfilePaths, key: str) -> list[Picture]:
    """The panels of an example: noisy as in training, noisy in the test, and denoised by each of its runs.

    Raises:
        CollectError: runs whose pictures are missing, by name.
    """
    example = params.examples[key]
    names = {name: _picture_names(params, name, key) for name in example.runs}
    files = {name: [paths.evaluation / name / file for file in names[name]] for name in example.runs}
    missing = [name for name in example.runs if not all(file.is_file() for file in files[name])]
    if missing:
        raise CollectError(f"{key}: no pictures of {', '.join(missing)}; make them with: wne evaluate RUN")
    first = paths.evaluation / example.runs[0]
    facts = json.loads((first / f"{key}.json").read_text())
    pictures = []
    if (first / f"{key}-noisy-training.png").is_file():
        caption = f"Noisy training image\n$\\sigma$ = {facts['sigma_train']:g}"
        pictures.append(Picture(_read_grey(first / f"{key}-noisy-training.png"), caption, None))
    caption = f"Noisy test image\n$\\sigma$ = {facts['sigma_test']:g}"
    pictures.append(Picture(_read_grey(first / f"{key}-noisy.png"), caption, facts["input_psnr"]))
    for name in example.runs:
        run = params.runs[name]
        title = style.backbone_label(params.models[run.model].backbone)
        title += "" if run.variant == "baseline" else f"-{style.variant_label(run.variant)}"
        psnr = json.loads((paths.evaluation / name / f"{key}.json").read_text())["psnr"]
        caption = f"Test image denoised by\n{title}"
        pictures.append(Picture(_read_grey(paths.evaluation / name / f"{key}.png"), caption, psnr))
    return pictures


def _picture_names(params: Params, name: str, key: str) -> list[str]:
    single_noise = isinstance(params.runs[name].sigma, (int, float))
    return [f"{key}.png", f"{key}-noisy.png", f"{key}.json"] + [f"{key}-noisy-training.png"] * single_noise


def _read_grey(path) -> np.ndarray:
    pixels = imread(path)
    return pixels[..., :3] if pixels.ndim == 3 else pixels


def fig02(pictures: list[Picture]) -> Figure:
    """Figure 2: the pictures side by side.

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
