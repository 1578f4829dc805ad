"""Denoisers reused in the sampler of App. N: inpainting (Figure 17), and beyond the paper super-resolution,
deblurring and what happens along the way."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import legend_below, panel_grid, set_title
from replication.results.summary import CollectError, Summary, read_csv
from replication.study import labels
from replication.study.params import Params, Sampler
from replication.study.paths import ProfilePaths

_GAP = 0.04  # between pictures, in widths of one
_CAPTION, _TITLE = 0.24, 0.20  # below and above a line of pictures, inches
_TASKS = {
    "none": "denoising",
    "random_pixels": "inpainting",
    "block_average": "super-resolution",
    "blur": "deblurring",
}
_PANEL = 1.15  # inches, height of a panel of `trajectories`
_LOUDEST = 3e3  # 8-bit units: the top of the axis of noise, at most; a trajectory that diverges leaves it


class Picture(NamedTuple):
    """Pixels in [0, 1], the line printed below, and the PSNR in dB for the corner."""

    pixels: np.ndarray
    caption: str
    psnr: float | None


class Line(NamedTuple):
    """Pictures side by side, and the line above them."""

    title: str
    pictures: list[Picture]


def fig17(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 17: inpainting of random pixels; clean, observed, and the result of each run."""
    return _pictures_figure(_lines(params, paths, ("random_pixels",)))


