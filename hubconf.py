"""Entry points of torch.hub: the wrapper, networks by name, and the published weights.

torch.hub.load("<owner>/<repository>", "fdncnn_wne_s0to55")     # or a clone: ("path/to/it", ..., source="local")
torch.hub.load("<owner>/<repository>", "NormalizationEquivariant", backbone)
"""

import sys
from pathlib import Path as _Path  # torch.hub lists every public name that can be called

dependencies = ["numpy", "safetensors", "torch"]

sys.path.insert(0, str(_Path(__file__).parent / "src"))  # torch.hub adds this folder only, and the package is below
from wne import NormalizationEquivariant, create_denoiser  # noqa: E402, F401
from wne import load_denoiser as _load_denoiser  # noqa: E402

sys.path.pop(0)


def fdncnn_wne_s0to55(device="cpu"):
    """FDnCNN with WNE for grey images with noise of any level: (B, 1, H, W) in any range to the same."""
    return _load_denoiser("fdncnn-wne-s0to55", device)


def fdncnn_wne_colour_s0to55(device="cpu"):
    """The same for colour images with independent noise in each channel: (B, 3, H, W)."""
    return _load_denoiser("fdncnn-wne-colour-s0to55", device)


def dncnn_wne_s25(device="cpu"):
    """DnCNN with WNE for grey images, trained at sigma 25 of 255: (B, 1, H, W) in any range to the same."""
    return _load_denoiser("dncnn-wne-s25", device)


def dncnn_baseline_s25(device="cpu"):
    """The same DnCNN without the wrapper: (B, 1, H, W), clean range [0, 1], to the same."""
    return _load_denoiser("dncnn-baseline-s25", device)
