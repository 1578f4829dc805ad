"""Reading, writing and denoising image files: formats, bit depths, alpha, refusals."""

from __future__ import annotations

import os
import struct
import sys
import tracemalloc
import zlib
from contextlib import ExitStack

import numpy as np
import pytest

from wne import memory, rasters
from wne.denoise import ImageDenoiser
from wne.imagefiles import DTYPES, ImageFileError, Page, open_image, read_image, write_image, write_pages
from wne.published import find_weights
from wne.registry import PUBLISHED

RANDOM = np.random.default_rng(0)


def picture(dtype: str, *shape: int) -> np.ndarray:
    """A ramp with noise, over the range of the dtype ([0, 1] for floating point)."""
    height, width = shape[:2]
    ramp = np.linspace(0.2, 0.8, height)[:, None] * np.linspace(0.5, 1, width)
    ramp = ramp if len(shape) == 2 else ramp[..., None] * np.linspace(1, 0.7, shape[2])
    noisy = np.clip(ramp + RANDOM.normal(0, 0.1, shape), 0, 1)
    return (noisy * np.iinfo(dtype).max).astype(dtype) if np.issubdtype(dtype, np.integer) else noisy.astype(dtype)


# Shape, and the channel that is opacity.
SHAPES = [((24, 30), None), ((24, 30, 2), 1), ((24, 30, 3), None), ((24, 30, 4), 3), ((24, 30, 4), None)]
FILES = [("png", "uint8"), ("png", "uint16"), ("exr", "float16"), ("exr", "float32")] + [
    (suffix, dtype) for suffix in ("tif", "npy") for dtype in DTYPES
]


@pytest.mark.parametrize(("shape", "alpha"), SHAPES, ids=str)
@pytest.mark.parametrize(("suffix", "dtype"), FILES, ids=str)
def test_files_give_back_what_was_written(tmp_path, suffix, dtype, shape, alpha):
    image, path = picture(dtype, *shape), tmp_path / f"new folder/image.{suffix}"
    if suffix == "png" and len(shape) == 3 and shape[2] == 4:
        alpha = 3  # what a fourth channel is in PNG
    write_image(path, image, alpha)
    back = read_image(path)
    assert back.dtype == image.dtype and np.array_equal(back, image)
    assert next(open_image(path).pages()).alpha == (None if suffix == "npy" else alpha)


