"""The panel of every noise sweep: output quality against input quality, a curve for each denoiser.

A curve above the dashed diagonal denoises; one that meets it returns its input. The dotted line is ours:
clipping the input to [0, 1] alone already raises its PSNR, and a denoiser's output is clipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from replication.report import style
from replication.report.figures.grid import Panels
from replication.report.figures.select import rows_of
from replication.study.params import Params

_MOST_MARKERS = 12  # of a curve: on a longer sweep the line goes through all points, a marker stands on some
_SIGMA_TICKS = (100, 50, 25, 10, 5)  # sigma_test on the upper axis, 8-bit units
_TOP_COLOUR = "0.35"

Limits = tuple[float, float]


class Quality(NamedTuple):
    """A measure of image quality: its columns in summary/curves.csv, and its axes."""

    noisy: str  # of the input
    output: str  # of the denoiser's output; its interval is in <output>_low and <output>_high
    clipped: str | None  # of the input clipped to [0, 1]
    name: str  # follows "input" and "output" in the labels
    step: float  # between two ticks


PSNR = Quality("input_psnr", "psnr", "input_psnr_clipped", "PSNR (dB)", 4.0)
SSIM = Quality("input_ssim", "ssim", None, "SSIM, Gaussian window", 0.2)
SSIM_UNIFORM = Quality("input_ssim_uniform", "ssim_uniform", None, "SSIM, uniform window", 0.2)


class Curve(NamedTuple):
    """One denoiser: its rows on one test set by rising sigma_test, and its look. A look without marker is thin."""

    rows: pd.DataFrame
    look: style.VariantStyle


def curves_of(params: Params, table: pd.DataFrame, names: Iterable[str]) -> list[Curve]:
    """The noise sweeps of the runs, those of higher drawing order last."""
    rows = rows_of(params, table, names, "noise sweep")
    curves = [Curve(part.sort_values("sigma_test"), look_of(params, name)) for name, part in rows.items()]
    return sorted(curves, key=lambda curve: curve.look.order)


def look_of(params: Params, name: str) -> style.VariantStyle:
    """The look of a run: that of its variant, or of its objective where this is what sets it apart."""
    run = params.runs[name]
    objective = params.tasks[run.task].objective
    return style.variant_style("soft_ne" if objective == "soft_ne" else run.variant)


def common_limits(curves: Iterable[Curve], quality: Quality) -> Limits:
    """One range for both axes of all panels, so that the diagonal is a diagonal: [0, 1] of SSIM, what PSNR fills."""
    if quality.clipped is None:
        return 0.0, 1.0
    values = np.concatenate([curve.rows[[quality.noisy, quality.output]].to_numpy().ravel() for curve in curves])
    return float(np.floor(values.min() - 0.5)), float(np.ceil(values.max() + 0.5))


class Panel(NamedTuple):
    """A panel of `sweep_grid`: curves on the same noisy inputs, and sigma_train or its range, 8-bit units.

    paper: the paper's own curves, in PSNR.
    """

    title: str
    curves: Sequence[Curve]
    trained: float | Limits
    quality: Quality = PSNR
    paper: Sequence[Curve] = ()


def sweep_grid(
    panels: Sequence[Panel], columns: int, *, legend_lines: int = 2, lettered: bool = True, rest: int = 0, **layout: Any
) -> Panels:
    """The panels row by row, with common limits for each quality, and room for `rest` others."""
    grid = Panels(-(-(len(panels) + rest) // columns), columns, legend_lines=legend_lines, **layout)
    for index, (title, curves, trained, quality, paper) in enumerate(panels):
        ax, alike = grid.axes.flat[index], [panel for panel in panels if panel.quality == quality]
        limits = common_limits([curve for panel in alike for curve in panel.curves], quality)
        draw_panel(ax, curves, quality, limits, trained)
        for rows, look in paper:
            ax.plot(rows["input_psnr"], rows["output_psnr"], zorder=2.5, markevery=2, **look.as_papers())
        if layout.get("own_y") or index % columns == 0:
            ax.set_ylabel(f"output {quality.name}")
        grid.title(index, title, lettered)
    return grid


def draw_panel(ax: Axes, curves: Sequence[Curve], quality: Quality, limits: Limits, trained: float | Limits) -> None:
    """One panel of curves on the same noisy inputs, limits of both axes; a range of sigma_train is shaded."""
    inputs = curves[0].rows
    ax.plot(limits, limits, zorder=2, **style.IDENTITY)
    if quality.clipped:
        ax.plot(inputs[quality.noisy], inputs[quality.clipped], zorder=2, **style.CLIPPED_IDENTITY)
    if isinstance(trained, tuple):
        # Noise near zero leaves the input as it is: its end of the range is the end of the axis.
        left = _input_quality(inputs, quality, trained[1])
        right = limits[1] if trained[0] == 0 else _input_quality(inputs, quality, trained[0])
        ax.axvspan(left, right, zorder=0, **style.TRAINING_RANGE)
    else:
        ax.axvline(_input_quality(inputs, quality, trained), zorder=1, **style.TRAINING_NOISE)
    for curve in curves:
        draw_curve(ax, curve.rows, quality.noisy, quality.output, curve.look)
    ax.set(xlim=limits, ylim=limits, xlabel=f"input {quality.name}")
    ticks = np.arange(np.ceil(limits[0] / quality.step - 1e-9), limits[1] / quality.step + 1e-9) * quality.step
    labels = [f"{tick + 0.0:g}" for tick in ticks]  # no minus before the zero
    ax.set_xticks(ticks, labels)
    ax.set_yticks(ticks, labels)
    _add_sigma_axis(ax, inputs, quality, limits)


def draw_curve(ax: Axes, rows: pd.DataFrame, x: str, y: str, look: style.VariantStyle) -> None:
    """y against x with its interval as a band; a look without marker has none."""
    rows = rows.sort_values(x)
    if look.marker:
        ends = rows[f"{y}_low"], rows[f"{y}_high"]
        ax.fill_between(rows[x], *ends, color=look.colour, alpha=0.08, linewidth=0, zorder=1)
    every = -(-len(rows) // _MOST_MARKERS)
    ax.plot(rows[x], rows[y], zorder=look.order, markevery=every, **look.as_line())


def legend_lines(
    looks: Iterable[style.VariantStyle], quality: Quality = PSNR, ranged: bool = False, paper: bool = False
) -> tuple[list, list]:
    """Handles of the denoisers, each look once, and of the other lines of a panel, last that of the paper's curves."""
    distinct = sorted({look.label: look for look in looks}.values(), key=lambda look: (not look.marker, look.order))
    references = [Line2D([], [], label="input = output", **style.IDENTITY)]
    if quality.clipped:
        references.append(Line2D([], [], label="input clipped (ours)", **style.CLIPPED_IDENTITY))
    if ranged:
        references.append(Patch(label="training range", **style.TRAINING_RANGE))
    else:
        references.append(Line2D([], [], label="training noise", **style.TRAINING_NOISE))
    if paper:
        references.append(Line2D([], [], label="paper", **style.PAPER))
    return [Line2D([], [], **look.as_line()) for look in distinct], references


def _input_quality(rows: pd.DataFrame, quality: Quality, sigma: float) -> float:
    """The quality of an input with this much noise, between the levels tested: PSNR of centred noise is linear in log sigma."""
    return float(np.interp(np.log(sigma), np.log(rows["sigma_test"]), rows[quality.noisy]))


def _add_sigma_axis(ax: Axes, rows: pd.DataFrame, quality: Quality, limits: Limits) -> None:
    """sigma_test above the panel, where the inputs of the sweep have it."""
    tested = rows["sigma_test"].min(), rows["sigma_test"].max()
    place = {s: _input_quality(rows, quality, s) for s in _SIGMA_TICKS if tested[0] <= s <= tested[1]}
    shown = [sigma for sigma in place if limits[0] <= place[sigma] <= limits[1]]
    top = ax.secondary_xaxis("top")
    top.set_xticks([place[sigma] for sigma in shown], [str(sigma) for sigma in shown], fontsize=7, color=_TOP_COLOUR)
    top.tick_params(length=2, pad=1.5)
    top.set_xlabel(r"$\sigma_{\mathrm{test}}$", fontsize=8, color=_TOP_COLOUR, labelpad=3)
