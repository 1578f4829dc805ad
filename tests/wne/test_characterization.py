"""Characterization 1 and Proposition 3 of the paper as statements about numbers, in float64.

A map is normalization equivariant (NE) if and only if f(y) = std(y) g(T y) + mean(y) 1, with g unique on
M = {mean 0, std 1}.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from conftest import random_images, tiny_denoiser
from wne.equivariance import equivariance_defect
from wne.models.padding import reflect_pad
from wne.moments import instance_statistics, normalize
from wne.wrapper import NormalizationEquivariant

ROUNDING = dict(rtol=1e-12, atol=1e-12)  # float64, values of order 1
SHAPE = (2, 1, 7, 9)

images = st.builds(
    lambda seed, offset, contrast: offset + contrast * random_images(*SHAPE, seed=seed),
    st.integers(0, 10**6),
    st.floats(-10, 10),
    st.floats(-2, 2).map(lambda exponent: 10.0**exponent),
)


class Apply(nn.Module):
    """Any function of an image as a backbone."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)


def wrap(g: Callable[[Tensor], Tensor]) -> NormalizationEquivariant:
    return NormalizationEquivariant(Apply(g))


def on_m(seed: int = 0) -> Tensor:
    """An image of M, two of them in a batch."""
    return normalize(random_images(*SHAPE, seed=seed))[0]


def mean_of(y: Tensor) -> Tensor:
    return y.mean((1, 2, 3), keepdim=True)


# Maps without any symmetry, discontinuous ones among them: the wrapper asks nothing of g.
ARBITRARY = {
    "square": lambda z: z.square() + 0.5,
    "constant": lambda z: torch.full_like(z, 3.0),
    "threshold": lambda z: (z > 0.3).to(z.dtype),
    "sine of the sum": lambda z: torch.sin(5 * z.sum(-1, keepdim=True)) * z.cumsum(-2),
    "position": lambda z: z * torch.arange(z.shape[-1], dtype=z.dtype),
    "flip": lambda z: z.flip(-1).exp(),
}


def median_filter(y: Tensor) -> Tensor:
    patches = F.unfold(reflect_pad(y, 1, 1, 1, 1), 3)  # (B, 9, H W)
    return patches.median(1).values.reshape(y.shape)


def total_variation_step(y: Tensor) -> Tensor:
    """Moves each pixel towards its right neighbour by a tenth of std at most: a step of degree 1 in y."""
    std = y.std((1, 2, 3), keepdim=True, correction=0)
    slope = y.roll(-1, -1) - y
    return y + torch.minimum(torch.maximum(slope, -0.1 * std), 0.1 * std)


def sharpened_filter(y: Tensor) -> Tensor:
    kernel = torch.tensor([[-1.0, 2.0, -1.0], [0.5, 0.0, 0.5], [-0.25, 0.5, -0.25]], dtype=y.dtype)
    return F.conv2d(reflect_pad(y, 1, 1, 1, 1), kernel.reshape(1, 1, 3, 3) / kernel.sum())


def midrange(y: Tensor) -> Tensor:
    least, most = y.amin((1, 2, 3), keepdim=True), y.amax((1, 2, 3), keepdim=True)
    return (0.3 * least + 0.7 * most).expand_as(y)


# NE maps that were not made by the wrapper.
EQUIVARIANT = {
    "identity": lambda y: y,
    "mean": lambda y: mean_of(y).expand_as(y),
    "median filter": median_filter,
    "total variation step": total_variation_step,
    "linear filter of sum 1": sharpened_filter,
    "sorted pixels": lambda y: y.flatten(1).sort(1).values.reshape(y.shape),
    "between minimum and maximum": midrange,
    "reflection about the mean": lambda y: 2 * mean_of(y) - y,
    "ne_arch": tiny_denoiser("fdncnn", "ne_arch"),
}


