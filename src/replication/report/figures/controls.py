"""Beyond the paper: how much is scale matching, the wrapper around classical denoisers, and wrapper against recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import legend_below, letter, panel_grid, set_title
from replication.report.figures.sweep import PSNR, Curve, common_limits, draw_panel, legend_lines
from replication.results.readers import (
    all_recipes,
    cell_runs,
    crossed_recipes,
    crossings,
    recipe_labels,
    rows_with,
    shown_levels,
    wrapped_twin,
)
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Controls, Params
from replication.study.paths import ProfilePaths

_CLASSICAL = ("tv", "nlm", "wavelet")
_BARE_LINE = (0, (3, 1.5))
_RECIPE_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1, 1, 1)))
# Effects. The wrapper has the colour of its variant.
_WRAPPER = style.variant_style("wne")._replace(marker="D", size=4.0)
_RECIPE = style.VariantStyle("", "0.45", "s", 4.2, "0.45", "", 3)
_BOTH = style.VariantStyle("", "0.05", "x", 4.6, "0.05", "", 3)
_SPREAD = 0.1  # between the effects at one noise level, in units of the distance between two levels
_HALVES = ((0.0, 0.5), (0.5, 1.0))  # of the figure, for legends


def controls(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The trained network bare, rescaled and wrapped at test time; classical denoisers bare and wrapped.

    A row for each item of `controls`: left, what is made from the trained bare run, beside the trained WNE;
    right, the classical denoisers, told the sigma_train of that run.

    Raises:
        CollectError: the summary lacks rows of an item or of a run, or the profile a wrapped run to compare with.
    """
    items = params.reported("controls")
    rows = [_curves_of_item(params, summary, name, item) for name, item in items.items()]
    limits = common_limits([curve for pair in rows for curves in pair for curve in curves], PSNR)
    figure, axes = panel_grid(len(rows), 2, legend_lines=4)
    for index, (item, pair) in enumerate(zip(items.values(), rows)):
        run = params.runs[item.run]
        network = labels.backbone_label(params.models[run.model].backbone)
        for column, (curves, what) in enumerate(zip(pair, (f"{network}, trained at", "classical, told"))):
            draw_panel(axes[index, column], curves, PSNR, limits, float(run.sigma))
            label = letter(2 * index + column, 2 * len(rows))
            set_title(axes[index, column], f"{label}{what} $\\sigma$ = {run.sigma:g}")
        axes[index, 0].set_ylabel("output PSNR (dB)")
    for column, between in enumerate(_HALVES):
        looks = [curve.look for pair in rows for curve in pair[column]]
        handles, references = legend_lines(looks)
        handles.sort(key=lambda handle: [look.label for look in looks].index(handle.get_label()))
        legend_below(figure, [handles[:2], handles[2:4], handles[4:], []], between=between)
    legend_below(figure, [[], [], [], references])
    return figure


def _curves_of_item(params: Params, summary: Summary, name: str, item: Controls) -> tuple[list[Curve], list[Curve]]:
    own, classical = [], []
    for run in (item.run, wrapped_twin(params, item.run)):
        rows = rows_with(summary.curves, run=run, test_set=item.test_set)
        own.append(Curve(rows, style.variant_style(params.runs[run].variant)))
    table = rows_with(summary.controls, item=name)
    for denoiser, is_wrapped in table[["denoiser", "wrapped"]].drop_duplicates().itertuples(index=False):
        rows, look = rows_with(table, denoiser=denoiser, wrapped=is_wrapped), style.CONTROLS[denoiser]
        if denoiser not in _CLASSICAL:
            own.append(Curve(rows, look))
        elif is_wrapped:
            classical.append(Curve(rows, look._replace(label=f"{look.label}, wrapped")))
        else:
            classical.append(Curve(rows, look._replace(line=_BARE_LINE, face="white")))
    return own, classical


