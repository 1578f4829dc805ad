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
PUBLISHED: dict[str, str] = {  # in the wheel; what each is for
    DEFAULT_MODEL: "grey images, or colours one by one; trained on noise of sigma 0 to 55 of 255; the default",
    "fdncnn-wne-colour-s0to55": "colour images; the same noise, independent in each channel",
    "dncnn-wne-s25": "grey images; trained at sigma 25 alone, to compare with its baseline",
    "dncnn-baseline-s25": "grey images; the same network and training without the wrapper",
}
