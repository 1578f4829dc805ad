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
    line: str | tuple  # of matplotlib: a name, or an offset and dashes
    order: int  # higher is drawn later


_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
_WINE = "#882255"  # Tol's: the rest of the palette above is too pale for a line, or taken
# NE-arch and WNE nearly coincide: the one is drawn wide and hollow, the other thin and full on top of it.
VARIANTS = {
    "baseline": VariantStyle("Baseline", _VERMILLION, "o", 3.4, _VERMILLION, "-", 3),
    "se_arch": VariantStyle("SE-arch", _PURPLE, "^", 4.0, _PURPLE, "-", 4),
    "ne_arch": VariantStyle("NE-arch", _GREEN, "s", 5.8, "white", "-", 5),
    "wne": VariantStyle("WNE", _BLUE, "D", 2.7, _BLUE, "-", 6),
    "wne_input": VariantStyle("IN (input only)", _ORANGE, "v", 4.0, _ORANGE, "-", 4),
    # A baseline trained with another objective, where it stands beside the others.
    "soft_ne": VariantStyle("Soft-NE", _WINE, "P", 4.6, _WINE, "-", 4),
}
# Denoisers without training of their own. Bare classical ones are drawn hollow and dashed.
CONTROLS = {
    "oracle": VariantStyle("Oracle, about the mean", _GREEN, "s", 4.4, "white", "-", 4),
    "oracle_about_zero": VariantStyle("Oracle, about 0", _GREEN, "^", 3.8, _GREEN, (0, (4, 1.5)), 4),
    "wrapped_at_test": VariantStyle("Wrapped at test", _PURPLE, "v", 3.8, _PURPLE, "-", 2),
    "wrapped_at_test_rescaled": VariantStyle("Wrapped at test, rescaled", _ORANGE, "P", 4.4, _ORANGE, "-", 2),
    "tv": VariantStyle("Total variation", _WINE, "o", 3.6, _WINE, "-", 4),
    "nlm": VariantStyle("Non-local means", _GREEN, "s", 3.6, _GREEN, "-", 3),
    "wavelet": VariantStyle("Wavelet", _ORANGE, "^", 4.0, _ORANGE, "-", 2),
}
LOSSES = {"l1": "L1", "mse": "MSE"}
SCHEDULES = {"constant": "constant", "halving": "halved", "one_cycle": "one cycle", "cosine": "cosine"}
BACKBONES = {"dncnn": "DnCNN", "fdncnn": "FDnCNN", "swinir": "SwinIR", "restormer": "Restormer"}
TEST_SETS = {
    "set12": "Set12",
    "bsd68": "BSD68",
    "cbsd68": "CBSD68",
    "photos-test": "photographs",
    "leaves-test": "dead leaves",
    "photos-colour-test": "colour photographs",
    "sidd-validation": "SIDD validation",
    "polyu-test": "PolyU (JPEG)",
    "sensor-test": "simulated sensor noise",
}
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


def variant_label(variant: str) -> str:
    return variant_style(variant).label


def backbone_label(backbone: str) -> str:
    return BACKBONES.get(backbone, backbone)


def denoiser_label(backbone: str, variant: str) -> str:
    """Both in one word or two: "SwinIR", "SwinIR-WNE", "DnCNN-IN", "FDnCNN SE-arch"."""
    if variant == "baseline":
        return backbone_label(backbone)
    short = variant_label(variant).split(" (")[0]
    return f"{backbone_label(backbone)}{' ' if '-' in short else '-'}{short}"


def trained_label(variant: str, objective: str) -> str:
    """The variant with its objective where that is Noise2Noise: "WNE-N2N", "Baseline-N2N"."""
    return f"{variant_label(variant)}-N2N" if objective == "n2n" else variant_label(variant)


def test_set_label(test_set: str) -> str:
    return TEST_SETS.get(test_set, test_set)


def control_label(denoiser: str, wrapped: bool) -> str:
    """Of a denoiser without training: what is wrapped says so, unless its name does."""
    label = CONTROLS[denoiser].label
    return f"{label}, wrapped" if wrapped and not denoiser.startswith("wrapped") else label


def recipe_label(loss: str, schedule: str) -> str:
    """ "L1, constant rate" of a recipe's loss and schedule."""
    return f"{LOSSES[loss]}, {SCHEDULES[schedule]}" + ("" if schedule == "one_cycle" else " rate")
