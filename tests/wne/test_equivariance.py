"""f(a y + b 1) = a f(y) + b 1 for every denoiser that claims it, its failure for all others, and its measure."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from conftest import random_images, tiny_denoiser
from wne.equivariance import equivariance_defect, sample_affine
from wne.models import Name, list_denoisers
from wne.moments import instance_statistics
from wne.wrapper import NormalizationEquivariant

Map = Callable[[Tensor], Tensor]

NORMALIZATION_EQUIVARIANT = [d for d in list_denoisers() if d.variant in ("wne", "ne_arch")]
SCALE_EQUIVARIANT = [d for d in list_denoisers() if d.variant in ("wse", "se_arch")]
NOT_EQUIVARIANT = [d for d in list_denoisers() if d not in NORMALIZATION_EQUIVARIANT]
DTYPES = [torch.float32, torch.float64]

seeds = st.integers(0, 10**6)
scales = st.floats(-3, 3).map(lambda exponent: 10.0**exponent)
shifts = st.floats(-1e3, 1e3)

# Observed: at most 1.4 for the wrapper, in float32 and float64, over 640 random batches.
SAFETY = 3.0


def by_name(denoiser: Name) -> str:
    return f"{denoiser.backbone}-{denoiser.variant}"


def per_image(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


def rms(x: Tensor) -> Tensor:
    return x.flatten(1).square().mean(1).sqrt()


def amplification(f: Map, y: Tensor, size: Tensor, seed: int) -> Tensor:
    """How much f enlarges a perturbation of y of the given root mean square, per image; at least 1.

    At least 1, because the direction 1 is among those tried, and f(y + b 1) = f(y) + b 1 has gain 1 there.
    """
    # Below 1e-9 the float64 rounding of the measurement would show instead of the gain.
    size = size.clamp_min(1e-9)
    noise = torch.randn(4, *y.shape, generator=torch.Generator().manual_seed(seed), dtype=y.dtype)
    directions = [*noise, torch.ones_like(y), y - y.mean((1, 2, 3), keepdim=True)]
    moves = [per_image(size / rms(direction)) * direction for direction in directions]
    return torch.stack([rms(f(y + move) - f(y)) / size for move in moves]).amax(0).clamp_min(1.0)


@torch.no_grad()
def rounding_of_the_identity(f: nn.Module, y: Tensor, a: Tensor, b: Tensor, seed: int) -> Tensor:
    """The sharp defect that the rounding of a y + b 1 and of y alone explains, per image.

    With u the unit roundoff, a y + b 1 is off by u max|a y + b| in the units of a y, hence by
    u max|a y + b| / a in those of y; y - mean(y) and the sum with the mean round u max|y|. What f makes
    of an error of this size is measured in float64, on f itself.
    """
    unit = torch.finfo(y.dtype).eps / 2
    y = y.double()
    size = unit * ((per_image(a) * y + per_image(b)).flatten(1).abs().amax(1) / a + y.flatten(1).abs().amax(1))
    if f.training:
        # BatchNorm couples the images of a batch in train(): each sees the largest rounding of all.
        size = size.amax().expand_as(size)
    gain = amplification(copy.deepcopy(f).double(), y, size, seed)
    return gain * size / y.flatten(1).std(1, correction=0)


# --- the identity -------------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("denoiser", NORMALIZATION_EQUIVARIANT, ids=by_name)
@given(seed=seeds, a=st.tuples(scales, scales), b=st.tuples(shifts, shifts))
def test_normalization_equivariance(denoiser, dtype, training, seed, a, b):
    """For one (a, b) per image; in train() too: BatchNorm sees the normalized batch, which stays the same."""
    f = tiny_denoiser(*denoiser, dtype=dtype).train(training)
    y = random_images(2, 1, 9, 11, seed=seed, dtype=dtype)
    a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    if dtype == torch.float32:
        # |b| = 1e3 at a = 1e-3 would round the whole image away: at most 1e4 times the contrast,
        # which leaves float32 three digits of it.
        b = b * a * 10.0
    # NE-arch rounds values as large as a y + b in each of its 4 layers, the wrapper only once.
    layers = 4 if denoiser.variant == "ne_arch" else 1
    bound = SAFETY * layers * rounding_of_the_identity(f, y, a, b, seed)
    assert (equivariance_defect(f, y, a, b).sharp <= bound).all()


@pytest.mark.parametrize("denoiser", SCALE_EQUIVARIANT, ids=by_name)
@given(seed=seeds, a=st.tuples(scales, scales))
def test_scale_equivariance(denoiser, seed, a):
    f, y, a = tiny_denoiser(*denoiser), random_images(2, 1, 9, 11, seed=seed), torch.tensor(a, dtype=torch.float64)
    still = torch.zeros(2, dtype=torch.float64)
    bound = SAFETY * rounding_of_the_identity(f, y, a, still, seed)
    # These have no mean added at the end, and se_arch rounds in 4 layers.
    layers = 4 if denoiser.variant == "se_arch" else 1
    assert (equivariance_defect(f, y, a, still).sharp <= layers * bound).all()


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "wne_input"], ids=by_name)
@given(seed=seeds, a=scales, b=shifts)
def test_input_normalization_is_invariant(denoiser, seed, a, b):
    f, y = tiny_denoiser(*denoiser), random_images(1, 1, 9, 11, seed=seed)
    g = NormalizationEquivariant(f.backbone)
    explained = rounding_of_the_identity(g, y, torch.tensor([a]), torch.tensor([b]), seed)
    with torch.no_grad():
        assert rms(f(a * y + b) - f(y)) <= SAFETY * explained


@pytest.mark.parametrize("denoiser", NORMALIZATION_EQUIVARIANT, ids=by_name)
@given(seed=seeds, a=scales, b=shifts)
def test_colour_images_share_one_scale_and_one_shift(denoiser, seed, a, b):
    f, y = tiny_denoiser(*denoiser, channels=3), random_images(1, 3, 9, 11, seed=seed)
    a, b = torch.tensor([a], dtype=torch.float64), torch.tensor([b], dtype=torch.float64)
    layers = 4 if denoiser.variant == "ne_arch" else 1
    bound = SAFETY * layers * rounding_of_the_identity(f, y, a, b, seed)
    assert (equivariance_defect(f, y, a, b).sharp <= bound).all()


# --- negative controls --------------------------------------------------------------------------------


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("denoiser", NOT_EQUIVARIANT, ids=by_name)
def test_the_other_denoisers_break_the_identity_by_ten_orders_of_magnitude(denoiser, training):
    f, y = tiny_denoiser(*denoiser).train(training), random_images(2, 1, 9, 11)
    a, b = torch.tensor([0.5, 2.0]), torch.tensor([-1.0, 3.0])
    bound = SAFETY * rounding_of_the_identity(f, y, a, b, seed=0)
    assert (equivariance_defect(f, y, a, b).sharp > 1e10 * bound).all()


@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "baseline"], ids=by_name)
def test_the_bare_backbones_are_not_even_scale_equivariant(denoiser):
    f, y = tiny_denoiser(*denoiser), random_images(2, 1, 9, 11)
    assert (equivariance_defect(f, y, torch.tensor([0.5, 2.0]), torch.zeros(2)).sharp > 1e-2).all()


class GuardedWithEpsilon(nn.Module):
    """The wrapper as the paper's text has it: std + 1e-5, with either deviation, in either place."""

    def __init__(self, backbone: nn.Module, eps: float, *, both: bool, correction: int = 0):
        super().__init__()
        self.backbone, self.eps, self.both, self.correction = backbone, eps, both, correction

    def forward(self, y: Tensor) -> Tensor:
        mean = y.mean((1, 2, 3), keepdim=True)
        std = y.std((1, 2, 3), keepdim=True, correction=self.correction)
        return (std + self.eps * self.both) * self.backbone((y - mean) / (std + self.eps)) + mean


