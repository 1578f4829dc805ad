"""Reading, writing and denoising image files: formats, bit depths, alpha, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from wne.denoise import ImageDenoiser, plan
from wne.imagefiles import ImageFileError, read_image, write_image
from wne.published import pretrained

RANDOM = np.random.default_rng(0)


def picture(dtype: str, *shape: int) -> np.ndarray:
    """A ramp with noise, over the range of the dtype ([0, 1] for floating point)."""
    height, width = shape[:2]
    ramp = np.linspace(0.2, 0.8, height)[:, None] * np.linspace(0.5, 1, width)
    ramp = ramp if len(shape) == 2 else ramp[..., None] * np.linspace(1, 0.7, shape[2])
    noisy = np.clip(ramp + RANDOM.normal(0, 0.1, shape), 0, 1)
    return (noisy * np.iinfo(dtype).max).astype(dtype) if np.issubdtype(dtype, np.integer) else noisy.astype(dtype)


SHAPES = [(24, 30), (24, 30, 2), (24, 30, 3), (24, 30, 4)]
FILES = [("png", "uint8"), ("png", "uint16")] + [
    (suffix, dtype) for suffix in ("tif", "npy") for dtype in ("uint8", "uint16", "float16", "float32", "float64")
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("suffix", "dtype"), FILES, ids=str)
def test_files_give_back_what_was_written(tmp_path, suffix, dtype, shape):
    image, path = picture(dtype, *shape), tmp_path / f"new folder/image.{suffix}"
    write_image(path, image)
    back = read_image(path)
    assert back.dtype == image.dtype and np.array_equal(back, image)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
def test_denoising_keeps_dtype_shape_and_alpha_and_removes_noise(dtype, shape):
    image = picture(dtype, *shape)
    denoised = ImageDenoiser()(image)
    assert denoised.dtype == image.dtype and denoised.shape == image.shape
    if len(shape) == 3 and shape[2] in (2, 4):
        assert np.array_equal(denoised[..., -1], image[..., -1])
        image, denoised = image[..., :-1], denoised[..., :-1]
    roughness = [np.abs(np.diff(x.astype(float), axis=0)).mean() for x in (denoised, image)]
    assert roughness[0] < 0.6 * roughness[1]


def test_the_bit_depth_does_not_change_the_result():
    image = picture("uint8", 24, 30)
    deep = ImageDenoiser()(image.astype(np.uint16) * 257)
    assert np.abs(deep / 257 - ImageDenoiser()(image)).max() <= 1


def test_floating_point_images_of_any_range_are_denoised_alike():
    image = picture("float32", 24, 30)
    expected = ImageDenoiser()(image)
    np.testing.assert_allclose((ImageDenoiser()(5000 * image - 300) + 300) / 5000, expected, atol=1e-5)
    # The control: a bare network knows one range alone.
    bare = ImageDenoiser("dncnn-baseline-s25")
    assert np.abs((bare(5000 * image - 300) + 300) / 5000 - bare(image)).max() > 0.02


def test_tiles_make_no_difference():
    image = picture("float32", 150, 200)
    np.testing.assert_allclose(ImageDenoiser(tile=128)(image), ImageDenoiser(tile=0)(image), atol=1e-5)


def test_published_weights_are_found():
    assert pretrained() == ["dncnn-baseline-s25", "dncnn-wne-s25"]


def test_jpeg_is_read(tmp_path):
    from PIL import Image

    Image.fromarray(picture("uint8", 24, 30, 3)).save(tmp_path / "photo.JPG")
    assert read_image(tmp_path / "photo.JPG").shape == (24, 30, 3)
    assert plan(tmp_path, tmp_path / "out", force=False) == [(tmp_path / "photo.JPG", tmp_path / "out/photo.png")]


def test_a_palette_becomes_colours(tmp_path):
    from PIL import Image

    image = picture("uint8", 24, 30, 3) // 64 * 64
    Image.fromarray(image).quantize(255).save(tmp_path / "palette.png")
    assert read_image(tmp_path / "palette.png").shape == (24, 30, 3)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.png", b"\x89PNG junk", "damaged, or not what its name says"),
        ("bad.tif", b"II*\0 junk", "damaged, or not what its name says"),
        ("empty.png", b"", "damaged, or not what its name says"),
        ("image.gif", b"GIF89a", r"not an image file that is known here \(\.png"),
    ],
)
def test_files_that_are_no_images_are_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageFileError, match=f"{name}: {message}"):
        read_image(tmp_path / name)


def test_arrays_that_are_no_images_are_refused(tmp_path):
    for array, message in [
        (np.zeros((4, 4), np.int64), "int64 values"),
        (np.zeros((9, 4, 4, 3), np.uint8), r"shape \(9, 4, 4, 3\)"),
        (np.zeros((4, 4, 7), np.uint8), r"shape \(4, 4, 7\)"),
    ]:
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(ImageFileError, match=message):
            read_image(tmp_path / "x.npy")
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ImageFileError, match="damaged"):
        read_image(tmp_path / "object.npy")


def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ImageFileError, match=r"PNG has no floating-point values; write image\.tif"):
        write_image(tmp_path / "image.png", picture("float32", 4, 4))
    with pytest.raises(ImageFileError, match="not a format that is written here"):
        write_image(tmp_path / "image.gif", picture("uint8", 4, 4))
    assert list(tmp_path.iterdir()) == []


def test_images_that_a_network_cannot_take_are_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        ImageDenoiser()(np.array([[0.0, np.nan]], np.float32))
