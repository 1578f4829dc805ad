"""Where each backbone is, and the names of the published weights. A new backbone is a module in models/ and a line here."""

from __future__ import annotations

# Backbone -> "module:class"; imported when first built, because timm takes seconds to import.
BACKBONES: dict[str, str] = {
    "dncnn": "wne.models.dncnn:DnCNN",
    "fdncnn": "wne.models.dncnn:FDnCNN",
    "swinir": "wne.models.swinir:SwinIR",
    "restormer": "wne.models.restormer:Restormer",
}
TIMM_ENCODER = "wne.models.timm_encoder:TimmDenoiser"  # of every "timm:<name>"

DEFAULT_MODEL = "fdncnn-wne-s0to55"  # of `wne denoise`: for grey images with noise of any level
PUBLISHED = ("dncnn-baseline-s25", "dncnn-wne-s25", DEFAULT_MODEL)  # in the wheel; the repository has further networks