@pytest.mark.parametrize("both", [False, True], ids=["denominator", "both"])
@pytest.mark.parametrize("denoiser", [d for d in list_denoisers() if d.variant == "baseline"], ids=by_name)
def test_an_epsilon_in_the_deviation_breaks_the_identity_at_low_contrast(denoiser, both):
    backbone, y = tiny_denoiser(*denoiser), random_images(1, 1, 9, 11)
    a, b = torch.tensor([1e-3]), torch.tensor([0.0])
    bound = SAFETY * rounding_of_the_identity(NormalizationEquivariant(backbone), y, a, b, seed=0)

    def defect(eps: float, correction: int = 0) -> Tensor:
        f = GuardedWithEpsilon(backbone, eps, both=both, correction=correction)
        return equivariance_defect(f, y, a, b).sharp

    # std is about 3e-4 here, so 1e-5 moves the input of the backbone by 3 percent.
    assert defect(eps=1e-5) > 1e-4
    # Without it the identity holds; the sample deviation is another g, and harmless.
    assert defect(eps=0.0) <= bound
    assert defect(eps=0.0, correction=1) <= bound


# --- differential form --------------------------------------------------------------------------------


def smooth_backbone(channels: int = 1) -> nn.Module:
    """Twice differentiable, with biases: nothing about it is equivariant."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        convolutions = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, channels, 3, padding=1)
    return nn.Sequential(convolutions[0], nn.Tanh(), convolutions[1]).double()


def jacobian(f: Map, y: Tensor, transform: Callable = torch.func.jacrev) -> Tensor:
    return transform(lambda flat: f(flat.reshape(y.shape)).flatten())(y.flatten())


@pytest.mark.parametrize("transform", [torch.func.jacrev, torch.func.jacfwd], ids=["reverse", "forward"])
@pytest.mark.parametrize("prediction", ["direct", "residual"])
def test_euler_identities_of_a_wrapped_smooth_backbone(prediction, transform):
    """d/da and d/db of f(a y + b 1) = a f(y) + b 1 at a = 1, b = 0: J y = f(y) and J 1 = 1."""
    f, y = NormalizationEquivariant(smooth_backbone(), prediction), random_images(1, 1, 4, 5)
    j, ones = jacobian(f, y, transform), torch.ones(y.numel(), dtype=torch.float64)
    torch.testing.assert_close(j @ y.flatten(), f(y).flatten())
    torch.testing.assert_close(j @ ones, ones)


def test_euler_identities_fail_for_the_bare_backbone():
    f, y = smooth_backbone(), random_images(1, 1, 4, 5)
    j, ones = jacobian(f, y), torch.ones(y.numel(), dtype=torch.float64)
    assert (j @ y.flatten() - f(y).flatten()).abs().max() > 1e-2
    assert (j @ ones - ones).abs().max() > 1e-2


def test_the_jacobian_is_the_same_along_an_orbit():
    f, y = NormalizationEquivariant(smooth_backbone()), random_images(1, 1, 4, 5)
    torch.testing.assert_close(jacobian(f, 1e-2 * y + 3), jacobian(f, y))


# --- the measure itself -------------------------------------------------------------------------------


def test_defect_of_the_identity_and_of_a_shifted_identity_by_hand():
    y = random_images(3, 1, 6, 7)
    a, b, c = torch.tensor([0.5, 1.0, 4.0]), torch.tensor([-1.0, 0.0, 2.0]), 0.3
    d, a64, b64 = 42, a.double(), b.double()
    assert (equivariance_defect(lambda z: z, y, a, b).sharp == 0).all()
    defect = equivariance_defect(lambda z: z + c, y, a, b)
    # f(a y + b) - (a f(y) + b) = c - a c in every pixel.
    error = c * (1 - a64).abs()
    expected = (per_image(a64) * (y + c) + per_image(b64)).flatten(1).norm(dim=1)
    torch.testing.assert_close(defect.sharp, error / (a64 * y.flatten(1).std(1, correction=0)))
    torch.testing.assert_close(defect.paper, error * math.sqrt(d) / expected)


def test_a_large_shift_hides_an_error_from_the_paper_s_defect_and_not_from_the_sharp_one():
    y, a = random_images(1, 1, 6, 7), torch.tensor([2.0])
    near, far = (equivariance_defect(lambda z: z + 0.1, y, a, torch.tensor([b])) for b in (0.0, 1e6))
    assert far.paper < 1e-5 * near.paper
    torch.testing.assert_close(far.sharp, near.sharp, rtol=1e-8, atol=0.0)


def test_defect_belongs_to_each_image_and_does_not_depend_on_the_units_of_y():
    y, a, b = random_images(3, 1, 6, 7), torch.tensor([0.7, 1.0, 1.3]), torch.tensor([0.2, -0.1, 0.0])
    f = tiny_denoiser("dncnn", "baseline")
    together = equivariance_defect(f, y, a, b)
    for index in range(3):
        alone = equivariance_defect(f, y[index : index + 1], a[index : index + 1], b[index : index + 1])
        torch.testing.assert_close(alone.sharp, together.sharp[index : index + 1])
    scaled = equivariance_defect(lambda z: 255 * f(z / 255), 255 * y, a, 255 * b)
    torch.testing.assert_close(scaled.sharp, together.sharp)
    torch.testing.assert_close(scaled.paper, together.paper)


def test_one_scale_and_one_shift_may_be_numbers():
    y = random_images(2, 3, 8, 9)
    same = [torch.full((2,), value, dtype=torch.float64) for value in (1.7, -0.1)]
    for found, expected in zip(
        equivariance_defect(torch.tanh, y, 1.7, -0.1), equivariance_defect(torch.tanh, y, *same)
    ):
        assert found.shape == (2,) and torch.equal(found, expected)


def test_statistics_of_an_unknown_pool_are_refused():
    with pytest.raises(ValueError, match="pool must be 'joint' or 'channel', not 'image'"):
        instance_statistics(random_images(1, 1, 4, 4), pool="image")


def test_defect_takes_its_norms_in_float64_and_builds_no_graph():
    f = tiny_denoiser("dncnn", "wne", dtype=torch.float32)
    defect = equivariance_defect(f, random_images(2, 1, 6, 7, dtype=torch.float32), torch.ones(2), torch.zeros(2))
    assert defect.sharp.shape == defect.paper.shape == (2,)
    assert defect.sharp.dtype == torch.float64 and not defect.sharp.requires_grad
    assert (defect.sharp == 0).all()


def test_sampled_affine_maps_fill_their_ranges_and_repeat_with_the_generator(generator):
    a, b = sample_affine(4000, generator)
    assert a.shape == b.shape == (4000,) and a.dtype == b.dtype == torch.float64
    # The extremes of 4000 uniform numbers miss the ends of the range by 0.01 with probability e^-40.
    assert 0.5 <= a.min() < 0.51 and 1.49 < a.max() < 1.5
    assert -0.25 <= b.min() < -0.245 and 0.245 < b.max() < 0.25
    assert torch.corrcoef(torch.stack((a, b)))[0, 1].abs() < 4 / math.sqrt(4000)
    first, second = (sample_affine(5, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
