"""The assertion that others use in their own tests: what it passes, what it catches, and what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backbones import backbone
from conftest import random_images, tiny_denoiser
from wne import NormalizationEquivariant, ScaleEquivariant, assert_normalization_equivariant, equivariance_defect
from wne.testing import IDENTITIES, TOLERANCES


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_wrapped_networks_pass_in_every_precision(dtype):
    f = NormalizationEquivariant(backbone("dncnn")).to(dtype)
    assert_normalization_equivariant(f, dtype=dtype)


def test_random_images_have_the_dtype_of_the_network():
    assert_normalization_equivariant(NormalizationEquivariant(backbone("dncnn")).double(), tolerance=1e-9)


def test_random_images_are_float32_for_parameters_that_are_no_real_numbers():
    class Spectral(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1, dtype=torch.complex64))

        def forward(self, y):
            assert y.dtype == torch.float32
            return torch.fft.ifft2(torch.fft.fft2(y) * self.weight).real

    assert_normalization_equivariant(NormalizationEquivariant(Spectral()))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
def test_bare_networks_fail_in_every_precision(dtype):
    with pytest.raises(AssertionError, match="not normalization equivariant"):
        assert_normalization_equivariant(backbone("dncnn").to(dtype), dtype=dtype)


def test_architectural_equivariance_passes_as_well():
    assert_normalization_equivariant(tiny_denoiser("fdncnn", "ne_arch"), dtype=torch.float64)


@pytest.mark.parametrize(
    ("f", "formula"),
    [
        (lambda y: y.square(), r"f\(a y\) = a f\(y\) fails with a = 3"),
        (ScaleEquivariant(torch.tanh), r"f\(y \+ b 1\) = f\(y\) \+ b 1 fails with b = 0.5"),
        (lambda y: y.clamp(min=-1.9), r"f\(y \+ b 1\) = f\(y\) \+ b 1 fails with b = -2"),
        (lambda y: torch.where((y == y.mean()).all(), y + 1, y), r"f\(c 1\) = c 1 fails with c = 0.3"),
    ],
    ids=["square", "scale-equivariant", "clamp", "constant"],
)
def test_the_message_names_the_identity(f, formula):
    with pytest.raises(AssertionError, match=formula):
        assert_normalization_equivariant(f)


def test_the_message_says_where_and_by_how_much():
    def f(y):
        y = y.clone()
        y[1, 0, 3, 4] = 0.25  # one pixel that ignores its image
        return y

    with pytest.raises(AssertionError, match=r"got 0.25 instead of 0.75 at \(1, 0, 3, 4\).*times the contrast.*0% of"):
        assert_normalization_equivariant(f)


def test_answers_that_are_not_finite_or_not_the_same_twice_fail():
    with pytest.raises(AssertionError, match="got nan"):
        assert_normalization_equivariant(lambda y: y / 0 * 0)
    with pytest.raises(AssertionError, match="not deterministic"):
        assert_normalization_equivariant(lambda y: y + torch.rand_like(y))


def test_a_module_is_tested_in_evaluation_mode_and_put_back():
    f = NormalizationEquivariant(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Dropout(0.5))).train()
    assert_normalization_equivariant(f)
    assert f.training and f.backbone[1].training


def test_every_submodule_keeps_its_own_mode():
    f = NormalizationEquivariant(nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 3, padding=1), nn.Dropout(0.5)))
    for f_trains, frozen in ((True, 0), (False, 0), (True, 1), (False, 2)):
        f.train(f_trains)
        f.backbone[frozen].train(not f_trains)
        before = [module.training for module in f.modules()]
        assert_normalization_equivariant(f)
        assert [module.training for module in f.modules()] == before
    f.train()
    f.backbone[0].eval()
    with pytest.raises(AssertionError):
        assert_normalization_equivariant(f.backbone)
    assert f.training and not f.backbone[0].training


def test_a_function_that_overwrites_its_input_fails():
    with pytest.raises(AssertionError, match="overwrites its input"):
        assert_normalization_equivariant(lambda y: y.mul_(0.5).add_(0.5 * y.mean((1, 2, 3), keepdim=True)))
    # The wrapper gives the backbone an image of its own.
    assert_normalization_equivariant(NormalizationEquivariant(lambda z: z.mul_(0.5), "residual"))


def test_what_is_asserted_is_the_measured_defect():
    y = random_images(2, 1, 12, 10)

    def f(y):
        return y + 1e-3 * y.square()

    worst = max(
        float(equivariance_defect(f, y, torch.full((2,), a), torch.full((2,), b)).sharp.max()) for _, a, b in IDENTITIES
    )
    assert_normalization_equivariant(f, y, tolerance=1.001 * worst)
    with pytest.raises(AssertionError, match=f"the defect is {worst:.2g} times"):
        assert_normalization_equivariant(f, y, tolerance=0.999 * worst)


def test_images_and_tolerance_can_be_given():
    y = random_images(1, 3, 9, 11)
    assert_normalization_equivariant(NormalizationEquivariant(torch.tanh), y, tolerance=1e-12)
    assert_normalization_equivariant(lambda y: y + 1e-4 * y.square(), y, tolerance=0.1)
    with pytest.raises(AssertionError, match="1e-12 is allowed"):
        assert_normalization_equivariant(lambda y: y + 1e-4 * y.square(), y, tolerance=1e-12)
    with pytest.raises(ValueError, match="must not be constant"):
        assert_normalization_equivariant(torch.tanh, torch.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match="must keep the shape"):
        assert_normalization_equivariant(lambda y: y[..., 1:], y)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128, torch.int32], ids=str)
def test_images_that_are_not_real_are_refused_in_one_line(dtype):
    f = NormalizationEquivariant(nn.Identity())
    for given in ({"images": torch.ones(1, 1, 4, 4).to(dtype)}, {"dtype": dtype}):
        with pytest.raises(TypeError, match=f"expected images of float64, .*, got {dtype}") as refusal:
            assert_normalization_equivariant(f, **given)
        assert ("real and imaginary parts" in str(refusal.value)) == dtype.is_complex


def test_a_complex_denoiser_is_tested_through_its_parts():
    def of_parts(f):
        return lambda y: torch.cat([(out := f(torch.complex(*y.chunk(2, 1)))).real, out.imag], 1)

    assert_normalization_equivariant(of_parts(NormalizationEquivariant(torch.tanh)), channels=2)
    with pytest.raises(AssertionError, match="not normalization equivariant"):
        assert_normalization_equivariant(of_parts(torch.tanh), channels=2)


def test_the_images_that_are_drawn_are_on_the_device_of_the_network():
    class Tells(nn.Conv2d):
        def forward(self, y):
            raise RuntimeError(f"an image on {y.device}")

    with pytest.raises(RuntimeError, match="an image on meta"):
        assert_normalization_equivariant(Tells(1, 1, 3, device="meta"))
