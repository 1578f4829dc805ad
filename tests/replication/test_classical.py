"""Classical denoisers against what they are known to do, and exactly equivariant only when wrapped."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter
from torch import nn

from replication.data.metrics import psnr
from replication.experiments.classical import classical_denoiser, wrapped, wrapped_classical
from replication.study.rng import uniform_field
from wne.wrapper import NormalizationEquivariant

KINDS = ["tv", "nlm", "wavelet"]
SIGMA = 0.1
SCALES = st.floats(-3, 3).map(lambda exponent: 10.0**exponent)
SHIFTS = st.floats(-1e3, 1e3)


def picture(height: int = 48, width: int = 48, channels: int = 1) -> np.ndarray:
    """Edges and slopes that no transposition leaves as they are; (C, H, W) float64 in [0, 1]."""
    rows, columns = np.mgrid[:height, :width] / height
    image = 0.3 + 0.2 * rows + 0.4 * (columns > 0.3 + 0.3 * rows)
    return np.stack([image * (1 - 0.2 * channel) for channel in range(channels)])


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """Has unit deviation."""
    return (uniform_field(shape, "classical") - 0.5) * np.sqrt(12)


def noisy_picture(sigma: float = SIGMA, **size: int) -> np.ndarray:
    clean = picture(**size)
    return clean + sigma * noise(clean.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [{}, {"width": 60}, {"channels": 3}, {"channels": 3, "height": 40}], ids=str)
def test_they_denoise_grey_and_colour_images_of_any_shape(kind, size):
    clean, noisy = picture(**size), noisy_picture(**size)
    denoised = classical_denoiser(kind, SIGMA)(noisy)
    assert denoised.shape == clean.shape
    assert psnr(denoised, clean) > psnr(noisy, clean) + 6


@pytest.mark.parametrize("kind", KINDS)
def test_told_the_level_of_their_input_they_are_equivariant_and_nothing_is_clipped(kind):
    """D(a y + b 1; a sigma) = a D(y; sigma) + b 1, on values from -14 to 15."""
    noisy = noisy_picture()
    moved = classical_denoiser(kind, 20 * SIGMA)(20 * noisy - 12)
    assert moved.min() < -5 and moved.max() > 4
    np.testing.assert_allclose(moved, 20 * classical_denoiser(kind, SIGMA)(noisy) - 12, atol=1e-4)


def test_total_variation_moves_a_step_by_the_weight_over_its_width():
    """min ||u - f||^2 / 2 + w TV(u): each half of n columns moves by w / n towards the other, across the one jump."""
    step = np.repeat([[0.0] * 4 + [1.0] * 4], 12, axis=0)[None]
    expected = np.where(step > 0, 1 - 0.2 / 4, 0.2 / 4)
    np.testing.assert_allclose(classical_denoiser("tv", 0.2)(step), expected, atol=2e-3)


def test_non_local_means_with_a_huge_level_is_the_mean_over_its_window():
    """All distances count as none, so all 13 x 13 neighbours count alike."""
    noisy = noisy_picture(width=60)
    inside = (slice(None), slice(10, -10), slice(10, -10))
    expected = uniform_filter(noisy[0], 13)[None]
    np.testing.assert_allclose(classical_denoiser("nlm", 1e3)(noisy)[inside], expected[inside], rtol=1e-3)


@pytest.mark.parametrize(("side", "levels"), [(48, 2), (160, 4)])
def test_wavelet_shrinkage_with_a_huge_level_keeps_the_coarsest_scale_alone(side, levels):
    noisy = noisy_picture(height=side, width=side)
    coarse, *details = pywt.wavedec2(noisy[0], "sym4", level=levels)
    nothing = [tuple(np.zeros_like(part) for part in level) for level in details]
    expected = pywt.waverec2([coarse, *nothing], "sym4")
    np.testing.assert_allclose(classical_denoiser("wavelet", 1e3)(noisy)[0], expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_level_near_zero_leaves_the_input(kind):
    noisy = noisy_picture()
    np.testing.assert_allclose(classical_denoiser(kind, 1e-7)(noisy), noisy, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_float32(kind):
    noisy = noisy_picture().astype(np.float32)
    assert (
        classical_denoiser(kind, SIGMA)(noisy).dtype == wrapped_classical(kind, SIGMA, 0.2)(noisy).dtype == np.float32
    )


def test_an_unknown_name_and_a_level_of_zero_are_refused():
    with pytest.raises(ValueError, match="no classical denoiser is called 'bm3d': tv, nlm, wavelet"):
        classical_denoiser("bm3d", SIGMA)
    with pytest.raises(ValueError, match="above 0, not 0"):
        classical_denoiser("tv", 0)


# --- wrapped


@pytest.mark.parametrize("kind", KINDS)
@given(a=SCALES, b=SHIFTS)
def test_wrapped_they_are_equivariant_to_rounding(kind, a, b):
    """f(a y + b 1) = a f(y) + b 1 within the rounding of a y + b 1 itself; the bare forms are far from it.

    Non-local means in scikit-image leaves out neighbours beyond a distance, of weight exp(-5) at most: rounding
    may tip one of them, which the tolerance of that one allows for.
    """
    f, noisy = wrapped_classical(kind, SIGMA, 0.2), noisy_picture(height=24, width=24)
    error = np.abs(f(a * noisy + b) - (a * f(noisy) + b)).max() / (a * noisy.std())
    rounding = 2.0**-52 * (1 + abs(b) / (a * noisy.std()))
    assert error < 1e3 * rounding + (1e-4 if kind == "nlm" else 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("a", [0.2, 5.0])
def test_bare_they_are_not_equivariant(kind, a):
    f, noisy = classical_denoiser(kind, SIGMA), noisy_picture()
    error = np.abs(f(a * noisy) - a * f(noisy)).max() / (a * noisy.std())
    assert error > 0.05


@pytest.mark.parametrize(("kind", "factor"), [("tv", 1.3), ("nlm", 1.2), ("wavelet", 1.5)])
def test_wrapping_takes_the_noise_for_a_share_of_the_contrast(kind, factor):
    noisy, typical = noisy_picture(), 0.17
    assumed = factor * SIGMA * noisy.std() / typical
    np.testing.assert_allclose(
        wrapped_classical(kind, SIGMA, typical)(noisy), classical_denoiser(kind, assumed)(noisy), atol=1e-4
    )


class _Sharpen(nn.Module):
    """Neither homogeneous nor invariant to shifts."""

    def forward(self, z):
        return z + 0.3 * torch.tanh(z) + 0.1


def test_the_wrapper_of_arrays_is_that_of_batches():
    noisy = noisy_picture(channels=3)
    module = _Sharpen()
    ours = wrapped(lambda z: module(torch.from_numpy(z)).numpy())(noisy)
    theirs = NormalizationEquivariant(module)(torch.from_numpy(noisy)[None])[0].numpy()
    # Both add mean and std g(z), which round relative to the largest entry: the sum may be near 0.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=8 * 2**-53 * np.abs(theirs).max())


def test_an_average_with_weights_of_sum_one_is_not_changed_by_wrapping():
    """It is equivariant already: Prop. 1 with g = f."""

    def average(image: np.ndarray) -> np.ndarray:
        return uniform_filter(image, (0, 5, 5), mode="reflect")

    noisy = 7 * noisy_picture() - 3
    np.testing.assert_allclose(wrapped(average)(noisy), average(noisy), atol=1e-13)
    np.testing.assert_allclose(wrapped(lambda z: 0.9 * average(z))(noisy).mean(), noisy.mean(), atol=0.02)
    assert abs(0.9 * average(noisy).mean() - noisy.mean()) > 0.02  # weights of another sum lose the mean


def test_a_constant_image_stays_itself_whatever_is_wrapped():
    constant = np.full((1, 6, 7), 0.1, dtype=np.float32)
    np.testing.assert_array_equal(wrapped(lambda z: z / 0)(constant), constant)
