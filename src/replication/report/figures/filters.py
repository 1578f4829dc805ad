"""Rows of the Jacobian as filters, of a baseline and of WNE (Figure 5)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from replication.report import style
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Filters, Params
from replication.study.paths import ProfilePaths

_GROUP = "swinir"
_VARIANTS = ("baseline", "wne")
_LETTERS = "ABCDEFGH"  # of the pixels
_LEFT, _HEAD, _FOOT = 0.22, 0.40, 0.50  # inches: labels of the rows, titles above, colour bar below
_GAP, _WIDE_GAP, _CAPTION = 0.05, 0.14, 0.32  # between panels, between variants, below each row
_MARK = {"marker": "s", "markersize": 3.6, "markerfacecolor": "none", "markeredgewidth": 0.8, "linestyle": "none"}
_FILTER_MARK, _PICTURE_MARK = "0.1", "#E69F00"


def fig05(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 5: for each sigma_test, the noisy crop and, by baseline and WNE, the denoised crop and its filters.

    A filter is shown in a window of half the crop's side, framed in the crop, with a square at its output pixel; the
    numbers below it, sum and effective number of pixels n (see replication.experiments.filters), are of the whole
    crop. All filters have one colour scale, which is linear in the root of the weight: faint tails count.
    """
    items = [(name, spec) for name, spec in params.reported("filters").items() if spec.group == _GROUP]
    first = {params.runs[run].variant: run for _, spec in items[:1] for run in reversed(spec.runs)}
    if not set(_VARIANTS) <= set(first):
        raise CollectError(f"{params.params_file}: filters needs an item of {_GROUP} with {' and '.join(_VARIANTS)}")
    (item, spec), runs = items[0], [first[variant] for variant in _VARIANTS]
    arrays = {(run, sigma): _read(paths, item, run, sigma) for run in runs for sigma in spec.sigmas}
    largest = max(np.abs(array["filters"].astype(float)).max() for array in arrays.values())
    norm = FuncNorm((lambda w: np.sign(w) * np.sqrt(np.abs(w)), lambda r: np.sign(r) * r**2), -largest, largest)
    table = summary.filters[summary.filters["item"] == item]
    grid = _Grid(len(spec.sigmas), len(runs), len(spec.pixels))
    for line, sigma in enumerate(spec.sigmas):
        rows = table[table["sigma_test"] == sigma]
        ax = grid.panel(line, 0)
        _picture(ax, arrays[runs[0], sigma]["noisy"])
        _caption(ax, f"{rows['input_psnr'].iloc[0]:.2f} dB")
        ax.set_ylabel(f"$\\sigma$ = {sigma:g}", labelpad=2)
        for block, run in enumerate(runs):
            _draw_run(grid, line, block, arrays[run, sigma], rows[rows["run"] == run], spec, norm)
    grid.panel(0, 0).set_title("noisy", fontsize=8.5, pad=3)
    for block, run in enumerate(map(params.runs.get, runs)):
        grid.head(block, labels.denoiser_label(params.models[run.model].backbone, run.variant))
    grid.colour_bar(norm)
    return grid.figure


def _read(paths: ProfilePaths, item: str, run: str, sigma: float) -> dict[str, np.ndarray]:
    file = paths.analysis("filters", item) / f"{run}-{sigma:g}.npz"
    if not file.is_file():
        raise CollectError(f"{file}: missing; make it with: replicate filters {item}")
    with np.load(file) as arrays:
        return {key: arrays[key] for key in arrays.files}


