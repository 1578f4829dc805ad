"""Normalization equivariance for any image-to-image network, and the replication of its paper.

from wne import NormalizationEquivariant
denoiser = NormalizationEquivariant(backbone)     # f(a y + b) = a f(y) + b, exactly
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wne.checkpoints import load_denoiser
    from wne.equivariance import Defect, equivariance_defect
    from wne.models import create_denoiser, list_denoisers
    from wne.models.padding import Padded, pad_to_multiple
    from wne.moments import instance_statistics
    from wne.statedict import load_state_dict
    from wne.testing import assert_normalization_equivariant
    from wne.tiling import Tiled, tiled
    from wne.wrapper import InputNormalized, NormalizationEquivariant, ScaleEquivariant

__version__ = "0.1.0"

# Loaded on first use: figures and tables are drawn from CSV files without importing torch.
HOME = {
    "NormalizationEquivariant": "wne.wrapper",
    "ScaleEquivariant": "wne.wrapper",
    "InputNormalized": "wne.wrapper",
    "instance_statistics": "wne.moments",
    "load_state_dict": "wne.statedict",
    "Padded": "wne.models.padding",
    "pad_to_multiple": "wne.models.padding",
    "Tiled": "wne.tiling",
    "tiled": "wne.tiling",
    "assert_normalization_equivariant": "wne.testing",
    "load_denoiser": "wne.checkpoints",
    "create_denoiser": "wne.models",
    "list_denoisers": "wne.models",
    "Defect": "wne.equivariance",
    "equivariance_defect": "wne.equivariance",
}
__all__ = [
    "Defect",
    "InputNormalized",
    "NormalizationEquivariant",
    "Padded",
    "ScaleEquivariant",
    "Tiled",
    "__version__",
    "assert_normalization_equivariant",
    "create_denoiser",
    "equivariance_defect",
    "instance_statistics",
    "list_denoisers",
    "load_denoiser",
    "load_state_dict",
    "pad_to_multiple",
    "tiled",
]


def __getattr__(name: str) -> object:
    if name not in HOME:
        raise AttributeError(f"module 'wne' has no attribute {name!r}")
    return getattr(import_module(HOME[name]), name)
