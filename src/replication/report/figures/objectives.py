"""Other ways to robustness: training on a range of noise, and the soft-NE objective (Figures 8 and 9).

WNE stands beside each of them. Against training on a range the paper's text does not say which WNE it draws.
Its curve keeps rising at low noise, as that of no single high level does, and lies 0.5 dB above the WNE of the
right column at the highest noise: so it is another model, trained on the range most likely. Both are drawn here,
the one trained at a single level (ours in the left column) as a thin line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures import sweep
from replication.report.figures.grid import Panels
from replication.report.figures.select import find_run, main_runs, rows_of, single_noise
from replication.results.summary import CollectError, Summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_GROUP, _SINGLE = "training-controls", "swinir"  # and the group whose runs at one noise level they are compared with
_ROUNDING = float(np.finfo(np.float32).eps)
_HEIGHT = 2.05  # inches, of a panel


class Column(NamedTuple):
    """One column of a figure: what is compared, and the sigma_train or its range, 8-bit units."""

    title: str
    looks: dict[str, style.VariantStyle]  # of each run
    trained: float | tuple[float, float]


def fig08(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 8: PSNR above, SSIM with the uniform window of the paper below."""
    columns = _columns(params)
    curves = [
        [
            sweep.Curve(sweep.curves_of(params, summary.curves, [name])[0].rows, look)
            for name, look in column.looks.items()
        ]
        for column in columns
    ]
    panels = [
        sweep.Panel(column.title, part, column.trained, quality)
        for quality in (sweep.PSNR, sweep.SSIM_UNIFORM)
        for column, part in zip(columns, curves)
    ]
    note = _precision(params, summary, columns)
    grid = sweep.sweep_grid(panels, 2, legend_lines=4 + bool(note), height=_HEIGHT, own_y=True)
    return _column_legends(grid, columns, note)


def fig09(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 9: the defect eps_NE of App. E against sigma_test.

    NOTE: the paper's axis is linear and starts at zero. On the logarithmic one WNE is seen to lie at the
    rounding of float32 (dotted line: the distance from 1 to the next number) instead of somewhere below a pixel.
    """
    columns = _columns(params)
    note = _precision(params, summary, columns)
    grid = Panels(1, 2, legend_lines=3 + bool(note), height=_HEIGHT, top_axis=False)
    for index, column in enumerate(columns):
        _draw_defects(grid.axes[0, index], params, summary, column)
        grid.title(index, column.title)
    lowest = min(ax.get_ylim()[0] for ax in grid.axes[0])
    for ax in grid.axes[0]:
        ax.set_ylim(lowest, 1.0)
    grid.axes[0, 0].set_ylabel(r"defect $\varepsilon_{\mathrm{NE}}$", labelpad=1)
    return _column_legends(grid, columns, note, defects=True)


def _columns(params: Params) -> tuple[Column, Column]:
    soft = [n for n in main_runs(params, _GROUP) if params.tasks[params.runs[n].task].objective == "soft_ne"]
    soft = single_noise(params, soft)
    if not soft:
        raise CollectError(f"{params.params_file}: the group {_GROUP} has no run with the objective soft_ne")
    sigma = params.runs[soft[0]].sigma
    many, one = (
        [find_run(params, group, v, sigma=trained) for v in ("baseline", "wne")]
        for group, trained in ((_GROUP, "range"), (_SINGLE, sigma))
    )
    low, high = params.runs[many[0]].sigma_range
    noise, noises = f"$\\sigma$ = {sigma:g}", f"$\\sigma$ = {low:g}\N{EN DASH}{high:g}"
    pair = [style.variant_style(name) for name in ("baseline", "wne")]
    left = {name: _thin(look, f"{look.label}, {noise}") for name, look in zip(one, pair)}
    left |= {name: look._replace(label=f"{look.label}, {noises}") for name, look in zip(many, pair)}
    right = {one[0]: _thin(pair[0], pair[0].label), soft[0]: style.variant_style("soft_ne"), one[1]: pair[1]}
    return (
        Column("Trained on a range of noise", left, (low, high)),
        Column(f"Soft-NE, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}", right, float(sigma)),
    )


def _thin(look: style.VariantStyle, label: str) -> style.VariantStyle:
    """For a denoiser that is there for comparison only."""
    return look._replace(label=label, marker="", line=(0, (5, 1.5)), order=2)


def _draw_defects(ax: Axes, params: Params, summary: Summary, column: Column) -> None:
    rows = rows_of(params, summary.defect_levels, column.looks, "equivariance defects")
    for name, part in rows.items():
        sweep.draw_curve(ax, part, "sigma_test", "paper", column.looks[name])
    if isinstance(column.trained, tuple):
        ax.axvspan(*column.trained, zorder=0, **style.TRAINING_RANGE)
    else:
        ax.axvline(column.trained, zorder=1, **style.TRAINING_NOISE)
    ax.axhline(_ROUNDING, zorder=2, **style.CLIPPED_IDENTITY)
    highest = max(part["sigma_test"].max() for part in rows.values())
    ax.set(yscale="log", xlim=(0, 1.03 * highest), xlabel=r"$\sigma_{\mathrm{test}}$, 8-bit units")


def _precision(params: Params, summary: Summary, columns: tuple[Column, Column]) -> str:
    """Which backbones were trained in which arithmetic; empty where it was the same for all."""
    used = summary.training.set_index("run")["backbone_dtype"]
    curves: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for column in columns for name in column.looks):
        run = params.runs[name]
        noise = "\N{EN DASH}".join(f"{sigma:g}" for sigma in dict.fromkeys(run.sigma_range))
        curves.setdefault(used[name], []).append(f"{sweep.look_of(params, name).label} $\\sigma$ = {noise}")
    if len(curves) == 1:
        return ""
    return "Trained in " + "; in ".join(f"{dtype}: {', '.join(labels)}" for dtype, labels in curves.items())


def _column_legends(grid: Panels, columns: tuple[Column, Column], note: str, defects: bool = False) -> Figure:
    """Below each column its denoisers, and the other lines of its panels; below all of it the note."""
    rounding = Line2D([], [], label="rounding of float32", **style.CLIPPED_IDENTITY)
    for column, between in zip(columns, ((0.0, 0.53), (0.53, 1.0))):
        denoisers, references = sweep.legend_lines(column.looks.values(), ranged=isinstance(column.trained, tuple))
        rest = [[references[-1], rounding]] if defects else [references[:2], references[2:]]
        grid.legend([denoisers[:2], denoisers[2:], *rest, *[[]] * bool(note)], between)
    grid.note(note)
    return grid.figure
