"""torch.hub and the Hugging Face Hub, without a network."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from conftest import random_images, tiny_size
from wne import assert_normalization_equivariant, create_denoiser, list_denoisers, load_denoiser, load_state_dict
from wne.adapters.huggingface import HubDenoiser
from wne.checkpoints import CheckpointError
from wne.published import find_weights
from wne.registry import PUBLISHED

ROOT = Path(__file__).parents[2]


# --- torch.hub ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """What torch.hub unpacks, without the packages that are installed here."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "hubconf.py", folder)
    for name in ("src/wne", "results/published/weights"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def in_torch_hub(clone: Path, code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = f"import sys, torch; hub = lambda *a, **k: torch.hub.load({str(clone)!r}, *a, source='local', **k)\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=clone.parent, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torch_hub_has_the_wrapper_and_every_published_network():
    namespace = runpy.run_path(str(ROOT / "hubconf.py"))
    public = {name for name, value in namespace.items() if callable(value) and not name.startswith("_")}
    assert public == {"NormalizationEquivariant", "create_denoiser", *(name.replace("-", "_") for name in PUBLISHED)}


def test_weights_load_by_their_name_and_by_their_path():
    by_name, by_path = load_denoiser("dncnn-wne-s25"), load_denoiser(find_weights("dncnn-wne-s25"))
    assert all(map(torch.equal, by_name.parameters(), by_path.parameters()))
    with pytest.raises(
        CheckpointError, match=r"^nowhere: no such checkpoint, and no published weights of that name \("
    ):
        load_denoiser("nowhere")


def test_torch_hub_gives_the_published_network_from_the_clone(clone):
    code = """
f = hub("dncnn_wne_s25")
y = torch.linspace(0, 1, 144).view(1, 1, 12, 12)
print(sys.modules["wne"].__file__)
print(f(y).sum().item(), {"typer", "imagecodecs", "replication"} & set(sys.modules))
"""
    place, result = in_torch_hub(clone, code).splitlines()
    expected = load_denoiser(find_weights("dncnn-wne-s25"))(torch.linspace(0, 1, 144).view(1, 1, 12, 12))
    assert Path(place).is_relative_to(clone)
    assert float(result.split()[0]) == pytest.approx(expected.sum().item(), rel=1e-6)
    assert result.endswith("set()")  # it needs none of them


def test_torch_hub_wraps_and_creates(clone):
    code = """
print(type(hub("NormalizationEquivariant", torch.nn.Conv2d(1, 1, 3, padding=1))).__name__)
print(type(hub("create_denoiser", "dncnn", "wne", depth=3, width=4).backbone).__name__)
"""
    assert in_torch_hub(clone, code).split() == ["NormalizationEquivariant", "DnCNN"]


# --- huggingface_hub ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_denoisers(), ids="-".join)
def test_a_denoiser_comes_back_from_its_folder(tmp_path, name):
    model = HubDenoiser(*name, channels=3, **tiny_size(name.backbone)).eval()
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "config.json", "model.safetensors"}
    loaded, y = HubDenoiser.from_pretrained(tmp_path), random_images(1, 3, 16, 16, dtype=torch.float32)
    assert torch.equal(loaded(y), model(y)) and not loaded.training
    # The names of the weights are those of create_denoiser, and arXiv's number is on the card.
    load_state_dict(
        create_denoiser(*name, channels=3, **tiny_size(name.backbone)), load_file(tmp_path / "model.safetensors")
    )
    assert "2605.08193" in (tmp_path / "README.md").read_text()


def test_published_weights_become_a_hub_folder(tmp_path):
    HubDenoiser.from_checkpoint("dncnn-wne-s25").save_pretrained(tmp_path)
    loaded = HubDenoiser.from_pretrained(tmp_path)
    y = random_images(1, 1, 24, 24, dtype=torch.float32)
    torch.testing.assert_close(loaded(y), load_denoiser(find_weights("dncnn-wne-s25"))(y))
    assert json.loads((tmp_path / "config.json").read_text())["depth"] == 20
    assert_normalization_equivariant(loaded)


def test_it_is_pushed_and_pulled(tmp_path, monkeypatch):
    """To a hub that is a folder here."""

    class FolderHub:
        def __init__(self, **_: object): ...

        def create_repo(self, repo_id: str, **_: object) -> object:
            return type("Repository", (), {"repo_id": repo_id})

        def upload_folder(self, folder_path: Path, repo_id: str, **_: object) -> str:
            shutil.copytree(folder_path, tmp_path / repo_id)
            return repo_id

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", FolderHub)
    monkeypatch.setattr(
        "huggingface_hub.hub_mixin.hf_hub_download", lambda repo_id, filename, **_: str(tmp_path / repo_id / filename)
    )
    model = HubDenoiser.from_checkpoint("dncnn-wne-s25")
    model.push_to_hub("me/mine")
    loaded, y = HubDenoiser.from_pretrained("me/mine"), random_images(1, 1, 24, 24, dtype=torch.float32)
    assert torch.equal(loaded(y), model(y))


def folder_with(tmp_path: Path, config: dict | None, weights: dict) -> Path:
    save_file(weights, tmp_path / "model.safetensors")
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    return tmp_path


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (None, CheckpointError, "has no config.json that names a backbone"),
        ({"hidden_size": 512}, CheckpointError, "has no config.json that names a backbone"),
        ({"backbone": "os:system"}, ValueError, "unknown backbone 'os:system'"),
        ({"backbone": "dncnn", "depth": 3, "width": 4}, CheckpointError, "weights do not fit config.json"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(tmp_path, config, error, message):
    folder = folder_with(tmp_path, config, {"weight": torch.zeros(1)})
    with pytest.raises(error, match=message):
        HubDenoiser.from_pretrained(folder)


def test_a_repository_with_a_pickle_alone_is_refused(tmp_path, monkeypatch):
    from huggingface_hub.errors import EntryNotFoundError

    (tmp_path / "config.json").write_text('{"backbone": "dncnn", "depth": 3, "width": 4}')

    def download(repo_id: str, filename: str, **_: object) -> str:
        if filename.endswith(".safetensors"):
            raise EntryNotFoundError("not there")
        return str(tmp_path / filename)

    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", download)
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: a pickle.*wne convert"):
        HubDenoiser.from_pretrained("me/old")
