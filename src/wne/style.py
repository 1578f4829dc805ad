"""The look of every figure, and the names of variants, backbones and test sets in figures and tables.

Colours: Okabe and Ito's palette, told apart with every common colour vision; each variant has a marker of
its own as well, so that the figures survive a print in grey.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import matplotlib as mpl

TEXT_WIDTH = 6.3  # inches, of paper/main.tex: figures are included at their natural size
PNG_DPI = 300

RC = {
    "font.family": "STIXGeneral",  # ships with matplotlib: the same letters on every machine
    "mathtext.fontset": "stix",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "legend.columnspacing": 1.4,
    "figure.dpi": PNG_DPI,
    "savefig.dpi": "figure",
    "pdf.fonttype": 42,
    "svg.hashsalt": "wne",
}


class VariantStyle(NamedTuple):
    """How a variant is drawn. `face` is the marker's inside: the colour itself, or white for a hollow one."""

    label: str
    colour: str
    marker: str
    size: float  # points
    face: str
    line: str
    order: int  # higher is drawn later


_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
# NE-arch and WNE nearly coincide: the one is drawn wide and hollow, the other thin and full on top of it.
VARIANTS = {
    "baseline": VariantStyle("Baseline", _VERMILLION, "o", 3.4, _VERMILLION, "-", 3),
    "se_arch": VariantStyle("SE-arch", _PURPLE, "^", 4.0, _PURPLE, "-", 4),
    "ne_arch": VariantStyle("NE-arch", _GREEN, "s", 5.8, "white", "-", 5),
    "wne": VariantStyle("WNE", _BLUE, "D", 2.7, _BLUE, "-", 6),
    "wne_input": VariantStyle("IN (input only)", _ORANGE, "v", 4.0, _ORANGE, "-", 4),
}
BACKBONES = {"dncnn": "DnCNN", "fdncnn": "FDnCNN", "swinir": "SwinIR", "restormer": "Restormer"}
TEST_SETS = {
    "set12": "Set12",
    "bsd68": "BSD68",
    "cbsd68": "CBSD68",
    "photos-test": "photographs",
    "leaves-test": "dead leaves",
}
IDENTITY = {"color": "0.15", "linestyle": (0, (4, 2)), "linewidth": 0.9}
CLIPPED_IDENTITY = {"color": "0.45", "linestyle": (0, (1, 1.5)), "linewidth": 1.1}
TRAINING_NOISE = {"color": "#56B4E9", "linewidth": 1.6, "alpha": 0.8}


def context() -> AbstractContextManager:
    """matplotlib's settings for the time of a drawing."""
    return mpl.rc_context({**mpl.rcParamsDefault, **RC})


def variant_style(variant: str) -> VariantStyle:
    """The style of a variant; grey with its own name for one that has no entry."""
    return VARIANTS.get(variant, VariantStyle(variant, "0.4", "x", 4.0, "0.4", "-", 2))


def variant_label(variant: str) -> str:
    return variant_style(variant).label


def backbone_label(backbone: str) -> str:
    return BACKBONES.get(backbone, backbone)


def test_set_label(test_set: str) -> str:
    return TEST_SETS.get(test_set, test_set)