def largest_defect(f: Callable[[Tensor], Tensor], y: Tensor) -> float:
    # Negative shifts, scales below and above 1; b no larger than y, which would only add rounding.
    maps = [((0.5, 3.0), (-1.0, 2.0)), ((1e-2, 1e2), (0.0, 1.0)), ((1.0, 1.0), (-5.0, 5.0))]
    defects = [equivariance_defect(f, y, torch.tensor(a), torch.tensor(b)).sharp.max().item() for a, b in maps]
    return max(defects)


# --- T_NE ---------------------------------------------------------------------------------------------


@given(y=images)
def test_t_maps_onto_m(y):
    z = normalize(y)[0]
    # An offset of 10 with a contrast of 0.01 costs T three of sixteen digits.
    torch.testing.assert_close(mean_of(z), torch.zeros(2, 1, 1, 1).double(), rtol=0, atol=1e-13)
    torch.testing.assert_close(z.square().mean((1, 2, 3)), torch.ones(2).double(), rtol=1e-13, atol=0)


@given(y=images)
def test_t_is_idempotent_and_fixes_m(y):
    z = normalize(y)[0]
    torch.testing.assert_close(normalize(z)[0], z, **ROUNDING)


@given(y=images, a=st.floats(-2, 2).map(lambda exponent: 10.0**exponent), b=st.floats(-10, 10))
def test_affine_identities_of_mean_deviation_and_t(y, a, b):
    """Proposition 1. The tolerance is the rounding of a y + b 1 over the contrast that is left."""
    _, mean, std = instance_statistics(y)
    _, new_mean, new_std = instance_statistics(a * y + b)
    top = (a * y.abs() + abs(b)).max().item()
    rounding = 4 * 2**-53 * top
    torch.testing.assert_close(new_mean, a * mean + b, rtol=0, atol=rounding)
    torch.testing.assert_close(new_std, a * std, rtol=1e-14, atol=rounding)
    # T divides by a std(y), and an entry of T is at most 8 = sqrt(d) large.
    atol = 10 * rounding / (a * std.min().item())
    torch.testing.assert_close(normalize(a * y + b)[0], normalize(y)[0], rtol=0, atol=atol)


# --- Characterization 1 -------------------------------------------------------------------------------


@pytest.mark.parametrize("g", ARBITRARY.values(), ids=ARBITRARY)
def test_wrapping_any_map_gives_an_equivariant_one(g):
    y = random_images(*SHAPE)
    assert largest_defect(g, y) > 1e-2
    # 1e-11: up to 100 in amplification (the sine of five times a sum of nine) times 1e-13 of rounding.
    assert largest_defect(wrap(g), y) < 1e-11


@pytest.mark.parametrize("f", EQUIVARIANT.values(), ids=EQUIVARIANT)
@given(y=images)
def test_wrapping_an_equivariant_map_changes_nothing(f, y):
    """The converse: f equals std(y) g(T y) + mean(y) 1 with g = f on M, so no NE map is lost."""
    with torch.no_grad():
        assert largest_defect(f, on_m()) < 1e-12
        # Relative to max|y|: the explicit f rounds at that level, the wrapped one below it.
        torch.testing.assert_close(wrap(f)(y), f(y), rtol=0, atol=1e-14 * 20 * y.abs().max().item())


@pytest.mark.parametrize("g", ARBITRARY.values(), ids=ARBITRARY)
def test_wrapping_another_map_changes_it(g):
    """The control: the wrapper leaves only NE maps alone."""
    y = 5 * random_images(*SHAPE) - 1
    assert (wrap(g)(y) - g(y)).abs().max() > 1e-2


@pytest.mark.parametrize("g", ARBITRARY.values(), ids=ARBITRARY)
def test_the_wrapped_map_is_the_backbone_on_m(g):
    z = on_m()
    torch.testing.assert_close(wrap(g)(z), g(z), rtol=1e-11, atol=1e-11)


