"""The look of every figure.

Colours: Okabe and Ito's palette, told apart with every common colour vision; each variant has a marker of
its own as well, so that the figures survive a print in grey.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from replication.study import labels

TEXT_WIDTH = 6.3  # inches, of paper/main.tex: figures are included at their natural size
PNG_DPI = 300

RC = {
    "font.family": "STIXGeneral",  # ships with matplotlib: the same letters on every machine
    "mathtext.fontset": "stix", "font.size": 9.0, "axes.titlesize": 9.5, "axes.labelsize": 9.0, "legend.fontsize": 8.5,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0,
    "axes.linewidth": 0.6, "axes.grid": True, "axes.axisbelow": True, "grid.color": "0.9", "grid.linewidth": 0.5,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "xtick.direction": "in", "ytick.direction": "in", "lines.linewidth": 1.2, "lines.markersize": 3.6,
    "legend.frameon": False, "legend.handlelength": 2.0, "legend.columnspacing": 1.4,
    "figure.dpi": PNG_DPI, "savefig.dpi": "figure", "pdf.fonttype": 42, "svg.hashsalt": "wne",
}  # fmt: skip


class VariantStyle(NamedTuple):
    """How a variant is drawn. `face` is the marker's inside: the colour itself, or white for a hollow one."""

    label: str
    colour: str
    marker: str
    size: float  # points
    face: str
    line: str | tuple  # of matplotlib: a name, or an offset and dashes
    order: int  # higher is drawn later

    def as_line(self) -> dict[str, object]:
        """For a matplotlib line. A look without marker is thin: of a denoiser that is there for comparison only."""
        return {
            "label": self.label, "color": self.colour, "linestyle": self.line, "marker": self.marker,
            "linewidth": 1.2 if self.marker else 0.8, "markersize": self.size, "markerfacecolor": self.face,
            "markeredgewidth": 0.9,
        }  # fmt: skip

    def as_papers(self) -> dict[str, object]:
        """For the paper's own curve of the variant: thin and grey, told apart by a small marker."""
        return {**PAPER, "label": "_paper", "marker": self.marker, "markersize": 2.0, "markeredgewidth": 0}


_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
_WINE = "#882255"  # Tol's: the rest of the palette above is too pale for a line, or taken
# NE-arch and WNE nearly coincide: the one is drawn wide and hollow, the other thin and full on top of it.
_VARIANTS = {
    "baseline": (_VERMILLION, "o", 3.4, _VERMILLION, "-", 3),
    "se_arch": (_PURPLE, "^", 4.0, _PURPLE, "-", 4),
    "ne_arch": (_GREEN, "s", 5.8, "white", "-", 5),
    "wne": (_BLUE, "D", 2.7, _BLUE, "-", 6),
    "wne_input": (_ORANGE, "v", 4.0, _ORANGE, "-", 4),
    # A baseline trained with another objective, where it stands beside the others.
    "soft_ne": (_WINE, "P", 4.6, _WINE, "-", 4),
}
VARIANTS = {key: VariantStyle(labels.VARIANTS[key], *look) for key, look in _VARIANTS.items()}
# Denoisers without training of their own, in colours and markers of no variant. Classical ones without the wrapper
# are drawn hollow and dashed.
BROWN, _INDIGO, _OLIVE = "#6B4226", "#332288", "#999933"
_CONTROLS = {
    "oracle": (BROWN, ">", 4.6, "white", "-", 4),
    "oracle_about_zero": (BROWN, "<", 4.0, BROWN, (0, (4, 1.5)), 4),
    "wrapped_at_test": (_INDIGO, "X", 4.2, _INDIGO, "-", 2),
    "wrapped_at_test_rescaled": (_OLIVE, "*", 5.6, _OLIVE, "-", 2),
    "tv": (_INDIGO, ">", 4.2, _INDIGO, "-", 4),
    "nlm": (BROWN, "<", 4.2, BROWN, "-", 3),
    "wavelet": (_OLIVE, "X", 4.4, _OLIVE, "-", 2),
}
CONTROLS = {key: VariantStyle(labels.CONTROLS[key], *look) for key, look in _CONTROLS.items()}
PAPER = {"color": "0.6", "linestyle": "-", "linewidth": 0.7}
IDENTITY = {"color": "0.15", "linestyle": (0, (4, 2)), "linewidth": 0.9}
CLIPPED_IDENTITY = {"color": "0.45", "linestyle": (0, (1, 1.5)), "linewidth": 1.1}
TRAINING_NOISE = {"color": "#56B4E9", "linewidth": 1.6, "alpha": 0.8}
TRAINING_RANGE = {"color": "#56B4E9", "alpha": 0.15, "linewidth": 0}


def context() -> AbstractContextManager:
    """matplotlib's settings for the time of a drawing."""
    return mpl.rc_context({**mpl.rcParamsDefault, **RC})


def variant_style(variant: str) -> VariantStyle:
    """The style of a variant; grey with its own name for one that has no entry."""
    return VARIANTS.get(variant, VariantStyle(variant, "0.4", "x", 4.0, "0.4", "-", 2))


def level_colours(sigmas: Iterable[float]) -> dict[float, tuple]:
    """sigma -> colour, from dark to light with sigma: levels are ordered, unlike variants."""
    levels = np.unique(pd.Series(sigmas).dropna())
    return dict(zip(levels, mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(levels)))))


def level_lines(colours: dict[float, tuple]) -> list[Line2D]:
    """For a legend, what `level_colours` chose."""
    return [Line2D([], [], color=colour, label=f"$\\sigma$ = {sigma:g}") for sigma, colour in colours.items()]
