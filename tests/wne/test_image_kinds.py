"""`wne denoise` on every kind of file in benchmarks/image_kinds.py: its pixels, or one line; nothing less without a word."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from benchmarks.image_kinds import GREY, GREY16, KINDS, NOISY, RGB, Kind, tiff
from wne.denoise import ImageDenoiser
from wne.imagefiles import RESULTS, ImageFileError, open_image, write_pages
from wne.jobs import denoise_file

pytestmark = pytest.mark.slow  # together 10 to 20 s

KNOWN = [kind for kind in KINDS if kind.pages is not None]
REFUSED = {
    "cut-pages.tif": "damaged", "half.jpg": "damaged.*[Pp]remature end", "half.png": "damaged", "half.tif": "damaged",
    "five-inks.tif": "inks or opacity beside CMYK; convert", "white-is-zero-float.tif": "0 is white in it",
    "lab.tif": "neither grey, RGB nor CMYK; convert", "volume.tif": "a volume in one page",
    "complex.tif": "damaged, or not of a kind that is read", "archive.npy": "an .npz archive of 2 arrays",
}  # fmt: skip


@cache
def denoiser() -> ImageDenoiser:
    return ImageDenoiser()


def image(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else pixels[..., None]


def of(kinds: list[Kind]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@of(KNOWN)
def test_the_pixels_of_every_page_are_read(tmp_path, kind):
    kind.write(tmp_path / kind.name)
    file = open_image(tmp_path / kind.name)
    pages = list(file.pages())
    assert file.count == len(pages) == len(kind.pages)
    for page, expected in zip(pages, kind.pages):
        assert page.pixels.dtype == expected.dtype == file.dtype and page.alpha == kind.alpha
        assert page.pixels.shape == image(expected).shape
        assert np.abs(page.pixels.astype(float) - image(expected)).max() <= kind.tolerance


@of(KNOWN)
def test_the_result_holds_the_denoised_pages(tmp_path, kind):
    source = tmp_path / kind.name
    kind.write(source)
    target = tmp_path / f"result{RESULTS[source.suffix]}"
    denoise_file(source, target, denoiser())
    back = open_image(target)
    read = [denoiser()(page.pixels, page.alpha) for page in open_image(source).pages()]
    assert back.count == len(read)
    for page, expected in zip(back.pages(), read):
        assert page.pixels.dtype == expected.dtype and page.alpha == kind.alpha
        np.testing.assert_array_equal(page.pixels, expected)


@of([kind for kind in KINDS if kind.pages is None])
def test_what_is_not_read_is_one_line_and_leaves_nothing(tmp_path, kind, capfd):
    kind.write(tmp_path / kind.name)
    with pytest.raises(ImageFileError, match=f"{kind.name}: .*{REFUSED[kind.name]}") as refusal:
        denoise_file(tmp_path / kind.name, tmp_path / f"out/result{RESULTS[Path(kind.name).suffix]}", denoiser())
    assert len(str(refusal.value).splitlines()) == 1 and capfd.readouterr().err == ""
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


RGBA = np.dstack([RGB, np.broadcast_to(np.arange(90, dtype=np.uint8) * 2, GREY.shape)])
IN_TIFF = {"photometric": "rgb", "planarconfig": "contig"}
GREYS_IN_TIFF = {"photometric": "minisblack", "planarconfig": "contig"}


@pytest.mark.parametrize(
    ("name", "write", "result", "words"),
    [
        ("infrared.tif", tiff(RGBA, **IN_TIFF, extrasamples=["unspecified"]), "a.png", "the last of 2 or 4 channels"),
        ("deep.tif", tiff(RGBA * np.uint16(257), **IN_TIFF, extrasamples=["unspecified"]), "a.png", "the last of 2 or 4"),
        ("bands.tif", tiff(RGBA[..., 2:], **GREYS_IN_TIFF, extrasamples=["unspecified"]), "a.png", "the last of 2 or 4"),
        ("both.tif", tiff(RGBA[..., 1:], **GREYS_IN_TIFF, extrasamples=["unspecified", "unassalpha"]), "a.png",
         "the last of 2 or 4 channels for opacity, and no other"),
        ("bands.npy", lambda path: np.save(path, RGBA), "a.png", "the last of 2 or 4 channels"),
        ("opacity.tif", tiff(RGBA, **IN_TIFF, extrasamples=["unassalpha"]), "a.ppm", "PPM cannot hold opacity"),
        ("opacity.tif", tiff(RGBA / np.float32(255), **IN_TIFF, extrasamples=["unassalpha"]), "a.exr",
         "EXR holds colours multiplied by opacity"),
    ],
)  # fmt: skip
def test_a_format_that_would_take_a_band_for_another_thing_is_refused(
    tmp_path: Path, name: str, write: Callable[[Path], object], result: str, words: str
):
    write(tmp_path / name)
    with pytest.raises(ImageFileError, match=rf"{result}: .*{words}.*; write a\.tif instead"):
        denoise_file(tmp_path / name, tmp_path / "out" / result, denoiser())
    assert list((tmp_path / "out").iterdir()) == []
    denoise_file(tmp_path / name, tmp_path / "out/a.tif", denoiser())  # as the message says


def test_multiplied_colours_go_into_exr_as_they_are(tmp_path):
    pixels = RGBA / np.float32(255)
    tiff(pixels, **IN_TIFF, extrasamples=["assocalpha"])(tmp_path / "a.tif")
    write_pages(tmp_path / "a.exr", open_image(tmp_path / "a.tif").pages())
    page = next(open_image(tmp_path / "a.exr").pages())
    assert page.alpha == 3 and np.array_equal(page.pixels, pixels)


def bmp(path: Path, mask: bool) -> None:
    """RGBA in 32 bits, with a mask for opacity (version 4) or without (version 3)."""
    height, width, _ = RGBA.shape
    sizes = struct.pack(
        "<IiiHHIIiiII", 108 if mask else 40, width, height, 1, 32, 3 if mask else 0, RGBA.size, 0, 0, 0, 0
    )
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48) if mask else b""
    start = 14 + len(sizes) + len(masks)
    head = b"BM" + struct.pack("<IHHI", start + RGBA.size, 0, 0, start) + sizes + masks
    path.write_bytes(head + RGBA[::-1, :, [2, 1, 0, 3]].tobytes())


@pytest.mark.parametrize(("mask", "expected", "alpha"), [(True, RGBA, 3), (False, RGB, None)])
def test_the_fourth_byte_of_a_bmp_is_opacity_only_with_a_mask(tmp_path, mask, expected, alpha):
    bmp(tmp_path / "a.bmp", mask)
    write_pages(tmp_path / "a.png", open_image(tmp_path / "a.bmp").pages())
    for name in ("a.bmp", "a.png"):
        page = next(open_image(tmp_path / name).pages())
        assert page.alpha == alpha and np.array_equal(page.pixels, expected)


@pytest.mark.parametrize("white", [1, 3, 100, 127, 200, 254, 256, 1023, 4095, 40000, 65534])
@pytest.mark.parametrize("magic", ["P2", "P5"])
def test_every_value_of_a_pgm_with_another_white_is_scaled_and_said(tmp_path, white, magic):
    values, dtype = np.arange(white + 1), np.dtype(np.uint8 if white < 256 else ">u2")
    pixels = values.astype(dtype).tobytes() if magic == "P5" else " ".join(map(str, values)).encode()
    (tmp_path / "a.pgm").write_bytes(f"{magic} # 7 8 9\n{white + 1} 1\n{white}\n".encode() + pixels)
    file = open_image(tmp_path / "a.pgm")
    largest = np.iinfo(file.dtype).max
    assert file.dtype.itemsize == dtype.itemsize
    assert file.notes == (f"values from 0 to {white} became values from 0 to {largest}",)
    np.testing.assert_array_equal(next(file.pages()).pixels.ravel(), np.rint(values * largest / white))


def test_a_pgm_with_the_usual_white_has_no_note(tmp_path):
    tests = {"a.pgm": b"P5 2 1 255\n#\xff", "b.pgm": b"P5 1 1 65535\n#\xff", "c.pgm": b"P4 8 1\n\xf0"}
    for name, content in tests.items():
        (tmp_path / name).write_bytes(content)
        assert open_image(tmp_path / name).notes == ()
    assert next(open_image(tmp_path / "a.pgm").pages()).pixels.ravel().tolist() == [35, 255]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_as_0_beside_opacity_is_refused(tmp_path, dtype):
    options = {"photometric": "miniswhite", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    tiff(RGBA[..., 2:].astype(dtype), **options)(tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match=r"a\.tif: 0 is white in it, .* other channels open"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("imagej", [True, False])
def test_a_stack_with_one_page_in_the_list_is_refused(tmp_path, imagej):
    stack = np.stack([GREY16, GREY16 // 2, GREY16 // 3])
    tiff(stack, photometric="minisblack", imagej=imagej, truncate=True)(tmp_path / "a.tif")
    with pytest.raises(ImageFileError, match=r"a\.tif: holds a stack of 3 with 1 in its list of pages"):
        open_image(tmp_path / "a.tif")


@pytest.mark.parametrize("description", ['{"shape": [3, 60, 90]}', "ImageJ=1.53\nimages=3\nslices=3\n", '{"shape": 7}'])
def test_a_slice_with_the_description_of_its_stack_is_read(tmp_path, description):
    tiff(GREY16, description=description, metadata=None)(tmp_path / "a.tif")
    assert open_image(tmp_path / "a.tif").count == 1


def write_as(path: Path, spec: oiio.ImageSpec) -> None:
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec) and output.write_image(NOISY.astype(np.float32)[..., None]) and output.close()


# Orientation, and the window of 90 x 60 pixels at (10, 25) in an image of 150 x 100, upright.
@pytest.mark.parametrize(
    ("orientation", "window", "whole"),
    [(1, (10, 25), (150, 100)), (2, (50, 25), (150, 100)), (3, (50, 15), (150, 100)), (6, (15, 10), (100, 150)),
     (8, (25, 50), (100, 150))],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".exr", ".tif"])
def test_the_window_of_a_part_in_its_whole_image_is_kept(tmp_path, suffix, orientation, window, whole):
    spec = oiio.ImageSpec(90, 60, 1, "float")
    spec.x, spec.y, spec.full_width, spec.full_height = 10, 25, 150, 100
    spec.attribute("Orientation", orientation)
    write_as(tmp_path / f"a{suffix}", spec)
    header = next(open_image(tmp_path / f"a{suffix}").pages()).header
    write_pages(tmp_path / f"b{suffix}", open_image(tmp_path / f"a{suffix}").pages())
    back = next(open_image(tmp_path / f"b{suffix}").pages()).header
    for one in (header, back):
        assert ((one.x, one.y), (one.full_x, one.full_y), (one.full_width, one.full_height)) == (window, (0, 0), whole)


def test_a_display_window_smaller_than_the_pixels_is_kept(tmp_path):
    spec = oiio.ImageSpec(90, 60, 1, "float")
    spec.x, spec.y, spec.full_width, spec.full_height = -5, -5, 80, 50
    write_as(tmp_path / "a.exr", spec)
    write_pages(tmp_path / "b.exr", open_image(tmp_path / "a.exr").pages())
    back = next(open_image(tmp_path / "b.exr").pages()).header
    assert (back.x, back.y, back.full_x, back.full_y, back.full_width, back.full_height) == (-5, -5, 0, 0, 80, 50)


def test_every_refusal_is_listed():
    assert REFUSED.keys() == {kind.name for kind in KINDS if kind.pages is None}


def test_the_page_has_every_kind_and_none_that_goes_wrong_here():
    page = (Path(__file__).parents[2] / "docs/file-kinds.md").read_text()
    rows = [
        line.strip("| ").split(" | ") for line in page.split("## Metadata")[0].splitlines() if line.startswith("| ")
    ]
    verdicts = {row[0]: row[2] for row in rows if len(row) == 6 and row[0] not in ("file", "---")}
    assert verdicts == {kind.name: "refused" if kind.pages is None else "right" for kind in KINDS}
