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

HALVES = ((0.0, 0.5), (0.5, 1.0))  # of a figure, for `Panels.legend`
SINGLE_WIDTH = 3.5  # inches, of a figure with one panel
_LEFT, _RIGHT = 0.45, 0.07  # beside the panels: tick labels and the label of the axis; half of the last tick label
_GAP_SHARED, _GAP_OWN = 0.14, 0.55  # between columns whose y axis is labelled once, or for each of them
_BELOW = 0.40  # a panel: tick labels and the label of the axis
_TITLE, _TOP_AXIS = 0.21, 0.29  # above a panel
_SUPTITLE = 0.22
_LEGEND_LINE, _LEGEND_GAP = 0.185, 0.02


class Panels:
    """A figure of the text width (less for one panel) and its axes, (rows, columns).

    legend_lines: lines of `legend` to leave room for. height: of a panel in inches; None makes it square.
    own_y: every column has labels on its y axis, not the first alone. top_axis, suptitle: leave room for a second
    axis above each panel, for a line above all. below: inches below a panel of any row but the last. left: inches
    beside the first column.
    """

    def __init__(
        self, rows: int, columns: int, *, legend_lines: int, height: float | None = None, own_y: bool = False,
        top_axis: bool = True, suptitle: bool = False, below: float = _BELOW,
        left: float = _LEFT,
    ):  # fmt: skip
        width = style.TEXT_WIDTH if columns > 1 else SINGLE_WIDTH
        gap = _GAP_OWN if own_y else _GAP_SHARED
        side = (width - left - _RIGHT - gap * (columns - 1)) / columns
        height = side if height is None else height
        above = _TITLE + (_TOP_AXIS if top_axis else 0.0)
        foot = legend_lines * _LEGEND_LINE + (_LEGEND_GAP if legend_lines else 0.0) + _BELOW
        total = foot + rows * (above + height) + (rows - 1) * below + (_SUPTITLE if suptitle else 0.0)
        self.figure, self.axes = Figure(figsize=(width, total)), np.empty((rows, columns), dtype=object)
        self._has_top = dict.fromkeys(range(rows * columns), top_axis)
        for row, column in np.ndindex(rows, columns):
            start = left + column * (side + gap)
            bottom = foot + (rows - 1 - row) * (above + height + below)
            place = start / width, bottom / total, side / width, height / total
            self.axes[row, column] = self.figure.add_axes(place)
            if column and not own_y:
                self.axes[row, column].tick_params(labelleft=False)

    def title(self, index: int, text: str, lettered: bool = True) -> None:
        """The title of the panel of that number, with its letter where there are several."""
        start = f"({chr(ord('a') + index)}) " if lettered and self.axes.size > 1 else ""
        # With y given, matplotlib does not search for room, in every drawing anew.
        self.axes.flat[index].set_title(
            start + text, y=1.0, pad=72 * _TOP_AXIS + 2 if self._has_top[index] else 4, linespacing=0.95
        )

    def fill_top(self, index: int) -> Axes:
        """Lets a panel without a second axis above it fill the room left for one."""
        ax, self._has_top[index] = self.axes.flat[index], False
        box = ax.get_position()
        ax.set_position((box.x0, box.y0, box.width, box.height + _TOP_AXIS / self.figure.get_figheight()))
        return ax

    def hide_after(self, panels: int) -> None:
        """Switches off what is left of the grid."""
        for ax in self.axes.flat[panels:]:
            ax.set_axis_off()

    def note(self, text: str, line: int = 0) -> None:
        """Small text in the place of a legend line, counted from the foot, that is left blank."""
        place = 0.5, (line + 0.5) * _LEGEND_LINE / self.figure.get_figheight()
        self.figure.text(*place, text, ha="center", va="center", fontsize=8)

    def legend(
        self, lines: Sequence[Iterable], between: tuple[float, float] = (0.0, 1.0), spread: float = 1.1
    ) -> Figure:
        """Legend lines at the foot, one for each list of handles, centred between two fractions of the figure.

        An empty list leaves its line blank. `spread`: space between entries, in letters.
        """
        for index, handles in enumerate(reversed([list(line) for line in lines])):
            if handles:
                place = sum(between) / 2, index * _LEGEND_LINE / self.figure.get_figheight()
                self.figure.legend(
                    handles=handles, loc="lower center", bbox_to_anchor=place, ncols=len(handles), borderaxespad=0.0,
                    borderpad=0.2, handlelength=1.8, handletextpad=0.5, columnspacing=spread,
                )  # fmt: skip
        return self.figure
