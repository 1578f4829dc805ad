"""Padding to a multiple, for one's own network and for timm's encoders."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from conftest import random_images
from wne import NormalizationEquivariant, Padded, assert_normalization_equivariant, create_denoiser, pad_to_multiple

SIZES = [(1, 1), (1, 40), (7, 9), (33, 70), (64, 32)]


class Strided(nn.Module):
    """A network of stride 8 that refuses other sizes, with a noise map; counts the pixels that it sees."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.down = nn.Conv2d(1, 4, 8, stride=8)
            self.up = nn.ConvTranspose2d(4, 1, 8, stride=8)
        self.double()

    def forward(self, x: Tensor, sigma: Tensor | None = None) -> Tensor:
        assert x.shape[-1] % 8 == x.shape[-2] % 8 == 0
        out = self.up(torch.tanh(self.down(x)))
        return out if sigma is None else out * sigma


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_strided_network_takes_every_size_and_stays_equivariant(size):
    f = NormalizationEquivariant(Padded(Strided(), 8))
    y = random_images(2, 1, *size)
    assert f(y).shape == y.shape
    if size != (1, 1):
        assert_normalization_equivariant(f, y)


def test_padding_adds_nothing_where_nothing_is_missing_and_crops_what_it_adds():
    network, y = Strided(), random_images(1, 1, 24, 16)
    assert torch.equal(Padded(network, 8)(y), network(y))
    small = y[..., :21, :13]
    assert torch.equal(Padded(network, 8)(small), network(pad_to_multiple(small, 8))[..., :21, :13])


def test_maps_are_padded_and_every_output_of_that_size_is_cropped():
    class Several(nn.Module):
        def forward(self, x: Tensor, sigma: Tensor, *, label: Tensor) -> dict[str, object]:
            assert sigma.shape[-2:] == x.shape[-2:] and label.shape == (2,)
            return {"image": x + sigma, "pair": (x, label), "scalar": x.mean()}

    y, sigma, label = random_images(2, 1, 9, 10), random_images(2, 1, 9, 10, seed=1), torch.tensor([0, 1])
    out = Padded(Several(), 4)(y, sigma, label=label)
    assert torch.equal(out["image"], y + sigma) and torch.equal(out["pair"][0], y)
    assert torch.equal(out["pair"][1], label) and out["scalar"].ndim == 0


def test_weights_load_from_the_bare_network():
    bare, padded = Strided(), Padded(Strided(), 8)
    with torch.no_grad():
        bare.down.weight.fill_(0.5)
    padded.load_state_dict(bare.state_dict())
    assert (padded.backbone.down.weight == 0.5).all()
    assert list(padded.state_dict()) == [f"backbone.{name}" for name in bare.state_dict()]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="multiple must be at least 1 pixel, not 0"):
        Padded(nn.Identity(), 0)
    with pytest.raises(ValueError, match="multiple must be at least 1 pixel, not -8"):
        pad_to_multiple(torch.rand(1, 1, 4, 4), -8)
    with pytest.raises(ValueError, match=r"at least one pixel, got shape \(1, 1, 0, 4\)"):
        pad_to_multiple(torch.rand(1, 1, 0, 4), 2)
    with pytest.raises(ValueError, match=r"must keep the padded size.*\(1, 1, 6, 6\) of \(1, 1, 12, 12\)"):
        Padded(nn.MaxPool2d(2), 4)(torch.rand(1, 1, 9, 10))


# --- timm ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoder", ["convnext_atto", pytest.param("maxvit_rmlp_pico_rw_256", marks=pytest.mark.slow), "regnetx_002"]
)
def test_encoders_with_windows_and_strides_take_every_size_in_turn(encoder):
    f = create_denoiser(f"timm:{encoder}", "wne", width=4).eval()
    with torch.no_grad():
        for size in [(64, 64), (1, 1), (33, 70), (64, 64)]:
            y = random_images(1, 1, *size, dtype=torch.float32)
            out = f(y)
            assert out.shape == y.shape and torch.isfinite(out).all()
    f.train()(random_images(1, 1, 5, 40, dtype=torch.float32)).sum().backward()


@pytest.mark.parametrize("encoder", ["levit_128s", "coatnet_nano_rw_224", "gcvit_xxtiny", "beit_base_patch16_224"])
def test_encoders_of_one_size_are_refused_when_they_are_built(encoder):
    with pytest.raises(ValueError, match=rf"timm's {encoder}.*Encoders for every image size are convnext_atto"):
        create_denoiser(f"timm:{encoder}", "wne")


def test_encoders_that_normalize_what_they_pool_to_one_pixel_are_trained_on_two_images():
    f = create_denoiser("timm:resnest14d", "wne", width=4)
    f.train()(random_images(2, 1, 64, 64, dtype=torch.float32)).sum().backward()
    assert f.eval()(random_images(1, 1, 5, 40, dtype=torch.float32)).shape == (1, 1, 5, 40)
