"""The wrappers: statistics, guard, precision, gradients, state dicts, errors."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from conftest import random_images, tiny_denoiser
from wne.models import list_denoisers
from wne.moments import instance_statistics, normalize
from wne.wrapper import InputNormalized, NormalizationEquivariant, ScaleEquivariant

WRAPPERS = [NormalizationEquivariant, ScaleEquivariant, InputNormalized]
PREDICTIONS = ["direct", "residual"]
CONSTANTS = [0.0, 0.1, 1.0, 255.0, -3.0, 1e-8, -1e-30, 1e-45, 12345.678, 1e10, -3e38]


def unit_roundoff(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).eps / 2


def largest(x: Tensor) -> float:
    return x.abs().max().item()


class Poison(nn.Module):
    """A backbone that has no finite answer, wherever its input is 0 or for every input."""

    def __init__(self, value: float, everywhere: bool = False):
        super().__init__()
        self.value, self.everywhere = value, everywhere

    def forward(self, z: Tensor) -> Tensor:
        return torch.where((z == 0) | self.everywhere, self.value, z)


def smooth_backbone(channels: int = 1, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        convolutions = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, channels, 3, padding=1)
    return nn.Sequential(convolutions[0], nn.Tanh(), convolutions[1]).to(dtype)


# --- statistics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@settings(max_examples=100)
@given(
    offset=st.sampled_from([0.0, 1.0, -1e4, 1e6]),
    contrast=st.sampled_from([1e-6, 1e-2, 1.0, 1e6]),
    entries=st.lists(st.floats(-1, 1), min_size=1, max_size=12),
)
def test_statistics_equal_exact_rational_arithmetic(dtype, offset, contrast, entries):
    y = (offset + contrast * torch.tensor(entries, dtype=torch.float64)).to(dtype).reshape(1, 1, 1, -1)
    centred, mean, std = instance_statistics(y)
    exact = [Fraction(v) for v in y.flatten().tolist()]
    exact_mean = sum(exact) / len(exact)
    exact_std = math.sqrt(sum((v - exact_mean) ** 2 for v in exact) / len(exact))
    # Rounding is relative to the range of the image, not to its offset: each of y - y[0], its mean (at
    # most 12 terms) and the difference rounds by u times the range; the sum of squares likewise.
    unit, span = unit_roundoff(dtype), float(max(exact) - min(exact))
    for got, value in zip(centred.flatten().tolist(), exact, strict=True):
        assert abs(got - float(value - exact_mean)) <= 4 * unit * span
    assert abs(std.item() - exact_std) <= 8 * unit * span
    assert abs(Fraction(mean.item()) - exact_mean) <= unit * (abs(exact_mean) + 8 * Fraction(span)) * 2


@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_statistics_of_a_constant_image_are_exact(dtype, value):
    y = torch.full((1, 3, 7, 11), value, dtype=dtype)
    centred, mean, std = instance_statistics(y)
    assert (centred == 0).all() and std.item() == 0.0 and mean.item() == y[0, 0, 0, 0].item()


def test_statistics_pool_channels_and_pixels_and_have_one_value_per_image():
    y = random_images(5, 3, 4, 6)
    centred, mean, std = instance_statistics(y)
    assert centred.shape == y.shape and mean.shape == std.shape == (5, 1, 1, 1)
    torch.testing.assert_close(mean.flatten(), y.flatten(1).mean(1))
    torch.testing.assert_close(std.flatten(), y.flatten(1).std(1, correction=0))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32], ids=str)
def test_statistics_are_float32_or_better(dtype):
    for statistic in instance_statistics(random_images(1, 1, 8, 8, dtype=dtype)):
        assert statistic.dtype == torch.float32
    assert instance_statistics(random_images(1, 1, 8, 8))[2].dtype == torch.float64


def test_a_small_contrast_on_a_huge_offset_keeps_its_digits():
    y = (1e4 + 0.1 * random_images(1, 1, 32, 32)).float()
    reference, _, _ = normalize(y.double())
    # y - y[0] is exact here (Sterbenz), so normalization rounds as it would without the offset.
    assert largest(normalize(y)[0] - reference) <= 8 * unit_roundoff(torch.float32) * largest(reference)
    # The control, statistics without the shift, has lost four of the seven digits.
    naive = (y - y.mean()) / y.std(correction=0)
    assert largest(naive - reference) > 1e4 * unit_roundoff(torch.float32)


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "wne"], ids=lambda d: d.backbone)
def test_denoising_a_small_contrast_on_a_huge_offset_loses_only_the_rounding_of_the_offset(denoiser):
    y = (1e4 + 0.1 * random_images(1, 1, 12, 12)).float()
    single, double = (tiny_denoiser(*denoiser, dtype=dtype) for dtype in (torch.float32, torch.float64))
    with torch.no_grad():
        error = largest(single(y).double() - double(y.double()))
    # The mean and the sum with it round once each; the backbone's own rounding, relative to std = 0.03, is below that.
    assert error <= 2 * unit_roundoff(torch.float32) * 1.001e4


@pytest.mark.parametrize("contrast", [1e-35, 1e-15, 1e-6, 1.0, 1e6, 1e15, 1e37])
def test_float32_images_of_any_physical_unit_are_not_taken_for_constant(contrast):
    y = (contrast * random_images(1, 1, 8, 8)).float()
    z, _, std = normalize(y)
    assert std > 0
    torch.testing.assert_close(z.square().mean(), torch.tensor(1.0))


# --- guard --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 1, 1, 7), (1, 3, 5, 3), (2, 1, 16, 16)], ids=str)
def test_constant_images_map_to_themselves_bit_for_bit(shape, value, prediction):
    for dtype in (torch.float32, torch.float64):
        y = torch.full(shape, value, dtype=dtype)
        for backbone in (nn.Conv2d(shape[1], shape[1], 3, padding=1).to(dtype), Poison(math.nan), Poison(math.inf)):
            assert torch.equal(NormalizationEquivariant(backbone, prediction)(y), y)


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "wne"], ids=lambda d: d.backbone)
def test_every_wrapped_backbone_keeps_constants_bit_for_bit(denoiser):
    f, y = tiny_denoiser(*denoiser, dtype=torch.float32), torch.full((1, 1, 9, 11), 0.1)
    with torch.no_grad():
        assert torch.equal(f(y), y)
        assert not torch.allclose(f.backbone(y), y)  # the bare backbone does not


def test_scale_equivariance_maps_zero_to_zero_whatever_the_backbone_returns():
    y = torch.zeros(2, 1, 4, 4)
    for value in (math.nan, math.inf):
        for prediction in PREDICTIONS:
            assert torch.equal(ScaleEquivariant(Poison(value), prediction)(y), y)


# --- the identity backbone ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64], ids=str)
@given(seed=st.integers(0, 10**6), a=st.floats(-3, 3).map(lambda e: 10.0**e), b=st.floats(-10, 10))
def test_wrapping_the_identity_returns_the_input_to_rounding(dtype, seed, a, b):
    y = (a * (random_images(2, 3, 9, 7, seed=seed) + b)).to(dtype)
    out = NormalizationEquivariant(nn.Identity())(y)
    assert out.dtype == dtype
    # z is rounded to the backbone's type, and the sum with the mean to the output's; in float32 and float64
    # so are the difference from the mean, the quotient and the product.
    centred = y.double() - y.double().mean((1, 2, 3), keepdim=True)
    bound = unit_roundoff(dtype) * (2 * y.double().abs() + 5 * largest(centred))
    # Below its smallest normal number a type rounds by a fixed step: float16 does so from 6e-5.
    step = torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    assert ((out.double() - y.double()).abs() <= bound + step).all()


@pytest.mark.parametrize("wrapper", [ScaleEquivariant, NormalizationEquivariant])
def test_residual_wrapping_of_the_zero_backbone_returns_the_input(wrapper):
    y = random_images(2, 1, 9, 7)
    torch.testing.assert_close(wrapper(Poison(0.0, everywhere=True), "residual")(y), y, rtol=0, atol=4 * 2**-53)


def test_float16_images_near_the_largest_number_do_not_overflow():
    y = (5.9e4 + 5e3 * random_images(1, 1, 64, 64)).half()
    assert torch.isfinite(NormalizationEquivariant(nn.Identity())(y)).all()
    centred, mean, std = instance_statistics(y)
    assert torch.isfinite(centred).all() and torch.isfinite(mean).all()
    torch.testing.assert_close(std.item(), y.double().std(correction=0).item(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64], ids=str)
def test_the_backbone_and_the_caller_see_the_type_of_the_image(dtype, prediction, wrapper):
    seen = []

    class Spy(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            seen.append(z.dtype)
            return z

    assert wrapper(Spy(), prediction)(random_images(1, 1, 5, 5, dtype=dtype)).dtype == dtype
    assert seen == [dtype]


# --- autocast -----------------------------------------------------------------------------------------


def test_statistics_stay_float32_under_autocast():
    y = 1000 + random_images(2, 1, 16, 16, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        out = NormalizationEquivariant(nn.Identity())(y)
        z, mean, std = normalize(y)
    assert out.dtype == z.dtype == mean.dtype == std.dtype == torch.float32
    assert largest(out - y) <= 2 * unit_roundoff(torch.float32) * 1001


def test_a_bfloat16_backbone_loses_digits_of_the_contrast_and_not_of_the_offset():
    f, y = NormalizationEquivariant(smooth_backbone(dtype=torch.float32)), 1000 + random_images(1, 1, 16, 16).float()
    with torch.no_grad():
        exact = f(y)
        with torch.autocast("cpu", torch.bfloat16):
            out = f(y)
    std = y.std(correction=0).item()
    # bfloat16 has 8 bits: about a percent of std after two layers. Its step at 1000 is 4, or 14 std.
    assert out.dtype == torch.float32
    assert 1e-4 * std < largest(out - exact) < 3e-2 * std


# --- one image at a time, any layout ------------------------------------------------------------------


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_each_image_is_processed_on_its_own(wrapper, prediction, generator):
    f = wrapper(smooth_backbone(3), prediction)
    y = random_images(4, 3, 8, 9) * torch.tensor([1e-3, 1.0, 1e3, 7.0]).reshape(4, 1, 1, 1)
    together, order = f(y), torch.randperm(4, generator=generator)
    for index in range(4):
        torch.testing.assert_close(f(y[index : index + 1]), together[index : index + 1], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(f(y[order]), together[order], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("poison", [math.nan, math.inf], ids=str)
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_broken_image_spoils_no_other_image_and_does_not_pass_for_sound(wrapper, poison):
    f, y = wrapper(smooth_backbone()), random_images(3, 1, 8, 9)
    expected = f(y)
    y[1, 0, 3, 4] = poison
    out = f(y)
    assert torch.equal(out[[0, 2]], expected[[0, 2]])
    assert not torch.isfinite(out[1]).any()


def test_a_constant_image_in_a_batch_changes_no_other_image():
    f, y = NormalizationEquivariant(Poison(math.nan)), random_images(3, 1, 8, 9)
    y[1] = 0.1
    out = f(y)
    assert torch.equal(out[1], y[1]) and torch.isfinite(out).all()


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "wne"], ids=lambda d: d.backbone)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_only_batch_normalization_in_training_couples_the_images_of_a_batch(denoiser, training):
    f, y = tiny_denoiser(*denoiser).train(training), random_images(3, 1, 9, 11)
    other = torch.cat((y[:1], 5 * y[1:].square() - 1))
    with torch.no_grad():
        gap = largest(f(y)[0] - f(other)[0])
    if training and denoiser.backbone == "dncnn":
        assert gap > 1e-3
    else:
        assert gap <= 1e-13


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_memory_layout_is_irrelevant(wrapper):
    f, y = wrapper(smooth_backbone(3)), random_images(2, 3, 8, 10)
    spaced = torch.empty(2, 3, 16, 20, dtype=torch.float64)[..., ::2, ::2].copy_(y)
    transposed = y.transpose(-1, -2).contiguous().transpose(-1, -2)
    layouts = [spaced, transposed, y.contiguous(memory_format=torch.channels_last), y[:1].expand(2, -1, -1, -1)]
    assert not any(layout.is_contiguous() for layout in layouts)
    for layout in layouts:
        before = layout.clone()
        torch.testing.assert_close(f(layout), f(layout.contiguous()), rtol=1e-13, atol=1e-13)
        assert torch.equal(layout, before)  # the caller's image is not written to


def test_volumes_and_sequences_have_one_mean_and_one_deviation_too():
    y = random_images(2, 1, 3, 4, 5)
    f = NormalizationEquivariant(nn.Conv3d(1, 1, 3, padding=1).double())
    torch.testing.assert_close(f(3 * y - 7), 3 * f(y) - 7)


def test_an_empty_batch_gives_an_empty_batch():
    for wrapper in WRAPPERS:
        assert wrapper(smooth_backbone())(torch.empty(0, 1, 8, 8, dtype=torch.float64)).shape == (0, 1, 8, 8)


# --- colour -------------------------------------------------------------------------------------------


def test_a_shift_of_one_channel_is_not_mapped_to_a_shift():
    """The group has one a and one b for all channels: the class is larger than with one b per channel."""
    f, y = NormalizationEquivariant(smooth_backbone(3)), random_images(1, 3, 8, 8)
    common = torch.full((1, 3, 1, 1), 0.5, dtype=torch.float64)
    per_channel = torch.tensor([0.5, 0.0, -0.5], dtype=torch.float64).reshape(1, 3, 1, 1)
    torch.testing.assert_close(f(2 * y + common), 2 * f(y) + common)
    assert largest(f(y + per_channel) - (f(y) + per_channel)) > 1e-2


class PerChannel(nn.Module):
    """A wrong wrapper: a mean per channel. Equivariant, but of a smaller class of maps."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, y: Tensor) -> Tensor:
        mean, std = y.mean((2, 3), keepdim=True), y.std((1, 2, 3), keepdim=True, correction=0)
        return std * self.backbone((y - mean) / std) + mean


