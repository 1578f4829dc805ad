"""How hard training patches are in normalized coordinates (Figure 7), and the contrasts that make it so (ours).

Two panels beyond the paper explain it: the distribution F of the contrasts std(x), on which m(s_test; s_train)
can be read off, and m against the ratio s_test / s_train, measured and as F predicts it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import Panels
from replication.results.summary import CollectError, Summary, covered
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import Published, read_published

_CONTRASTS = (1.0, 128.0)  # of the axis, 8-bit units; no patch of [0, 255] exceeds the upper
_FAINT = 0.025  # probability at the lower end of the central 95 % of contrasts
_SET_LOOKS = tuple(
    (colour, line, marker)
    for line, markers in (("-", "o^"), ((0, (4, 1.5)), "sv"))
    for colour, marker in zip(("0.1", style.BROWN), markers)
)
_SQUARE_ROOT = {"color": "0.15", "linestyle": (0, (4, 2)), "linewidth": 0.9}
_PAPER = {**style.PAPER, "marker": "x", "markersize": 4.0, "linestyle": "none"}


def fig07(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 7 for each training set, and two panels that explain it by contrast."""
    difficulty = summary.difficulty
    if difficulty.empty:
        raise CollectError(f"{params.params_file}: difficulty names no training set; figure 7 needs one")
    parts = {name: difficulty[difficulty["train_set"] == name] for name in difficulty["train_set"].unique()}
    panels = len(parts) + 2
    columns = 3 if panels == 3 else 2
    grid = Panels(-(-panels // columns), columns, legend_lines=2, height=1.85, own_y=True, top_axis=False)
    *histograms, contrasts, coverage = grid.axes.flat[:panels]
    colours = style.level_colours(difficulty["sigma"])
    for ax, rows in zip(histograms, parts.values()):
        _draw_histograms(ax, rows, colours)
    highest = max(ax.get_ylim()[1] for ax in histograms)
    for ax in histograms:
        ax.set_ylim(0, highest)
    looks = {name: _SET_LOOKS[index % len(_SET_LOOKS)] for index, name in enumerate(parts)}
    _draw_contrasts(contrasts, parts, looks)
    _draw_coverage(coverage, difficulty, looks, read_published(paths.root / "data/paper_values.csv"))
    for index, title in enumerate([*parts, "contrast (ours)", "coverage (ours)"]):
        grid.title(index, title)
    grid.hide_after(panels)
    lines = style.level_lines(colours)
    lines.append(Line2D([], [], color="0.3", linestyle=":", label=r"$\sqrt{d/(1+\mathrm{SNR})}$"))
    lines.append(Line2D([], [], label=r"$\sqrt{d}$", **_SQUARE_ROOT))
    sets = [Line2D([], [], label=f"{name}: predicted, measured", **_set_look(look)) for name, look in looks.items()]
    return grid.legend([lines, [*sets, Line2D([], [], label="paper", **_PAPER)]])


def _set_look(look: tuple) -> dict[str, object]:
    return {"markersize": 3.2, **dict(zip(("color", "linestyle", "marker"), look))}


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
    ax.set(xlim=(0, 1.05 * root), xlabel=r"$\Delta=\|\tilde{y}-\tilde{x}\|_2$", ylabel="density")


def _draw_contrasts(ax: Axes, parts: dict[str, pd.DataFrame], looks: dict[str, tuple]) -> None:
    """F, and how to read m to the highest level off it: from C_0.025, r times to the right, what lies above."""
    ratios = set()
    for name, rows in parts.items():
        colour, dash, marker = looks[name]
        contrast = rows[rows["quantity"] == "contrast"].sort_values("at")
        sigmas = rows["sigma"].dropna()
        ratio = sigmas.max() / sigmas.min()
        ratios.add(f"{ratio:g}")
        faint = np.interp(_FAINT, contrast["at"], contrast["value"])
        share = np.interp(ratio * faint, contrast["value"], contrast["at"])
        ax.plot(contrast["value"], contrast["at"], color=colour, linestyle=dash)
        ax.plot([faint, ratio * faint], [_FAINT, share], color=colour, marker=marker, markersize=3.2, linestyle="none")
        ax.plot([faint, ratio * faint, ratio * faint], [_FAINT, _FAINT, share], color=colour, linewidth=0.6)
        ax.annotate(
            f"{100 * (1 - share):.0f} % above", (ratio * faint, share), (-4, 2), textcoords="offset points",
            ha="right", va="bottom", fontsize=7, color=colour,
        )  # fmt: skip
    note = f"markers: 2.5 % quantile,\nand {', '.join(sorted(ratios))} times it"
    ax.text(0.04, 0.96, note, transform=ax.transAxes, va="top", fontsize=7)
    ax.set(xscale="log", xlim=_CONTRASTS, ylim=(0, 1), xlabel="std(x), 8-bit units", ylabel="share of patches below")
    ticks = [1, 3, 10, 30, 100]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()


def _draw_coverage(ax: Axes, difficulty: pd.DataFrame, looks: dict[str, tuple], published: Published) -> None:
    """m in percent against s_test / s_train: lines predicted from contrast, markers measured, crosses printed."""
    for name, (colour, dash, marker) in looks.items():
        measured, predicted = (_by_ratio(covered(difficulty, name, q)) for q in ("coverage", "coverage_predicted"))
        ax.plot(predicted.index, predicted, color=colour, linestyle=dash, linewidth=1.0)
        ax.plot(measured.index, measured, color=colour, marker=marker, markersize=3.2, linestyle="none")
    levels = np.unique(difficulty["sigma"].dropna())
    printed = {(test / train, published.coverage(train, test)) for train in levels for test in levels}
    points = sorted(point for point in printed if point[1] is not None)
    if points:
        ax.plot(*zip(*points), zorder=1.9, **_PAPER)
    ax.set(xscale="log", ylim=(0, 100), ylabel="$m$ (%)")
    ax.set_xlabel(r"$\sigma_{\mathrm{test}}\,/\,\sigma_{\mathrm{train}}$")
    ticks = {0.2: "1/5", 0.5: "1/2", 1.0: "1", 2.0: "2", 5.0: "5"}
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.minorticks_off()


def _by_ratio(matrix: pd.DataFrame) -> pd.Series:
    """Percent with the index s_test / s_train, rising."""
    percent = (100 * matrix).stack()
    percent.index = [test / train for train, test in percent.index]
    return percent.sort_index()
