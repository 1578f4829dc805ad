"""The adapter for deepinv: deepinv's own tests of denoisers, and what its formulas say."""

from __future__ import annotations

import deepinv
import pytest
import torch
from torch import Tensor, nn

from benchmarks.deepinv_tests import CALLS, run_deepinv_test
from conftest import random_images, tiny_denoiser
from wne import NormalizationEquivariant, ScaleEquivariant, list_denoisers, load_denoiser
from wne.adapters.deepinv import DeepinvDenoiser
from wne.published import find_weights


class ToldSigma(nn.Module):
    """Subtracts a tenth of the noise level and shrinks: what it is told shows in what it returns."""

    def forward(self, z: Tensor, sigma: Tensor) -> Tensor:
        self.seen = sigma
        return 0.7 * z - 0.1 * sigma


# --- deepinv's own tests ------------------------------------------------------------------------------


@pytest.mark.parametrize("test", CALLS)
@pytest.mark.parametrize("name", list_denoisers(), ids="-".join)
def test_deepinv_s_own_tests_pass(name, test):
    run_deepinv_test(
        test, lambda channels: DeepinvDenoiser(tiny_denoiser(*name, channels=channels, dtype=torch.float32))
    )


@pytest.mark.parametrize("test", CALLS)
@pytest.mark.parametrize("form", ["level", "map"])
def test_deepinv_s_own_tests_pass_for_networks_that_are_told_sigma(form, test):
    run_deepinv_test(test, lambda _: DeepinvDenoiser(NormalizationEquivariant(ToldSigma()), form))


@pytest.mark.parametrize("test", CALLS)
def test_without_the_adapter_they_fail(test):
    with pytest.raises(TypeError):
        run_deepinv_test(test, lambda channels: tiny_denoiser("dncnn", "wne", channels=channels, dtype=torch.float32))


# --- what the formulas say ----------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.1, torch.tensor(0.1), [0.1, 0.2], torch.tensor([0.1, 0.2]), None])
def test_a_blind_network_ignores_sigma(sigma):
    f, x = tiny_denoiser("dncnn", "wne"), random_images(2, 1, 16, 12)
    assert torch.equal(DeepinvDenoiser(f)(x, sigma), f(x))


@pytest.mark.parametrize("form", ["level", "map"])
def test_a_wrapped_network_is_told_sigma_over_std(form):
    g = ToldSigma()
    d, x = DeepinvDenoiser(NormalizationEquivariant(g), form), random_images(2, 3, 16, 12)
    sigma = torch.tensor([0.1, 0.2], dtype=x.dtype)
    d(x, sigma)
    expected = sigma / x.flatten(1).std(1, correction=0)
    assert g.seen.shape == ((2, 1, 1, 1) if form == "level" else (2, 1, 16, 12))
    torch.testing.assert_close(g.seen[:, 0, 0, 0], expected)


@pytest.mark.parametrize("form", ["level", "map"])
def test_image_and_noise_level_are_equivariant_together(form):
    d, x = DeepinvDenoiser(NormalizationEquivariant(ToldSigma()), form), random_images(2, 3, 16, 12)
    torch.testing.assert_close(d(30 * x - 7, 30 * 0.1), 30 * d(x, 0.1) - 7)
    assert not torch.allclose(d(30 * x - 7, 0.1), 30 * d(x, 0.1) - 7)  # the same sigma is another problem


def test_each_kind_of_network_is_told_sigma_in_its_own_unit():
    x = 1 + random_images(1, 2, 16, 12)
    for f, unit in [
        (ToldSigma(), torch.ones(1)),
        (ScaleEquivariant(ToldSigma()), x.square().mean().sqrt()),
        (NormalizationEquivariant(ToldSigma(), pool="channel"), x.flatten(2).std(2, correction=0)),
    ]:
        DeepinvDenoiser(f, "level")(x, 0.1)
        seen = f.seen if isinstance(f, ToldSigma) else f.backbone.seen
        torch.testing.assert_close(seen.flatten(), (0.1 / unit).flatten().to(x.dtype))


