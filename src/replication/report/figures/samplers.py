"""Denoisers reused in the sampler of App. N: inpainting (Figure 17), and beyond the paper super-resolution,
deblurring and what happens along the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import Panels
from replication.report.figures.pictures import Picture, pictures_figure, read_pixels
from replication.results.summary import CollectError, Summary, read_csv
from replication.study import labels
from replication.study.params import Params, Sampler
from replication.study.paths import ProfilePaths

_TASKS = {
    "none": "denoising", "random_pixels": "inpainting", "block_average": "super-resolution", "blur": "deblurring",
}  # fmt: skip
_LOUDEST = 3e3  # 8-bit units: the top of the axis of noise, at most; a trajectory that diverges leaves it
_ERROR, _STOP = {"linestyle": (0, (2, 1.2))}, {"color": "0.3", "linestyle": ":", "linewidth": 0.9}


def fig17(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 17: inpainting of random pixels; clean, observed, and the result of each run.

    The best, the median and the worst of the images with pictures, by the final PSNR of WNE; the titles have their
    ranks among all images.
    """
    return _results(params, paths, "random_pixels")


def inverse_problems(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The same for super-resolution and deblurring."""
    return _results(params, paths, "block_average", "blur")


def _results(params: Params, paths: ProfilePaths, *operators: str) -> Figure:
    """Lines of pictures of the items with one of the operators; letters count all pictures."""
    items = {item: spec for item, spec in params.reported("samplers").items() if spec.operator in operators}
    if not any(spec.pictures for spec in items.values()):
        raise CollectError(f"{params.params_file}: no item of samplers with pictures has {' or '.join(operators)}")
    lines, notes, letters = [], [], iter("abcdefghijklmnopqrstuvwxyz")
    for item, spec in items.items():
        folder = paths.analysis("samplers", item)
        if missing := [image for image in spec.pictures if not all(f.is_file() for f in _files(folder, spec, image))]:
            names = ", ".join(missing)
            raise CollectError(f"no pictures of {names} in samplers {item}; make them with: replicate samplers {item}")
        table = read_csv(folder / "table.csv")
        ranks = _ranks(params, spec, table)
        for image in _best_median_worst(spec.pictures, ranks):
            rows = table[table["image"] == image].set_index("run")
            outcomes = [f"{_label(params, run)}: {rows.loc[run, 'outcome']}" for run in spec.runs]
            scores = [None, rows["observed_psnr"].iloc[0], *(rows.loc[run, "psnr"] for run in spec.runs)]
            shown = zip(_files(folder, spec, image), [r"Clean $x$", r"Observed $Px$", *outcomes], scores)
            pictures = [Picture(read_pixels(file), f"({next(letters)}) {text}", psnr) for file, text, psnr in shown]
            lines.append((f"{_title(spec)}; {_ranked(image, ranks)}", pictures))
        notes.append(f"{_TASKS[spec.operator]}, {_converged(params, spec, table)}")
    note = f"Images that converged: {'; '.join(notes)}."
    return pictures_figure(lines, gap=0.04, caption=0.24, note=note)


def _ranks(params: Params, spec: Sampler, table: pd.DataFrame) -> dict[str, int]:
    """Image -> its rank by the final PSNR of WNE, or of the first run where there is none; 1 is the best."""
    by = max(spec.runs, key=lambda run: params.runs[run].variant == "wne")
    ordered = table[table["run"] == by].sort_values("psnr", ascending=False, kind="stable")["image"]
    return {image: rank for rank, image in enumerate(ordered, start=1)}


def _best_median_worst(images: Sequence[str], ranks: dict[str, int]) -> list[str]:
    """All of up to three images, by rank."""
    ordered = sorted(images, key=ranks.get)
    last = len(ordered) - 1
    return [ordered[place] for place in sorted({0, last // 2, last} if last > 2 else range(last + 1))]


def _ranked(image: str, ranks: dict[str, int]) -> str:
    words = {1: ", the best", (len(ranks) + 1) // 2: ", the median", len(ranks): ", the worst"}
    return f"image {image}, rank {ranks[image]} of {len(ranks)}{words.get(ranks[image], '')}"


def _converged(params: Params, spec: Sampler, table: pd.DataFrame) -> str:
    """ "Baseline-N2N 0 and WNE-N2N 12 of 12"."""
    reached = (table["outcome"] == "converged").groupby(table["run"]).sum()
    counts = " and ".join(f"{_label(params, run)} {reached[run]}" for run in spec.runs)
    return f"{counts} of {table['image'].nunique()}"


def _files(folder: Path, spec: Sampler, image: str) -> list[Path]:
    return [folder / f"{image}-{key}.png" for key in ("clean", "observed", *spec.runs)]


def _title(spec: Sampler) -> str:
    """What was measured."""
    amount = {
        "random_pixels": f"{100 * spec.amount:g} % of the pixels observed",
        "block_average": f"means of {spec.amount:g} \N{MULTIPLICATION SIGN} {spec.amount:g} pixels observed",
        "blur": f"the lowest {100 * spec.amount:g} % of the frequencies observed",
    }[spec.operator]
    return f"{_TASKS[spec.operator].capitalize()}: {amount}"


def _label(params: Params, run: str) -> str:
    """Baseline-N2N, WNE-N2N, as the paper calls them."""
    return labels.trained_label(params.runs[run].variant, params.tasks[params.runs[run].task].objective)


def _colour(params: Params, run: str) -> str:
    return style.variant_style(params.runs[run].variant).colour


def trajectories(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """PSNR of the state, and below it sigma_hat beside the error that it stands for, against the step.

    One image for each item: the first picture of it, or the first image of the test set.
    """
    items = params.reported("samplers")
    grid = Panels(2, len(items), legend_lines=1, height=1.15, top_axis=False, below=0.05)
    tables = {item: _first_trace(paths, item, spec) for item, spec in items.items()}
    everything = pd.concat(tables.values())
    scores, noise = everything["psnr"], everything[["sigma_hat", "error"]].stack()
    noise = noise[np.isfinite(noise) & (noise > 0)]
    for index, (item, spec) in enumerate(items.items()):
        upper, lower = grid.axes[:, index]
        _draw_trajectories(upper, lower, params, spec, tables[item])
        grid.title(index, _TASKS[spec.operator], lettered=False)
        upper.set_ylim(np.floor(scores.min() - 1), np.ceil(scores.max() + 1))
        upper.tick_params(labelbottom=False)
        lower.set(yscale="log", ylim=(0.7 * noise.min(), min(1.5 * noise.max(), _LOUDEST)), xlabel="step")
    grid.axes[0, 0].set_ylabel("PSNR (dB)")
    grid.axes[1, 0].set_ylabel("8-bit units")
    runs = dict.fromkeys(run for spec in items.values() for run in spec.runs)
    handles = [Line2D([], [], color=_colour(params, run), label=_label(params, run)) for run in runs]
    handles += [
        Line2D([], [], color="0.3", label=r"$\hat{\sigma}$"),
        Line2D([], [], color="0.3", label=r"$\|y_t-x\|_2/\sqrt{d}$", **_ERROR),
        Line2D([], [], label=r"$\sigma_L$", **_STOP),
    ]
    return grid.legend([handles])


def _first_trace(paths: ProfilePaths, item: str, spec: Sampler) -> pd.DataFrame:
    table = read_csv(paths.analysis("samplers", item) / "trajectory.csv")
    return table[table["image"] == (spec.pictures or [table["image"].iloc[0]])[0]]


def _draw_trajectories(upper: Axes, lower: Axes, params: Params, spec: Sampler, table: pd.DataFrame) -> None:
    for run in spec.runs:
        rows, colour = table[table["run"] == run], _colour(params, run)
        upper.plot(rows["step"], rows["psnr"], color=colour)
        upper.plot(rows["step"].iloc[-1:], rows["psnr"].iloc[-1:], color=colour, marker="o", markersize=3)
        lower.plot(rows["step"], rows["sigma_hat"], color=colour)
        lower.plot(rows["step"], rows["error"], color=colour, **_ERROR)
    lower.axhline(spec.sigma_stop, **_STOP)
    for ax in (upper, lower):
        ax.set_xlim(0, 1.04 * table["step"].max())
