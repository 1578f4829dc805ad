"""Where each backbone is. A new one is a module in models/ and a line here."""

from __future__ import annotations

# Backbone -> "module:class"; imported when first built, because timm takes seconds to import.
BACKBONES: dict[str, str] = {
    "dncnn": "wne.models.dncnn:DnCNN",
    "fdncnn": "wne.models.dncnn:FDnCNN",
    "swinir": "wne.models.swinir:SwinIR",
    "restormer": "wne.models.restormer:Restormer",
}
TIMM_ENCODER = "wne.models.timm_encoder:TimmDenoiser"  # of every "timm:<name>"
