"""Tiles: seams, statistics of the whole image, alignment, state dicts, memory and errors."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from backbones import SigmaConditioned, seeded
from conftest import random_images, tiny_denoiser
from wne import (
    NormalizationEquivariant,
    ScaleEquivariant,
    assert_normalization_equivariant,
    create_denoiser,
    load_state_dict,
    tiled,
)
from wne.receptive_field import receptive_radius
from wne.tiling import Tiled, Tiles, blending_weights, tile_spans


@given(st.integers(1, 300), st.integers(1, 64), st.data())
def test_tiles_cover_an_axis_with_weights_that_sum_to_one(size, tile, data):
    overlap = data.draw(st.integers(0, tile // 2))
    margin = data.draw(st.sampled_from([0, overlap / 4, overlap / 2]))
    total = torch.zeros(size, dtype=torch.float64)
    spans = tile_spans(size, tile, overlap)
    for start, end in spans:
        assert 0 <= start < end <= size and end - start <= tile and start % (tile - overlap) == 0
        weights = blending_weights((start, end), size, overlap, margin)
        assert (weights >= 0).all()
        total[start:end] += weights
    torch.testing.assert_close(total, torch.ones_like(total))
    assert all(after[0] == before[1] - overlap for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize("size", [(64, 64), (101, 75), (33, 160)], ids=str)
def test_a_convolutional_network_has_no_seams(size):
    f = tiny_denoiser("dncnn", "wne")  # four layers: a receptive field of radius 4
    y = random_images(2, 1, *size)
    with torch.no_grad():
        whole = f(y)
        torch.testing.assert_close(tiled(f, tile=48, overlap=16)(y), whole, rtol=0, atol=1e-12)
        # The control: without an overlap, borders show.
        assert (tiled(f, tile=48, overlap=0)(y) - whole).abs().max() > 1e-3


@pytest.mark.parametrize(("depth", "kernel", "radius"), [(4, 3, 4), (20, 3, 20), (2, 7, 6)])
def test_the_radius_of_the_receptive_field_is_measured(depth, kernel, radius):
    layers = [nn.Conv2d(1, 1, kernel, padding=kernel // 2) for _ in range(depth)]
    network = nn.Sequential(*(layer for convolution in layers for layer in (convolution, nn.ReLU())))
    assert receptive_radius(network, torch.rand(2, 1, 100, 80), limit=512) == radius
    dilated = nn.Conv2d(1, 1, 3, padding=5, dilation=5)
    assert receptive_radius(dilated, torch.rand(1, 1, 100, 80), limit=64) == 5


def test_the_radius_of_the_published_dncnn_is_20_and_its_tiles_share_40_pixels():
    f, y = create_denoiser("dncnn", "wne", width=4).eval(), torch.rand(1, 1, 200, 90)
    assert receptive_radius(f.backbone, y, limit=512) == 20
    assert Tiles(tile=128)._overlap(f.backbone, y, (), {}) == (40, 20)
    with torch.no_grad():
        torch.testing.assert_close(tiled(f, tile=80)(y), f(y), rtol=0, atol=1e-5)


@pytest.mark.parametrize("variant", ["baseline", "wne"])
@pytest.mark.parametrize("size", [(64, 64), (101, 75), (33, 160)], ids=str)
def test_a_measured_overlap_gives_the_result_of_the_whole_image(variant, size):
    f, y = tiny_denoiser("dncnn", variant), random_images(2, 1, *size)
    with torch.no_grad():
        torch.testing.assert_close(tiled(f, tile=32)(y), f(y), rtol=0, atol=1e-12)


def test_measuring_the_radius_leaves_a_network_in_training_as_it_was():
    f = NormalizationEquivariant(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 1)))
    f.train()
    f.backbone[0].eval()
    before = [module.training for module in f.modules()]
    assert receptive_radius(f.backbone, torch.rand(1, 1, 64, 64), limit=64) == 1
    assert [module.training for module in f.modules()] == before
    assert (f.backbone[1].running_mean == 0).all() and f.backbone[1].num_batches_tracked == 0
    tiled(f, tile=32)(torch.rand(1, 1, 70, 40))
    assert torch.isfinite(f.backbone[1].running_mean).all() and torch.isfinite(f.backbone[1].running_var).all()


def test_no_radius_is_claimed_for_networks_that_see_everything_or_hide_nan():
    class Pooled(nn.Module):
        def forward(self, z):
            return z - z.mean((2, 3), keepdim=True)

    class Swallows(nn.Module):
        def forward(self, z):
            return torch.nan_to_num(z)

    z = torch.rand(1, 1, 96, 96)
    strided = nn.Sequential(nn.Conv2d(1, 4, 2, stride=2), nn.ConvTranspose2d(4, 1, 2, stride=2))
    for backbone in (Pooled(), tiny_denoiser("restormer", "baseline").float(), Swallows(), strided, torch.tanh):
        assert receptive_radius(backbone, z, limit=96) is None
    assert receptive_radius(nn.Identity(), z, limit=12) is None  # too small to tell


class Counted(nn.Module):
    """z minus a mean of it, that of the image or of 3 x 3 pixels, and how often it was asked for."""

    def __init__(self, whole: bool):
        super().__init__()
        self.whole, self.calls = whole, 0

    def forward(self, z):
        self.calls += 1
        return z - (z.mean((2, 3), keepdim=True) if self.whole else nn.functional.avg_pool2d(z, 3, 1, 1))


def test_a_network_that_sees_everything_is_asked_once_for_each_size():
    backbone = Counted(whole=True)
    assert receptive_radius(backbone, torch.rand(1, 1, 600, 600), limit=512) is None
    assert backbone.calls == 4  # 64, 128, 256 and 512 pixels


def test_the_radius_is_measured_once_where_it_may_be_kept():
    backbone, z = Counted(whole=False), torch.rand(1, 1, 40, 30, dtype=torch.float64)
    kept, afresh = Tiles(32, radii={}), Tiles(32)
    for tiles, again in ((kept, False), (afresh, True)):
        torch.testing.assert_close(tiles(backbone, z), backbone(z))
        backbone.calls = 0
        tiles(backbone, z)
        assert (backbone.calls > 2) == again  # two tiles
    kept(backbone, z.float())  # another kind of image
    assert len(kept.radii) == 2 and set(kept.radii.values()) == {1}


def test_a_comparison_that_swallows_nan_does_not_hide_what_it_sees():
    class Chooses(nn.Module):
        def __init__(self):
            super().__init__()
            self.choice, self.a = nn.Conv2d(1, 1, 15, padding=7), nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, z):
            return torch.where(self.choice(z) > 0, self.a(z), -self.a(z))

    f, z = seeded("chooses", Chooses).double(), random_images(1, 1, 101, 75) - 0.5
    assert receptive_radius(f, z, limit=64) == 7
    with torch.no_grad():
        torch.testing.assert_close(tiled(f, tile=32)(z), f(z), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("overlap", "exact"), [(None, True), (16, True), (8, False)])
def test_a_given_overlap_is_exact_from_four_times_the_radius_up(overlap, exact):
    f, y = tiny_denoiser("dncnn", "wne"), random_images(1, 1, 70, 40)  # of radius 4
    with torch.no_grad():
        error = (tiled(f, tile=32, overlap=overlap)(y) - f(y)).abs().max()
    assert error < 1e-12 if exact else error > 1e-6


class Several(nn.Module):
    def __init__(self, kind: type):
        super().__init__()
        self.convolution, self.kind = nn.Conv2d(1, 1, 5, padding=2), kind

    def forward(self, z):
        image, level = self.convolution(z), z.std()
        return {"level": level, "image": image} if self.kind is dict else (level, image)


@pytest.mark.parametrize(("kind", "output"), [(dict, "image"), (tuple, 1)])
def test_one_of_several_outputs_is_tiled(kind, output):
    f = NormalizationEquivariant(seeded("several", lambda: Several(kind)).double(), output=output)
    y = random_images(2, 1, 70, 40)
    assert receptive_radius(f.backbone, y, 64, output=output) == 2
    with torch.no_grad():
        torch.testing.assert_close(tiled(f, tile=32)(y), f(y), rtol=0, atol=1e-12)
        torch.testing.assert_close(tiled(f, tile=128)(y), f(y), rtol=0, atol=0)
    with pytest.raises(ValueError, match="output='picture': the backbone returned"):
        tiled(NormalizationEquivariant(f.backbone, output="picture"), tile=32)(y)


@pytest.mark.parametrize("stride", [64, 128])
def test_strides_that_divide_an_image_divide_all_its_tiles(stride):
    network = nn.Sequential(nn.Conv2d(1, 1, stride, stride), nn.ConvTranspose2d(1, 1, stride, stride))
    z = torch.rand(1, 1, 7 * 128, 5 * 128)
    with torch.no_grad():
        assert Tiled(network)(z).shape == z.shape
        for tile in (256, 384, 512, 640):
            spans = tile_spans(7 * 128, tile, Tiles(tile)._overlap(torch.tanh, z, (), {})[0])
            assert all(position % 128 == 0 for span in spans for position in span)
        with pytest.raises(ValueError, match="must keep the shape") as refusal:
            Tiled(network, tile=500)(z)
    assert "on a tile of 500 x 500 pixels" in refusal.value.__notes__[0] and "wne.Padded" in refusal.value.__notes__[0]


def test_a_backbone_may_overwrite_its_tile():
    z = random_images(1, 1, 20, 20)
    before = z.clone()
    torch.testing.assert_close(Tiled(lambda z: z.mul_(0.5), 8, 4)(z), before / 2)
    assert torch.equal(z, before)


def test_what_torch_puts_around_a_model_is_taken_off():
    f, y = tiny_denoiser("dncnn", "wne"), random_images(1, 1, 50, 40) * torch.linspace(0.1, 3, 40)
    with torch.no_grad():
        for around in (torch.compile(f), nn.DataParallel(f)):
            g = tiled(around, tile=24)
            assert isinstance(g, NormalizationEquivariant)
            torch.testing.assert_close(g(y), f(y), rtol=0, atol=1e-12)


@pytest.mark.parametrize("inside", [nn.Sequential, NormalizationEquivariant, ScaleEquivariant])
def test_a_wrapper_inside_is_refused(inside):
    f = inside(NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1)))
    for make in (tiled, Tiled):
        with pytest.raises(ValueError, match=r"wrapper inside.*mean and std from each tile; tile the wrapper itself"):
            make(f, tile=8)


def test_attention_windows_stay_where_they_were():
    f = tiny_denoiser("swinir", "wne")  # windows of 4, shifted by 2
    y = random_images(1, 1, 64, 40)
    with torch.no_grad():
        whole = f(y)
        aligned = (tiled(f, tile=32, overlap=16)(y) - whole).abs().max()
        shifted = (tiled(f, tile=34, overlap=15)(y) - whole).abs().max()
    assert aligned < 0.1 * shifted


def test_tiles_share_the_statistics_of_the_whole_image():
    # Brightness and contrast that change across the image: tiles of their own would each normalize differently.
    y = random_images(1, 1, 64, 96) * torch.linspace(0.1, 3, 96) + torch.linspace(-2, 2, 64)[:, None]
    f = tiny_denoiser("dncnn", "wne")
    assert_normalization_equivariant(tiled(f, tile=32, overlap=16), y)
    tile_wise = Tiled(lambda z: f(z), tile=32, overlap=16)  # a function hides the wrapper, a module is refused
    with torch.no_grad():
        assert (tile_wise(y) - f(y)).abs().max() > 100 * (tiled(f, tile=32, overlap=16)(y) - f(y)).abs().max()


def test_tiling_keeps_weights_and_names_and_leaves_the_denoiser_as_it_was(tmp_path):
    y = random_images(1, 1, 40, 33)
    for variant in ("wne", "baseline"):
        f = tiny_denoiser("dncnn", variant)
        g = tiled(f, tile=32, overlap=8)
        assert list(g.state_dict()) == [
            f"backbone.{name}" if variant == "baseline" else name for name in f.state_dict()
        ]
        g.load_state_dict(f.state_dict())
        assert all(p is q for p, q in zip(g.parameters(), f.parameters(), strict=True))
        for copied in (copy.deepcopy(g), AveragedModel(g).module):
            copied.load_state_dict(f.state_dict())
            assert torch.equal(copied(y), g(y))
        save_file(g.state_dict(), tmp_path / "tiled.safetensors")
        load_state_dict(tiny_denoiser("dncnn", variant), load_file(tmp_path / "tiled.safetensors"))
        g.register_forward_hook(lambda *_: None)
        assert not f._forward_hooks
    assert "tile=32" in repr(g) and "tile=32" not in repr(f)
    function = tiled(NormalizationEquivariant(torch.tanh), tile=8, overlap=2)
    torch.testing.assert_close(
        function(random_images(1, 1, 20, 9)), NormalizationEquivariant(torch.tanh)(random_images(1, 1, 20, 9))
    )


def test_maps_among_the_arguments_are_cut_and_others_are_not():
    f = NormalizationEquivariant(seeded("sigma", SigmaConditioned).double())
    y, sigma, label = random_images(2, 1, 40, 50), random_images(2, 1, 40, 50, seed=1), torch.tensor([0, 2])
    with torch.no_grad():
        torch.testing.assert_close(tiled(f, 24, 8)(y, sigma, label=label), f(y, sigma, label=label))


@pytest.mark.parametrize(
    ("tile", "overlap", "message"),
    [(32, 17, "between 0 and half of tile"), (32, -1, "between 0 and half of tile"), (0, 0, "at least 1 pixel")],
)
def test_impossible_tiles_are_refused(tile, overlap, message):
    with pytest.raises(ValueError, match=message):
        Tiled(nn.Identity(), tile, overlap)


def test_a_backbone_that_changes_the_size_is_refused():
    with pytest.raises(ValueError, match="must keep the shape"):
        Tiled(nn.MaxPool2d(2), 8, 2)(torch.rand(1, 1, 20, 20))


_LARGE = """
import resource, torch
from wne import create_denoiser, tiled
torch.set_num_threads(1)
f = tiled(create_denoiser("dncnn", "wne", depth=3, width=8).eval(), tile=512, overlap=32)
with torch.inference_mode():
    y = torch.rand(1, 1, 4096, 4096)
    assert f(y).shape == y.shape
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_an_image_of_4096_by_4096_takes_less_than_2_gb():
    found = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    assert float(found.stdout) < 2  # GiB, all of the process


def test_progress_is_shown_when_asked_for(capsys):
    y = torch.rand(1, 1, 20, 20)
    Tiled(nn.Identity(), 8, 2)(y)
    assert capsys.readouterr().err == ""
    Tiled(nn.Identity(), 8, 2, progress=True)(y)
    assert "tiles" in capsys.readouterr().err