def test_a_noise_map_goes_through_as_a_map():
    g, x = ToldSigma(), random_images(2, 1, 8, 8)
    sigma = 0.1 + random_images(2, 1, 8, 8, seed=1)
    DeepinvDenoiser(NormalizationEquivariant(g), "level")(x, sigma)
    torch.testing.assert_close(g.seen, sigma / x.flatten(1).std(1, correction=0).view(2, 1, 1, 1))


def test_masked_pixels_do_not_count_for_the_noise_level():
    g, x = ToldSigma(), random_images(1, 1, 8, 8)
    padded = nn.functional.pad(x, (0, 4), value=float("nan"))
    d = DeepinvDenoiser(NormalizationEquivariant(g), "level")
    out = d(padded, 0.1, mask=~padded.isnan())[..., :8]
    torch.testing.assert_close(out, d(x, 0.1))


def test_a_constant_image_stays_and_gives_finite_gradients():
    d = DeepinvDenoiser(NormalizationEquivariant(ToldSigma()), "level")
    x = torch.full((1, 1, 8, 8), 0.3, requires_grad=True)
    out = d(x, 0.1)
    out.sum().backward()
    assert torch.equal(out, x) and x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DeepinvDenoiser(nn.Identity(), "sigma"), "must be 'blind', 'level' or 'map', not 'sigma'"),
        (lambda: DeepinvDenoiser(nn.Sequential(NormalizationEquivariant(ToldSigma())), "level"), "it is inside Sequential"),
        (lambda: DeepinvDenoiser(ToldSigma(), "level")(torch.ones(2, 1, 4, 4)), "call it with sigma"),
        (lambda: DeepinvDenoiser(ToldSigma(), "level")(torch.ones(2, 1, 4, 4), torch.ones(3)), r"of shape \(3,\) is neither"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- inside deepinv -----------------------------------------------------------------------------------


def test_deepinv_s_own_wrappers_take_it():
    """Their formulas around a normalization equivariant network give that network again."""
    f, x = tiny_denoiser("dncnn", "wne"), random_images(1, 1, 16, 16)
    d = DeepinvDenoiser(f)
    shifted = deepinv.models.MinusOneOneDenoiserWrapper(d)  # 2 f((x + 1) / 2) - 1
    for options in ({}, {"input_in_minus_one_one": True}):  # which its samplers say to every denoiser
        torch.testing.assert_close(shifted(x, 0.1, **options), f(x))
    flips = deepinv.models.EquivariantDenoiser(d, transform=deepinv.transform.Reflect(dim=[-1], n_trans=2))
    torch.testing.assert_close(flips(x, 0.1), (f(x) + f(x.flip(-1)).flip(-1)) / 2)
    red = deepinv.optim.RED(denoiser=d)
    torch.testing.assert_close(red.grad(x, 0.1), x - f(x))


def test_plug_and_play_deblurs():
    """On its own test image: closer to the truth than the blurred image, by a margin."""
    x = torch.zeros(1, 1, 48, 48)
    x[..., 12:36, 8:40], x[..., 20:28, 16:24] = 0.8, 0.2
    kernel = deepinv.physics.functional.gaussian_blur(sigma=1.5)
    noise = deepinv.physics.GaussianNoise(0.03, rng=torch.Generator().manual_seed(0))
    physics = deepinv.physics.BlurFFT(img_size=x.shape[1:], filter=kernel, noise_model=noise)
    y = physics(x)
    prior = deepinv.optim.PnP(DeepinvDenoiser(load_denoiser(find_weights("dncnn-wne-s25"))))
    solver = deepinv.optim.PGD(
        prior=prior, data_fidelity=deepinv.optim.L2(), stepsize=1.0, sigma_denoiser=0.1, max_iter=10
    )
    with torch.no_grad():
        restored = solver(y, physics)
    psnr = deepinv.metric.PSNR()
    assert psnr(restored, x).item() > psnr(y, x).item() + 1
