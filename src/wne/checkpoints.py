"""Trained weights as safetensors: the weights, what they were trained as, and nothing that is executed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from wne.files import replacing
from wne.models import create_denoiser
from wne.statedict import load_state_dict


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, or not the one that the parameters describe."""


def save_checkpoint(path: Path, model: nn.Module, config: dict[str, object], fingerprint: str) -> None:
    """Writes the weights with the run's configuration and its hash as metadata."""
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    content = save(weights, metadata={"config": json.dumps(config), "fingerprint": fingerprint})
    with replacing(path) as temporary:
        temporary.write_bytes(_with_sorted_metadata(content))


def _with_sorted_metadata(content: bytes) -> bytes:
    """The same safetensors file with its metadata in alphabetic order.

    The library writes it in the order of a hash table, another each time: equal weights would be unequal files,
    and DVC would evaluate again what has not changed.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]


def read_config(path: Path) -> tuple[dict, str]:
    """The configuration and fingerprint stored in a checkpoint.

    Raises:
        CheckpointError: no such file, a damaged one, or one that this project did not write.
    """
    if not path.exists():
        raise CheckpointError(f"{path}: no such checkpoint; train it first: replicate train {path.stem}")
    metadata, _ = _read(path, "meta")
    if not {"config", "fingerprint"} <= set(metadata):
        raise CheckpointError(
            f"{path}: has weights but not the network that they belong to; name its file and function: "
            f"wne denoise --backbone FILE.py:FUNCTION --weights {shlex.quote(str(path))}"
        )
    try:
        config = json.loads(metadata["config"])
    except (ValueError, RecursionError) as error:
        raise _bad_config(path, error) from None
    if not isinstance(config, dict):
        raise _bad_config(path, f"a {type(config).__name__}, not a table")
    return config, metadata["fingerprint"]


def load_denoiser(path: Path | str, device: torch.device | str = "cpu") -> nn.Module:
    """The trained denoiser of a checkpoint, in evaluation mode, float32, channels-last.

    Raises:
        CheckpointError: as `read_config` and `load_weights`, and for a configuration that describes no network.
    """
    path = Path(path)
    config, _ = read_config(path)
    try:
        backbone, size = config["model"]["backbone"], {k: v for k, v in config["model"].items() if k != "backbone"}
        channels = config["task"]["channels"]
        _check_sizes([channels, size], path)
        model = create_denoiser(backbone, config["variant"], channels=channels, **size)
    except ImportError:  # what a backbone needs is not installed
        raise
    except Exception as error:  # a size of a wrong kind can fail anywhere in the network
        raise _bad_config(path, error) from None
    load_weights(model, path, "the configuration inside")
    return model.to(device, memory_format=torch.channels_last).eval()


def _check_sizes(sizes: object, path: Path) -> None:
    """Raises ValueError where a number is beyond all that the weights could fill, before torch takes memory for it."""
    with safe_open(path, "pt") as file:
        names = file.keys()
        largest = max([64, len(names), *(length for name in names for length in file.get_slice(name).get_shape())])
    waiting = [sizes]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, int | float) and not 0 <= value <= largest:
            raise ValueError(f"{value} is no size of a network with these weights")


def _bad_config(path: Path, error: object) -> CheckpointError:
    words = f"lacks {error}" if isinstance(error, KeyError) else (str(error) or repr(error)).splitlines()[0]
    return CheckpointError(f"{path}: its configuration describes no network: {words}")


def load_weights(model: nn.Module, path: Path | str, what: str = "the model") -> None:
    """Loads the weights of a safetensors file, anybody's, into `model`, in place; of a wrapped network or a bare one.

    Raises:
        CheckpointError: no such file, a damaged one, a pickle, weights that do not fit `what`, or that are not finite.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(f"{path}: no such file")
    weights = _read(path, "cpu")[1]
    broken = [
        name for name, value in weights.items() if value.is_floating_point() and not value.float().isfinite().all()
    ]
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise CheckpointError(f"{path}: has weights that are NaN or infinite, in {broken[0]}{more}; train it again")
    try:
        load_state_dict(model, weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: weights do not fit {what}: {str(error).splitlines()[-1].strip()}") from None


# How files begin that torch.save or pickle wrote: a zip archive, or a pickle of protocol 2 to 5.
_PICKLES = (b"PK\x03\x04", *(bytes([0x80, protocol]) for protocol in range(2, 6)))


def _is_pickle(head: bytes) -> bool:
    """Whether a file with these first 9 bytes is a pickle. Safetensors begin with 8 bytes of length, which can be a pickle's
    (640 is 80 02), and then the header's brace."""
    return head.startswith(_PICKLES) and head[8:9] != b"{"


def _read(path: Path, device: str) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Metadata and tensors; on the device "meta" no tensors.

    Raises:
        CheckpointError: a pickle, which is never opened, or a damaged file.
    """
    with path.open("rb") as file:
        head = file.read(9)
    if _is_pickle(head):
        target = path.with_name(
            f"{path.stem}-converted.safetensors" if path.suffix == ".safetensors" else f"{path.stem}.safetensors"
        )
        raise CheckpointError(
            f"{path}: a pickle (torch.save), which can run any code when it is opened, so it is not opened here; "
            f"take its weights out of it with: {shlex.join(['wne', 'convert', str(path), str(target)])}"
        )
    try:
        with safe_open(path, "pt") as file:
            names = () if device == "meta" else file.keys()
            return file.metadata() or {}, {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: damaged or not a safetensors file ({error}); get or train these weights again"
        ) from None