def inverse_problems(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The same for super-resolution and deblurring."""
    return _pictures_figure(_lines(params, paths, ("block_average", "blur")))


def trajectories(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """PSNR of the state, and below it sigma_hat beside the error that it stands for, against the step.

    One image for each item: the first picture of it, or the first image of the test set.
    """
    items = params.reported("samplers")
    figure, axes = panel_grid(2, len(items), legend_lines=1, height=_PANEL, own_y=False, top_axis=False, below=0.05)
    tables = {item: _first_trace(paths, item, spec) for item, spec in items.items()}
    scores = pd.concat([table["psnr"] for table in tables.values()])
    noise = pd.concat([table[["sigma_hat", "error"]].stack() for table in tables.values()])
    noise = noise[np.isfinite(noise) & (noise > 0)]
    for index, (item, spec) in enumerate(items.items()):
        upper, lower = axes[:, index]
        _draw_trajectories(upper, lower, params, spec, tables[item])
        set_title(upper, _TASKS[spec.operator], top_axis=False)
        upper.set_ylim(np.floor(scores.min() - 1), np.ceil(scores.max() + 1))
        upper.tick_params(labelbottom=False)
        lower.set(yscale="log", ylim=(0.7 * noise.min(), min(1.5 * noise.max(), _LOUDEST)), xlabel="step")
    axes[0, 0].set_ylabel("PSNR (dB)")
    axes[1, 0].set_ylabel("8-bit units")
    runs = list(dict.fromkeys(run for spec in items.values() for run in spec.runs))
    handles = [Line2D([], [], color=_look(params, run).colour, label=_label(params, run)) for run in runs]
    handles += [
        Line2D([], [], color="0.3", label=r"$\hat{\sigma}$"),
        Line2D([], [], color="0.3", linestyle=(0, (2, 1.2)), label=r"$\|y_t-x\|_2/\sqrt{d}$"),
        Line2D([], [], color="0.3", linestyle=":", linewidth=0.9, label=r"$\sigma_L$"),
    ]
    legend_below(figure, [handles])
    return figure


def _label(params: Params, run: str) -> str:
    """Baseline-N2N, WNE-N2N, as the paper calls them."""
    return labels.trained_label(params.runs[run].variant, params.tasks[params.runs[run].task].objective)


def _look(params: Params, run: str) -> style.VariantStyle:
    return style.variant_style(params.runs[run].variant)


def _first_trace(paths: ProfilePaths, item: str, spec: Sampler) -> pd.DataFrame:
    table = read_csv(paths.analysis("samplers", item) / "trajectory.csv")
    return table[table["image"] == (spec.pictures or [table["image"].iloc[0]])[0]]


def _draw_trajectories(upper: Axes, lower: Axes, params: Params, spec: Sampler, table: pd.DataFrame) -> None:
    for run in spec.runs:
        rows, colour = table[table["run"] == run], _look(params, run).colour
        upper.plot(rows["step"], rows["psnr"], color=colour)
        upper.plot(rows["step"].iloc[-1:], rows["psnr"].iloc[-1:], color=colour, marker="o", markersize=3)
        lower.plot(rows["step"], rows["sigma_hat"], color=colour)
        lower.plot(rows["step"], rows["error"], color=colour, linestyle=(0, (2, 1.2)))
    lower.axhline(spec.sigma_stop, color="0.3", linestyle=":", linewidth=0.9)
    for ax in (upper, lower):
        ax.set_xlim(0, 1.04 * table["step"].max())


def _lines(params: Params, paths: ProfilePaths, operators: tuple[str, ...]) -> list[Line]:
    """A line for each picture of the items with one of the operators.

    Raises:
        CollectError: the profile has no such item with a picture, or pictures are missing, by name.
    """
    items = {item: spec for item, spec in params.reported("samplers").items() if spec.operator in operators}
    wanted = [(item, image) for item, spec in items.items() for image in spec.pictures]
    if not wanted:
        raise CollectError(f"{params.params_file}: no item of samplers with pictures has {' or '.join(operators)}")
    files = {
        (item, image): [paths.analysis("samplers", item) / f"{image}-{key}.png"
                        for key in ("clean", "observed", *items[item].runs)]
        for item, image in wanted
    }  # fmt: skip
    missing = [item for (item, _), names in files.items() if not all(name.is_file() for name in names)]
    if missing:
        raise CollectError(f"no pictures of samplers {', '.join(missing)}; make them with: replicate samplers NAME")
    return [
        Line(_title(items[item], image, len(wanted)), _pictures(params, paths, item, image, names))
        for (item, image), names in files.items()
    ]


def _title(spec: Sampler, image: str, lines: int) -> str:
    """What was measured; a figure of one line needs no title."""
    if lines == 1:
        return ""
    amount = {
        "random_pixels": f"{100 * spec.amount:g} % of the pixels observed",
        "block_average": f"means of {spec.amount:g} \N{MULTIPLICATION SIGN} {spec.amount:g} pixels observed",
        "blur": f"the lowest {100 * spec.amount:g} % of the frequencies observed",
    }[spec.operator]
    return f"{_TASKS[spec.operator].capitalize()}: {amount}"


def _pictures(params: Params, paths: ProfilePaths, item: str, image: str, files: list[Path]) -> list[Picture]:
    table = read_csv(paths.analysis("samplers", item) / "table.csv")
    rows = table[table["image"] == image].set_index("run")
    runs = params.samplers[item].runs
    captions = [r"Clean $x$", r"Observed $Px$", *(_label(params, run) for run in runs)]
    scores = [None, rows["observed_psnr"].iloc[0], *(rows.loc[run, "psnr"] for run in runs)]
    return [Picture(_read_pixels(file), *texts) for file, *texts in zip(files, captions, scores)]


def _pictures_figure(lines: list[Line]) -> Figure:
    """Lines of pictures, one below the other; letters count all pictures.

    The resolution of the PNG is chosen so that every pixel of a picture becomes a whole number of its own.
    """
    columns = max(len(line.pictures) for line in lines)
    pixels = max(picture.pixels.shape[1] for line in lines for picture in line.pictures)
    side = pixels * max(1, round(style.TEXT_WIDTH / columns * style.PNG_DPI / pixels))
    step = side + round(_GAP * side)
    width = step * columns - (step - side)
    dpi = width / style.TEXT_WIDTH
    titled = any(line.title for line in lines)
    above, below = round(_TITLE * dpi) * titled, round(_CAPTION * dpi)
    height = len(lines) * (above + side + below)
    figure = Figure(figsize=(style.TEXT_WIDTH, height / dpi), dpi=dpi)
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    for row, line in enumerate(lines):
        top = height - row * (above + side + below)
        figure.text(0, (top - above / 2) / height, line.title, va="center")
        for column, picture in enumerate(line.pictures):
            place = (column * step / width, (top - above - side) / height, side / width, side / height)
            _draw_picture(figure.add_axes(place), picture, next(letters))
    return figure


def _draw_picture(ax: Axes, picture: Picture, letter: str) -> None:
    ax.imshow(picture.pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
    ax.set_axis_off()
    caption = f"({letter}) {picture.caption}"
    ax.text(0.5, -0.03, caption, transform=ax.transAxes, ha="center", va="top")
    if picture.psnr is not None:
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
        text = f"{picture.psnr:.2f} dB"
        ax.text(0.03, 0.97, text, transform=ax.transAxes, ha="left", va="top", fontsize=8, bbox=box)


def _read_pixels(path: Path) -> np.ndarray:
    pixels = imread(path)
    return pixels[..., :3] if pixels.ndim == 3 else pixels
