"""Reading: right pixels, or one line that names the file."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from replication.data.download import fetch_set
from replication.data.images import grey, image_pairs, image_paths, image_size, load_pairs, load_set, read_image
from replication.data.registry import DataError

MIRROR = os.environ.get("WNE_DATA_MIRROR")
needs_mirror = pytest.mark.skipif(not MIRROR, reason="needs BSD68 and CBSD68: set WNE_DATA_MIRROR to a copy of them")


def random_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def save(path, pixels: np.ndarray, mode: str | None = None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
@pytest.mark.parametrize("shape, channels", [((5, 7), 1), ((5, 7, 3), 3)])
def test_lossless_files_are_read_as_stored(tmp_path, suffix, shape, channels):
    pixels = random_pixels(*shape)
    path = save(tmp_path / f"x{suffix}", pixels)
    read = read_image(path, channels)
    assert read.dtype == np.uint8 and read.shape == (5, 7, channels)
    assert np.array_equal(read, pixels.reshape(5, 7, channels))
    assert image_size(path) == (5, 7)


def test_grey_is_the_rounded_rgb2gray():
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert grey(corners).tolist() == [[0, 255, 76, 150, 29]]
    shades = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    assert np.array_equal(grey(shades)[0], np.arange(256)), "a grey pixel must keep its value"
    colour = random_pixels(64, 64, 3)
    exact = colour @ np.linalg.inv([[1.0, 0.956, 0.621], [1.0, -0.272, -0.647], [1.0, -1.106, 1.703]])[0]
    assert np.array_equal(grey(colour), np.round(exact).astype(np.uint8))


def test_colour_becomes_grey_and_grey_does_not_become_colour(tmp_path):
    colour = random_pixels(6, 6, 3)
    assert np.array_equal(read_image(save(tmp_path / "c.png", colour), 1)[:, :, 0], grey(colour))
    with pytest.raises(DataError, match=r"g.png is a grey image, but colour was asked for"):
        read_image(save(tmp_path / "g.png", colour[:, :, 0]), 3)


def test_palette_and_bilevel_images_are_read(tmp_path):
    colour = random_pixels(2, 3, 3)
    path = tmp_path / "p.png"
    Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    assert read_image(path, 3).shape == (2, 3, 3)
    bits = save(tmp_path / "b.png", np.array([[0, 255]], np.uint8), "1")
    assert read_image(bits, 1).ravel().tolist() == [0, 255]


@pytest.mark.parametrize("shape", [(4, 4, 4), (4, 4, 2)])
def test_only_opaque_alpha_is_dropped(tmp_path, shape):
    pixels = random_pixels(*shape)
    pixels[..., -1] = 255
    channels = 3 if shape[2] == 4 else 1
    assert np.array_equal(read_image(save(tmp_path / "opaque.png", pixels), channels), pixels[..., :-1])
    pixels[2, 2, -1] = 254
    with pytest.raises(DataError, match=r"holes.png has transparent pixels"):
        read_image(save(tmp_path / "holes.png", pixels), channels)


def test_a_transparent_palette_entry_counts_as_alpha(tmp_path):
    path = save(tmp_path / "p.png", random_pixels(4, 4), "P", transparency=0)
    Image.fromarray(np.zeros((4, 4), np.uint8)).convert("P").save(path, transparency=0)
    with pytest.raises(DataError, match="transparent pixels"):
        read_image(path, 3)


def png_of_16_bits(colour_type: int, samples: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\0" + bytes(range(2 * samples * 3))) * 2
    header = struct.pack(">IIBBBBB", 3, 2, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("colour_type, samples", [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bit_files_are_refused(tmp_path, colour_type, samples):
    path = tmp_path / "deep.png"
    path.write_bytes(png_of_16_bits(colour_type, samples))
    with pytest.raises(DataError, match=r"deep.png has more than 8 bits"):
        read_image(path, 1)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_colour_modes_are_refused(tmp_path, mode):
    path = save(tmp_path / "x.tif", random_pixels(4, 4, 3), mode)
    with pytest.raises(DataError, match=f"colour mode {mode}"):
        read_image(path, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif"])
@pytest.mark.parametrize("keep", [0, 20, 0.6])
def test_truncated_files_are_named(tmp_path, suffix, keep):
    path = save(tmp_path / f"cut{suffix}", random_pixels(64, 64, 3))
    body = path.read_bytes()
    path.write_bytes(body[: keep if isinstance(keep, int) else int(keep * len(body))])
    with pytest.raises(DataError, match=rf"cut\{suffix} is truncated or no image"):
        read_image(path, 3)


def test_damaged_pixels_are_named(tmp_path):
    path = save(tmp_path / "bad.png", random_pixels(64, 64))
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0xFF
    path.write_bytes(body)
    with pytest.raises(DataError, match=r"bad.png is truncated or no image"):
        read_image(path, 1)


def test_what_is_missing_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match="no such image"):
        read_image(tmp_path / "none.png", 1)
    for name in ("set12", "embedded-train"):
        with pytest.raises(DataError, match=f"run `replicate download {name}`"):
            image_paths(tmp_path, name)


def test_a_set_is_sorted_and_named_by_stem(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("b.png", "a.tif", "c.JPG"):
        save(tmp_path / "mine" / name, random_pixels(8, 8, 3), format="PNG")
    (tmp_path / "mine/License.txt").write_text("terms")
    assert [name for name, _ in load_set(tmp_path, "mine", 1)] == ["a", "b", "c"]


def test_pairs_of_real_noise(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("s1_real.png", "s1_mean.png", "0001_NOISY_SRGB_010.png", "0001_GT_SRGB_010.png"):
        save(folder / name, random_pixels(8, 8, 3))
    pairs = [(noisy.name, clean.name) for noisy, clean in image_pairs(tmp_path, "mine")]
    assert pairs == [("0001_NOISY_SRGB_010.png", "0001_GT_SRGB_010.png"), ("s1_real.png", "s1_mean.png")]
    (folder / "s1_mean.png").unlink()
    with pytest.raises(DataError, match=r"s1_real.png has no clean image"):
        image_pairs(tmp_path, "mine")


def test_pairs_are_loaded_with_the_name_of_their_scene(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    pixels = {}
    for scene, noisy, clean in (("s1", "s1_real", "s1_mean"), ("0001_010", "0001_NOISY_SRGB_010", "0001_GT_SRGB_010")):
        rng = np.random.default_rng(len(scene))
        pixels[scene] = rng.integers(0, 256, (2, 8, 9, 3), np.uint8)
        for name, image in zip((noisy, clean), pixels[scene]):
            save(folder / f"{name}.png", image)
    loaded = load_pairs(tmp_path, "mine")
    assert [scene for scene, _, _ in loaded] == ["0001_010", "s1"]
    for scene, noisy, clean in loaded:
        assert np.array_equal(noisy, pixels[scene][0]) and np.array_equal(clean, pixels[scene][1])
    save(folder / "s1_mean.png", random_pixels(8, 8, 3))
    with pytest.raises(DataError, match=r"s1_real.png and s1_mean.png differ in size"):
        load_pairs(tmp_path, "mine")


@needs_mirror
def test_polyu_is_split_into_80_and_20_pairs(tmp_path):
    for name, count in (("polyu-train", 80), ("polyu-test", 20)):
        fetch_set(name, tmp_path, MIRROR)
        pairs = load_pairs(tmp_path, name)
        assert len(pairs) == count
        assert all(noisy.shape == clean.shape == (512, 512, 3) for _, noisy, clean in pairs)
    assert (tmp_path / "polyu/License.txt").is_file()


@needs_mirror
def test_bsd68_is_the_grey_version_of_cbsd68(tmp_path):
    for name in ("bsd68", "cbsd68"):
        fetch_set(name, tmp_path, MIRROR)
    pairs = zip(load_set(tmp_path, "bsd68", 1), load_set(tmp_path, "cbsd68", 1))
    assert sum(np.array_equal(published, ours) for (_, published), (_, ours) in pairs) == 68
