"""Normalized error against difficulty (Figures 6 and 11): one curve for each noise level of the test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from replication.report import style
from replication.report.figures.grid import Panels
from replication.results.errors import MINIMUM, bin_centres
from replication.results.summary import CollectError, Summary, single_level
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_GROUP = "swinir"
_COLUMNS = ("wne", "baseline")  # of Fig. 11, from left to right
_DELTA = r"$\Delta=\|\tilde{y}-\tilde{x}\|_2$"
_QUALITY = r"$Q(\tilde{y},\tilde{x})$ (dB)"
_TICK = 5.0  # dB


def fig06(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 6: WNE trained at the highest sigma_train, over the central 95 % of Delta at that level.

    Where Delta was not measured at sigma_train, the range is that of the nearest sigma_test; the label of the
    axis names it.
    """
    rows, width = _rows(params, summary)
    rows = rows[rows["variant"] == "wne"]
    sigma_train = max(rows["sigma_train"], key=float)
    rows = rows[rows["sigma_train"] == sigma_train]
    ranges = rows[rows["quantity"] == "range"]
    shared = ranges.loc[(ranges["sigma_test"] - float(sigma_train)).abs().idxmin()]
    curves = rows[(rows["quantity"] == "curve") & (rows["n"] >= MINIMUM)]
    curves = _not_empty(curves[curves["delta"].between(shared["low"], shared["high"])])
    colours = style.level_colours(rows["sigma_test"])
    grid = Panels(1, 1, legend_lines=1, height=2.6, top_axis=False)
    ax = grid.axes[0, 0]
    _draw(ax, curves, colours, width)
    ax.set(xlim=(shared["low"], shared["high"]), ylim=_quality_limits(curves), ylabel=_QUALITY)
    ax.set_xlabel(f"{_DELTA}, central 95 % at $\\sigma$ = {shared['sigma_test']:g}")
    label = labels.denoiser_label(rows["backbone"].iloc[0], "wne")
    grid.title(0, f"{label}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma_train}")
    return grid.legend([style.level_lines(colours)], spread=0.9)


def fig11(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 11: WNE and baseline, a row for each sigma_train; the spread between the curves in the corner.

    Each curve over the central 95 % of Delta at its own sigma_test, in the bins that enter the spread.
    """
    rows, width = _rows(params, summary)
    curves = _not_empty(rows[(rows["quantity"] == "curve") & (rows["counted"].astype(str) == "True")])
    levels = sorted(rows["sigma_train"].unique(), key=float)
    colours = style.level_colours(rows["sigma_test"])
    x_limits = curves["delta"].min() - width / 2, curves["delta"].max() + width / 2
    grid = Panels(len(levels), 2, legend_lines=1, height=1.75, top_axis=False)
    for index, (line, column) in enumerate(np.ndindex(grid.axes.shape)):
        ax, variant, level = grid.axes[line, column], _COLUMNS[column], levels[line]
        panel = rows[(rows["variant"] == variant) & (rows["sigma_train"] == level)]
        _draw(ax, curves.loc[curves.index.intersection(panel.index)], colours, width)
        ax.set(xlim=x_limits, ylim=_quality_limits(curves), xlabel=_DELTA, ylabel="" if column else _QUALITY)
        label = labels.denoiser_label(panel["backbone"].iloc[0], variant)
        grid.title(index, f"{label}, $\\sigma_{{\\mathrm{{train}}}}$ = {level}")
        _write_spread(ax, panel)
    return grid.legend([style.level_lines(colours)])


def _rows(params: Params, summary: Summary) -> tuple[pd.DataFrame, float]:
    """Those of the first item of the group, denoisers trained at one noise level each, and the width of a bin."""
    items = [(name, spec) for name, spec in params.reported("errors").items() if spec.group == _GROUP]
    if not items:
        raise CollectError(f"{params.params_file}: errors has no item of the group {_GROUP}, which the figure needs")
    item, spec = items[0]
    rows = summary.errors[summary.errors["item"] == item]
    rows = single_level(rows[rows["variant"].isin(_COLUMNS)])
    panels = rows.groupby("sigma_train")["variant"].nunique()
    if rows.empty or (panels < len(_COLUMNS)).any():
        raise CollectError(f"{params.params_file}: errors.{item} needs both variants at each sigma_train")
    channels = rows["channels"].iloc[0]
    return rows, 2 * bin_centres(channels * spec.patch**2, spec.bins)[0]


def _not_empty(curves: pd.DataFrame) -> pd.DataFrame:
    if curves.empty:
        raise CollectError(f"errors: no bin of Delta has {MINIMUM} patches; sample more, or use fewer bins")
    return curves


def _draw(ax: Axes, curves: pd.DataFrame, colours: dict[float, tuple], width: float) -> None:
    for sigma, colour in colours.items():
        part = curves[curves["sigma_test"] == sigma].sort_values("delta")
        holes = part["delta"].diff() > 1.5 * width  # bins with too few patches: the line stops there
        for _, piece in part.groupby(holes.cumsum()):
            low, high = piece["value"] - piece["std"], piece["value"] + piece["std"]
            if len(piece) > 1:
                ax.fill_between(piece["delta"], low, high, color=colour, alpha=0.13, linewidth=0)
            else:
                ax.vlines(piece["delta"], low, high, color=colour, alpha=0.3, linewidth=1.0)
            ax.plot(piece["delta"], piece["value"], color=colour, marker="o", markersize=2.0, linewidth=1.1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))


def _quality_limits(curves: pd.DataFrame) -> tuple[float, float]:
    low, high = (curves["value"] - curves["std"]).min(), (curves["value"] + curves["std"]).max()
    return float(np.floor(low / _TICK) * _TICK), float(np.ceil(high / _TICK) * _TICK)


def _write_spread(ax: Axes, panel: pd.DataFrame) -> None:
    spread = panel[panel["quantity"] == "spread"].iloc[0]
    if np.isnan(spread["value"]):
        return  # the curves share no bin
    interval = "" if np.isnan(spread["low"]) else f" [{spread['low']:.2f}, {spread['high']:.2f}]"
    text = f"spread {spread['value']:.2f} dB{interval}"
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
    ax.text(0.03, 0.05, text, transform=ax.transAxes, fontsize=7.5, bbox=box)
