"""Beyond the paper: WNE with mean and std over windows, less WNE with those of the whole image."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from replication.report import style
from replication.report.figures.grid import Panels
from replication.results.summary import PLACES, CollectError, Summary, at_place
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_MARKERS = {"dncnn": "o", "fdncnn": "s", "swinir": "D", "restormer": "^"}
_GREY = "0.5"  # of runs that were trained on a range of noise levels


def windows(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """A line for each network, a panel each for the lowest, the matched and the highest sigma_test.

    The colour says sigma_train, the marker the backbone. Runs trained on a range of levels have no matched one.
    """
    rows = summary.windows[summary.windows["psnr_gain"].notna()]
    if rows.empty:
        raise CollectError("the summary has no rows of windows; make it with: replicate collect")
    colours = style.level_colours(pd.to_numeric(rows["sigma_train"], errors="coerce"))
    sides = sorted(rows["window"].unique())
    grid = Panels(1, len(PLACES), legend_lines=2, height=2.0, top_axis=False)
    for index, place in enumerate(PLACES):
        ax = grid.axes[0, index]
        for _, run in rows.groupby("run", sort=False):
            if (points := at_place(run, place)).empty:
                continue
            first = points.iloc[0]
            colour = colours.get(pd.to_numeric(first["sigma_train"], errors="coerce"), _GREY)
            marker = _MARKERS.get(first["backbone"], "x")
            points = points.sort_values("window")
            ax.plot(points["window"], points["psnr_gain"], color=colour, marker=marker, markersize=3, linewidth=0.9)
        ax.axhline(0, **style.IDENTITY)
        ax.set_xscale("log")
        ax.set_xticks(sides, [f"{side:g}" for side in sides])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("side of the windows (pixels)")
        grid.title(index, f"{place.capitalize()} noise")
    grid.axes[0, 0].set_ylabel("gain in PSNR (dB)", labelpad=1)
    low, high = rows["psnr_gain"].min(), rows["psnr_gain"].max()
    for ax in grid.axes.flat:
        ax.set_ylim(min(low, 0) - 0.05 * (high - low) - 0.01, max(high, 0) + 0.05 * (high - low) + 0.01)
    backbones = [
        Line2D([], [], color="0.3", marker=_MARKERS.get(name, "x"), markersize=3, label=labels.backbone_label(name))
        for name in rows["backbone"].unique()
    ]
    return grid.legend([style.level_lines(colours), backbones])
