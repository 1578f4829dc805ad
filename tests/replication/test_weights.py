"""The published weights: what their cards say is true, and they do what they are published for."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from replication.data.metrics import psnr
from replication.report.weights import export_weights
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from wne.checkpoints import CheckpointError, load_denoiser, read_config
from wne.equivariance import equivariance_defect

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "profiles/bsd400/params.yaml")
FOLDER = ProfilePaths(PARAMS.profile, ROOT).weights
CLEAN = data.camera()[100:228, 180:308].astype(np.float32)[None, None] / 255


@pytest.fixture(params=list(PARAMS.weights))
def name(request) -> str:
    return request.param


def noisy(sigma: float) -> torch.Tensor:
    noise = torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))
    return torch.from_numpy(CLEAN) + sigma / 255 * noise


@torch.no_grad()
def quality(name: str, sigma: float) -> tuple[float, float]:
    """PSNR of the input and of the output, dB."""
    denoised = load_denoiser(FOLDER / f"{name}.safetensors")(noisy(sigma)).clamp(0, 1)
    return psnr(noisy(sigma)[0].numpy(), CLEAN[0]), psnr(denoised[0].numpy(), CLEAN[0])


def test_the_weights_are_those_of_the_parameters_and_small(name):
    file = FOLDER / f"{name}.safetensors"
    assert read_config(file)[1] == PARAMS.fingerprint(name)
    assert file.stat().st_size < 1_000_000


def test_the_card_names_this_file_and_its_snippet_runs(name, monkeypatch):
    card = (FOLDER / f"{name}.md").read_text()
    digest = hashlib.sha256((FOLDER / f"{name}.safetensors").read_bytes()).hexdigest()
    assert re.search(r"sha256 `([0-9a-f]+)`", card)[1] == digest
    snippet = re.search(r"```python\n(.+?)```", card, re.S)[1]
    monkeypatch.chdir(ROOT)
    scope = {"noisy": noisy(25)}
    with torch.no_grad():
        exec(snippet, scope)
    assert scope["denoised"].shape == CLEAN.shape


def test_both_denoise_at_the_noise_they_were_trained_at(name):
    before, after = quality(name, 25)
    assert after > before + 6


def test_the_wrapped_network_is_equivariant_and_holds_at_high_noise_where_the_bare_one_does_not():
    model = load_denoiser(FOLDER / "dncnn-wne-s25.safetensors")
    a, b = torch.tensor([1.4]), torch.tensor([-0.2])
    with torch.no_grad():
        assert equivariance_defect(model, noisy(25), a, b).paper.item() < 1e-5
    assert quality("dncnn-wne-s25", 75)[1] > quality("dncnn-baseline-s25", 75)[1] + 3


def test_weights_of_other_parameters_are_refused(tmp_path):
    name = next(iter(PARAMS.weights))
    paths = ProfilePaths(PARAMS.profile, tmp_path)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        export_weights(PARAMS, name, paths)
    target = paths.checkpoint(PARAMS, name)
    target.parent.mkdir(parents=True)
    target.write_bytes((FOLDER / f"{name}.safetensors").read_bytes())
    changed = PARAMS.runs | {name: PARAMS.runs[name].model_copy(update={"seed": 9})}
    with pytest.raises(CheckpointError, match="does not fit"):
        export_weights(PARAMS.model_copy(update={"runs": changed}), name, paths)
    assert not paths.weights.exists()


def test_the_training_record_is_that_of_the_weights(name):
    record = json.loads((ROOT / f"results/{PARAMS.profile}/training/{name}.json").read_text())
    config, fingerprint = read_config(FOLDER / f"{name}.safetensors")
    assert record["fingerprint"] == fingerprint and record["config"] == config
