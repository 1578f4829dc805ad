"""Checkpoints as files: equal weights are equal bytes, whatever order the library writes its metadata in."""

from __future__ import annotations

from safetensors.torch import load_file

from conftest import tiny_denoiser
from wne.checkpoints import read_config, save_checkpoint


def test_equal_weights_are_equal_files(tmp_path):
    model, paths = tiny_denoiser("swinir", "wne"), [tmp_path / f"{index}.safetensors" for index in range(8)]
    for path in paths:  # a random order of the metadata would be the same eight times once in 128
        save_checkpoint(path, model, {"run": "x", "size": 3}, "fingerprint")
    assert len({path.read_bytes() for path in paths}) == 1
    assert read_config(paths[0]) == ({"run": "x", "size": 3}, "fingerprint")
    saved, state = load_file(paths[0]), model.state_dict()
    assert saved.keys() == state.keys() and all((saved[name] == state[name]).all() for name in state)
