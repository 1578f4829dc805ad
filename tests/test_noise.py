"""The noise has the moments it claims, depends on nothing but its name, and is the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from wne.noise import STEP, central_crop, noise_field, unit_noise
from wne.rng import uniform_field

COUNT = 400_000
RAYLEIGH_MEAN = np.sqrt(np.pi / (4 - np.pi))


@pytest.mark.parametrize(
    ("distribution", "mean", "skewness", "excess_kurtosis"),
    [
        ("gaussian", 0.0, 0.0, 0.0),
        ("uniform", 0.0, 0.0, -1.2),
        ("laplace", 0.0, 0.0, 3.0),
        ("rayleigh", RAYLEIGH_MEAN, 0.6311, 0.2451),
    ],
)
def test_moments(distribution, mean, skewness, excess_kurtosis):
    x = noise_field(distribution, (COUNT,), "moments") * STEP
    # Five standard errors; the fourth moment of a Laplace variable is the widest.
    assert abs(x.mean() - mean) < 5 / np.sqrt(COUNT)
    assert abs(x.std() - 1) < 5 * np.sqrt((excess_kurtosis + 2) / 4 / COUNT)
    assert stats.skew(x) == pytest.approx(skewness, abs=0.05)
    assert stats.kurtosis(x) == pytest.approx(excess_kurtosis, abs=0.15)


@pytest.mark.parametrize(
    ("distribution", "law"),
    [
        ("gaussian", stats.norm()),
        ("uniform", stats.uniform(-np.sqrt(3), 2 * np.sqrt(3))),
        ("laplace", stats.laplace(scale=1 / np.sqrt(2))),
        ("rayleigh", stats.rayleigh(scale=1 / np.sqrt(2 - np.pi / 2))),
    ],
)
def test_distribution_against_scipy(distribution, law):
    x = unit_noise(distribution, uniform_field((20_000,), "law"))
    assert stats.kstest(x, law.cdf).pvalue > 1e-3


def test_streams_are_independent_of_each_other():
    a = noise_field("gaussian", (COUNT,), "set12", "01.png", 0) * STEP
    for other in (("set12", "01.png", 1), ("set12", "02.png", 0), ("bsd68", "01.png", 0)):
        b = noise_field("gaussian", (COUNT,), *other) * STEP
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(COUNT)


def test_fields_are_the_same_on_every_machine():
    """Pinned bytes: a change here changes every test input of every result."""
    digests = {
        name: hashlib.sha256(noise_field(name, (64, 64), "pinned").astype("<i2").tobytes()).hexdigest()[:16]
        for name in ("gaussian", "uniform", "laplace", "rayleigh")
    }
    assert digests == {
        "gaussian": "9491fb6dcb667733",
        "uniform": "e9d2ffeee6c072db",
        "laplace": "f3c70579dc10b958",
        "rayleigh": "abe60e48b7232cd1",
    }


def test_an_unknown_distribution_is_an_error():
    with pytest.raises(ValueError, match="cauchy"):
        unit_noise("cauchy", np.full(3, 0.5))


def test_central_crop():
    image = np.arange(5 * 7).reshape(5, 7, 1)
    assert np.array_equal(central_crop(image, 3), image[1:4, 2:5])
    assert central_crop(image, 100) is not None and central_crop(image, 100).shape == image.shape
    assert central_crop(image, None) is image
