"""`wne denoise`, `wne info`, `wne list` and `replicate evaluate --backbone` as a user runs them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import replication.cli
import wne.cli
from replication.report.own import with_own
from replication.study.params import ParameterError, load_params
from wne.adapters.networks import load_own_denoiser
from wne.imagefiles import read_image, write_image


def run(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """Exit status, output and error output of a command."""
    monkeypatch.setattr(sys, "argv", ["wne", *map(str, arguments)])
    main = replication.cli.main if arguments[0] == "evaluate" else wne.cli.main
    with pytest.raises(SystemExit) as exit:
        main()
        sys.exit(0)
    out, err = capsys.readouterr()
    return int(exit.value.code or 0), out, err


def noisy(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(60, 200, shape).astype(np.uint8)


# --- denoise ------------------------------------------------------------------------------------------


def test_one_file_into_a_file_or_a_folder(tmp_path, monkeypatch, capsys):
    write_image(tmp_path / "in.png", noisy(20, 16))
    status, out, _ = run(monkeypatch, capsys, "denoise", tmp_path / "in.png", tmp_path / "sub/out.tif")
    assert status == 0 and "1 of 1 denoised with fdncnn-wne-s0to55" in out
    (tmp_path / "folder").mkdir()
    assert run(monkeypatch, capsys, "denoise", tmp_path / "in.png", tmp_path / "folder")[0] == 0
    np.testing.assert_array_equal(read_image(tmp_path / "sub/out.tif"), read_image(tmp_path / "folder/in.png"))


def test_a_folder_keeps_its_tree_and_reports_a_corrupt_file_but_goes_on(tmp_path, monkeypatch, capsys):
    for name in ("a.png", "deep/b.tif"):
        write_image(tmp_path / "in" / name, noisy(20, 16, 3))
    (tmp_path / "in/bad.png").write_bytes(b"no image")
    (tmp_path / "in/notes.txt").write_text("not an image, and not asked for")
    status, out, err = run(monkeypatch, capsys, "denoise", tmp_path / "in", tmp_path / "out")
    assert status == 1 and "2 of 3 denoised" in out
    assert err.count("error:") == 1 and "bad.png: damaged" in err
    written = sorted(
        str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
    assert written == ["a.png", "deep/b.tif"]


def test_nothing_is_overwritten_without_force(tmp_path, monkeypatch, capsys):
    write_image(tmp_path / "in.png", noisy(20, 16))
    (tmp_path / "out.png").write_text("precious")
    status, _, err = run(monkeypatch, capsys, "denoise", tmp_path / "in.png", tmp_path / "out.png")
    assert status == 1 and "exists already; use --force" in err and (tmp_path / "out.png").read_text() == "precious"
    assert run(monkeypatch, capsys, "denoise", tmp_path / "in.png", tmp_path / "out.png", "--force")[0] == 0
    assert read_image(tmp_path / "out.png").shape == (20, 16)


def test_a_result_inside_the_folder_is_not_denoised_again(tmp_path, monkeypatch, capsys):
    write_image(tmp_path / "a.png", noisy(20, 16))
    for _ in range(2):
        status, out, _ = run(monkeypatch, capsys, "denoise", tmp_path, tmp_path / "out", "--force")
        assert status == 0 and "1 of 1" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png", "out.png"], "missing.png: no such file or folder"),
        (["empty", "out"], "empty: holds no images"),
        (["in.png", "out.png", "--model", "dncn"], "dncn: no such checkpoint, and no published weights"),
        (["in.png", "out.gif"], "out.gif: not a format that is written here (.png"),
        (["twice", "out"], "two images would be written there"),
        (["in.png", "out.png", "--force", "--skip-existing"], "give one of them"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    write_image(tmp_path / "in.png", noisy(20, 16))
    write_image(tmp_path / "twice/a.png", noisy(20, 16))
    (tmp_path / "twice/a.jpg").write_bytes(b"whatever")
    status, _, err = run(monkeypatch, capsys, "denoise", *arguments)
    assert status == 1 and message in err and len(err.strip().splitlines()) == 1


# --- info and list ------------------------------------------------------------------------------------


def test_info_says_what_a_checkpoint_is(monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "info", "dncnn-wne-s25")
    assert status == 0
    for fact in ("backbone dncnn, depth 20, width 64", "wne", "667,073", "bsd400, gaussian noise, sigma 25"):
        assert fact in out


def test_list_names_weights_and_backbones(monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "list")
    assert status == 0 and "fdncnn     baseline, wne, " in out and "restormer" in out and "timm:<name>" in out
    assert re.search(r"fdncnn-wne-s0to55 +grey images.*the default\n", out)


def test_help_has_examples(monkeypatch, capsys):
    for command, example in [("denoise", "wne denoise noisy.png clean.png"), ("evaluate", "--backbone")]:
        assert example in run(monkeypatch, capsys, command, "--help")[1]


# --- convert ------------------------------------------------------------------------------------------


def test_converted_weights_say_what_was_done_and_are_not_overwritten(tmp_path, monkeypatch, capsys):
    torch.save({"params": {"module.weight": torch.ones(2, 2)}}, tmp_path / "net.pth")
    arguments = ("convert", tmp_path / "net.pth", tmp_path / "net.safetensors")
    status, out, _ = run(monkeypatch, capsys, *arguments)
    assert status == 0 and "took 'params'; removed 'module.' from the names; wrote 1 tensors" in out
    assert torch.equal(load_file(tmp_path / "net.safetensors")["weight"], torch.ones(2, 2))
    status, _, err = run(monkeypatch, capsys, *arguments)
    assert status == 1 and "exists already; use --force" in err
    assert run(monkeypatch, capsys, *arguments, "--force")[0] == 0


def test_what_cannot_be_converted_is_one_line(tmp_path, monkeypatch, capsys):
    torch.save({"params": {"w": torch.ones(1)}, "params_ema": {"w": torch.ones(1)}}, tmp_path / "net.pth")
    status, _, err = run(monkeypatch, capsys, "convert", tmp_path / "net.pth", tmp_path / "net.safetensors")
    assert status == 1 and "choose one with --key" in err and len(err.strip().splitlines()) == 1


# --- one's own denoiser -------------------------------------------------------------------------------

_OWN = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))

def number():
    return 3

class Pyramid(nn.Module):
    def forward(self, y):
        return [y, y[..., ::2, ::2]]
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(_OWN)
    monkeypatch.chdir(tmp_path)
    yield "own_networks"
    sys.modules.pop("own_networks", None)


def test_a_backbone_is_loaded_with_its_weights_and_wrapped(own_module, tmp_path):
    from wne import NormalizationEquivariant, assert_normalization_equivariant

    bare = load_own_denoiser("own_networks:make", None, "baseline", 1).network
    save_file({name: value.contiguous() for name, value in bare.state_dict().items()}, tmp_path / "w.safetensors")
    wrapped = load_own_denoiser("own_networks:make", tmp_path / "w.safetensors", "wne", 1).network
    assert isinstance(wrapped, NormalizationEquivariant) and not wrapped.training
    assert all(torch.equal(a, b) for a, b in zip(bare.parameters(), wrapped.parameters(), strict=True))
    assert_normalization_equivariant(wrapped)


@pytest.mark.parametrize(
    ("backbone", "variant", "message"),
    [
        ("own_networks", "wne", "expected module:function"),
        ("own_network:make", "wne", "No module named 'own_network'"),
        ("own_networks:made", "wne", "own_networks.py has no 'made'"),
        ("own_networks:number", "wne", "returned int, not a torch.nn.Module"),
        ("own_networks:Pyramid", "wne", "--backbone own_networks:Pyramid: its forward returns a list of 2"),
        ("own_networks:make", "ne_arch", "--variant ne_arch: unknown"),
    ],
)
def test_a_backbone_that_cannot_be_loaded_is_refused(own_module, backbone, variant, message):
    with pytest.raises(ValueError, match=message):
        load_own_denoiser(backbone, None, variant, 1)


def test_images_are_denoised_with_an_own_network(own_module, tmp_path, monkeypatch, capsys):
    bare = load_own_denoiser("own_networks:make", None, "wne").network
    save_file(
        {name.removeprefix("backbone."): value.contiguous() for name, value in bare.state_dict().items()},
        "w.safetensors",
    )
    image = noisy(20, 16)
    write_image(tmp_path / "in.png", image)
    options = ("--backbone", "own_networks:make", "--weights", "w.safetensors", "--variant", "wne")
    status, out, _ = run(monkeypatch, capsys, "denoise", "in.png", "out.png", *options)
    assert status == 0 and "1 of 1 denoised with own_networks:make" in out
    with torch.no_grad():
        expected = bare(torch.from_numpy(image / np.float32(255))[None, None])[0, 0].clamp(0, 1) * 255
    assert np.abs(read_image(tmp_path / "out.png").astype(float) - expected.numpy()).max() <= 0.51
    for options, message in [
        (("--backbone", "own_networks:Pyramid"), "its forward returns a list of 2"),
        (("--weights", "w.safetensors"), "--weights belongs to --backbone"),
    ]:
        status, _, err = run(monkeypatch, capsys, "denoise", "in.png", "new.png", *options)
        assert status == 1 and message in err and len(err.strip().splitlines()) == 1


def test_an_own_run_takes_no_name_group_or_noise_level_that_does_not_fit():
    params = load_params(Path("profiles/bsd400/params.yaml"))
    assert with_own(params, "mine", "cnn", 25.0).runs["mine"].task == "awgn"
    with pytest.raises(ParameterError, match="has a run called dncnn-wne-s25"):
        with_own(params, "dncnn-wne-s25", "cnn", 25.0)
    with pytest.raises(ParameterError, match="reports no group 'cnnn'; known: cnn, swinir"):
        with_own(params, "mine", "cnnn", 25.0)
    with pytest.raises(ParameterError, match="no runs trained at sigma 30 to stand beside; known: 10, 25, 50"):
        with_own(params, "mine", "cnn", 30.0)


def test_weights_without_a_backbone_are_refused(monkeypatch, capsys):
    status, _, err = run(monkeypatch, capsys, "evaluate", "cnn", "--weights", "w.safetensors")
    assert status == 1 and "--weights belongs to --backbone" in err
