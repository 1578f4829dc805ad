"""The denoiser of image files in numbers: any range, offsets, masks, strength, broken weights."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from skimage import data

from benchmarks.image_kinds import GREY, NOISY, RGB, SCENE
from conftest import tiny_denoiser
from wne.adapters.networks import OwnDenoiser
from wne.checkpoints import save_checkpoint
from wne.denoise import ImageDenoiser
from wne.registry import DEFAULT_MODEL

EXACT = ImageDenoiser()(NOISY)


def test_the_image_comes_closer_to_the_clean_one():
    assert np.std(EXACT - SCENE) < 0.4 * np.std(NOISY - SCENE)


@pytest.mark.parametrize("exponent", [-37, -27, -22, 0, 21, 30, 37])
def test_any_scale_gives_the_same_image(exponent):
    image = (NOISY * 10.0**exponent).astype(np.float32)
    np.testing.assert_allclose(ImageDenoiser()(image) / 10.0**exponent, EXACT, atol=2e-6)


@pytest.mark.parametrize("exponent", [-300, 300])
def test_any_scale_of_double_precision(exponent):
    np.testing.assert_allclose(ImageDenoiser()(NOISY * 10.0**exponent) / 10.0**exponent, EXACT, atol=2e-6)


@pytest.mark.parametrize("offset", [2.4e9, -1e12])
def test_a_contrast_of_one_on_a_large_offset_keeps_its_digits(offset):
    rounding = np.spacing(abs(offset))
    np.testing.assert_allclose(ImageDenoiser()(offset + NOISY) - offset, EXACT, atol=2 * rounding + 2e-6)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32"])
def test_integers_of_small_contrast_on_a_large_offset(dtype):
    offset = np.iinfo(dtype).max - 300
    image = (GREY.astype(np.int64) + offset).astype(dtype)
    expected = ImageDenoiser()(GREY).astype(np.int64)
    assert np.abs(ImageDenoiser()(image).astype(np.int64) - offset - expected).max() <= 1


def test_a_bare_network_sees_what_it_was_trained_on():
    network = ImageDenoiser("dncnn-baseline-s25")
    with torch.inference_mode():
        expected = network.network(torch.from_numpy(GREY / np.float32(255))[None, None])[0, 0].numpy()
    np.testing.assert_array_equal(network(GREY), np.rint(np.clip(expected * 255, 0, 255)))


def test_a_path_will_do(tmp_path):
    network = tiny_denoiser("dncnn", "wne", dtype=torch.float32)
    config = {"model": {"backbone": "dncnn", "depth": 4, "width": 8}, "variant": "wne", "task": {"channels": 1}}
    save_checkpoint(tmp_path / "a.safetensors", network, config, "")
    expected = ImageDenoiser(str(tmp_path / "a.safetensors"))(GREY)
    np.testing.assert_array_equal(ImageDenoiser(tmp_path / "a.safetensors")(GREY), expected)


def test_the_receptive_field_is_measured_once_for_all_channels():
    sizes = []

    class Watched(torch.nn.Conv2d):
        def forward(self, y):
            sizes.append(y.shape[-1])
            return super().forward(y)

    denoise = ImageDenoiser(OwnDenoiser(Watched(1, 1, 3, padding=1), 1, "baseline"), tile=64)
    denoise(RGB)
    first = len(sizes)
    denoise(RGB)
    assert len(sizes) - first == 3 * 2 < first  # two tiles for each channel


TWELVE_BITS = (GREY.astype(np.uint16) << 4) + 7


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (GREY.astype(np.float32), r"values far outside \[0, 1\].*: scale them"),
        (TWELVE_BITS, "no value reaches a quarter of what uint16 holds.*: scale them"),
        (TWELVE_BITS.astype(np.int32), "what int32 holds"),
        (GREY // 8, None),  # a dark photograph
        (GREY.astype(np.uint16) * 257, None),
        (np.zeros_like(TWELVE_BITS), None),
        (NOISY + np.random.default_rng(0).normal(0, 0.4, NOISY.shape), None),  # sigma 100 of 255
        (np.where(np.quantile(NOISY, 0.95) < NOISY, 1000, NOISY), None),  # a few highlights
        (np.full((4, 4), np.nan), None),
    ],
)
def test_a_bare_network_doubts_ranges_that_it_was_hardly_trained_on(image, words):
    found = ImageDenoiser("dncnn-baseline-s25").doubt(image)
    assert found is None if words is None else re.search(words, found)
    assert ImageDenoiser().doubt(image) is None  # an equivariant one takes any range


def test_opacity_is_no_reason_to_doubt_or_not_to():
    bare, opaque = ImageDenoiser("dncnn-baseline-s25"), np.full_like(TWELVE_BITS, 65535)
    assert bare.doubt(np.dstack([TWELVE_BITS, opaque]), alpha=-1) and not bare.doubt(np.dstack([TWELVE_BITS, opaque]))


def test_strength_blends_before_rounding():
    half = ImageDenoiser(strength=0.5)
    np.testing.assert_allclose(half(NOISY), (NOISY + EXACT) / 2, atol=1e-12)
    np.testing.assert_array_equal(ImageDenoiser(strength=0)(RGB), RGB)
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="strength must be between 0"):
            ImageDenoiser(strength=strength)


def test_masked_pixels_stay_and_do_not_count():
    image = NOISY.astype(np.float32)
    dead = np.zeros(image.shape, bool)
    dead[5, 7] = dead[40, 60:63] = True
    with pytest.raises(ValueError, match="4 pixels that are NaN or infinite; --mask-nan leaves them out"):
        ImageDenoiser()(np.where(dead, np.nan, image))
    denoise = ImageDenoiser(mask_nan=True)
    with_nan = denoise(np.where(dead, np.float32("nan"), image))
    assert np.array_equal(np.isnan(with_nan), dead)
    y = torch.from_numpy(image)[None, None]
    with torch.inference_mode():
        expected = denoise.network(y, mask=~torch.from_numpy(dead)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(with_nan[~dead], expected[~dead], atol=1e-5)
    infinite = denoise(np.where(dead, np.float32("-inf"), image))
    np.testing.assert_array_equal(infinite[~dead], with_nan[~dead])
    assert (infinite[dead] == -np.inf).all()


@pytest.mark.parametrize("model", [DEFAULT_MODEL, "fdncnn-wne-colour-s0to55"])
def test_a_bad_entry_of_a_pixel_leaves_its_other_channels_denoised(model):
    image = RGB.astype(np.float32)
    image[5, 7, 1] = np.nan
    denoised = ImageDenoiser(model, mask_nan=True)(image)
    assert np.array_equal(np.isnan(denoised), np.isnan(image))
    assert (denoised[5, 7, [0, 2]] != image[5, 7, [0, 2]]).all()


def test_a_network_for_colour_needs_the_memory_of_all_channels_at_once(monkeypatch):
    rgb = np.zeros((100, 100, 3), np.uint8)
    monkeypatch.setattr("wne.memory._free_memory", lambda: 100 * 100 * 32)
    assert ImageDenoiser()(rgb).shape == rgb.shape
    with pytest.raises(ValueError, match="too large for the memory: needs about"):
        ImageDenoiser("fdncnn-wne-colour-s0to55")(rgb)


@pytest.mark.parametrize("hot", [40, 1000])
def test_a_hot_pixel_spoils_the_image_and_set_to_nan_it_does_not(hot):
    image = NOISY.copy()
    image[20, 25] = hot
    spoiled = np.std((ImageDenoiser()(image) - SCENE)[10:31, 15:25])
    assert spoiled > 1.5 * np.std(NOISY - SCENE)
    image[20, 25] = np.nan
    error = np.nanstd(ImageDenoiser(mask_nan=True)(image) - SCENE)
    np.testing.assert_allclose(error, np.std(EXACT - SCENE), rtol=0.02)


def test_a_mask_needs_a_wrapper():
    with pytest.raises(ValueError, match="no wrapper that takes a mask"):
        ImageDenoiser("dncnn-baseline-s25", mask_nan=True)


def test_a_channel_without_a_finite_value_stays_and_the_others_are_denoised():
    image = np.dstack([NOISY, np.full_like(NOISY, np.nan)])
    denoised = ImageDenoiser(mask_nan=True)(image)
    np.testing.assert_array_equal(denoised[..., 0], EXACT)
    assert np.isnan(denoised[..., 1]).all()


def test_a_result_that_is_not_finite_is_an_error():
    denoise = ImageDenoiser()
    with torch.no_grad():
        next(denoise.network.parameters())[0] = torch.nan
    with pytest.raises(ValueError, match="result is not finite"):
        denoise(GREY)
    with pytest.raises(ValueError, match="result is not finite"):  # a range beyond that of double precision
        ImageDenoiser()(np.where(GREY % 2, 1.7e308, -1.7e308))


@pytest.mark.parametrize("variant", ["wne", "wse", "baseline"])
def test_colour_networks_take_three_colours_together(tmp_path, variant):
    network = tiny_denoiser("dncnn", variant, channels=3, dtype=torch.float32)
    config = {"model": {"backbone": "dncnn", "depth": 4, "width": 8}, "variant": variant, "task": {"channels": 3}}
    save_checkpoint(tmp_path / "colour.safetensors", network, config, "")
    denoise = ImageDenoiser(str(tmp_path / "colour.safetensors"))
    image = (RGB / 255).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(denoise(image), expected, atol=1e-5)
    with pytest.raises(ValueError, match="has 1 channel, and the network needs 3; take fdncnn-wne-s0to55"):
        denoise(GREY)


def test_the_network_for_colour_needs_noise_that_is_independent_in_the_channels():
    colour, one_by_one = ImageDenoiser("fdncnn-wne-colour-s0to55"), ImageDenoiser()
    clean = data.astronaut()[100:200, 180:280] / np.float32(255)
    fields = np.random.default_rng(0).normal(0, 1 / 255, clean.shape).astype(np.float32)
    for sigma in (5, 25, 75):
        noisy = clean + sigma * fields
        assert np.std(colour(noisy) - clean) < 0.9 * np.std(one_by_one(noisy) - clean)  # 0.9 dB
    shared = clean + 25 * fields[..., :1]
    file = BytesIO()
    Image.fromarray(np.uint8(np.clip(clean + 25 * fields, 0, 1) * 255)).save(file, "JPEG", quality=90, subsampling=2)
    jpeg = np.asarray(Image.open(file)) / np.float32(255)  # its colours have half the resolution
    for noisy in (shared, jpeg):
        assert np.std(colour(noisy) - clean) > 1.5 * np.std(one_by_one(noisy) - clean)  # as docs/command-line.md says


def test_a_grey_image_saved_as_rgb_is_said_to_a_network_for_colour():
    colour = ImageDenoiser("fdncnn-wne-colour-s0to55")
    assert "channels are all the same" in colour.doubt(np.dstack([GREY] * 3))
    assert colour.doubt(RGB) is None and ImageDenoiser().doubt(np.dstack([GREY] * 3)) is None


def test_a_network_that_changes_the_size_of_an_image_says_what_to_do():
    halved = OwnDenoiser(torch.nn.Sequential(torch.nn.AvgPool2d(2), torch.nn.Upsample(scale_factor=2)), 1, "baseline")
    with pytest.raises(ValueError, match=r"put wne\.Padded around it"):
        ImageDenoiser(halved)(np.zeros((31, 32), np.float32))


def test_what_the_page_says_of_the_networks_for_any_noise_is_what_was_measured():
    root = Path(__file__).parents[2]
    text = " ".join((root / "docs/command-line.md").read_text().split())
    gains = {}
    for name in ("fdncnn-wne-s0to55", "fdncnn-wne-colour-s0to55"):
        scores = pd.read_csv(root / f"results/published/evaluation/blind/{name}/psnr.csv")
        gains[name] = (scores["psnr"] - scores["input_psnr"]).groupby(scores["sigma_test"])
    grey, colour = gains.values()
    assert grey.min()[5:].min() > 0 and "improves every image at sigma 5 to 100 of 255" in text
    assert f"and {grey.get_group(3).gt(0).sum()} of 12 at sigma 3" in text
    assert colour.min().min() >= 2.5 and "improves every image by 2.5 dB or more at sigma 3 to 100" in text
