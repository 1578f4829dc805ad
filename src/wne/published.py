"""The trained weights that come with the library, by name."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from wne import checkpoints
from wne.checkpoints import CheckpointError
from wne.registry import PUBLISHED


def pretrained_folder() -> Path:
    """Where the published weights are: inside the installed package, or in the repository that it is run from."""
    installed = Path(__file__).parent / "pretrained"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "results/published/weights"


def load_denoiser(model: str | Path, device: torch.device | str = "cpu") -> nn.Module:
    """A trained denoiser by its name (`wne list`) or the path of its checkpoint: evaluation mode, float32, channels-last.

    Raises:
        CheckpointError: neither; a damaged file, a pickle, or a configuration inside that describes no network.
    """
    return checkpoints.load_denoiser(find_weights(model), device)


def find_weights(model: str | Path) -> Path:
    """The file of a published name, or the file of that path.

    Raises:
        CheckpointError: neither.
    """
    if str(model) in PUBLISHED:
        return pretrained_folder() / f"{model}.safetensors"
    if Path(model).is_file():
        return Path(model)
    raise CheckpointError(
        f"{model}: no such checkpoint, and no published weights of that name ({', '.join(PUBLISHED)})"
    )
