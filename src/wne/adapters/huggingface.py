"""Denoisers for the Hugging Face Hub: `save_pretrained`, `from_pretrained` and `push_to_hub`.

A folder or repository holds config.json, the arguments of `create_denoiser`, and model.safetensors, the weights under
the names that they have there. Nothing in either is executed.
"""

from __future__ import annotations

from pathlib import Path

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors.torch import save_file
from torch import Tensor, nn

from wne.checkpoints import CheckpointError, load_weights, read_config
from wne.files import replacing
from wne.models import create_denoiser
from wne.published import find_weights


class HubDenoiser(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="wne",
    pipeline_tag="image-to-image",
    tags=["image-denoising", "normalization-equivariance"],
    paper_url="https://arxiv.org/abs/2605.08193",
):
    """A denoiser of `create_denoiser` with huggingface_hub's methods; needs `pip install huggingface_hub`.

    (B, channels, H, W) to the same shape. Arguments are those of `create_denoiser`; they become config.json, so
    `size` must consist of values that JSON has. `denoiser` is the network itself. A network of your own gets the same
    methods by inheriting from `PyTorchModelHubMixin` beside `nn.Module`.

    Raises:
        ValueError: an unknown backbone or variant.
        CheckpointError: in `from_pretrained`, no config.json, no safetensors, or weights that do not fit exactly.
    """

    def __init__(self, backbone: str, variant: str = "wne", channels: int = 1, **size: object):
        super().__init__()
        self.denoiser = create_denoiser(backbone, variant, channels=channels, **size)

    def forward(self, y: Tensor, *args: object, **kwargs: object) -> Tensor:
        return self.denoiser(y, *args, **kwargs)

    @classmethod
    def from_checkpoint(cls, checkpoint: Path | str) -> HubDenoiser:
        """A checkpoint of this project, or published weights by name, in evaluation mode."""
        path = find_weights(str(checkpoint))
        config, _ = read_config(path)
        model = cls(variant=config["variant"], channels=config["task"]["channels"], **config["model"])
        load_weights(model.denoiser, path, "the configuration inside")
        return model.eval()

    # What PyTorchModelHubMixin asks its heirs for. Its own versions load what fits and are silent about the rest.

    def _save_pretrained(self, save_directory: Path) -> None:
        weights = {name: value.detach().contiguous() for name, value in self.denoiser.state_dict().items()}
        with replacing(save_directory / "model.safetensors") as temporary:
            save_file(weights, temporary, metadata={"format": "pt"})

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: object) -> HubDenoiser:
        if "backbone" not in options:
            raise CheckpointError(f"{model_id}: has no config.json that names a backbone, so it is no HubDenoiser's")
        return super()._from_pretrained(model_id=model_id, **options)

    @classmethod
    def _load_as_safetensor(cls, model: HubDenoiser, model_file: str, map_location: str, strict: bool) -> HubDenoiser:
        load_weights(model.denoiser, model_file, "config.json")
        return model.to(torch.device(map_location)).eval()

    @classmethod
    def _load_as_pickle(cls, model: HubDenoiser, model_file: str, map_location: str, strict: bool) -> HubDenoiser:
        raise CheckpointError(
            f"{model_file}: a pickle, which is not opened here: wne convert makes a safetensors file of it"
        )
