"""Nothing that is loaded can run code: pickles, checkpoints, parameter files, archives."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from replication.data.archives import extract_images
from replication.data.registry import DataError, archives
from replication.study.params import ParameterError, load_params
from wne.checkpoints import CheckpointError, load_denoiser, load_weights


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    "writer", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))], ids=["torch", "pickle"]
)
@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_pickles_are_refused_unopened_whatever_they_are_called(tmp_path, writer, name):
    path, trace = tmp_path / name, tmp_path / "was-opened"
    writer({"weight": Trap(trace)}, path)
    for load in (load_denoiser, lambda path: load_weights(nn.Linear(1, 1), path)):
        with pytest.raises(
            CheckpointError, match=r"a pickle.*can run any code.*wne convert .*/weights.*\.safetensors$"
        ):
            load(path)
    assert not trace.exists()


@pytest.mark.parametrize("length", [0x280, 0x380, 0x480, 0x580])
def test_weights_whose_header_length_looks_like_a_pickle_are_opened(tmp_path, length):
    """The length comes first in the file, little-endian: 0x280 is 80 02, as a pickle of protocol 2 begins."""
    path, layer = tmp_path / "w.safetensors", nn.Linear(2, 1)
    for filler in range(length):
        save_file(layer.state_dict(), path, metadata={"filler": "x" * filler})
        if int.from_bytes(path.read_bytes()[:8], "little") == length:
            break
    assert path.read_bytes()[0] == 0x80 and path.read_bytes()[1] in range(2, 6)
    loaded = nn.Linear(2, 1)
    load_weights(loaded, path)
    assert torch.equal(loaded.weight, layer.weight)


def test_a_checkpoint_cannot_name_code(tmp_path):
    path = tmp_path / "w.safetensors"
    for backbone in ("os:system", "subprocess:run", "wne.adapters.networks:load_network"):
        config = {"model": {"backbone": backbone}, "variant": "baseline", "task": {"channels": 1}}
        save_file({"x": torch.zeros(1)}, path, metadata={"config": json.dumps(config), "fingerprint": ""})
        with pytest.raises(ValueError, match="unknown backbone"):
            load_denoiser(path)


def test_a_parameter_file_cannot_make_objects(tmp_path):
    trace = tmp_path / "was-run"
    path = tmp_path / "params.yaml"
    path.write_text(
        f"profile: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{trace}']]\n"
    )
    with pytest.raises(ParameterError, match="not valid YAML"):
        load_params(path)
    assert not trace.exists()


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    archive = next(iter(archives().values()))[0]
    for member in ("../evil.png", "/tmp/evil.png", "a/../../evil.png", "..\\evil.png"):
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(member, b"content")
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(DataError, match="unsafe path"):
            extract_images(path, archive, tmp_path / "out")
    assert not (tmp_path / "evil.png").exists() and list((tmp_path / "out").iterdir()) == []
