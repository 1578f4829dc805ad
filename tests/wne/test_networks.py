"""A user's network by name: what its code may import and when, and each refusal in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from wne import ScaleEquivariant
from wne.adapters.networks import (
    NetworkError,
    OwnDenoiser,
    channels_of,
    check_network,
    load_network,
    load_own_denoiser,
)
from wne.cli import app
from wne.denoise import ImageDenoiser
from wne.jobs import denoise_files

MINE = """
import torch
from torch import nn

class Lazy(nn.Module):
    def forward(self, y):
        from my_blocks.late import double   # when it is called, long after the import
        return double(y)

def make():
    from my_helpers import convolution      # when it is made
    return convolution()

class Sigma(nn.Module):
    def forward(self, y, sigma, *, t):
        return y - sigma

class Optional(nn.Module):
    def forward(self, y, sigma=None, *more, **options):
        return y

class Several(nn.Module):
    def forward(self, y):
        return y, y

class Named(nn.Module):
    def forward(self, y):
        return {"image": y}

class Half(nn.Module):
    def forward(self, y):
        return y[..., ::2, ::2]

class Broken(nn.Module):
    def forward(self, y):
        return y @ torch.ones(3)

class Colour(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 3, 3, padding=1)

class SeveralColours(Colour):
    def forward(self, y):
        return [super().forward(y)]

def with_width(width):
    return nn.Identity()

def fails():
    return nn.Conv2d(1, 1, kernel_size="3")

class Exits(nn.Module):
    def forward(self, y):
        raise SystemExit(0)

def leaves():
    raise SystemExit(0)

network = nn.Conv2d(1, 1, 3, padding=1)
number = 3

def Wrapped(kind=None):
    from wne import ScaleEquivariant
    return (kind or ScaleEquivariant)(nn.Conv2d(1, 1, 3, padding=1))

def WrappedByMine():
    from wne import ScaleEquivariant
    class Mine(ScaleEquivariant): pass
    return Wrapped(Mine)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The user's folder; its modules are forgotten and the path is as before when the test ends."""
    for name, text in {
        "my_networks.py": MINE,
        "my_helpers.py": "from torch import nn\ndef convolution():\n    return nn.Conv2d(1, 1, 3, padding=1)\n",
        "my_blocks/late.py": "def double(y):\n    return 2 * y\n",
        "my_blocks/unet.py": "from my_networks import make\n",
        "moves_path.py": "import sys\nsys.path.insert(0, '/elsewhere')\nfrom my_networks import Lazy\n",
        "needs_more.py": "import a_package_that_is_not_there\n",
        "wrong.py": "def make(:\n",
        "exits.py": "import sys\nsys.exit(0)\n",
        "interrupted.py": "raise SystemExit(130)\n",
        "stops.py": "x = 1\nraise RuntimeError('no\\nGPU')\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize(
    "reference", ["my_networks:Lazy", "my_networks:make", "my_blocks.unet:make", "moves_path:Lazy"]
)
def test_the_folder_stays_on_the_path_while_the_code_imports(folder, reference):
    network, y = load_network(reference), torch.ones(1, 1, 8, 8)
    assert network(y).shape == y.shape
    check_network(network, 1, "mine")


def test_a_network_itself_will_do(folder):
    assert isinstance(load_network("my_networks:network"), nn.Conv2d)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("my_networks", "expected module:function"),
        (":make", "expected module:function"),
        ("my_network:make", "No module named 'my_network'; run from the folder that has it"),
        ("nowhere.unet:make", "No module named 'nowhere'; run from the folder that has it"),
        ("my_blocks.unets:make", "No module named 'my_blocks.unets'; run from the folder"),
        ("needs_more:make", "No module named 'a_package_that_is_not_there' (needs_more.py, line 1); install it, or put it"),
        ("wrong:make", "cannot be imported: SyntaxError: invalid syntax (wrong.py, line 1)"),
        ("stops:make", "cannot be imported: RuntimeError: no GPU (stops.py, line 2)"),
        ("exits:make", "cannot be imported: SystemExit: 0 (exits.py, line 2)"),
        ("my_networks:leaves", "fails: SystemExit: 0 (my_networks.py, line 57)"),
        ("my_networks:made", "my_networks.py has no 'made'"),
        ("my_networks:number", "is int, not a function that returns a network"),
        ("my_networks:with_width", "needs width; name a function without arguments"),
        ("my_networks:fails", "fails: TypeError: "),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_in_one_line(folder, reference, message):
    with pytest.raises(NetworkError) as refusal:
        load_network(reference)
    assert message in str(refusal.value) and "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(f"--backbone {reference}: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Sigma", "its forward needs sigma, t besides the image"),
        ("Several", "its forward returns a tuple of 2, not the image"),
        ("Named", "its forward returns a dict of 1, not the image"),
        ("Half", "maps an image (1, 1, 128, 128) to (1, 1, 64, 64)"),
        ("Broken", "fails on an image (1, 1, 128, 128): RuntimeError: size mismatch"),
        ("Broken", "(my_networks.py, line 36)"),
        ("Exits", "fails on an image (1, 1, 128, 128): SystemExit: 0 (my_networks.py, line 54)"),
    ],
)
def test_what_is_no_denoiser_is_refused_in_one_line(folder, name, message):
    with pytest.raises(NetworkError) as refusal:
        check_network(load_network(f"my_networks:{name}"), 1, "mine")
    assert str(refusal.value).startswith("mine: ") and message in str(refusal.value) and "\n" not in str(refusal.value)


