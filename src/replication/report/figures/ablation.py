"""Beyond the paper: the 2 x 2 factorial ablation of wrapper and recipe."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import Panels
from replication.results import readers
from replication.results.readers import design_recipes, rows_with
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_VARIANTS = ("baseline", "wne")
# Effects. The wrapper has the colour of its variant.
_WRAPPER = style.variant_style("wne")._replace(size=4.0)
_RECIPE = style.VariantStyle("", "0.45", "s", 4.2, "0.45", "", 3)
_BOTH = style.VariantStyle("", "0.05", "x", 4.6, "0.05", "", 3)
_SEED = {"marker": "o", "markersize": 2.0, "markeredgewidth": 0, "linestyle": "none"}
_SEED_OFFSET = 0.08  # of single seeds beside their mean, in units of the distance between two recipes
_HEIGHT, _LEFT = 1.35, 1.32  # inches: of a panel; beside the first column, for the names of the effects


class Effect(NamedTuple):
    """One line of the lower panels: its name, its look, and its rows over sigma_test."""

    name: str
    look: style.VariantStyle
    rows: pd.DataFrame


def recipe(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Is it the wrapper or the recipe? Two rows for each ablation, on the first test set of its task.

    A column each for the lowest sigma_test, sigma_train and the highest sigma_test. Above, mean PSNR of each cell of
    the design, single seeds beside it where there are several: lines that are parallel have no interaction. Below,
    effects with their intervals: of the wrapper and of the recipe (full: the mean over the other factor; hollow: at
    each of its levels), and of both at once.
    """
    parts = readers.ablations(summary)
    columns = max(len(readers.shown_levels(rows)) for rows in parts)
    grid = Panels(2 * len(parts), columns, legend_lines=2, height=_HEIGHT, own_y=True, top_axis=False, left=_LEFT)
    for rows, upper, lower in zip(parts, grid.axes[0::2], grid.axes[1::2]):
        levels, effects = readers.shown_levels(rows), _effects(params, rows)
        for column, level in enumerate(levels):
            _draw_cells(upper[column], params, summary, rows, level)
            upper[column].set_title(f"$\\sigma_{{\\mathrm{{test}}}}$ = {level:g}", y=1.0, pad=4)
            _draw_effects(lower[column], effects, level)
        upper[0].set_ylabel("PSNR (dB)")
        lower[0].set_yticks(range(len(effects)), [effect.name for effect in effects])
        for ax in (*upper[len(levels) :], *lower[len(levels) :]):
            ax.set_axis_off()
        network = labels.backbone_label(params.models[rows["model"].iloc[0]].backbone)
        name = f"{network}\n$\\sigma_{{\\mathrm{{train}}}}$ = {rows['sigma_train'].iloc[0]}"
        box = upper[0].get_position()
        grid.figure.text(0.0, (box.y0 + box.y1) / 2, name, va="center")
    handles = [Line2D([], [], **style.variant_style(variant).as_line()) for variant in _VARIANTS]
    if max(rows["n_seeds"].max() for rows in parts) > 1:
        handles.append(Line2D([], [], color="0.3", label="single seed", **_SEED))
    grid.note("; ".join(dict.fromkeys(_meaning(params, rows) for rows in parts)))
    return grid.legend([handles, []])


def _meaning(params: Params, rows: pd.DataFrame) -> str:
    named = readers.recipe_labels(params, rows)
    first, *_, last = design_recipes(rows)
    return f"Effect of the recipe: {named[last]}, in place of {named[first]}"


def _draw_cells(ax: Axes, params: Params, summary: Summary, rows: pd.DataFrame, level: float) -> None:
    names, test_set = design_recipes(rows), rows["test_set"].iloc[0]
    for variant in _VARIANTS:
        look = style.variant_style(variant)
        cells = rows_with(rows, effect="psnr", variant=variant, sigma_test=level).set_index("recipe")
        ax.plot(range(len(names)), cells.loc[names, "value"], zorder=look.order, **look.as_line())
        for place, name in enumerate(names):
            runs = readers.cell_runs(params, rows, variant, name)
            if len(runs) > 1:
                tested = [rows_with(summary.curves, run=r, test_set=test_set, sigma_test=level) for r in runs]
                scores = [float(part["psnr"].iloc[0]) for part in tested]
                ax.plot([place + _SEED_OFFSET] * len(scores), scores, color=look.colour, label="_seeds", **_SEED)
    named = readers.recipe_labels(params, rows)
    ax.set_xticks(range(len(names)), [named[name].removesuffix(" rate").replace(", ", ",\n") for name in names])
    ax.set_xlim(-0.4, len(names) - 0.6)
    ax.margins(y=0.12)


def _draw_effects(ax: Axes, effects: list[Effect], level: float) -> None:
    ax.axvline(0, color="0.15", linewidth=0.6)
    for place, (_, look, rows) in enumerate(effects):
        at = rows[rows["sigma_test"] == level].iloc[0]
        widths = np.maximum([[at["value"] - at["low"]], [at["high"] - at["value"]]], 0)  # rounding may cross
        ax.errorbar(at["value"], place, xerr=widths, elinewidth=0.8, **_marker(look))
    ax.set_yticks(range(len(effects)), [""] * len(effects))
    ax.set(ylim=(len(effects) - 0.5, -0.5), xlabel="effect (dB)")
    ax.margins(x=0.12)


def _effects(params: Params, rows: pd.DataFrame) -> list[Effect]:
    """From top to bottom, means before their parts."""
    first, *_, last = design_recipes(rows)
    named = readers.recipe_labels(params, rows) | {key: labels.variant_label(key) for key in _VARIANTS}
    rows = rows[rows["in_design"]]
    effects = []
    for look, effect, column, word in ((_WRAPPER, "wrapper", "recipe", "by"), (_RECIPE, "recipe", "variant", "of")):
        found = []
        for _, part in rows[rows["effect"] == effect].groupby(["variant", "recipe", "against"], sort=False):
            level = part[column].iloc[0]
            hollow = look._replace(size=look.size - 1, face="white")
            whole, part_of = Effect(f"{effect}, mean", look, part), Effect(f"{word} {named.get(level)}", hollow, part)
            found.append(whole if level == "mean" else part_of)
        effects += sorted(found, key=lambda one: one.look.face == "white")
    both = rows[(rows["effect"] == "both") & (rows["recipe"] == last) & (rows["against"] == first)]
    return [*effects, Effect("both at once", _BOTH, both)]


def _marker(look: style.VariantStyle) -> dict[str, object]:
    return {
        "color": look.colour, "marker": look.marker, "markersize": look.size, "markerfacecolor": look.face,
        "markeredgewidth": 0.8, "linestyle": "none",
    }  # fmt: skip