@pytest.mark.parametrize(("shape", "alpha"), SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_denoising_keeps_dtype_shape_and_alpha_and_removes_noise(dtype, shape, alpha):
    image = picture(dtype, *shape)
    denoised = ImageDenoiser()(image, alpha)
    assert denoised.dtype == image.dtype and denoised.shape == image.shape
    if alpha is not None:
        assert np.array_equal(denoised[..., alpha], image[..., alpha])
        image, denoised = image[..., :alpha], denoised[..., :alpha]
    roughness = [np.abs(np.diff(x.astype(float), axis=0)).mean((0, 1)) for x in (denoised, image)]
    assert (roughness[0] < 0.65 * roughness[1]).all()


@pytest.mark.parametrize("name", ["a.png", "A.PNG", "a.npy", "A.NPY", "a.tif", "A.TIF"])
def test_a_name_in_capitals_or_as_text_will_do(tmp_path, name):
    image = picture("uint8", 24, 30)
    write_image(str(tmp_path / name), image)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    np.testing.assert_array_equal(read_image(str(tmp_path / name)), image)


def test_a_stack_goes_into_an_array_page_by_page(tmp_path):
    page, count = picture("uint16", 300, 400, 1), 20

    def pages():
        for number in range(count):
            yield Page(page + np.uint16(number))

    tracemalloc.start()
    try:
        write_pages(tmp_path / "a.npy", pages(), count=count)
        assert tracemalloc.get_traced_memory()[1] < 4 * page.nbytes
    finally:
        tracemalloc.stop()
    stack = np.load(tmp_path / "a.npy")
    assert stack.shape == (20, 300, 400) and all(np.array_equal(p, page[..., 0] + k) for k, p in enumerate(stack))
    with pytest.raises(ImageFileError, match=r"b\.npy: got 20 pages, and was to hold 21"):
        write_pages(tmp_path / "b.npy", pages(), count=21)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_two_readers_that_overlap_leave_the_error_stream_as_it_was():
    before, one, other = os.fstat(2), ExitStack(), ExitStack()
    for stack in (one, other):
        stack.enter_context(rasters._silenced)
    assert not os.path.samestat(os.fstat(2), before)
    one.close()
    assert not os.path.samestat(os.fstat(2), before)  # the other is still reading
    other.close()
    assert os.path.samestat(os.fstat(2), before)


def test_an_image_is_read_where_the_error_stream_is_closed(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", picture("uint8", 24, 30))
    monkeypatch.setattr(sys, "stderr", None)
    assert read_image(tmp_path / "a.png").shape == (24, 30)


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
    assert all(find_weights(name).is_file() for name in PUBLISHED)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.png", b"\x89PNG junk", "damaged, or not of a kind that is read here"),
        ("bad.tif", b"II*\0 junk", "damaged, or not of a kind that is read here"),
        ("empty.png", b"", "damaged"),
        ("black.pgm", b"P5 2 1 0\n\0\0", "damaged.*its largest value is 0"),
        ("text.npy", b"12 13 14", "damaged"),
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
        (np.zeros((9, 4, 4, 7), np.uint8), r"shape \(9, 4, 4, 7\)"),
        (np.zeros(7, np.uint8), r"shape \(7,\)"),
        (np.zeros((0, 7), np.uint8), r"shape \(0, 7\)"),
    ]:
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(ImageFileError, match=message):
            read_image(tmp_path / "x.npy")
    np.save(tmp_path / "object.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ImageFileError, match="damaged"):
        read_image(tmp_path / "object.npy")


@pytest.mark.parametrize("shape", [(1, 9, 12), (9, 12, 1), (5, 9, 12), (5, 9, 12, 3), (1, 9, 12, 1)], ids=str)
def test_arrays_keep_all_their_axes(tmp_path, shape):
    np.save(tmp_path / "x.npy", RANDOM.integers(0, 255, shape).astype(np.uint8))
    file = open_image(tmp_path / "x.npy")
    write_pages(tmp_path / "y.npy", file.pages(), file.shape)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), np.load(tmp_path / "x.npy"))


