"""The names of variants, backbones, test sets and recipes, as figures, tables and text print them."""

from __future__ import annotations

VARIANTS = {
    "baseline": "Baseline",
    "se_arch": "SE-arch",
    "ne_arch": "NE-arch",
    "wne": "WNE",
    "wne_input": "IN (input only)",
    "soft_ne": "Soft-NE",  # a baseline trained with another objective, where it stands beside the others
}
CONTROLS = {
    "oracle": "Oracle, about the mean",
    "oracle_about_zero": "Oracle, about 0",
    "wrapped_at_test": "Wrapped at test",
    "wrapped_at_test_rescaled": "Wrapped at test, rescaled",
    "tv": "Total variation",
    "nlm": "Non-local means",
    "wavelet": "Wavelet",
}
NULL_MODELS = {"identity": "Identity", "blur": "Gaussian blur"}  # of replication.experiments.errors
DEGRADATIONS = {"blur": "deblurring", "downsample": "super-resolution"}
LOSSES = {"l1": "L1", "mse": "MSE"}
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "muon": "Muon"}
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


def variant_label(variant: str) -> str:
    return VARIANTS.get(variant, variant)


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
    """The name of a denoiser without training; one in the wrapper says so, unless its name does already."""
    label = CONTROLS[denoiser]
    return f"{label}, wrapped" if wrapped and not denoiser.startswith("wrapped") else label


def recipe_label(loss: str, schedule: str) -> str:
    """ "L1, constant rate" of a recipe's loss and schedule."""
    return f"{LOSSES[loss]}, {SCHEDULES[schedule]}" + ("" if schedule == "one_cycle" else " rate")
