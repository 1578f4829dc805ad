"""The simulated sensor noise has the variance of its formula, and everything around it adds nothing."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from replication.data.download import fetch_set
from replication.data.images import load_pairs
from replication.data.registry import SELECTIONS
from replication.data.sensor import LEVELS, add_sensor_noise, demosaic, mosaic, sensor_pair, to_srgb


@pytest.mark.parametrize("x", [0.1, 0.2, 0.5])
def test_variance_of_the_raw_noise_is_gain_x_plus_read_squared(x):
    gain, read, count = 0.004, 0.004, 400_000
    raw = np.full(count, round(x * LEVELS))
    noise = (add_sensor_noise(raw, gain, read, "variance", str(x)) - raw) / LEVELS
    variance = gain * x + read**2
    assert abs(noise.mean()) < 5 * np.sqrt(variance / count)
    assert noise.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / count))


def test_raw_values_are_clipped():
    for level in (0, LEVELS):
        noisy = add_sensor_noise(np.full(1000, level), 0.01, 0.01, "clip")
        assert noisy.min() >= 0 and noisy.max() <= LEVELS and 300 < np.sum(noisy == level) < 700


def test_each_pixel_of_the_mosaic_sees_one_colour():
    colours = np.broadcast_to(np.array([1, 2, 3]), (4, 6, 3))
    assert np.array_equal(mosaic(colours), np.tile([[1, 2], [2, 3]], (2, 3)))


@pytest.mark.parametrize("shape", [(6, 8), (7, 5)])
def test_demosaicing_keeps_a_plane_in_each_colour_and_what_was_seen(shape):
    """Bilinear interpolation is exact for r + s i + t j, inside; at the border for a constant."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    plane = np.stack([100 + 8 * rows + 4 * columns, 900 - 12 * rows, 500 + 16 * columns], axis=2)
    got = demosaic(mosaic(plane))
    assert np.array_equal(got[1:-1, 1:-1], 4 * plane[1:-1, 1:-1])
    assert np.array_equal(mosaic(got), 4 * mosaic(plane))
    constant = np.broadcast_to(np.array([7, 80, 900]), (*shape, 3))
    assert np.array_equal(demosaic(mosaic(constant)), 4 * constant)


def test_srgb_is_inverted_exactly():
    codes = np.arange(256)
    # IEC 61966-2-1, in its two pieces.
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in codes / 255])
    assert np.array_equal(to_srgb(np.rint(4 * LEVELS * linear).astype(int)), codes)
    between = to_srgb(np.arange(4 * LEVELS + 1))
    assert np.all(np.diff(between.astype(int)) >= 0) and between[0] == 0 and between[-1] == 255


def test_a_grey_photograph_keeps_its_level_and_gains_noise():
    noisy, clean = sensor_pair("sensor-test", "flat", np.full((300, 280, 3), 118, np.uint8))
    assert noisy.shape == clean.shape == (256, 256, 3) and np.all(clean == 118)
    assert noisy.std() > 5 and abs(noisy.mean() - 118) < 3
    again, other = (sensor_pair("sensor-test", name, np.full((300, 280, 3), 118, np.uint8)) for name in ("flat", "x"))
    assert np.array_equal(noisy, again.noisy) and not np.array_equal(noisy, other.noisy)


def test_the_sets_need_no_network_and_are_what_the_registry_says(tmp_path, monkeypatch):
    monkeypatch.delenv("WNE_DATA_MIRROR", raising=False)
    for name in ("sensor-train", "sensor-test"):
        fetch_set(name, tmp_path)  # compares checksums
        pairs = load_pairs(tmp_path, name)
        photographs = SELECTIONS[name.replace("sensor", "photos-colour")]
        assert [pair[0] for pair in pairs] == [photograph.split(".")[0] for photograph in photographs]
        for _, noisy, clean in pairs:
            assert 24 < peak_signal_noise_ratio(clean, noisy) < 30