def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ImageFileError, match=r"PNG cannot hold float32 values here; write image\.tif instead"):
        write_image(tmp_path / "image.png", picture("float32", 4, 4))
    with pytest.raises(ImageFileError, match="not a format that is written here"):
        write_image(tmp_path / "image.gif", picture("uint8", 4, 4))
    with pytest.raises(ImageFileError, match=r"not a format that is written here.*write image\.png instead"):
        write_image(tmp_path / "image.jpg", picture("uint8", 4, 4))
    with pytest.raises(ImageFileError, match=r"only TIFF and \.npy hold several images; write image\.tif instead"):
        write_pages(tmp_path / "image.png", [Page(picture("uint8", 4, 4, 1))] * 2)
    for other in (picture("uint16", 4, 4, 1), picture("uint8", 4, 5, 1), picture("uint8", 4, 4, 3)):
        with pytest.raises(ImageFileError, match=r"one size and type, and these differ; write image\.tif instead"):
            write_pages(tmp_path / "image.npy", [Page(picture("uint8", 4, 4, 1)), Page(other)])
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_the_memory_cannot_hold_is_refused_before_it_is_read(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", picture("uint8", 24, 30))
    np.save(tmp_path / "a.npy", picture("uint8", 24, 30))
    monkeypatch.setattr("wne.memory._free_memory", lambda: 1000)
    for name in ("a.png", "a.npy"):
        with pytest.raises(ImageFileError, match=rf"{name}: too large for the memory.*cut it into parts"):
            read_image(tmp_path / name)


def test_without_permission_a_file_is_not_called_damaged(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", picture("uint8", 24, 30))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "a.png")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # as root every file can be opened
    with pytest.raises(ImageFileError, match=r"a\.png: no permission$"):
        read_image(tmp_path / "a.png")


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit to the size of files")
@pytest.mark.parametrize(
    ("suffix", "dtype"), [("png", "uint8"), ("pgm", "uint8"), ("ppm", "uint8"), ("tif", "uint8"), ("exr", "float32"),
                          ("npy", "uint8")]
)  # fmt: skip
def test_a_disk_that_is_full_leaves_no_part_of_a_file(tmp_path, suffix, dtype):
    import resource

    image = RANDOM.integers(0, 256, (200, 300, 3) if suffix == "ppm" else (200, 300)).astype(dtype)
    path = tmp_path / f"a.{suffix}"
    write_image(path, image)
    whole = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (1000, whole // 2, whole - 2000):  # the end alone is lost in the last case: what buffers held
        path.unlink(missing_ok=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))  # as a full disk: no more bytes can be written
        try:
            with pytest.raises((ImageFileError, OSError)):
                write_image(path, image)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == []


def test_pipes_folders_and_links_in_a_circle_are_refused_and_none_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "circle.png").symlink_to("circle.png")
    for name, words in [("pipe", "is not a file"), ("folder", "is not a file"), ("circle", "symbolic links")]:
        with pytest.raises(ImageFileError, match=f"{name}.png: .*{words}"):
            open_image(tmp_path / f"{name}.png")


def test_a_name_that_is_not_utf_8_is_one_line(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    with pytest.raises(ImageFileError, match="its name is not in UTF-8; rename it"):
        write_image(path, picture("uint8", 24, 30))
    write_image(tmp_path / "a.png", picture("uint8", 24, 30))
    (tmp_path / "a.png").rename(path)
    with pytest.raises(ImageFileError, match="its name is not in UTF-8; rename it"):
        open_image(path)


@pytest.mark.parametrize("suffix", ["png", "tif", "npy"])
def test_an_image_beyond_the_memory_of_a_container_is_refused(tmp_path, monkeypatch, suffix):
    write_image(tmp_path / f"a.{suffix}", picture("uint8", 300, 300))
    for name, content in [("limit", 1_100_000), ("usage", 1_000_000), ("max", "max")]:
        (tmp_path / name).write_text(f"{content}\n")
    monkeypatch.setattr(memory, "_CONTAINER", [(tmp_path / "max", tmp_path / "usage")])
    assert read_image(tmp_path / f"a.{suffix}").shape == (300, 300)
    monkeypatch.setattr(memory, "_CONTAINER", [(tmp_path / "limit", tmp_path / "usage")])
    with pytest.raises(ImageFileError, match="too large for the memory: needs about"):
        read_image(tmp_path / f"a.{suffix}")


def test_an_image_larger_than_all_of_the_memory_is_not_called_damaged(tmp_path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1_000_000, 1_000_000, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b""))
    with pytest.raises(ImageFileError, match=r"a\.png: too large for the memory"):
        read_image(tmp_path / "a.png")


def test_bands_on_the_last_axis_of_an_array_are_said_to_be_taken_for_pixels(tmp_path):
    for shape, words in [((30, 24, 8), "taken as 30 pages of 24 x 8 pixels"), ((8, 30, 24), None)]:
        np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
        notes = open_image(tmp_path / "a.npy").notes
        assert words in notes[0] if words else notes == ()


def test_a_pgm_takes_no_colours(tmp_path):
    with pytest.raises(ImageFileError, match=r"PGM holds grey images; write a\.ppm instead"):
        write_image(tmp_path / "a.pgm", picture("uint8", 4, 4, 3))


def test_an_array_of_no_pages_or_of_another_shape_is_refused(tmp_path):
    page = Page(picture("uint8", 4, 5)[..., None], None)
    for given, shape, message in (([], None, "there are no pages"), ([page], (9, 9), "do not fill an array of")):
        with pytest.raises(ImageFileError, match=message):
            write_pages(tmp_path / "a.npy", given, shape)
    assert not list(tmp_path.iterdir())
