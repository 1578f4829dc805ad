"""How hard training patches are in normalized coordinates (Figure 7), and the contrast that makes it so (ours)."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wne import style

_CONTRASTS = (1.0, 128.0)  # of the axis, 8-bit units; no patch of [0, 255] exceeds the upper
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1, 1, 1)))
_SQUARE_ROOT = {"color": "0.15", "linestyle": (0, (4, 2)), "linewidth": 0.9}


def fig07(difficulty: pd.DataFrame) -> Figure:
    """Figure 7 for each training set, and a last panel with the contrast of their patches.

    Args:
        difficulty: summary/difficulty.csv.
    """
    train_sets = list(difficulty["train_set"].unique())
    panels = len(train_sets) + 1
    columns = min(panels, 3)
    lines = -(-panels // columns)
    figure = Figure(figsize=(style.TEXT_WIDTH, 2.35 * lines + 0.45), layout="constrained")
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    colours = _colours(difficulty)
    for letter, ax, train_set in zip("abcdefgh", axes, train_sets):
        _draw_histograms(ax, difficulty[difficulty["train_set"] == train_set], colours)
        ax.set_title(f"({letter}) {train_set}")
    axes[0].set_ylabel("density")
    highest = max(ax.get_ylim()[1] for ax in axes[: panels - 1])
    for ax in axes[: panels - 1]:
        ax.set_ylim(0, highest)
    _draw_contrast(axes[panels - 1], difficulty, colours)
    axes[panels - 1].set_title(f"({'abcdefgh'[panels - 1]}) contrast (ours)")
    for ax in axes[panels:]:
        ax.set_axis_off()
    handles = [Line2D([], [], color=colour, label=f"$\\sigma$ = {sigma:g}") for sigma, colour in colours.items()]
    handles.append(Line2D([], [], color="0.3", linestyle=":", label=r"$\sqrt{d/(1+\mathrm{SNR})}$"))
    handles.append(Line2D([], [], label=r"$\sqrt{d}$", **_SQUARE_ROOT))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 7), columnspacing=1.0)
    return figure


def _colours(difficulty: pd.DataFrame) -> dict[float, tuple]:
    """sigma -> colour, from dark to light with sigma: levels are ordered, unlike variants."""
    sigmas = np.sort(difficulty["sigma"].dropna().unique())
    return dict(zip(sigmas, mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(sigmas)))))


def _draw_histograms(ax: Axes, rows: pd.DataFrame, colours: dict[float, tuple]) -> None:
    for sigma, colour in colours.items():
        for quantity in ("histogram", "approximation"):
            part = rows[(rows["quantity"] == quantity) & (rows["sigma"] == sigma)].sort_values("at")
            if part.empty:
                continue
            centre, width = part["at"].to_numpy(), part["at"].iloc[1] - part["at"].iloc[0]
            density = part["value"].to_numpy() / (part["value"].sum() * width)
            if quantity == "histogram":
                edges = np.append(centre - width / 2, centre[-1] + width / 2)
                ax.stairs(density, edges, color=colour, alpha=0.15, fill=True)
                ax.plot(centre, density, color=colour, linewidth=1.0)
            else:
                ax.plot(centre, density, color="0.1", linestyle=":", linewidth=0.8)
    root = float(rows["patch"].iloc[0])  # sqrt(d) of a square patch
    ax.axvline(root, zorder=1, **_SQUARE_ROOT)
    ax.set(xlim=(0, 1.05 * root), xlabel=r"$\Delta=\|\tilde{y}-\tilde{x}\|_2$")


def _draw_contrast(ax: Axes, difficulty: pd.DataFrame, colours: dict[float, tuple]) -> None:
    contrast = difficulty[difficulty["quantity"] == "contrast"]
    for sigma, colour in colours.items():
        ax.axvline(sigma, color=colour, linewidth=0.8, zorder=1)
    for dash, (train_set, rows) in zip(_DASHES, contrast.groupby("train_set", sort=False)):
        ax.plot(rows["value"], rows["at"], color="0.1", linestyle=dash, label=train_set)
    ax.set(xscale="log", xlim=_CONTRASTS, ylim=(0, 1), xlabel="std(x), 8-bit units", ylabel="share of patches below")
    ticks = [1, 3, 10, 30, 100]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    if contrast["train_set"].nunique() > 1:
        ax.legend(loc="upper left", fontsize=7.5)