def recipe(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Is it the wrapper or the recipe? A row for each crossing, on the first test set of its task.

    Left, PSNR: colour is the variant, line style the recipe; thin lines, where there are several seeds, are single
    seeds, thick ones their mean. Right, at the lowest sigma_test, sigma_train and the
    highest sigma_test, with intervals: the effect of the wrapper and of the recipe (full: the mean over the
    crossed recipes, over the variants; hollow: under each of them), and of both at once.

    Raises:
        CollectError: the summary lacks the crossing or runs of it.
    """
    parts = crossings(summary)
    curves = [_crossed_curves(params, summary, rows) for rows in parts]
    limits = common_limits([curve for part in curves for curve in part], PSNR)
    figure, axes = panel_grid(len(parts), 2, legend_lines=4, own_y=True)
    for index, (rows, part) in enumerate(zip(parts, curves)):
        left, right = axes[index]
        sigma = rows["sigma_train"].iloc[0]
        draw_panel(left, part, PSNR, limits, float(sigma))
        left.set_ylabel("output PSNR (dB)")
        network = labels.backbone_label(params.models[rows["model"].iloc[0]].backbone)
        set_title(left, f"{letter(2 * index, axes.size)}{network}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma}")
        _draw_effects(right, rows)
        set_title(right, f"{letter(2 * index + 1, axes.size)}wrapper and recipe")
    _recipe_legends(figure, params, parts[0])
    return figure


def _crossed_curves(params: Params, summary: Summary, rows: pd.DataFrame) -> list[Curve]:
    curves = []
    for line, name in zip(_RECIPE_LINES, all_recipes(rows)):
        for variant in ("baseline", "wne"):
            look = style.variant_style(variant)._replace(line=line)
            runs = cell_runs(params, rows, variant, name)
            sweeps = [rows_with(summary.curves, run=run, test_set=rows["test_set"].iloc[0]) for run in runs]
            if len(sweeps) == 1:
                curves.append(Curve(sweeps[0], look))
            else:
                mean = rows_with(rows, effect="psnr", variant=variant, recipe=name).set_index("sigma_test")
                at = mean.loc[sweeps[0]["sigma_test"]]
                ends = {"psnr": at["value"], "psnr_low": at["low"], "psnr_high": at["high"]}
                curves.append(Curve(sweeps[0].assign(**{end: column.to_numpy() for end, column in ends.items()}), look))
                curves += [Curve(sweep, look._replace(marker="")) for sweep in sweeps]
    return curves


def _draw_effects(ax: Axes, rows: pd.DataFrame) -> None:
    """A cluster of points for each noise level: of the wrapper, of the recipe, of both at once."""
    levels, effects = shown_levels(rows), _effects(rows)
    offsets = (np.arange(len(effects)) - (len(effects) - 1) / 2) * _SPREAD
    ax.axhline(0, color="0.15", linewidth=0.6)
    for offset, (look, is_mean, effect) in zip(offsets, effects):
        at = effect.set_index("sigma_test").loc[levels]
        ax.errorbar(
            np.arange(len(levels)) + offset, at["value"],
            yerr=np.maximum([at["value"] - at["low"], at["high"] - at["value"]], 0),  # rounding may cross
            linestyle="none", color=look.colour, marker=look.marker, markersize=look.size if is_mean else look.size - 1,
            markerfacecolor=look.colour if is_mean else "white", markeredgewidth=0.8, elinewidth=0.8,
        )  # fmt: skip
    ax.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    ax.set(xlim=(-0.6, len(levels) - 0.4), xlabel=r"$\sigma_{\mathrm{test}}$", ylabel="effect on PSNR (dB)")


def _effects(rows: pd.DataFrame) -> list[tuple[style.VariantStyle, bool, pd.DataFrame]]:
    """(look, whether it is a mean, rows over sigma_test) from left to right, means before their parts."""
    first, *_, last = crossed_recipes(rows)
    rows = rows[rows["crossed"]]
    points = []
    for look, effect, column in ((_WRAPPER, "wrapper", "recipe"), (_RECIPE, "recipe", "variant")):
        of_effect = rows[rows["effect"] == effect]
        parts = [part for _, part in of_effect.groupby(["variant", "recipe", "against"], sort=False)]
        is_mean = [part[column].iloc[0] == "mean" for part in parts]
        points += sorted(((look, *pair) for pair in zip(is_mean, parts)), key=lambda point: not point[1])
    both = rows[(rows["effect"] == "both") & (rows["recipe"] == last) & (rows["against"] == first)]
    return [*points, (_BOTH, True, both)]


def _recipe_legends(figure: Figure, params: Params, rows: pd.DataFrame) -> None:
    """Below the curves: variants, recipes, the other lines. Below the effects: what a point is."""
    labels = recipe_labels(params, rows)
    first, *_, last = crossed_recipes(rows)
    variants, references = legend_lines(style.variant_style(variant) for variant in ("baseline", "wne"))
    lines = [
        Line2D([], [], color="0.3", linestyle=line, label=label) for line, label in zip(_RECIPE_LINES, labels.values())
    ]
    effects = [
        _marker(_WRAPPER, "wrapper"),
        _marker(_RECIPE, f"{labels[last]}, in place of {labels[first]}"),
        _marker(_BOTH, "both at once"),
        _marker(_WRAPPER._replace(colour="0.3", face="white", marker="o"), "hollow: under one recipe, of one variant"),
    ]
    left, right = _HALVES
    legend_below(figure, [variants, lines[:2], [*lines[2:], references[2]], references[:2]], between=left)
    legend_below(figure, [[effects[0], effects[2]], [effects[1]], [effects[3]], []], between=right)


def _marker(look: style.VariantStyle, label: str) -> Line2D:
    return Line2D(
        [], [], color=look.colour, marker=look.marker, markersize=look.size, markerfacecolor=look.face,
        markeredgewidth=0.8, linestyle="none", label=label,
    )  # fmt: skip
