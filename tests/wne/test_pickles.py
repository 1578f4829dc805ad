"""Weights as other projects publish them: what is unwrapped, what is refused, and that nothing is executed."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import deepinv
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from conftest import random_images, tiny_denoiser
from wne import NormalizationEquivariant
from wne.adapters.pickles import convert_weights, load_foreign_weights, read_weights
from wne.checkpoints import CheckpointError, load_weights


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))


def prefixed(prefix: str, weights: dict) -> dict:
    return {prefix + name: value for name, value in weights.items()}


def optimizer(model: nn.Module) -> dict:
    adam = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 1, 8, 8)).sum().backward()
    adam.step()
    return adam.state_dict()


def compiled_inside(model: nn.Module) -> nn.Module:
    model[0] = torch.compile(model[0])
    return model


# What is saved -> what the message says was done.
SAVED: dict[str, tuple[Callable[[nn.Module], object], str]] = {
    "a state dict": (lambda m: m.state_dict(), "wrote 4 tensors"),
    "KAIR, Restormer": (lambda m: {"params": m.state_dict()}, "took 'params'; wrote"),
    "a training state": (lambda m: {"state_dict": m.state_dict(), "epoch": 3, "optimizer": optimizer(network())}, "took 'state_dict'"),
    "DataParallel": (lambda m: nn.DataParallel(m).state_dict(), "removed 'module.' from the names"),
    "both": (lambda m: {"params": nn.DataParallel(m).state_dict()}, "took 'params'; removed 'module.'"),
    "torch.compile": (lambda m: torch.compile(m).state_dict(), "removed '_orig_mod.'"),
    "DataParallel compiled": (lambda m: torch.compile(nn.DataParallel(m)).state_dict(), "removed '_orig_mod.' from the names; removed 'module.'"),
    "one layer compiled": (lambda m: compiled_inside(m).state_dict(), "removed '_orig_mod.'"),
    "AveragedModel": (lambda m: torch.optim.swa_utils.AveragedModel(m).state_dict(), "removed 'module.' from the names; left out n_averaged"),
    "wrapped, DataParallel inside": (lambda m: NormalizationEquivariant(nn.DataParallel(m)).state_dict(), "removed 'module.'"),
}  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", SAVED)
def test_weights_arrive_unchanged_whatever_they_are_saved_in(tmp_path, kind, zipped):
    make, message = SAVED[kind]
    saved, loaded, y = network(), network(), random_images(1, 1, 8, 8, dtype=torch.float32)
    expected = saved(y)
    torch.save(make(saved), tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    done = convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors")
    load_weights(loaded, tmp_path / "net.safetensors")
    assert torch.equal(loaded(y), expected)
    assert message in done and done.endswith(f"wrote 4 tensors to {tmp_path / 'net.safetensors'}")


@pytest.mark.parametrize(
    "make",
    [
        lambda: deepinv.models.Restormer(
            1, 1, dim=8, num_blocks=[1, 1, 1, 1], num_refinement_blocks=1, pretrained=None
        ),
        lambda: deepinv.models.DRUNet(1, 1, nc=(8, 8, 8, 8), nb=1, pretrained=None),
    ],
    ids=["Restormer", "KAIR's DRUNet"],
)
def test_published_architectures_load_their_own_names(tmp_path, make):
    """deepinv's copies keep the names of the published files."""
    saved, loaded = make(), make()
    torch.save({"params": prefixed("module.", saved.state_dict())}, tmp_path / "net.pth")
    convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors")
    load_foreign_weights(loaded, tmp_path / "net.safetensors", "the network")
    assert all(
        torch.equal(a, b) for a, b in zip(saved.state_dict().values(), loaded.state_dict().values(), strict=True)
    )


def test_a_key_and_a_prefix_choose(tmp_path):
    model = network()
    content = {
        "params": model.state_dict(),
        "nets": {"ema": prefixed("model.", model.state_dict()) | {"loss.w": torch.ones(1)}},
    }
    torch.save(content, tmp_path / "net.ckpt")
    weights = read_weights(tmp_path / "net.ckpt", key="nets.ema", prefix="model.")
    assert list(weights.tensors) == list(model.state_dict())
    assert weights.steps == ["took 'nets.ema'", "took the 4 of 5 names that begin with 'model.'"]


