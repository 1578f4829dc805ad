"""Checkpoints as files: equal weights are equal bytes, whatever order the library writes its metadata in."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import tiny_denoiser
from wne.checkpoints import CheckpointError, load_denoiser, load_weights, read_config, save_checkpoint


def test_equal_weights_are_equal_files(tmp_path):
    model, paths = tiny_denoiser("swinir", "wne"), [tmp_path / f"{index}.safetensors" for index in range(8)]
    for path in paths:  # a random order of the metadata would be the same eight times once in 128
        save_checkpoint(path, model, {"run": "x", "size": 3}, "fingerprint")
    assert len({path.read_bytes() for path in paths}) == 1
    assert read_config(paths[0]) == ({"run": "x", "size": 3}, "fingerprint")
    saved, state = load_file(paths[0]), model.state_dict()
    assert saved.keys() == state.keys() and all((saved[name] == state[name]).all() for name in state)


# --- mangled ones -------------------------------------------------------------------------------------

CONFIG = {"model": {"backbone": "dncnn", "depth": 4, "width": 8}, "variant": "wne", "task": {"channels": 1}}
ODD = [None, True, -1, 0, 10**12, 1.5, float("nan"), "", "8", "wne", [], [4], {}, {"depth": 4}]


def mangled() -> Iterator[object]:
    """The configuration with each entry, and the whole, replaced by each odd value or left out."""
    yield from ODD
    for path in (("model",), ("variant",), ("task",), ("model", "backbone"), ("model", "depth"), ("model", "width"),
                 ("task", "channels"), ("model", "unknown")):  # fmt: skip
        for value in [*ODD, ...]:
            config = copy.deepcopy(CONFIG)
            table = config if len(path) == 1 else config[path[0]]
            table[path[-1]] = value
            if value is ...:
                del table[path[-1]]
            yield config


def with_config(path: Path, config: str) -> Path:
    save_file(tiny_denoiser("dncnn", "wne").state_dict(), path, metadata={"config": config, "fingerprint": ""})
    return path


def refused_or_loaded(path: Path) -> bool:
    """Whether it was refused; any exception but the one that is meant goes up."""
    try:
        load_denoiser(path)
    except CheckpointError as error:
        assert str(path) in str(error) and len(str(error).splitlines()) == 1
        return True
    return False


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_mangled_configuration_is_one_line(tmp_path):
    path = tmp_path / "w.safetensors"
    assert not refused_or_loaded(with_config(path, json.dumps(CONFIG)))
    refused = [refused_or_loaded(with_config(path, json.dumps(config))) for config in mangled()]
    # Two are as before: the variant that it has, and a key left out that was not there.
    assert len(refused) == 14 + 8 * 15 and refused.count(False) == 2
    stream = random.Random(0)
    for _ in range(100):
        text = list(json.dumps(CONFIG))
        text[stream.randrange(len(text))] = chr(stream.randrange(32, 300))
        refused_or_loaded(with_config(path, "".join(text)))
    for text in ("", "{", "[" * 100_000, "nul"):
        assert refused_or_loaded(with_config(path, text))


def test_a_mangled_file_is_one_line(tmp_path):
    whole = with_config(tmp_path / "whole.safetensors", json.dumps(CONFIG)).read_bytes()
    stream, path = random.Random(0), tmp_path / "w.safetensors"
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(stream.randrange(1, 4)):
            content[stream.randrange(int.from_bytes(whole[:2], "little") + 8)] = stream.randrange(256)
        path.write_bytes(content[: stream.choice([len(content), stream.randrange(len(content))])])
        refused_or_loaded(path)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    path, model = tmp_path / "w.safetensors", tiny_denoiser("dncnn", "wne")
    with torch.no_grad():
        next(model.parameters()).view(-1)[0] = value
    save_checkpoint(path, model, CONFIG, "")
    for load in (load_denoiser, lambda path: load_weights(model, path)):
        with pytest.raises(CheckpointError, match="has weights that are NaN or infinite, in backbone"):
            load(path)