class Ends(nn.Module):
    """A network that ends the process."""

    def __init__(self, status: int):
        super().__init__()
        self.status = status

    def forward(self, y):
        raise SystemExit(self.status)


def test_a_network_that_calls_exit_fails_on_its_image_and_the_rest_goes_on(tmp_path, capsys):
    jobs = [(tmp_path / f"{name}.npy", tmp_path / f"{name}-out.npy") for name in "ab"]
    for source, _ in jobs:
        np.save(source, np.ones((8, 8), np.float32))
    assert denoise_files(jobs, ImageDenoiser(OwnDenoiser(Ends(0), 1, "baseline"))) == 2
    assert capsys.readouterr().err.count("ended by sys.exit(0)") == 2


def test_an_interrupt_passes(folder):
    """Ctrl-C ends the command with status 130 wherever it comes: in an import, a trial or an image."""
    np.save(folder / "a.npy", np.ones((8, 8), np.float32))
    denoiser = ImageDenoiser(OwnDenoiser(Ends(130), 1, "baseline"))
    for work in (
        lambda: load_network("interrupted:make"),
        lambda: check_network(Ends(130), 1, "mine"),
        lambda: denoise_files([(folder / "a.npy", folder / "b.npy")], denoiser),
    ):
        with pytest.raises(SystemExit) as end:
            work()
        assert end.value.code == 130


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--variant", "baseline"), "--variant belongs to --backbone"),
        (("--variant", "bogus"), "--variant belongs to --backbone"),
        (("--model", "dncnn-wne-s25", "--backbone", "my_networks:make"), "give one of them"),
        (("--backbone", "my_networks:make", "--variant", "bogus"), "--variant bogus: unknown"),
        (("--backbone", "my_networks:Wrapped", "--variant", "wne"), "is in a ScaleEquivariant already; leave out"),
        (("--backbone", "my_networks:make", "--weights", "."), "--weights .: no such file"),
        (("--backbone", "my_networks.py:make"), "name the module, not its file: my_networks:make"),
        (("--tile", "32"), "--tile 32: seams would show; give 128 or more"),
        (("--device", "gpu"), "--device gpu: unknown; known: auto, cpu, cuda, mps"),
    ],
)
def test_options_without_effect_are_refused(folder, options, message):
    Path("in.png").touch()
    end = CliRunner().invoke(app, ["denoise", "in.png", "out.png", *options])
    assert isinstance(end.exception, ValueError) and message in str(end.exception)


@pytest.mark.parametrize("name", ["Wrapped", "WrappedByMine"])
def test_a_network_that_is_in_a_wrapper_keeps_it(folder, name):
    own = load_own_denoiser(f"my_networks:{name}", None, "baseline")
    assert own.variant == "wse" and isinstance(own.network, ScaleEquivariant)


def test_optional_arguments_are_no_obstacle(folder):
    check_network(load_network("my_networks:Optional"), 3, "mine")


def test_trying_it_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout()).train()
    check_network(network, 1, "mine")
    assert network.training and network[1].training and network[0].num_batches_tracked == 0


def test_the_number_of_channels_is_found_or_what_it_returned_is_said(folder):
    assert channels_of(load_network("my_networks:make"), "mine") == 1
    assert channels_of(load_network("my_networks:Colour"), "mine") == 3
    for name, message in [
        ("SeveralColours", "returns a list of 1"),
        ("Several", "returns a tuple of 2"),
        ("Broken", "fails on"),
    ]:
        with pytest.raises(NetworkError, match=message):
            channels_of(load_network(f"my_networks:{name}"), "mine")


def test_a_network_that_fails_on_grey_and_on_colour_says_both():
    class Grey(nn.Conv2d):
        def forward(self, y):
            return super().forward(y) + torch.ones(7)

    with pytest.raises(NetworkError) as refusal:
        channels_of(Grey(1, 1, 3, padding=1), "mine")
    said = str(refusal.value)
    assert said.startswith("mine: on 1 channel: fails on an image (1, 1, 128, 128): ") and "\n" not in said
    assert "must match the size of tensor b (7)" in said.split("; on 3 channels: ")[0]
    assert "to have 1 channels, but got 3 channels" in said.split("; on 3 channels: ")[1]
