"""Beyond the paper: the 2 x 2 factorial ablation of wrapper and recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import HALVES, Panels
from replication.report.figures.sweep import PSNR, Curve, common_limits, draw_panel, legend_lines
from replication.results import readers
from replication.results.readers import all_recipes, design_recipes, rows_with
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_VARIANTS = ("baseline", "wne")
_RECIPE_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1, 1, 1)))
# Effects. The wrapper has the colour of its variant.
_WRAPPER = style.variant_style("wne")._replace(marker="D", size=4.0)
_RECIPE = style.VariantStyle("", "0.45", "s", 4.2, "0.45", "", 3)
_BOTH = style.VariantStyle("", "0.05", "x", 4.6, "0.05", "", 3)
_SPREAD = 0.1  # between the effects at one noise level, in units of the distance between two levels


def recipe(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Is it the wrapper or the recipe? A row for each ablation, on the first test set of its task.

    Left, PSNR: colour is the variant, line style the recipe; thin lines, where there are several seeds, are single
    seeds, thick ones their mean. Right, at the lowest sigma_test, sigma_train and the highest sigma_test, with
    intervals: the effect of the wrapper and of the recipe (full: the mean over the other factor; hollow: at each of
    its levels), and of both at once.
    """
    parts = readers.ablations(summary)
    curves = [_curves(params, summary, rows) for rows in parts]
    limits = common_limits([curve for part in curves for curve in part], PSNR)
    grid = Panels(len(parts), 2, legend_lines=4, own_y=True)
    for index, (rows, part) in enumerate(zip(parts, curves)):
        left, right = grid.axes[index]
        sigma = rows["sigma_train"].iloc[0]
        draw_panel(left, part, PSNR, limits, float(sigma))
        left.set_ylabel(f"output {PSNR.name}")
        network = labels.backbone_label(params.models[rows["model"].iloc[0]].backbone)
        grid.title(2 * index, f"{network}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma}")
        _draw_effects(right, rows)
        grid.title(2 * index + 1, "wrapper and recipe")
    return _legends(grid, params, parts[0])


def _curves(params: Params, summary: Summary, rows: pd.DataFrame) -> list[Curve]:
    curves = []
    for line, name in zip(_RECIPE_LINES, all_recipes(rows)):
        for variant in _VARIANTS:
            look = style.variant_style(variant)._replace(line=line)
            runs = readers.cell_runs(params, rows, variant, name)
            sweeps = [rows_with(summary.curves, run=run, test_set=rows["test_set"].iloc[0]) for run in runs]
            if len(sweeps) == 1:
                curves.append(Curve(sweeps[0], look))
                continue
            mean = rows_with(rows, effect="psnr", variant=variant, recipe=name).set_index("sigma_test")
            at = mean.loc[sweeps[0]["sigma_test"]]
            means = {"psnr": at["value"].array, "psnr_low": at["low"].array, "psnr_high": at["high"].array}
            curves.append(Curve(sweeps[0].assign(**means), look))
            curves += [Curve(sweep, look._replace(marker="")) for sweep in sweeps]
    return curves


def _draw_effects(ax: Axes, rows: pd.DataFrame) -> None:
    """A cluster of points for each noise level: of the wrapper, of the recipe, of both at once."""
    levels, effects = readers.shown_levels(rows), _effects(rows)
    offsets = (np.arange(len(effects)) - (len(effects) - 1) / 2) * _SPREAD
    ax.axhline(0, color="0.15", linewidth=0.6)
    for offset, (look, is_mean, effect) in zip(offsets, effects):
        at = effect.set_index("sigma_test").loc[levels]
        widths = np.maximum([at["value"] - at["low"], at["high"] - at["value"]], 0)  # rounding may cross
        look = look if is_mean else look._replace(size=look.size - 1, face="white")
        ax.errorbar(np.arange(len(levels)) + offset, at["value"], yerr=widths, elinewidth=0.8, **_marker(look))
    ax.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    ax.set(xlim=(-0.6, len(levels) - 0.4), xlabel=r"$\sigma_{\mathrm{test}}$", ylabel="effect on PSNR (dB)")


def _effects(rows: pd.DataFrame) -> list[tuple[style.VariantStyle, bool, pd.DataFrame]]:
    """(look, whether it is a mean, rows over sigma_test) from left to right, means before their parts."""
    first, *_, last = design_recipes(rows)
    rows = rows[rows["in_design"]]
    points = []
    for look, effect, column in ((_WRAPPER, "wrapper", "recipe"), (_RECIPE, "recipe", "variant")):
        of_effect = rows[rows["effect"] == effect]
        parts = [part for _, part in of_effect.groupby(["variant", "recipe", "against"], sort=False)]
        is_mean = [part[column].iloc[0] == "mean" for part in parts]
        points += sorted(((look, *pair) for pair in zip(is_mean, parts)), key=lambda point: not point[1])
    both = rows[(rows["effect"] == "both") & (rows["recipe"] == last) & (rows["against"] == first)]
    return [*points, (_BOTH, True, both)]


def _legends(grid: Panels, params: Params, rows: pd.DataFrame) -> Figure:
    """Below the curves: variants, recipes, the other lines. Below the effects: what a point is."""
    named = readers.recipe_labels(params, rows)
    first, *_, last = design_recipes(rows)
    variants, references = legend_lines(map(style.variant_style, _VARIANTS))
    lines = [
        Line2D([], [], color="0.3", linestyle=line, label=name) for line, name in zip(_RECIPE_LINES, named.values())
    ]
    hollow = _WRAPPER._replace(colour="0.3", face="white", marker="o")
    wrapper, swap, both, part = (
        Line2D([], [], label=label, **_marker(look))
        for look, label in (
            (_WRAPPER, "wrapper"), (_RECIPE, f"{named[last]}, in place of {named[first]}"), (_BOTH, "both at once"),
            (hollow, "hollow: under one recipe, of one variant"),
        )
    )  # fmt: skip
    grid.legend([variants, lines[:2], [*lines[2:], references[2]], references[:2]], HALVES[0])
    return grid.legend([[wrapper, both], [swap], [part], []], HALVES[1])


def _marker(look: style.VariantStyle) -> dict[str, object]:
    return {
        "color": look.colour, "marker": look.marker, "markersize": look.size, "markerfacecolor": look.face,
        "markeredgewidth": 0.8, "linestyle": "none",
    }  # fmt: skip
