"""Figures of equal panels on a grid laid out in inches, with legends below.

The places are computed, not searched for: matplotlib's constrained layout takes most of the time of a drawing,
and gives panels of unequal size where their labels differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from replication.report import style

SINGLE_WIDTH = 3.5  # inches, of a figure with one panel
_LEFT, _RIGHT = 0.45, 0.07  # beside the panels: tick labels and the label of the axis; half of the last tick label
_GAP_SHARED, _GAP_OWN = 0.14, 0.55  # between columns whose y axis is labelled once, or for each of them
_BELOW = 0.40  # a panel: tick labels and the label of the axis
_TITLE, _TOP_AXIS = 0.21, 0.29  # above a panel
_SUPTITLE = 0.22
_LEGEND_LINE, _LEGEND_GAP = 0.185, 0.02


def panel_grid(
    rows: int,
    columns: int,
    *,
    legend_lines: int,
    height: float | None = None,
    own_y: bool = False,
    top_axis: bool = True,
    suptitle: bool = False,
    below: float = _BELOW,
) -> tuple[Figure, np.ndarray]:
    """A figure of the text width (less for one panel) and its axes, (rows, columns).

    Args:
        legend_lines: lines of `legend_below` to leave room for.
        height: of a panel in inches; None makes it square.
        own_y: every column has labels on its y axis, not the first alone.
        top_axis: leave room for a second axis above each panel.
        suptitle: leave room for a line above all panels.
        below: inches below a panel of any row but the last, which has room for the label of its axis.
    """
    width = style.TEXT_WIDTH if columns > 1 else SINGLE_WIDTH
    gap = _GAP_OWN if own_y else _GAP_SHARED
    side = (width - _LEFT - _RIGHT - gap * (columns - 1)) / columns
    height = side if height is None else height
    above = _TITLE + (_TOP_AXIS if top_axis else 0.0)
    legend = legend_lines * _LEGEND_LINE + (_LEGEND_GAP if legend_lines else 0.0)
    foot = legend + _BELOW
    total = foot + rows * (above + height) + (rows - 1) * below + (_SUPTITLE if suptitle else 0.0)
    figure = Figure(figsize=(width, total))
    axes = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        left = _LEFT + column * (side + gap)
        bottom = foot + (rows - 1 - row) * (above + height + below)
        axes[row, column] = figure.add_axes((left / width, bottom / total, side / width, height / total))
        if column and not own_y:
            axes[row, column].tick_params(labelleft=False)
    return figure, axes


def fill_top(ax: Axes) -> None:
    """Lets a panel without a second axis above it fill the room left for one."""
    box = ax.get_position()
    ax.set_position((box.x0, box.y0, box.width, box.height + _TOP_AXIS / ax.figure.get_figheight()))


def set_title(ax: Axes, title: str, top_axis: bool = True) -> None:
    """The title of a panel of `panel_grid`, above its second axis."""
    # With y given, matplotlib does not search for room, in every drawing anew.
    ax.set_title(title, y=1.0, pad=72 * _TOP_AXIS + 2 if top_axis else 4)


def letter(index: int, panels: int) -> str:
    """ "(a) " and so on, nothing for a figure of one panel."""
    return f"({'abcdefghijklmnopqrstuvwxyz'[index]}) " if panels > 1 else ""


def legend_below(
    figure: Figure, lines: Sequence[Iterable], between: tuple[float, float] = (0.0, 1.0), spread: float = 1.1
) -> None:
    """Legend lines at the foot of the figure, one for each list of handles, centred between two fractions of it.

    An empty list leaves its line blank. `spread`: space between entries, in letters.
    """
    inches = figure.get_figheight()
    for index, handles in enumerate(reversed(list(lines))):
        if handles := list(handles):
            figure.legend(
                handles=handles,
                loc="lower center",
                bbox_to_anchor=(sum(between) / 2, index * _LEGEND_LINE / inches),
                ncols=len(handles),
                borderaxespad=0.0,
                borderpad=0.2,
                handlelength=1.8,
                handletextpad=0.5,
                columnspacing=spread,
            )
