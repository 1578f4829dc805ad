"""Weights as other projects publish them (.pth, .pt, .ckpt), converted to safetensors.

A pickle is read by `torch.load(..., weights_only=True)`, which makes tensors and plain containers and calls nothing
else. From the content to the names that the network itself has:

    {"params": {...}}, {"state_dict": {...}, "epoch": 3}     the state dict among the entries
    module.w                                                 w: DataParallel, DistributedDataParallel, AveragedModel
    encoder._orig_mod.w                                      encoder.w: torch.compile; likewise FSDP's and others' marks
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from wne.checkpoints import CheckpointError, load_weights
from wne.files import replacing

_MARKS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")  # no module of a user's is called so
_RESERVED = "__metadata__"
_EXTRA = "_extra_state"  # how torch names the result of get_extra_state


class Weights(NamedTuple):
    """Tensors by name, and what was done to get at them, a phrase for each step."""

    tensors: dict[str, Tensor]
    steps: list[str]


def convert_weights(source: Path, target: Path, key: str = "", prefix: str = "") -> str:
    """Writes the weights of `source` as safetensors, whole or not at all; arguments as those of `read_weights`.

    Returns:
        What was done, in one line.

    Raises:
        CheckpointError: as `read_weights`; a target that is not called .safetensors; tensors that the format lacks.
    """
    if target.suffix != ".safetensors":
        raise CheckpointError(
            f"{target}: the result is a safetensors file; call it {target.with_suffix('.safetensors')}"
        )
    tensors, steps = read_weights(source, key, prefix)
    if _RESERVED in tensors:  # the format writes it, and no reader opens the file
        raise CheckpointError(
            f"{source}: has a tensor called {_RESERVED}, a name that safetensors keeps for itself; rename it where it comes from"
        )
    try:  # copies: tensors that share memory are written twice
        content = save({name: value.detach().clone().contiguous() for name, value in tensors.items()}, {"format": "pt"})
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{source}: safetensors cannot hold its tensors ({str(error).splitlines()[0]})") from None
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return "; ".join([*steps, f"wrote {len(tensors)} tensors to {target}"])


def read_weights(path: Path, key: str = "", prefix: str = "") -> Weights:
    """The state dict in a file of torch.save, or in a safetensors file, under the names of the network itself.

    Args:
        path: nothing in it is executed.
        key: of the entry that is the state dict, where several hold tensors; "a.b": the entry of that name, else the
            entry b inside the entry a.
        prefix: takes only the names that begin with it, without it: `model.` of a Lightning module, say.

    Raises:
        CheckpointError: no such file, a damaged one, one with more than tensors and plain containers, no state dict
            in it or several, a key or prefix that it does not have, or two tensors of one name without marks.
    """
    found, steps = _state_dict(path, _content(path), key)
    names, removed = own_names(found)
    steps += [f"removed {mark!r} from the names" for mark in removed]
    if left_out := [name for name in found if name not in names]:
        steps.append(f"left out {', '.join(left_out)}")
    tensors = {new: found[old] for old, new in names.items()}
    if len(tensors) < len(names):
        twice = Counter(names.values()).most_common(1)[0][0]
        olds = " and ".join(old for old, new in names.items() if new == twice)
        raise CheckpointError(f"{path}: {olds} would both be called {twice}; save the network without its wrappers")
    if prefix:
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        if not tensors:
            raise CheckpointError(
                f"{path}: no name begins with {prefix!r}; the first is {next(iter(names.values()))!r}"
            )
        steps.append(f"took the {len(tensors)} of {len(names)} names that begin with {prefix!r}")
    return Weights(tensors, steps)


def load_foreign_weights(model: nn.Module, path: Path, what: str) -> None:
    """`load_weights`, whose errors say when `wne convert` helps.

    Raises:
        CheckpointError: as `load_weights`.
    """
    convert = f"wne convert {path} {path.with_name(path.stem + '-converted.safetensors')}"
    if path.is_file() and not _is_safetensors(path):
        raise CheckpointError(f"{path}: not a safetensors file; for weights of torch.save: {convert}")
    try:
        load_weights(model, path, what)
    except CheckpointError as error:
        removed = _marks_in(path)
        if not removed:
            raise
        marks = " and ".join(map(repr, removed))
        raise CheckpointError(f"{error}; its names have {marks} inside, which this removes: {convert}") from None


def own_names(names: Collection[str]) -> tuple[dict[str, str], list[str]]:
    """Each name as the network itself has it, and the marks of wrappers that were removed.

    AveragedModel's counter is left out; everything else stays.
    """
    new = {name: ".".join(part for part in name.split(".") if part not in _MARKS) for name in names}
    removed = [f"{mark}." for mark in _MARKS if any(mark in name.split(".") for name in names)]
    if len(new) > 1 and all(name.startswith("module.") or name == "n_averaged" for name in new.values()):
        new.pop("n_averaged", None)
    for start in ("", "backbone."):  # around the network, or inside a wrapper of this library
        while new and all(name.startswith(f"{start}module.") for name in new.values()):
            new = {old: start + name.removeprefix(f"{start}module.") for old, name in new.items()}
            removed.append("module.")
    return new, list(dict.fromkeys(removed))


def _marks_in(path: Path) -> list[str]:
    """The marks that converting would remove; none in a file that cannot be read."""
    try:
        return own_names(load_file(path))[1]
    except (OSError, SafetensorError):
        return []


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def _content(path: Path) -> object:
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        if _is_safetensors(path):
            return load_file(path)
        with warnings.catch_warnings(action="ignore"):  # of formats that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format fails in its own way, and torch's advice is to open it all the same
        raise CheckpointError(f"{path}: {_refusal(str(error))}") from None


def _refusal(error: str) -> str:
    if match := re.search(r"GLOBAL (\S+)", error):
        return (
            f"holds more than tensors ({match[1]}), and making that would run code, so it is not opened; "
            "where it comes from, save the weights alone: torch.save(model.state_dict(), 'weights.pth')"
        )
    if "TorchScript" in error:
        return "a TorchScript program, not weights; where it comes from: torch.save(model.state_dict(), 'weights.pth')"
    return "damaged, or neither of torch.save nor safetensors"


def _state_dict(path: Path, content: object, key: str) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of the entry `key`, or of the only mapping that holds tensors: the content itself or one entry."""
    steps = []
    if key:
        found = list(_entries(content, key))
        if not found:
            raise CheckpointError(f"{path}: has no entry {key!r}; {_listed(content)}")
        content, steps = found[0], [f"took {key!r}"]
    inside = _inside(content)
    if len(inside) == 1 and not _tensors(content):
        name, content = inside.popitem()
        key, steps = f"{key}.{name}" if key else str(name), [*steps, f"took {str(name)!r}"]
        inside = _inside(content)
    tensors, places = _tensors(content), [f"{key}.{name}" if key else str(name) for name in inside]
    if tensors and places:
        raise CheckpointError(
            f"{path}: has tensors beside the state dicts in {', '.join(places)}: choose one of these with --key"
        )
    if len(places) > 1:
        raise CheckpointError(f"{path}: has {len(places)} state dicts, {', '.join(places)}: choose one with --key")
    if not tensors:
        raise CheckpointError(f"{path}: has no state dict; {_listed(content)}")
    if others := [str(name) for name in content if name not in tensors]:
        steps.append(f"left out {', '.join(others)}, which are no tensors")
    return tensors, steps


def _entries(content: object, key: str) -> Iterator[object]:
    """What `key` may name, the entry with its dots in the name first; numbers are named as they are written."""
    items = content.items() if isinstance(content, Mapping) else ()
    yield from (value for name, value in items if str(name) == key)
    for name, value in items:
        if key.startswith(f"{name}."):
            yield from _entries(value, key.removeprefix(f"{name}."))


def _tensors(content: object) -> dict[str, Tensor]:
    """Those that a mapping holds itself, by name."""
    items = content.items() if isinstance(content, Mapping) else ()
    return {name: value for name, value in items if isinstance(name, str) and isinstance(value, Tensor)}


def _inside(content: object) -> dict[object, object]:
    """The entries that hold tensors; torch keeps what else a module saves, no weights, under `_EXTRA`."""
    items = content.items() if isinstance(content, Mapping) else ()
    return {name: value for name, value in items if _tensors(value) and not str(name).endswith(_EXTRA)}


def _listed(content: object) -> str:
    if not isinstance(content, Mapping):
        return f"it is a {type(content).__name__}"
    names = [str(name) for name in content]
    return f"its entries: {', '.join(names[:6]) or 'none'}" + (", ..." if len(names) > 6 else "")
