"""Denoisers reused in the sampler of App. N: inpainting (Figure 17), and beyond the paper super-resolution,
deblurring and what happens along the way."""

from __future__ import annotations

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
    """Figure 17: inpainting of random pixels; clean, observed, and the result of each run."""
    return _results(params, paths, "random_pixels")


def inverse_problems(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The same for super-resolution and deblurring."""
    return _results(params, paths, "block_average", "blur")


def _results(params: Params, paths: ProfilePaths, *operators: str) -> Figure:
    """A line for each picture of the items with one of the operators; letters count all pictures."""
    items = {item: spec for item, spec in params.reported("samplers").items() if spec.operator in operators}
    wanted = [(item, image) for item, spec in items.items() for image in spec.pictures]
    if not wanted:
        raise CollectError(f"{params.params_file}: no item of samplers with pictures has {' or '.join(operators)}")
    if missing := [item for item, image in wanted if not all(f.is_file() for f in _files(paths, items, item, image))]:
        raise CollectError(f"no pictures of samplers {', '.join(missing)}; make them with: replicate samplers NAME")
    lines, letters = [], iter("abcdefghijklmnopqrstuvwxyz")
    for item, image in wanted:
        table, runs = read_csv(paths.analysis("samplers", item) / "table.csv"), items[item].runs
        rows = table[table["image"] == image].set_index("run")
        captions = [r"Clean $x$", r"Observed $Px$", *(_label(params, run) for run in runs)]
        scores = [None, rows["observed_psnr"].iloc[0], *(rows.loc[run, "psnr"] for run in runs)]
        shown = zip(_files(paths, items, item, image), captions, scores)
        pictures = [Picture(read_pixels(file), f"({next(letters)}) {text}", psnr) for file, text, psnr in shown]
        lines.append((_title(items[item]) if len(wanted) > 1 else "", pictures))
    return pictures_figure(lines, gap=0.04, caption=0.24)


def _files(paths: ProfilePaths, items: dict[str, Sampler], item: str, image: str) -> list:
    return [paths.analysis("samplers", item) / f"{image}-{key}.png" for key in ("clean", "observed", *items[item].runs)]


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
