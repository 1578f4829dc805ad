"""Image quality, one value for each image. Intensities in [0, 1]; (C, H, W) arrays, grey or colour."""

from __future__ import annotations

import numpy as np
from skimage.metrics import structural_similarity


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """10 log10(1 / mean((image - clean)^2)) in dB, in float64. `image` is not clipped here."""
    _check_finite(image)
    error = np.mean((image.astype(np.float64) - clean.astype(np.float64)) ** 2)
    return float(10.0 * np.log10(1.0 / error)) if error > 0 else float("inf")


def ssim(image: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity of Wang et al. (2004): Gaussian window 11 x 11, sigma 1.5, K1 0.01, K2 0.03,
    population covariance; the mean over channels."""
    _check_finite(image)
    return float(
        structural_similarity(
            image.astype(np.float64), clean.astype(np.float64), data_range=1.0, channel_axis=0,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False, K1=0.01, K2=0.03,
        )
    )  # fmt: skip


def ssim_uniform(image: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity with the defaults of scikit-image: uniform window 7 x 7, K1 0.01, K2 0.03, sample
    covariance; the mean over channels. The curves of App. J of the paper appear to be this variant."""
    _check_finite(image)
    return float(
        structural_similarity(
            image.astype(np.float64), clean.astype(np.float64), data_range=1.0, channel_axis=0,
            win_size=7, gaussian_weights=False, use_sample_covariance=True, K1=0.01, K2=0.03,
        )
    )  # fmt: skip


def _check_finite(image: np.ndarray) -> None:
    if not np.isfinite(image).all():
        raise ValueError(f"the image has {np.count_nonzero(~np.isfinite(image))} values that are NaN or infinite")
