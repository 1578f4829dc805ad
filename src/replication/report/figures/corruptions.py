"""Uniform, Laplace and Rayleigh noise, and JPEG files (Figures 20 and 21).

The input PSNR is that of the noisy image as it is: Rayleigh noise keeps its mean, so that the same sigma gives a
lower PSNR than the others. JPEG files are denoised by the models that were trained on uniform noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replication.report import style
from replication.report.figures import sweep
from replication.report.figures.select import levels, main_runs, on_papers_images, rows_of, single_noise
from replication.results.summary import CollectError, Summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published

_GROUP = "non-gaussian"
_CNNS = ("dncnn", "fdncnn")  # backbones of Figure 20; Figure 21 has the others
_NOISES = ("uniform", "laplace", "rayleigh")


def cnn_runs(params: Params) -> list[str]:
    """The runs of Figure 20."""
    return [name for name in main_runs(params, _GROUP) if params.models[params.runs[name].model].backbone in _CNNS]


def other_runs(params: Params) -> list[str]:
    """The runs of Figure 21; none in a profile without a second family."""
    return [name for name in main_runs(params, _GROUP) if name not in cnn_runs(params)]


def fig20(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 20: the DnCNN family."""
    return _corruptions(params, summary, paths, cnn_runs(params))


def fig21(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 21: SwinIR."""
    return _corruptions(params, summary, paths, other_runs(params))


def _corruptions(params: Params, summary: Summary, paths: ProfilePaths, names: Sequence[str]) -> Figure:
    """A panel for each noise that the runs are trained on, and one for JPEG files."""
    published = (
        read_published(paths.root / "data/paper_values.csv").corruptions if on_papers_images(params, names) else None
    )
    by_noise = {noise: [n for n in single_noise(params, names) if _noise(params, n) == noise] for noise in _NOISES}
    by_noise = {noise: runs for noise, runs in by_noise.items() if runs}
    if not by_noise:
        raise CollectError(f"{params.params_file}: the group {_GROUP} has no runs on {', '.join(_NOISES)} noise")
    on_files = [name for name in names if params.tasks[params.runs[name].task].jpeg]
    panels = []
    for noise, runs in by_noise.items():
        sigma, *others = levels(params, runs)
        if others:
            raise CollectError(f"{params.params_file}: the group {_GROUP} trains on {noise} noise at several sigmas")
        mean = ", mean kept" if noise == "rayleigh" else ""
        title = f"{noise.capitalize()} noise{mean}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}"
        curves = sweep.curves_of(params, summary.curves, runs)
        papers = _papers(params, published, runs, noise)
        panels.append(sweep.Panel(title, curves, sigma, paper=[_with_input(each, curves[0].rows) for each in papers]))
    count, rest = len(panels), bool(on_files)
    grid = sweep.sweep_grid(panels, min(count + rest, 2), rest=rest, height=2.05, own_y=True)
    if on_files:
        trained = " and ".join(dict.fromkeys(_noise(params, name) for name in on_files))
        _draw_jpeg(grid.fill_top(count), params, summary, on_files, _papers(params, published, on_files, "jpeg"))
        grid.title(count, f"JPEG files, trained on {trained} noise")
    grid.hide_after(count + rest)
    looks = (curve.look for panel in panels for curve in panel.curves)
    return grid.legend(sweep.legend_lines(looks, paper=published is not None))


def _papers(params: Params, published: pd.DataFrame | None, names: Sequence[str], corruption: str) -> list[sweep.Curve]:
    """The paper's curves of the same backbones and variants, by `level`; none where the images are others."""
    curves = []
    for name in names if published is not None else ():
        run = params.runs[name]
        same = (published["backbone"] == params.models[run.model].backbone) & (published["variant"] == run.variant)
        rows = published[same & (published["corruption"] == corruption)]
        if not rows.empty:
            curves.append(sweep.Curve(rows.sort_values("level"), sweep.look_of(params, name)))
    return curves


def _with_input(paper: sweep.Curve, ours: pd.DataFrame) -> sweep.Curve:
    """With the input PSNR at each level, which the noise alone determines: between ours, linear in log sigma."""
    inputs = np.interp(np.log(paper.rows["level"]), np.log(ours["sigma_test"]), ours["input_psnr"])
    return sweep.Curve(paper.rows.assign(input_psnr=inputs), paper.look)


def _draw_jpeg(ax: Axes, params: Params, summary: Summary, names: Sequence[str], papers: Sequence[sweep.Curve]) -> None:
    parts = rows_of(params, summary.jpeg, names, "JPEG results")
    looks = {name: sweep.look_of(params, name) for name in names}
    inputs = parts[names[0]].sort_values("quality")
    ax.plot(inputs["quality"], inputs["input_psnr"], zorder=2, **style.IDENTITY)
    for name in sorted(names, key=lambda name: looks[name].order):
        sweep.draw_curve(ax, parts[name], "quality", "psnr", looks[name])
    for rows, look in papers:
        ax.plot(rows["level"], rows["output_psnr"], zorder=2.5, markevery=2, **look.as_papers())
    low, high = inputs["quality"].min(), inputs["quality"].max()
    margin = 0.03 * (high - low)
    ax.set(xlim=(low - margin, high + margin), xlabel="JPEG quality", ylabel=f"output {sweep.PSNR.name}")
    ax.set_xticks(np.arange(low, high + 1, 10))


def _noise(params: Params, name: str) -> str:
    return params.tasks[params.runs[name].task].noise
