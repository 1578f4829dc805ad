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

# Of `wne denoise`, also for colour images, channel by channel: "fdncnn-wne-colour-s0to55" is better where the noise of the
# channels is independent, and removes hardly any noise that they share, as in JPEG files or a grey image saved as RGB.
DEFAULT_MODEL = "fdncnn-wne-s0to55"
PUBLISHED = (DEFAULT_MODEL, "fdncnn-wne-colour-s0to55", "dncnn-wne-s25", "dncnn-baseline-s25")  # in the wheel
