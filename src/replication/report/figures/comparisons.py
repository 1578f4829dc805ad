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
_ROW, _TALLEST = 0.118, 7.5  # inches: of a row, and of all rows, so that figure and caption fit on a page
_GAP = 1.4  # rows that a heading takes
_LABELS, _RIGHT, _HEAD, _FOOT = 1.3, 0.12, 0.24, 0.4  # inches around the axes
_LIMITS = (-16.0, 20.0)  # dB
_TICKS = {1: (-10, -5, -2, -1, 0, 1, 2, 5, 10, 20), 2: (-10, -2, -1, 0, 1, 2, 10)}  # by the number of columns
_LINEAR = 2.0  # dB around 0 that the axis resolves; logarithmic beyond

Group = tuple[str, list[dict]]  # a heading, and the rows below it


def comparisons_figure(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """A row for each comparison, below the part of the claim that it belongs to; symmetric-log axis in dB.

    In two columns where one would be taller than a page.
    """
    table = comparisons(claims(params, summary, read_published(paths.root / "data/paper_values.csv")))
    rows = table[table["unit"] == "dB"].to_dict("records")
    columns = _columns([(f"{claim}  {part}", list(tests)) for (claim, part), tests in groupby(rows, _part)])
    height = max(1.0, *map(_height, columns))  # 1 where no comparison is in dB
    rows_height = min(_ROW * height, _TALLEST)
    total, width = _HEAD + rows_height + _FOOT, style.TEXT_WIDTH / len(columns)
    figure = Figure(figsize=(style.TEXT_WIDTH, total))
    for index, groups in enumerate(columns):
        left = (index * width + _LABELS) / style.TEXT_WIDTH
        ax = figure.add_axes((left, _FOOT / total, (width - _LABELS - _RIGHT) / style.TEXT_WIDTH, rows_height / total))
        _draw_groups(ax, groups)
        ax.set(ylim=(height - 1, -1), xlim=_LIMITS, xlabel="difference in PSNR (dB)", yticks=[])
        ax.set_xscale("symlog", linthresh=_LINEAR, linscale=1.4)
        ticks = _TICKS[len(columns)]
        ax.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks], fontsize=7)
        ax.minorticks_off()
        ax.grid(axis="y", visible=False)
        ax.spines["left"].set_visible(False)
        ax.axvline(0, color="0.3", linewidth=0.6)
    figure.legend(handles=_handles(), loc="upper right", ncols=5, fontsize=7, borderaxespad=0.1)
    return figure


def _part(row: dict) -> tuple[str, str]:
    return row["id"], row["part"]


def _height(groups: list[Group]) -> float:
    """The height of a column in rows."""
    return sum(len(tests) + _GAP for _, tests in groups)


def _columns(groups: list[Group]) -> list[list[Group]]:
    """The groups in one column, or in two of about equal height."""
    if len(groups) < 2 or _ROW * _height(groups) <= _TALLEST:
        return [groups]
    middle = min(range(1, len(groups)), key=lambda at: max(_height(groups[:at]), _height(groups[at:])))
    return [groups[:middle], groups[middle:]]


def _draw_groups(ax: Axes, groups: list[Group]) -> None:
    at, left = 0.0, -_LABELS / (ax.get_position().width * style.TEXT_WIDTH)
    for heading, tests in groups:
        # Left in the column: a long one runs into the axes, where its row is empty.
        _label(ax, left + 0.01, at, heading, ha="left", weight="bold", fontsize=6.5)
        _draw_bounds(ax, tests[0], at + 0.5, at + len(tests) + 0.5)
        for test in tests:
            at += 1
            _draw(ax, test, at)
        at += _GAP


def _label(ax: Axes, x: float, at: float, text: str, **look: object) -> None:
    ax.text(x, at, text, transform=ax.get_yaxis_transform(), va="center", **look)


def _draw_bounds(ax: Axes, test: dict, top: float, bottom: float) -> None:
    lower, upper = (float(np.clip(test[end], *_LIMITS)) for end in ("lower", "upper"))
    ax.fill_between([lower, upper], top, bottom, color="0.93", linewidth=0, zorder=0)


def _draw(ax: Axes, test: dict, at: float) -> None:
    colour = _COLOURS[test["state"]]
    _label(ax, -0.01, at, test["label"], ha="right", fontsize=6)
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
