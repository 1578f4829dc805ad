"""Noisy and clean photographs as a camera would give them, simulated: a stand-in where no real pair is at hand.

    raw   = Bayer mosaic (RGGB) of the photograph in linear light x of [0, 1]
    noisy = clip(raw + sqrt(gain raw + read^2) n, 0, 1),   n normal, variance 1
    image = sRGB(bilinear demosaic(raw or noisy)), rounded to 8 bits

The variance is that of shot and read noise (Poisson-Gaussian; the shot noise in its limit of many photons).
Gain and read noise are drawn for each photograph, as the sensitivity is set for each shot. The clean image went
through the same mosaic, so that the two differ by noise alone. After demosaicing the noise depends on the
intensity and is correlated between pixels and colours. Left out: white balance, colour matrix, the camera's own
denoising, JPEG.

Raw values are whole multiples of 1/65536 and everything after the noise is integer arithmetic: every machine
computes the same pixels, and data/registry.csv holds the checksums of the files.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from replication.study.rng import uniform_field

SIZES = {"sensor-train": 384, "sensor-test": 256}  # pixels, square: the centre of the photograph, at most
GAINS = (0.006, 0.03)  # of the shot noise: its variance at x = 1, drawn log-uniformly
READ = 0.4  # read noise: its standard deviation is READ * gain, as both grow with the amplification
LEVELS = 1 << 16  # raw values
_STEP = 1.0 / 2048  # of the noise: `log` differs in its last place between platforms, far below this


class SensorPair(NamedTuple):
    """Both (H, W, 3) uint8, sRGB."""

    noisy: np.ndarray
    clean: np.ndarray


def sensor_pair(set_name: str, name: str, photograph: np.ndarray) -> SensorPair:
    """The pair of a photograph, (H, W, 3) uint8 sRGB; `name` keys its random streams."""
    side = SIZES[set_name]
    top, left = (max(0, n - side) // 2 for n in photograph.shape[:2])
    raw = mosaic(_linear_levels()[photograph[top : top + side, left : left + side]])
    gain = _gain(set_name, name)
    noisy = add_sensor_noise(raw, gain, READ * gain, "sensor", set_name, name)
    return SensorPair(to_srgb(demosaic(noisy)), to_srgb(demosaic(raw)))


def mosaic(linear: np.ndarray) -> np.ndarray:
    """The one colour that each pixel of an RGGB sensor sees: (H, W, 3) to (H, W)."""
    raw = linear[..., 1].copy()
    raw[0::2, 0::2] = linear[0::2, 0::2, 0]
    raw[1::2, 1::2] = linear[1::2, 1::2, 2]
    return raw


def add_sensor_noise(raw: np.ndarray, gain: float, read: float, *what: str) -> np.ndarray:
    """Raw levels with noise of variance gain x + read^2, x = raw / LEVELS, clipped to [0, LEVELS]; same shape, int64.

    `what` names the random stream.
    """
    normal = np.rint(ndtri(uniform_field(raw.shape, *what)) / _STEP) * _STEP
    x = raw / LEVELS
    return np.clip(np.rint(LEVELS * (x + np.sqrt(gain * x + read * read) * normal)), 0, LEVELS).astype(np.int64)


def demosaic(raw: np.ndarray) -> np.ndarray:
    """Bilinear: the colours that a pixel did not see are means of its neighbours. (H, W) to (H, W, 3), times 4.

    At the border the sensor is mirrored without its edge, which keeps the pattern of the colours.
    """
    height, width = raw.shape
    colour = np.zeros((3, height + 2, width + 2), np.int64)
    padded = np.pad(raw, 1, mode="reflect")
    colour[0, 1::2, 1::2] = padded[1::2, 1::2]  # the padding moves the red pixels to odd rows and columns
    colour[1, 0::2, 1::2] = padded[0::2, 1::2]
    colour[1, 1::2, 0::2] = padded[1::2, 0::2]
    colour[2, 0::2, 0::2] = padded[0::2, 0::2]

    def shifted(down: int, right: int) -> np.ndarray:
        return colour[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    cross = shifted(-1, 0) + shifted(1, 0) + shifted(0, -1) + shifted(0, 1)
    diagonal = shifted(-1, -1) + shifted(-1, 1) + shifted(1, -1) + shifted(1, 1)
    full = 4 * shifted(0, 0) + cross  # green: its own value, or the mean of four neighbours
    # Red and blue: two neighbours beside or above each other at a green pixel, four diagonal ones at the others.
    full[[0, 2]] += (cross + diagonal)[[0, 2]]
    return np.moveaxis(full, 0, -1)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """8-bit sRGB of linear light in units of 1 / (4 LEVELS), rounded to the nearest code. Same shape, uint8."""
    halves = np.rint(4 * LEVELS * _srgb_to_linear((np.arange(255) + 0.5) / 255)).astype(np.int64)
    return np.searchsorted(halves, linear, side="right").astype(np.uint8)


def _linear_levels() -> np.ndarray:
    """Raw level of each 8-bit sRGB code, (256,) int64."""
    return np.rint(LEVELS * _srgb_to_linear(np.arange(256) / 255)).astype(np.int64)


def _srgb_to_linear(value: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1: [0, 1] to [0, 1]."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _gain(set_name: str, name: str) -> float:
    """Log-uniform in GAINS, rounded to 6 decimals."""
    low, high = GAINS
    unit = uniform_field((1,), "sensor", set_name, name, "gain")[0]
    return round(float(low * (high / low) ** unit), 6)
