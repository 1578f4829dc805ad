"""Every comparison in dB that decides a claim, with its interval, the bounds and the paper's value: a forest plot."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from replication.claims import claims, comparisons
from replication.report import style
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published

_COLOURS = {"holds": style.VARIANTS["wne"].colour, "open": "0.5", "fails": style.VARIANTS["baseline"].colour}
_ROW = 0.118  # inches
_LIMITS = (-16.0, 20.0)  # dB
_LINEAR = 2.0  # dB around 0 that the axis resolves; logarithmic beyond


def comparisons_figure(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """A row for each comparison, below the part of the claim that it belongs to; symmetric-log axis in dB."""
    table = comparisons(claims(params, summary, read_published(paths.root / "data/paper_values.csv")))
    rows = table[table["unit"] == "dB"].to_dict("records")
    parts = [(key, list(tests)) for key, tests in groupby(rows, lambda row: (row["id"], row["part"]))]
    height = len(rows) + 1.4 * len(parts)
    figure = Figure(figsize=(style.TEXT_WIDTH, _ROW * height + 0.75), layout="constrained")
    ax = figure.subplots()
    at = 0.0
    for (claim, part), tests in parts:
        _label(ax, at, f"{claim}  {part}", weight="bold", fontsize=7)
        _draw_bounds(ax, tests[0], at + 0.5, at + len(tests) + 0.5)
        for test in tests:
            at += 1
            _draw(ax, test, at)
        at += 1.4
    ax.set(ylim=(at - 0.4, -1), xlim=_LIMITS, xlabel="difference in PSNR (dB)", yticks=[])
    ax.set_xscale("symlog", linthresh=_LINEAR, linscale=1.4)
    ticks = [-10, -5, -2, -1, 0, 1, 2, 5, 10, 20]
    ax.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    ax.minorticks_off()
    ax.grid(axis="y", visible=False)
    ax.axvline(0, color="0.3", linewidth=0.6)
    figure.legend(handles=_handles(), loc="outside upper right", ncols=5, fontsize=7)
    return figure


def _label(ax: Axes, at: float, text: str, **look: object) -> None:
    ax.text(-0.01, at, text, transform=ax.get_yaxis_transform(), va="center", ha="right", **look)


def _draw_bounds(ax: Axes, test: dict, top: float, bottom: float) -> None:
    lower, upper = (float(np.clip(test[end], *_LIMITS)) for end in ("lower", "upper"))
    ax.fill_between([lower, upper], top, bottom, color="0.93", linewidth=0, zorder=0)


def _draw(ax: Axes, test: dict, at: float) -> None:
    colour = _COLOURS[test["state"]]
    _label(ax, at, test["label"], fontsize=6.5)
    ends = [value if np.isfinite(value) else test["value"] for value in (test["low"], test["high"])]
    ax.plot(ends, [at, at], color=colour, linewidth=1.2, solid_capstyle="butt")
    ax.plot(test["value"], at, "o", color=colour, markersize=3)
    if test["paper"] is not None and np.isfinite(test["paper"]):
        ax.plot(test["paper"], at, "D", color="black", markerfacecolor="white", markersize=3.2, markeredgewidth=0.7)


def _handles() -> list[Line2D | Patch]:
    lines = [Line2D([], [], color=colour, marker="o", markersize=3, label=state) for state, colour in _COLOURS.items()]
    paper = Line2D(
        [], [], color="black", marker="D", markerfacecolor="white", markersize=3.2, linestyle="", label="paper"
    )
    return [*lines, paper, Patch(color="0.93", label="the rule")]
