"""Uniform, Laplace and Rayleigh noise, and JPEG files (Figures 20 and 21).

The input PSNR is that of the noisy image as it is: Rayleigh noise keeps its mean, so that the same sigma gives a
lower PSNR than the others. JPEG files are denoised by the models that were trained on uniform noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replication.report import style
from replication.report.figures.grid import fill_top, legend_below, letter, panel_grid, set_title
from replication.report.figures.select import levels, main_runs, rows_of, single_noise
from replication.report.figures.sweep import (
    PSNR,
    common_limits,
    curves_of,
    draw_curve,
    draw_panel,
    legend_lines,
    look_of,
)
from replication.results.summary import CollectError, Summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_GROUP = "non-gaussian"
_CNNS = ("dncnn", "fdncnn")  # backbones of Figure 20; Figure 21 has the others
_NOISES = ("uniform", "laplace", "rayleigh")
_QUALITY_TICKS = 10
_HEIGHT = 2.05  # inches, of a panel


def cnn_runs(params: Params) -> list[str]:
    """The runs of Figure 20."""
    return [name for name in main_runs(params, _GROUP) if _backbone(params, name) in _CNNS]


def other_runs(params: Params) -> list[str]:
    """The runs of Figure 21; none in a profile without a second family."""
    return [name for name in main_runs(params, _GROUP) if _backbone(params, name) not in _CNNS]


def fig20(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 20: the DnCNN family."""
    return corruption_figure(params, summary, cnn_runs(params))


def fig21(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 21: SwinIR."""
    return corruption_figure(params, summary, other_runs(params))


def corruption_figure(params: Params, summary: Summary, names: Sequence[str]) -> Figure:
    """A panel for each noise that the runs are trained on, and one for JPEG files.

    Raises:
        CollectError: no runs, several noise levels in training, or runs without results in the summary, by name.
    """
    by_noise = {noise: [n for n in single_noise(params, names) if _noise(params, n) == noise] for noise in _NOISES}
    by_noise = {noise: runs for noise, runs in by_noise.items() if runs}
    if not by_noise:
        raise CollectError(f"{params.params_file}: the group {_GROUP} has no runs on {', '.join(_NOISES)} noise")
    on_files = [name for name in names if params.tasks[params.runs[name].task].jpeg]
    curves = {noise: curves_of(params, summary.curves, runs) for noise, runs in by_noise.items()}
    limits = common_limits([curve for part in curves.values() for curve in part], PSNR)
    panels = len(by_noise) + bool(on_files)
    figure, axes = panel_grid(-(-panels // 2), min(panels, 2), legend_lines=2, height=_HEIGHT, own_y=True)
    for index, (ax, noise) in enumerate(zip(axes.flat, by_noise)):
        sigma, *others = levels(params, by_noise[noise])
        if others:
            raise CollectError(f"{params.params_file}: the group {_GROUP} trains on {noise} noise at several sigmas")
        draw_panel(ax, curves[noise], PSNR, limits, sigma)
        ax.set_ylabel(f"output {PSNR.name}")
        mean = ", mean kept" if noise == "rayleigh" else ""
        title = f"{noise.capitalize()} noise{mean}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}"
        set_title(ax, f"{letter(index, panels)}{title}")
    if on_files:
        trained = " and ".join(dict.fromkeys(_noise(params, name) for name in on_files))
        _draw_jpeg(axes.flat[panels - 1], params, summary, on_files)
        fill_top(axes.flat[panels - 1])
        set_title(axes.flat[panels - 1], f"{letter(panels - 1, panels)}JPEG files, trained on {trained} noise", False)
    for ax in axes.flat[panels:]:
        ax.set_axis_off()
    legend_below(figure, legend_lines([curve.look for part in curves.values() for curve in part]))
    return figure


def _draw_jpeg(ax: Axes, params: Params, summary: Summary, names: Sequence[str]) -> None:
    parts = rows_of(params, summary.jpeg, names, "JPEG results")
    looks = {name: look_of(params, name) for name in names}
    inputs = parts[names[0]].sort_values("quality")
    ax.plot(inputs["quality"], inputs["input_psnr"], zorder=2, **style.IDENTITY)
    for name in sorted(names, key=lambda name: looks[name].order):
        draw_curve(ax, parts[name], "quality", "psnr", looks[name])
    low, high = inputs["quality"].min(), inputs["quality"].max()
    margin = 0.03 * (high - low)
    ax.set(xlim=(low - margin, high + margin), xlabel="JPEG quality", ylabel=f"output {PSNR.name}")
    ax.set_xticks(np.arange(low, high + 1, _QUALITY_TICKS))


def _backbone(params: Params, name: str) -> str:
    return params.models[params.runs[name].model].backbone


def _noise(params: Params, name: str) -> str:
    return params.tasks[params.runs[name].task].noise
