"""Normalized error against difficulty (Figures 6 and 11): one curve for each noise level of the test."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from replication.report import style
from replication.report.figures.grid import Panels
from replication.results.errors import MINIMUM, NULL, bin_centres
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
    axis names it. Dashed: the identity, Q = -20 log10 Delta.
    """
    rows, _, width = _rows(params, summary)
    rows = rows[rows["variant"] == "wne"]
    sigma_train = max(rows["sigma_train"], key=float)
    rows = rows[rows["sigma_train"] == sigma_train]
    ranges = rows[rows["quantity"] == "range"]
    shared = ranges.loc[(ranges["sigma_test"] - float(sigma_train)).abs().idxmin()]
    curves = rows[(rows["quantity"] == "curve") & (rows["n"] >= MINIMUM)]
    curves = _not_empty(curves[curves["delta"].between(shared["low"], shared["high"])])
    colours = style.level_colours(rows["sigma_test"])
    grid = Panels(1, 1, legend_lines=2, height=2.6, top_axis=False)
    ax = grid.axes[0, 0]
    _draw(ax, curves, colours, width)
    ax.set(xlim=(shared["low"], shared["high"]), ylim=_quality_limits(curves), ylabel=_QUALITY)
    ax.set_xlabel(f"{_DELTA}, central 95 % at $\\sigma$ = {shared['sigma_test']:g}")
    difficulties = np.linspace(shared["low"], shared["high"])
    (identity,) = ax.plot(difficulties, -20 * np.log10(difficulties), label="Identity", **style.IDENTITY)
    ax.set_ylim(min(ax.get_ylim()[0], _TICK * np.floor(identity.get_ydata().min() / _TICK)))
    label = labels.denoiser_label(rows["backbone"].iloc[0], "wne")
    grid.title(0, f"{label}, $\\sigma_{{\\mathrm{{train}}}}$ = {sigma_train}")
    return grid.legend([style.level_lines(colours), [identity]], spread=0.9)


def fig11(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 11: WNE and baseline, a row for each sigma_train; the spread between the curves in the corner.

    Each curve over the central 95 % of Delta at its own sigma_test, in the bins that enter the spread. The null models
    stand in the last row.
    """
    rows, nulls, width = _rows(params, summary)
    everything = pd.concat([rows, nulls])
    curves = _not_empty(everything[(everything["quantity"] == "curve") & (everything["counted"].astype(str) == "True")])
    levels = sorted(rows["sigma_train"].unique(), key=float)
    colours = style.level_colours(rows["sigma_test"])
    x_limits = curves["delta"].min() - width / 2, curves["delta"].max() + width / 2
    panels = {}
    for level, variant in product(levels, _COLUMNS):
        panel = rows[(rows["variant"] == variant) & (rows["sigma_train"] == level)]
        label = labels.denoiser_label(panel["backbone"].iloc[0], variant)
        panels[f"{label}, $\\sigma_{{\\mathrm{{train}}}}$ = {level}"] = panel
    panels |= {f"{label} (null model)": nulls[nulls["run"] == name] for name, label in labels.NULL_MODELS.items()}
    grid = Panels(len(panels) // 2, 2, legend_lines=1, height=1.2, top_axis=False)
    for index, (title, panel) in enumerate(panels.items()):
        ax = grid.axes.flat[index]
        _draw(ax, curves.loc[curves.index.intersection(panel.index)], colours, width)
        ylabel = "" if index % 2 else _QUALITY
        ax.set(xlim=x_limits, ylim=_quality_limits(curves), xlabel=_DELTA, ylabel=ylabel)
        grid.title(index, title)
        _write_spread(ax, panel)
    return grid.legend([style.level_lines(colours)])


def _rows(params: Params, summary: Summary) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Those of the first item of the group: denoisers trained at one noise level each, null models; a bin's width."""
    items = [(name, spec) for name, spec in params.reported("errors").items() if spec.group == _GROUP]
    if not items:
        raise CollectError(f"{params.params_file}: errors has no item of the group {_GROUP}, which the figure needs")
    item, spec = items[0]
    everything = summary.errors[summary.errors["item"] == item]
    rows = single_level(everything[everything["variant"].isin(_COLUMNS)])
    panels = rows.groupby("sigma_train")["variant"].nunique()
    if rows.empty or (panels < len(_COLUMNS)).any():
        raise CollectError(f"{params.params_file}: errors.{item} needs both variants at each sigma_train")
    channels = rows["channels"].iloc[0]
    nulls = everything[everything["variant"] == NULL]
    return rows, nulls, 2 * bin_centres(channels * spec.patch**2, spec.bins)[0]


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
