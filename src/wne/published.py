"""The trained weights that come with the library, by name."""

from __future__ import annotations

from pathlib import Path

from wne.checkpoints import CheckpointError
from wne.registry import PUBLISHED


def pretrained_folder() -> Path:
    """Where the published weights are: inside the installed package, or in the repository that it is run from."""
    installed = Path(__file__).parent / "pretrained"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "results/published/weights"


def find_weights(model: str) -> Path:
    """The file of a published name, or the file of that path.

    Raises:
        CheckpointError: neither.
    """
    if model in PUBLISHED:
        return pretrained_folder() / f"{model}.safetensors"
    if Path(model).is_file():
        return Path(model)
    raise CheckpointError(
        f"{model}: no such checkpoint, and no published weights of that name ({', '.join(PUBLISHED)})"
    )