def test_a_mean_per_channel_is_told_apart_by_the_backbone_it_yields():
    """On normalized images the wrapped backbone is the backbone; with a mean per channel it is not."""
    backbone, z = smooth_backbone(3), normalize(random_images(1, 3, 8, 8) * torch.arange(1, 4).reshape(1, 3, 1, 1))[0]
    torch.testing.assert_close(NormalizationEquivariant(backbone)(z), backbone(z))
    assert largest(PerChannel(backbone)(z) - backbone(z)) > 1e-2


# --- gradients ----------------------------------------------------------------------------------------


class DetachedStatistics(nn.Module):
    """A wrong wrapper: the right values, without the gradient through mean and std."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, y: Tensor) -> Tensor:
        _, mean, std = normalize(y.detach())
        return std * self.backbone((y - mean) / std) + mean


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_gradients_equal_numeric_differentiation(wrapper, prediction):
    f = wrapper(smooth_backbone(), prediction)
    y = (3 * random_images(2, 1, 3, 4) + 1).requires_grad_()
    assert torch.autograd.gradcheck(f, (y,))
    assert torch.autograd.gradgradcheck(f, (y[:1].detach().requires_grad_(),))

    def of_weight(w: Tensor) -> Tensor:
        return torch.func.functional_call(f, {"backbone.0.weight": w}, (y.detach(),))

    assert torch.autograd.gradcheck(of_weight, (f.backbone[0].weight,))


def test_numeric_differentiation_catches_detached_statistics():
    y = random_images(1, 1, 3, 4).requires_grad_()
    backbone = smooth_backbone()
    torch.testing.assert_close(DetachedStatistics(backbone)(y), NormalizationEquivariant(backbone)(y))
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(DetachedStatistics(backbone), (y,))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("value", [0.0, 0.1, 255.0])
def test_gradients_at_constant_images_are_finite_and_those_of_the_mean(value, prediction):
    for backbone in (smooth_backbone(), Poison(math.nan), Poison(math.inf)):
        y = torch.full((1, 1, 3, 4), value, dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(NormalizationEquivariant(backbone, prediction)(y)[0, 0, 1, 2], y)
        # Near a constant f is mean(y) plus a term of size std(y), whose slope the guard leaves out.
        torch.testing.assert_close(gradient, torch.full_like(gradient, 1 / 12))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_training_on_a_batch_with_a_constant_image_keeps_every_gradient_finite(wrapper):
    f, y = wrapper(smooth_backbone()), random_images(3, 1, 8, 8)
    y[1] = 0.0
    y.requires_grad_()
    f(y).square().mean().backward()
    for gradient in (y.grad, *(p.grad for p in f.parameters())):
        assert torch.isfinite(gradient).all() and (gradient != 0).any()


def test_gradients_do_not_grow_as_the_contrast_vanishes():
    """f is homogeneous of degree 1, so its slope has degree 0: also where float32 is about to give up."""
    f, texture = NormalizationEquivariant(smooth_backbone(dtype=torch.float32)), random_images(1, 1, 8, 8).float()
    slopes = []
    for contrast in (1.0, 1e-4, 1e-8, 1e-12):
        y = (contrast * texture).requires_grad_()
        slopes.append(torch.autograd.grad(f(y)[0, 0, 3, 3], y)[0])
    for slope in slopes[1:]:
        torch.testing.assert_close(slope, slopes[0], rtol=1e-4, atol=1e-5)


# --- direct and residual prediction -------------------------------------------------------------------


@pytest.mark.parametrize("wrapper", [NormalizationEquivariant, ScaleEquivariant])
def test_residual_with_h_is_direct_with_z_minus_h(wrapper):
    """App. F."""
    h, y = smooth_backbone(), 5 * random_images(3, 1, 8, 9) - 2

    class Complement(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return z - h(z)

    torch.testing.assert_close(wrapper(h, "residual")(y), wrapper(Complement())(y), rtol=1e-13, atol=1e-13)


def test_the_residual_form_subtracts_the_rescaled_prediction():
    """App. F: x(y) = y - std(y) h(T y)."""
    h, y = smooth_backbone(), 5 * random_images(3, 1, 8, 9) - 2
    z, _, std = normalize(y)
    torch.testing.assert_close(NormalizationEquivariant(h, "residual")(y), y - std * h(z), rtol=1e-13, atol=1e-13)


def test_input_normalization_gives_back_neither_brightness_nor_contrast():
    h, y = smooth_backbone(), 5 * random_images(2, 1, 8, 9) - 2
    torch.testing.assert_close(InputNormalized(h)(y), h(normalize(y)[0]), rtol=0, atol=0)
    torch.testing.assert_close(InputNormalized(h, "residual")(y), y - h(normalize(y)[0]), rtol=0, atol=0)


# --- backbones that overwrite their input -------------------------------------------------------------


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
def test_a_backbone_may_overwrite_its_input(wrapper, prediction, masked):
    mask = random_images(2, 1, 8, 9, seed="mask") > 0.2 if masked else None
    pairs = [
        (lambda z: z.mul_(0.5), lambda z: z * 0.5),
        (lambda z: z.add_(1).clamp_(min=0), lambda z: (z + 1).clamp(min=0)),
        (nn.Sequential(nn.ReLU(inplace=True), smooth_backbone()), nn.Sequential(nn.ReLU(), smooth_backbone())),
    ]
    for in_place, not_in_place in pairs:
        found = []
        for backbone in (in_place, not_in_place):
            y = random_images(2, 1, 8, 9).requires_grad_()
            out = wrapper(backbone, prediction)(y, mask=mask)
            (gradient,) = torch.autograd.grad(out.sin().sum(), y)
            found += [(out, gradient)]
        assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


# --- range --------------------------------------------------------------------------------------------

CONTRASTS = [1e-30, 1e-22, 1e-19, 1e-8, 1.0, 1e19, 1e30]


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("offset", [0.0, 1.0, -3.0], ids="offset {} contrasts".format)
@pytest.mark.parametrize("size", [9, 600])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_contrasts_of_1e_minus_30_to_1e30_are_denoised_like_contrasts_of_1(contrast, offset, size, prediction):
    f = NormalizationEquivariant(smooth_backbone(dtype=torch.float32), prediction)
    texture = random_images(1, 1, size, size, dtype=torch.float32) + offset
    weights = random_images(1, 1, size, size, seed="weights", dtype=torch.float32)
    found = []
    for scale in (1.0, contrast):
        y = (scale * texture).requires_grad_()
        out = f(y)
        (gradient,) = torch.autograd.grad((weights * out / scale).sum(), y)
        found.append((out.detach().double() / scale, gradient.double() * scale))
    for unit, scaled in zip(*found):
        assert torch.isfinite(scaled).all()
        assert largest(unit - scaled) <= 1e-5 * largest(unit)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_gradients_of_scale_equivariance_have_the_same_range(contrast):
    f, texture = ScaleEquivariant(smooth_backbone(dtype=torch.float32)), random_images(1, 1, 64, 64).float() - 0.3
    slopes = []
    for scale in (1.0, contrast):
        y = (scale * texture).requires_grad_()
        slopes.append(torch.autograd.grad(f(y)[0, 0, 3, 3], y)[0])
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-4, atol=1e-5)


def test_a_large_image_of_large_values_does_not_overflow():
    y = 1e18 * random_images(1, 1, 2048, 2048, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(NormalizationEquivariant(nn.Identity())(y), y, rtol=1e-5, atol=1e12)


# --- further arguments and errors ---------------------------------------------------------------------


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_further_arguments_reach_the_backbone_unchanged(wrapper):
    seen = []

    class Spy(nn.Module):
        def forward(self, z: Tensor, *args: object, **kwargs: object) -> Tensor:
            seen.append((args, kwargs))
            return z

    wrapper(Spy())(torch.rand(1, 1, 4, 4), 25, sigma="map")
    assert seen == [((25,), {"sigma": "map"})]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_images_and_masks_that_are_no_tensors_are_refused_with_the_remedy(wrapper):
    y = torch.rand(1, 1, 4, 4)
    with pytest.raises(TypeError, match=r"image as a torch.Tensor, got ndarray: torch.as_tensor\(image\)"):
        wrapper(nn.Identity())(y.numpy())
    with pytest.raises(TypeError, match=r"mask as a torch.Tensor, got ndarray: torch.as_tensor\(mask\)"):
        wrapper(nn.Identity())(y, mask=(y > 0).numpy())


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_integer_images_are_refused_with_the_remedy(wrapper):
    for dtype in (torch.uint8, torch.int64, torch.bool):
        with pytest.raises(TypeError, match=r"floating-point image.*convert"):
            wrapper(nn.Identity())(torch.ones(1, 1, 4, 4, dtype=dtype))


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("shape", [(), (4,), (4, 4), (1, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4), (2, 1, 4, 0)], ids=str)
def test_images_of_the_wrong_rank_and_empty_images_are_refused_with_their_shape(wrapper, shape):
    with pytest.raises(ValueError, match=r"non-empty image \(B, C, H, W\), got shape"):
        wrapper(nn.Identity())(torch.ones(shape))


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda z: z[..., 1:], r"\(1, 1, 4, 3\)"),
        (lambda z: z.expand(-1, 3, -1, -1), r"\(1, 3, 4, 4\)"),
        (lambda z: z.mean((2, 3), keepdim=True), r"\(1, 1, 1, 1\)"),  # would broadcast without a word
    ],
    ids=["cropped", "channels", "pooled"],
)
def test_backbones_that_change_the_shape_are_refused(wrapper, change, message):
    class Changes(nn.Module):
        def forward(self, z: Tensor) -> object:
            return change(z)

    with pytest.raises(ValueError, match=rf"map \(1, 1, 4, 4\) to the same shape.*{message}"):
        wrapper(Changes())(torch.rand(1, 1, 4, 4))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_the_constructor_refuses_what_it_cannot_wrap(wrapper):
    with pytest.raises(TypeError, match=r"torch.nn.Module or a function, not int"):
        wrapper(3)
    with pytest.raises(TypeError, match=r"not its class Identity: make one first, Identity\(\.\.\.\)"):
        wrapper(nn.Identity)
    with pytest.raises(ValueError, match="'direct' or 'residual', not 'noise'"):
        wrapper(nn.Identity(), "noise")


def test_the_prediction_is_shown_with_the_model():
    assert "prediction=residual" in repr(NormalizationEquivariant(nn.Identity(), "residual"))
