"""PSNR and SSIM against scikit-image and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from replication.data.metrics import psnr, ssim, ssim_uniform


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    clean = rng.random((1, 40, 50)).astype(np.float32)
    return clean, (clean + 0.1 * rng.standard_normal(clean.shape)).astype(np.float32)


def test_psnr_agrees_with_scikit_image(pair):
    clean, noisy = pair
    assert psnr(noisy, clean) == pytest.approx(peak_signal_noise_ratio(clean, noisy, data_range=1.0), abs=1e-6)


def test_psnr_of_a_known_error_and_of_none():
    clean = np.zeros((1, 4, 4))
    assert psnr(clean + 0.1, clean) == pytest.approx(20.0)
    assert psnr(clean, clean) == np.inf


def test_psnr_does_not_clip():
    clean = np.ones((1, 4, 4))
    assert psnr(clean + 1.0, clean) == pytest.approx(0.0)


def test_ssim_agrees_with_scikit_image_on_the_bare_plane(pair):
    clean, noisy = pair
    expected = structural_similarity(
        clean[0].astype(float), noisy[0].astype(float), data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(noisy, clean) == pytest.approx(expected, abs=1e-12)
    assert ssim(clean, clean) == pytest.approx(1.0)


def _ssim_of_windows(x: np.ndarray, y: np.ndarray, weights: np.ndarray, unbiased: float) -> float:
    """The definition, window by window inside the image: weights sum to 1, covariances times `unbiased`."""
    windows = [sliding_window_view(plane.astype(np.float64), weights.shape) for plane in (x, y)]
    mean = [(w * weights).sum((2, 3)) for w in windows]
    centred = [w - m[..., None, None] for w, m in zip(windows, mean)]
    var = [unbiased * (c * c * weights).sum((2, 3)) for c in centred]
    covariance = unbiased * (centred[0] * centred[1] * weights).sum((2, 3))
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mean[0] * mean[1] + c1) * (2 * covariance + c2)
    return float((numerator / ((mean[0] ** 2 + mean[1] ** 2 + c1) * (var[0] + var[1] + c2))).mean())


def test_ssim_is_that_of_wang_et_al(pair):
    """Their Gaussian window, 11 x 11 with sigma 1.5, over the part of the image that holds whole windows."""
    clean, noisy = pair
    profile = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weights = np.outer(profile, profile) / profile.sum() ** 2
    assert ssim(noisy, clean) == pytest.approx(_ssim_of_windows(noisy[0], clean[0], weights, 1), abs=1e-9)


def test_uniform_ssim_is_the_default_of_scikit_image(pair):
    clean, noisy = pair
    expected = structural_similarity(clean[0].astype(float), noisy[0].astype(float), data_range=1.0)
    assert ssim_uniform(noisy, clean) == pytest.approx(expected, abs=1e-12)
    by_hand = _ssim_of_windows(noisy[0], clean[0], np.full((7, 7), 1 / 49), 49 / 48)
    assert ssim_uniform(noisy, clean) == pytest.approx(by_hand, abs=1e-9)
    assert abs(ssim_uniform(noisy, clean) - ssim(noisy, clean)) > 1e-4, "two variants, not one"


@pytest.mark.parametrize("metric", [ssim, ssim_uniform])
def test_ssim_of_colour_is_the_mean_over_channels(metric, pair):
    clean, noisy = pair
    planes = [(noisy, clean), (noisy**2, clean), (1 - noisy, clean)]
    stacks = [np.concatenate(stack) for stack in zip(*planes)]
    assert metric(*stacks) == pytest.approx(np.mean([metric(*plane) for plane in planes]), abs=1e-12)


@pytest.mark.parametrize("metric", [psnr, ssim, ssim_uniform])
def test_nan_is_an_error_and_not_a_score(metric, pair):
    clean, noisy = pair
    noisy[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="1 values that are NaN"):
        metric(noisy, clean)