def test_values_of_the_backbone_off_m_do_not_matter():
    g, y = ARBITRARY["square"], 5 * random_images(*SHAPE) - 1

    def differs_off_m(z: Tensor) -> Tensor:
        mean, power = mean_of(z), z.square().mean((1, 2, 3), keepdim=True)
        # T reaches M up to rounding, which is what decides here what belongs to M.
        is_on_m = (mean.abs() < 1e-12) & ((power - 1).abs() < 1e-12)
        return torch.where(is_on_m, g(z), torch.nan)

    assert differs_off_m(y).isnan().all()
    assert torch.equal(wrap(differs_off_m)(y), wrap(g)(y))


@given(seed=st.integers(0, 10**6), size=st.floats(-6, 0).map(lambda exponent: 10.0**exponent))
def test_backbones_that_differ_somewhere_on_m_give_different_maps(seed, size):
    """Uniqueness: g is recovered from f at every point of M, so a difference there shows in f, in full."""
    z = on_m(seed)
    g = ARBITRARY["square"]

    def other(x: Tensor) -> Tensor:
        near = (x - z).abs().amax((1, 2, 3), keepdim=True) < 1e-12
        return g(x) + size * near

    torch.testing.assert_close(wrap(other)(z) - wrap(g)(z), torch.full_like(z, size), rtol=1e-6, atol=0)
    # The whole orbit of z moves with it, in proportion to the contrast, and nothing else does.
    moved = wrap(other)(3 * z - 7) - wrap(g)(3 * z - 7)
    torch.testing.assert_close(moved, torch.full_like(z, 3 * size), rtol=1e-6, atol=1e-13)
    elsewhere = on_m(seed + 1)
    assert torch.equal(wrap(other)(elsewhere), wrap(g)(elsewhere))


@pytest.mark.parametrize("f", EQUIVARIANT.values(), ids=EQUIVARIANT)
def test_every_equivariant_map_keeps_constants(f):
    y = torch.full(SHAPE, 0.1, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(f(y), y, **ROUNDING)
        assert torch.equal(wrap(f)(y), y)


def test_wrapping_twice_is_wrapping_once():
    f, y = wrap(ARBITRARY["square"]), 5 * random_images(*SHAPE) - 1
    torch.testing.assert_close(wrap(f)(y), f(y), **ROUNDING)


def test_equivariant_maps_are_closed_under_composition_and_affine_combination():
    """So plug-and-play pipelines of NE maps stay NE; a plain sum passes b twice and does not."""
    f, h, y = wrap(ARBITRARY["square"]), median_filter, random_images(*SHAPE)
    assert largest_defect(lambda x: f(h(x)), y) < 1e-11
    assert largest_defect(lambda x: 1.5 * f(x) - 0.5 * h(x), y) < 1e-11
    assert largest_defect(lambda x: f(x) + h(x), y) > 0.1


# --- Proposition 3 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", ARBITRARY.values(), ids=ARBITRARY)
@given(y=images, seed=st.integers(0, 10**6))
def test_the_squared_error_is_the_variance_times_the_normalized_one(g, y, seed):
    """Proposition 3: ||f(y) - x||^2 = std(y)^2 ||g(T y) - (x - mean(y) 1) / std(y)||^2, for any x."""
    clean = 3 * random_images(*SHAPE, seed=seed) - 1
    z, mean, std = normalize(y)
    raw = (wrap(g)(y) - clean).flatten(1).square().sum(1)
    normalized = (g(z) - (clean - mean) / std).flatten(1).square().sum(1)
    torch.testing.assert_close(raw, std.flatten() ** 2 * normalized, rtol=1e-10, atol=0)


def test_the_residual_class_is_the_same_class():
    """App. F, conversion: y - f(y) of an NE map is scale equivariant and shift invariant, and back."""
    y = random_images(*SHAPE)
    for f in EQUIVARIANT.values():
        with torch.no_grad():
            torch.testing.assert_close((5 * y - 2) - f(5 * y - 2), 5 * (y - f(y)), **ROUNDING)
            residual = NormalizationEquivariant(Apply(lambda z, f=f: z - f(z)), "residual")
            torch.testing.assert_close(residual(y), f(y), **ROUNDING)
