"""PSNR and SSIM against scikit-image and hand calculation."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from wne.metrics import psnr, ssim


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


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_nan_is_an_error_and_not_a_score(metric, pair):
    clean, noisy = pair
    noisy[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="1 values that are NaN"):
        metric(noisy, clean)