ONE = torch.ones(1)

# Content and key -> the names of the tensors, and what is said.
CHOSEN: dict[str, tuple[dict, str, list[str], list[str]]] = {
    "what a module saves beside its weights": ({"w": ONE, "b": ONE, "_extra_state": {"scale": ONE}}, "", ["w", "b"], ["left out _extra_state, which are no tensors"]),
    "no tensor among them": ({"state_dict": {"w": ONE, "n": 3}}, "", ["w"], ["took 'state_dict'", "left out n, which are no tensors"]),
    "the same, chosen": ({"state_dict": {"w": ONE, "n": 3}, "norm": {"mean": ONE}}, "state_dict", ["w"], ["took 'state_dict'", "left out n, which are no tensors"]),
    "a number": ({0: {"a": ONE}, 1: {"b": ONE}}, "1", ["b"], ["took '1'"]),
    "a name with a dot": ({"net.state": {"w": ONE}, "net": {"state": {"v": ONE}, "more": {"u": ONE}}}, "net.state", ["w"], ["took 'net.state'"]),
    "inside one with a dot": ({"net.state": {"more": {"u": ONE}}, "w": ONE}, "net.state.more", ["u"], ["took 'net.state.more'"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHOSEN)
def test_the_state_dict_is_found_among_the_entries(tmp_path, kind):
    content, key, names, steps = CHOSEN[kind]
    torch.save(content, tmp_path / "net.pth")
    weights = read_weights(tmp_path / "net.pth", key)
    assert (list(weights.tensors), weights.steps) == (names, steps)


def test_a_module_that_is_called_module_keeps_its_name(tmp_path):
    weights = {"module.w": torch.ones(1), "head.w": torch.ones(1)}
    torch.save(weights, tmp_path / "net.pth")
    assert read_weights(tmp_path / "net.pth") == (weights, [])


def test_tensors_that_share_memory_are_written_twice(tmp_path):
    shared = torch.arange(6.0)
    torch.save({"a": shared.view(2, 3), "b": shared.view(2, 3).T}, tmp_path / "net.pth")
    convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors")
    assert torch.equal(load_file(tmp_path / "net.safetensors")["b"], shared.view(2, 3).T)


# --- refusals -----------------------------------------------------------------------------------------


class Trap:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def test_nothing_is_executed(tmp_path):
    torch.save({"params": network().state_dict(), "more": Trap(tmp_path / "was-run")}, tmp_path / "net.pth")
    with pytest.raises(
        CheckpointError, match=r"holds more than tensors \(\w+\.mkdir\).*torch\.save\(model\.state_dict\(\)"
    ):
        convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {"net.pth"}


REFUSED: dict[str, tuple[object, dict[str, str], str]] = {
    "a whole model": (network(), {}, "holds more than tensors (torch.nn.modules.container.Sequential)"),
    "options": ({"params": {"w": torch.ones(1)}, "args": argparse.Namespace(lr=1)}, {}, "(argparse.Namespace)"),
    "two state dicts": ({"params": {"w": torch.ones(1)}, "params_ema": {"w": torch.ones(1)}}, {}, "has 2 state dicts, params, params_ema: choose one with --key"),
    "two, called by numbers": ({0: {"w": ONE}, 1: {"w": ONE}}, {}, "has 2 state dicts, 0, 1: choose one with --key"),
    "two, one with a number": ({"state_dict": {"w": ONE, "n": 3}, "norm": {"mean": ONE}}, {}, "has 2 state dicts, state_dict, norm"),
    "two inside a key": ({"nets": {"g": {"w": ONE}, "d": {"w": ONE}}}, {"key": "nets"}, "has 2 state dicts, nets.g, nets.d"),
    "tensors beside it": ({"rng_state": ONE, "net": {"w": ONE}}, {}, "has tensors beside the state dicts in net: choose one of these with --key"),
    "two names that become one": ({"a._orig_mod.w": ONE, "a.w": ONE}, {}, "a._orig_mod.w and a.w would both be called a.w"),
    "a name of the format": ({"__metadata__": ONE, "w": ONE}, {}, "has a tensor called __metadata__, a name that safetensors keeps"),
    "none": ({"epoch": 3, "lr": 0.1}, {}, "has no state dict; its entries: epoch, lr"),
    "a list": ([torch.ones(1)], {}, "has no state dict; it is a list"),
    "no such key": ({"params": {"w": torch.ones(1)}}, {"key": "ema"}, "has no entry 'ema'; its entries: params"),
    "no such prefix": ({"w": torch.ones(1)}, {"prefix": "model."}, "no name begins with 'model.'; the first is 'w'"),
    "sparse tensors": ({"w": torch.eye(3).to_sparse()}, {}, "safetensors cannot hold its tensors"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_weights_or_several_is_refused_in_one_line(tmp_path, kind):
    content, options, message = REFUSED[kind]
    torch.save(content, tmp_path / "net.pth")
    with pytest.raises(CheckpointError) as refusal:
        convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors", **options)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "net.safetensors").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), (b"", "damaged"), (b"hello", "damaged"), (b"PK\x03\x04" + bytes(99), "damaged")],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as refusal:
        read_weights(tmp_path / "net.pth")
    assert "\n" not in str(refusal.value) and "weights_only" not in str(refusal.value)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_torchscript_is_refused_by_name(tmp_path):
    torch.jit.script(network()).save(str(tmp_path / "net.pt"))
    with pytest.raises(CheckpointError, match="a TorchScript program, not weights"):
        read_weights(tmp_path / "net.pt")


def test_the_result_is_called_safetensors(tmp_path):
    with pytest.raises(CheckpointError, match=r"call it .*net\.safetensors"):
        convert_weights(tmp_path / "net.pth", tmp_path / "net.bin")


# --- weights for --backbone ---------------------------------------------------------------------------


def test_a_pickle_is_refused_with_the_command_that_converts_it(tmp_path):
    torch.save(network().state_dict(), tmp_path / "net.pth")
    with pytest.raises(
        CheckpointError, match=r"not a safetensors file.*wne convert .*net\.pth .*net-converted\.safetensors"
    ):
        load_foreign_weights(network(), tmp_path / "net.pth", "mine:make")


def test_names_with_marks_are_refused_with_the_command_that_removes_them(tmp_path):
    save_file(prefixed("module._orig_mod.", network().state_dict()), tmp_path / "net.safetensors")
    with pytest.raises(
        CheckpointError, match=r"do not fit mine:make.*'_orig_mod\.' and 'module\.' inside.*wne convert"
    ):
        load_foreign_weights(network(), tmp_path / "net.safetensors", "mine:make")


def test_other_weights_that_do_not_fit_are_refused_as_before(tmp_path):
    save_file({"w": torch.ones(1)}, tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match="do not fit mine:make") as refusal:
        load_foreign_weights(network(), tmp_path / "net.safetensors", "mine:make")
    assert "wne convert" not in str(refusal.value)


def test_a_safetensors_file_that_is_cut_off_is_refused_in_one_line(tmp_path):
    save_file(network().state_dict(), tmp_path / "net.safetensors")
    content = (tmp_path / "net.safetensors").read_bytes()
    for length in (len(content) - 1, 20, 9, 0):
        (tmp_path / "net.safetensors").write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"net\.safetensors") as refusal:
            load_foreign_weights(network(), tmp_path / "net.safetensors", "mine:make")
        assert "\n" not in str(refusal.value)


def test_weights_of_a_wrapped_network_load_into_a_bare_one_after_conversion(tmp_path):
    wrapped, bare = tiny_denoiser("dncnn", "wne"), tiny_denoiser("dncnn", "baseline")
    torch.save({"params": nn.DataParallel(wrapped).state_dict()}, tmp_path / "net.pth")
    convert_weights(tmp_path / "net.pth", tmp_path / "net.safetensors")
    load_foreign_weights(bare, tmp_path / "net.safetensors", "the network")
    assert all(torch.equal(a, b) for a, b in zip(wrapped.parameters(), bare.parameters(), strict=True))
