"""Classical denoisers of scikit-image that know one noise level, and their normalization-equivariant forms.

    alone      D(y; sigma_train)
    wrapped    f(y) = std(y) D((y - mean(y) 1) / std(y); tau) + mean(y) 1,   tau = k sigma_train / s    (Eq. 7)

D(y; sigma) is one of

    tv         total variation (Chambolle, 2004), weight 1.0 sigma, 100 iterations
    nlm        non-local means (Buades et al., 2005; the fast form of Darbon et al., 2008), patches of 7 x 7 in
               a window of 13 x 13, h = 0.7 sigma, the distances corrected by the noise variance
    wavelet    BayesShrink (Chang et al., 2000), sym4, soft thresholds, at most 4 levels

Every parameter is a fixed number or proportional to sigma, so that D(a y + b 1; a sigma) = a D(y; sigma) + b 1: told
the level of its input D would be equivariant, held at sigma_train it is not, as a network trained at one level.
The wrapped form is therefore D(y; tau std(y)): it takes the noise for a fixed share tau of the contrast. Tuning it
at sigma_train alone gives the share that a typical image has there, sigma_train / s with s the standard deviation
of a typical noisy image, times k = 1.3 (tv), 1.2 (nlm), 1.5 (wavelet): where contrasts differ from image to image,
smoothing too little costs more than smoothing too much. A network is free to estimate the level from its normalized
input; these assume a share of it, which costs them 1.3 to 2.5 dB at sigma_train in the sweep below.

All numbers here are the best at sigma 25, or within 0.1 dB of it, of a coarse sweep over the central 160 x 160 pixels
of the eleven photos-train images, none of which is a test image.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pywt
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

Denoise = Callable[[np.ndarray], np.ndarray]

_WAVELET, _MOST_LEVELS = "sym4", 4
_SHARES = {"tv": 1.3, "nlm": 1.2, "wavelet": 1.5}  # k


def classical_denoiser(kind: str, sigma: float) -> Denoise:
    """D(.; sigma): (C, H, W) floating point of any range to the same shape and dtype; nothing is clipped.

    Args:
        kind: "tv", "nlm" or "wavelet".
        sigma: the noise level it is told, above 0, in the unit of the image.

    Computed in float64. "nlm" compares patches over all channels, the others take each channel on its own.
    """
    if kind not in _KINDS:
        raise ValueError(f"no classical denoiser is called {kind!r}: {', '.join(_KINDS)}")
    if not sigma > 0:
        raise ValueError(f"a classical denoiser needs a noise level above 0, not {sigma}")

    def denoise(noisy: np.ndarray) -> np.ndarray:
        return _KINDS[kind](noisy.astype(np.float64), sigma).astype(noisy.dtype)

    return denoise


def wrapped_classical(kind: str, sigma: float, typical_std: float) -> Denoise:
    """The wrapped form tuned at sigma, f in the head of this module.

    Args:
        sigma: the noise level it is tuned at, in the unit of the image.
        typical_std: s, the standard deviation of a typical image with noise of that level, in the same unit.
    """
    return wrapped(classical_denoiser(kind, _SHARES[kind] * sigma / typical_std))


def wrapped(denoise: Denoise) -> Denoise:
    """f(y) = std(y) D((y - mean(y) 1) / std(y)) + mean(y) 1, and y itself where y is constant (Eq. 6, 7).

    The same for an array (C, H, W) as `wne.wrapper.NormalizationEquivariant` for a batch; statistics in float64.
    """

    def wrapped_denoise(noisy: np.ndarray) -> np.ndarray:
        shifted = noisy.astype(np.float64) - float(noisy.flat[0])  # exactly 0 for a constant image
        centred = shifted - shifted.mean()
        std = np.sqrt(np.mean(centred**2))
        if std == 0:
            return noisy.copy()
        mean = float(noisy.flat[0]) + shifted.mean()
        return (std * denoise((centred / std).astype(noisy.dtype)) + mean).astype(noisy.dtype)

    return wrapped_denoise


def _tv(noisy: np.ndarray, sigma: float) -> np.ndarray:
    # eps = 0: a fixed number of iterations, which rounding cannot change.
    return denoise_tv_chambolle(noisy, weight=1.0 * sigma, eps=0, max_num_iter=100, channel_axis=0)


def _nlm(noisy: np.ndarray, sigma: float) -> np.ndarray:
    # Channels last, because scikit-image 0.26 transposes the result where they come first and are one.
    last = np.ascontiguousarray(np.moveaxis(noisy, 0, -1))
    denoised = denoise_nl_means(
        last, patch_size=7, patch_distance=6, h=0.7 * sigma, sigma=sigma,
        fast_mode=True, preserve_range=True, channel_axis=-1,
    )  # fmt: skip
    return np.moveaxis(denoised.reshape(last.shape), -1, 0)


def _wavelet(noisy: np.ndarray, sigma: float) -> np.ndarray:
    levels = min(_MOST_LEVELS, max(1, pywt.dwt_max_level(min(noisy.shape[1:]), _WAVELET)))
    return denoise_wavelet(
        noisy, sigma=sigma, wavelet=_WAVELET, wavelet_levels=levels, method="BayesShrink", mode="soft",
        rescale_sigma=False, channel_axis=0,
    )  # fmt: skip


_KINDS = {"tv": _tv, "nlm": _nlm, "wavelet": _wavelet}
