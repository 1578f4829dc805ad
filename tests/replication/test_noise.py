"""The noise has the moments it claims, depends on nothing but its name, and is the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from scipy.fft import dctn, idctn

from replication.data.noise import (
    STEP,
    central_crop,
    load_test_set,
    make_test_set,
    noise_field,
    through_jpeg,
    unit_noise,
)
from replication.study.rng import uniform_field
from tiny_profile import PAIRED, tiny_profile

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


# Annex K of the JPEG standard, table K.1: quantization of the luminance at quality 50.
_LUMINANCE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip


def _jpeg_by_the_standard(image: np.ndarray, quality: int) -> np.ndarray:
    """(H, W) uint8 with sides that 8 divides: DCT of 8 x 8 blocks, rounded to multiples of the IJG's scaled table."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = np.clip((_LUMINANCE * scale + 50) // 100, 1, 255)
    height, width = image.shape
    blocks = image.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).astype(float) - 128
    coefficients = np.rint(dctn(blocks, axes=(2, 3), norm="ortho") / table) * table
    pixels = np.rint(idctn(coefficients, axes=(2, 3), norm="ortho") + 128)
    return np.clip(pixels, 0, 255).swapaxes(1, 2).reshape(height, width).astype(np.uint8)


@pytest.mark.parametrize("quality", [5, 10, 50, 85])
def test_jpeg_against_the_standard(quality):
    rows, columns = np.mgrid[:64, :72]
    texture = 40 * uniform_field((64, 72), "jpeg") - 20
    image = (120 + 80 * np.sin(rows / 5) * np.cos(columns / 7) + texture).astype(np.uint8)
    got = through_jpeg(image[..., None], quality)
    assert got.shape == (64, 72, 1) and got.dtype == np.uint8
    error = {
        q: np.abs(_jpeg_by_the_standard(image, q) - got[..., 0].astype(float)) for q in range(quality - 1, quality + 2)
    }
    # In the integer transforms of a codec, a coefficient halfway between two steps may fall to the other side.
    assert error[quality].mean() < 0.5 and np.mean(error[quality] > 1) < 0.1
    assert error[quality].mean() < 0.5 * min(error[quality - 1].mean(), error[quality + 1].mean())


def test_jpeg_of_colour_keeps_its_resolution():
    """Stripes of equal luminance, one pixel wide: subsampled colour would lose them."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, 0::2], stripes[:, 1::2] = (200, 80, 100), (80, 140, 103)
    got = through_jpeg(stripes, 95).astype(int)
    assert np.abs(got - stripes).mean() < 12
    assert (got[:, 0::2, 0] - got[:, 1::2, 0]).mean() > 100


def test_a_test_set_holds_its_jpeg_images(tmp_path):
    _, paths = tiny_profile(tmp_path, jpeg=True, crop=24)
    for image in load_test_set(paths, "tiny"):
        assert list(image.fields) == ["gaussian"] and image.noisy is None
        assert list(image.jpeg) == [10, 80] and image.clean.shape == (24, 24, 1)
        assert all(np.array_equal(image.jpeg[q], through_jpeg(image.clean, q)) for q in (10, 80))


def test_a_test_set_of_pairs_holds_both_photographs(tmp_path):
    _, paths = tiny_profile(tmp_path, crop=30, **PAIRED)
    images = list(load_test_set(paths, "tiny"))
    assert [image.name for image in images] == ["a", "b"]
    for image in images:
        assert image.fields == {} and not image.jpeg
        for kind in ("noisy", "clean"):
            stored = np.asarray(Image.open(paths.image_set("tiny-test") / f"{image.name}_{kind}.png"))
            assert np.array_equal(getattr(image, kind), stored[5:35, 7:37])


def test_two_images_of_one_name_are_an_error(tmp_path, monkeypatch):
    params, paths = tiny_profile(tmp_path)
    pixels = np.zeros((40, 40, 1), np.uint8)
    monkeypatch.setattr("replication.data.noise.load_set", lambda *_: [("one/a", pixels), ("other/a", pixels)])
    with pytest.raises(ValueError, match=r"test_sets\.tiny: two images of tiny-test are called a"):
        make_test_set(params, "tiny", paths)
