"""Training loss of every run: a check that all of them converged, not a figure of the paper."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from replication.report.figures.grid import Panels
from replication.report.figures.select import require
from replication.report.figures.sweep import legend_lines, look_of
from replication.results.summary import Summary
from replication.study.labels import backbone_label, recipe_label
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_COLUMNS = 3
_SMOOTH = 0.1  # of the training: over so many steps the curves are averaged
_HEIGHT, _BELOW = 1.04, 0.33  # inches, of a panel and below it
_TITLE = 34  # characters of a line
_MARGIN = 1.04  # of the axis over the last step
_UNIT = 1e-3  # of the loss on the axis
_LABEL_SIZE, _LABEL_DISTANCE, _LETTER = 7.0, 0.095, 0.058  # points; inches between two labels and for a letter


def training(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Loss against steps, a panel for each group of runs; colours as in the other figures.

    What else tells the runs of a group apart (colour, noise and sigma_train, or else the backbone, or else the loss and
    schedule, or else the patches) is written at the end of their curves; the length of a training shows on the axis.
    Thin: further seeds. Running means over a tenth of the steps.
    """
    curves = {name: curve for name, curve in summary.loss.groupby("run", sort=False)}
    require({name: curves.get(name) for name in params.reported_runs}, "loss curve")
    groups = list(dict.fromkeys(run.group for run in params.reported_runs.values()))
    groups.sort(key=list(params.groups).index)
    columns = min(_COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    grid = Panels(rows, columns, legend_lines=1, height=_HEIGHT, own_y=True, top_axis=False, below=_BELOW)
    for index, (ax, group) in enumerate(zip(grid.axes.flat, groups)):
        _draw_group(ax, params, group, curves)
        grid.title(index, fill(params.groups[group].title, _TITLE), lettered=False)
        if index + columns >= len(groups):
            ax.set_xlabel("step")
    grid.hide_after(len(groups))
    for ax in grid.axes[:, 0]:
        ax.set_ylabel("1000 \N{MULTIPLICATION SIGN} loss")
    looks = [look_of(params, name)._replace(marker="") for name in params.reported_runs]
    return grid.legend([legend_lines(looks)[0]])


def _draw_group(ax: Axes, params: Params, group: str, curves: dict[str, pd.DataFrame]) -> None:
    names = params.runs_of(group)
    ends: dict[str, dict[int, list[float]]] = {}  # of the runs with a label, by their steps
    last = max(curves[name]["step"].iloc[-1] for name in names)
    for name, label in zip(names, _labels(params, names)):
        curve, look = curves[name], look_of(params, name)
        loss = curve["loss"].rolling(max(1, round(_SMOOTH * len(curve))), min_periods=1, center=True).mean() / _UNIT
        width = 0.8 if params.runs[name].seed == params.runs[names[0]].seed else 0.4  # of the other seeds
        ax.plot(curve["step"], loss, color=look.colour, linewidth=width, zorder=look.order, label=name)
        ends.setdefault(label, {}).setdefault(int(curve["step"].iloc[-1]), []).append(float(loss.iloc[-1]))
    ax.set(yscale="log", xlim=(0, _MARGIN * last))
    ticks = [0, last / 2, last]  # round numbers, as the recipes have them
    ax.set_xticks(ticks, [f"{tick / 1000:g}k" if tick >= 1000 and last >= 10_000 else f"{tick:g}" for tick in ticks])
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(labelsize=7.5)
    if len(ends) > 1:
        _write_labels(ax, last, {label: float(np.mean(np.log10(of[max(of)]))) for label, of in ends.items()})


def _labels(params: Params, names: list[str]) -> list[str]:
    """What tells the runs of a group apart, beside variant and steps: the first trait of `training` that differs."""
    runs = [params.runs[name] for name in names]
    colours = ["colour" if params.tasks[run.task].channels > 1 else "grey" for run in runs]
    noises = [params.tasks[run.task].noise for run in runs]
    backbones = [params.models[run.model].backbone for run in runs]
    told = [trait for trait in (colours, noises, [_sigma(run.sigma) for run in runs]) if len(set(trait)) > 1]
    if told:
        return [" ".join(words) for words in zip(*told)]
    variants = [run.variant for run in runs]
    if len({*zip(variants, backbones)}) > len({*variants}):  # one variant, so one colour, around several backbones
        return [backbone_label(backbone) for backbone in backbones]
    recipes = [params.recipes[run.recipe] for run in runs]
    losses = [recipe_label(recipe.loss, recipe.schedule) for recipe in recipes]
    patches = [f"{recipe.patch} \N{MULTIPLICATION SIGN} {recipe.patch}" for recipe in recipes]
    return next((trait for trait in (losses, patches) if len(set(trait)) > 1), [""] * len(runs))


def _sigma(sigma: float | tuple[float, float] | None) -> str:
    if sigma is None:
        return "real"
    return "\N{EN DASH}".join(f"{value:g}" for value in (sigma if isinstance(sigma, tuple) else (sigma,)))


def _write_labels(ax: Axes, last: float, ends: dict[str, float]) -> None:
    """Right of the curves, at the height (log10) of their ends, pushed apart where they would touch."""
    width = ax.get_position().width * ax.figure.get_figwidth()
    share = (_LETTER * max(map(len, ends)) + 0.06) / width
    ax.set_xlim(0, _MARGIN * last / (1 - share))
    low, high = np.log10(ax.get_ylim())
    distance = _LABEL_DISTANCE / _HEIGHT * (high - low)
    place = -np.inf
    for label, end in sorted(ends.items(), key=lambda item: item[1]):
        place = max(end, place + distance)
        ax.text(1.02 * last, 10**place, label, fontsize=_LABEL_SIZE, ha="left", va="center", color="0.25")