class _Grid:
    """Square panels: the noisy crop, then for each run the denoised crop and a filter for each pixel."""

    def __init__(self, lines: int, runs: int, pixels: int):
        self.per_run = 1 + pixels
        columns = 1 + runs * self.per_run
        gaps = runs * (_WIDE_GAP + pixels * _GAP)
        self.side = (style.TEXT_WIDTH - _LEFT - 0.02 - gaps) / columns
        self.height = _HEAD + lines * (self.side + _CAPTION) + _FOOT
        self.figure = Figure(figsize=(style.TEXT_WIDTH, self.height))
        self._panels: dict[tuple[int, int], Axes] = {}

    def _left(self, column: int) -> float:
        blocks = -(-column // self.per_run)  # begun to the left of the panel
        return _LEFT + column * (self.side + _GAP) + blocks * (_WIDE_GAP - _GAP)

    def panel(self, line: int, column: int) -> Axes:
        if (line, column) not in self._panels:
            bottom = self.height - _HEAD - line * (self.side + _CAPTION) - self.side
            size = self.side / style.TEXT_WIDTH, self.side / self.height
            ax = self.figure.add_axes((self._left(column) / style.TEXT_WIDTH, bottom / self.height, *size))
            ax.set(xticks=[], yticks=[])
            self._panels[line, column] = ax
        return self._panels[line, column]

    def head(self, block: int, text: str) -> None:
        """The name of a run above its panels, with a rule."""
        first = 1 + block * self.per_run
        left, right = self._left(first), self._left(first + self.per_run - 1) + self.side
        y = 1 - 0.20 / self.height
        self.figure.text((left + right) / 2 / style.TEXT_WIDTH, y + 0.03 / self.height, text, ha="center")
        ends = [left / style.TEXT_WIDTH, right / style.TEXT_WIDTH]
        self.figure.add_artist(Line2D(ends, [y, y], color="0.3", linewidth=0.6))

    def colour_bar(self, norm: FuncNorm) -> None:
        width, height = 2.4 / style.TEXT_WIDTH, 0.09 / self.height
        ax = self.figure.add_axes((0.5 - width / 2, 0.31 / self.height, width, height))
        values = np.linspace(-np.sqrt(norm.vmax), np.sqrt(norm.vmax), 256)
        ax.imshow(values[None] * np.abs(values[None]), cmap="RdBu", norm=norm, aspect="auto", extent=(-1, 1, 0, 1))
        weights = _round_weights(norm.vmax)
        places = [np.sign(w) * np.sqrt(abs(w) / norm.vmax) for w in weights]
        ax.set_xticks(places, [f"{w:g}".replace("-", "\N{MINUS SIGN}") for w in weights], fontsize=7)
        ax.set(yticks=[])
        ax.grid(False)
        ax.tick_params(length=2, pad=1.5, direction="out")
        ax.set_xlabel("weight of an input pixel in the output pixel marked by the square", fontsize=7.5, labelpad=1.5)


def _round_weights(largest: float) -> list[float]:
    """0, a round number below the largest weight, and a tenth of it, with both signs."""
    power = 10.0 ** np.floor(np.log10(largest))
    top = power * max(digit for digit in (1, 2, 5) if digit * power <= largest)
    return [-top, -top / 10, 0.0, top / 10, top]


def _draw_run(
    grid: _Grid, line: int, block: int, arrays: dict[str, np.ndarray], rows: pd.DataFrame, spec: Filters, norm: FuncNorm
) -> None:
    first = 1 + block * grid.per_run
    ax = grid.panel(line, first)
    _picture(ax, arrays["denoised"])
    _frame_windows(ax, spec)
    _caption(ax, f"{rows['psnr'].iloc[0]:.2f} dB\n$\\rho$ = {_scientific(rows['rho'].iloc[0])}")
    if line == 0:
        ax.set_title("denoised", fontsize=8.5, pad=3)
    for index, (row, column) in enumerate(spec.pixels):
        ax = grid.panel(line, first + 1 + index)
        weights = arrays["filters"][index].astype(float)
        _picture(ax, weights, cmap="RdBu", norm=norm)
        ax.plot([column], [row], color=_FILTER_MARK, **_MARK)
        top, left, side = _window(spec, (row, column))
        ax.set(xlim=(left - 0.5, left + side - 0.5), ylim=(top + side - 0.5, top - 0.5))
        facts = rows[(rows["row"] == row) & (rows["column"] == column)].iloc[0]
        _caption(ax, f"$\\Sigma$ = {facts['row_sum']:.3f}\n$n$ = {facts['effective_pixels']:.0f}")
        if line == 0:
            ax.set_title(f"filter {_LETTERS[index]}", fontsize=8.5, pad=3)


def _picture(ax: Axes, pixels: np.ndarray, **scale: object) -> None:
    ax.imshow(pixels, **(scale or {"cmap": "gray", "vmin": 0, "vmax": 255}), interpolation="none")
    ax.grid(False)


def _frame_windows(ax: Axes, spec: Filters) -> None:
    for name, pixel in zip(_LETTERS, spec.pixels):
        top, left, side = _window(spec, pixel)
        ax.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, color=_PICTURE_MARK, linewidth=0.7))
        ax.plot([pixel[1]], [pixel[0]], color=_PICTURE_MARK, marker="s", markersize=2.0, linestyle="none")
        ax.text(
            left + 0.5, top + 0.5, name, ha="left", va="top", fontsize=7, fontweight="bold", color=_PICTURE_MARK,
            path_effects=[withStroke(linewidth=1.2, foreground="0.1")],
        )  # fmt: skip


def _window(spec: Filters, pixel: tuple[int, int]) -> tuple[int, int, int]:
    """(top, left, side) of the part of the crop about a pixel that its filter is shown in."""
    side = spec.size // 2
    top, left = (min(max(place - side // 2, 0), spec.size - side) for place in pixel)
    return top, left, side


def _caption(ax: Axes, text: str) -> None:
    ax.text(0.5, -0.04, text, transform=ax.transAxes, ha="center", va="top", fontsize=7.5, linespacing=1.15)


def _scientific(value: float) -> str:
    """Three digits, or the power of ten of what rounding leaves."""
    if value >= 5e-4 or value == 0:
        return f"{value:.3f}"
    return f"$10^{{{round(np.log10(value))}}}$"
