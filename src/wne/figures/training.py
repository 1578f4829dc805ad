"""Training loss of every run: a check that all of them converged, not a figure of the paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wne import style

_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1, 1, 1)))


def training_curves(loss: pd.DataFrame, training: pd.DataFrame) -> Figure:
    """Loss against steps, a panel for each group of runs and a colour for each variant, as in Figures 3 and 4,
    and a dash pattern for each sigma_train.

    Args:
        loss: summary/loss.csv; training: summary/training.csv, which says whose curve it is.
    """
    groups = list(training["group"].unique())
    columns = min(len(groups), 3)
    lines = -(-len(groups) // columns)
    figure = Figure(
        figsize=(style.TEXT_WIDTH if columns > 1 else 3.6, min(2.4 * lines + 0.5, 8.6)), layout="constrained"
    )
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    levels = sorted(training["sigma_train"].unique(), key=_level_key)
    dashes = {level: _DASHES[index % len(_DASHES)] for index, level in enumerate(levels)}
    for ax, group in zip(axes, groups):
        for run in training[training["group"] == group].itertuples():
            curve = loss[loss["run"] == run.run]
            colour = style.variant_style(run.variant).colour
            ax.plot(curve["step"], curve["loss"], color=colour, linestyle=dashes[run.sigma_train], linewidth=0.9)
        ax.set(yscale="log", title=group, xlabel="step")
    axes[0].set_ylabel("training loss, intensities in [0, 1]")
    for ax in axes[len(groups) :]:
        ax.set_axis_off()
    looks = [style.variant_style(variant) for variant in training["variant"].unique()]
    handles = [
        Line2D([], [], color=look.colour, label=look.label) for look in sorted(looks, key=lambda look: look.order)
    ]
    handles += [
        Line2D([], [], color="0.3", linestyle=dashes[level], label=rf"$\sigma_{{\mathrm{{train}}}}$ = {level}")
        for level in levels
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=_legend_columns(len(handles), columns))
    return figure


def _level_key(level: str) -> tuple[bool, float, str]:
    """Numbers by size, then ranges and real noise by name."""
    is_number = level.replace(".", "", 1).isdigit()
    return (not is_number, float(level) if is_number else 0.0, level)


def _legend_columns(entries: int, panels: int) -> int:
    """As many as the width of the figure holds."""
    if panels == 1:
        return 3
    return entries if entries <= 7 else 5
