"""Normalization equivariance for any image-to-image network, and the replication of its paper.

from wne import NormalizationEquivariant
denoiser = NormalizationEquivariant(backbone)     # f(a y + b) = a f(y) + b, exactly
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # "as" makes the names public for type checkers, which do not see HOME
    from wne.equivariance import Defect as Defect
    from wne.equivariance import equivariance_defect as equivariance_defect
    from wne.models import create_denoiser as create_denoiser
    from wne.models import list_denoisers as list_denoisers
    from wne.models.padding import Padded as Padded
    from wne.models.padding import pad_to_multiple as pad_to_multiple
    from wne.moments import instance_statistics as instance_statistics
    from wne.published import load_denoiser as load_denoiser
    from wne.statedict import load_state_dict as load_state_dict
    from wne.testing import assert_normalization_equivariant as assert_normalization_equivariant
    from wne.tiling import Tiled as Tiled
    from wne.tiling import tiled as tiled
    from wne.wrapper import InputNormalized as InputNormalized
    from wne.wrapper import NormalizationEquivariant as NormalizationEquivariant
    from wne.wrapper import ScaleEquivariant as ScaleEquivariant

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
    "load_denoiser": "wne.published",
    "create_denoiser": "wne.models",
    "list_denoisers": "wne.models",
    "Defect": "wne.equivariance",
    "equivariance_defect": "wne.equivariance",
}
__all__ = ["__version__", *HOME]


def __getattr__(name: str) -> object:
    if name not in HOME:
        raise AttributeError(f"module 'wne' has no attribute {name!r}")
    return getattr(import_module(HOME[name]), name)


def __dir__() -> list[str]:
    """With the names that are not loaded yet, for completion."""
    return sorted({*globals(), *HOME})
