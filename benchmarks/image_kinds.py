"""Small files of the kinds that people have, each with the pixels that are in it: for the tests and docs/file-kinds.md.

Their writers are tifffile and Pillow, which read them in another way than the library does.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile
from PIL import Image, ImageCms

_random = np.random.default_rng(0)
_rows, _columns = np.mgrid[:60, :90]
SCENE = 0.5 + 0.3 * np.sin(_columns / 9) * np.cos(_rows / 7)
NOISY = np.clip(SCENE + 0.08 * _random.standard_normal(SCENE.shape), 0, 1)
GREY = np.rint(NOISY * 255).astype(np.uint8)
RGB = np.stack([GREY, np.roll(GREY, 7, 1), 255 - GREY], -1)
GREY16 = np.rint(NOISY * 65535).astype(np.uint16)
BITS = GREY > 127
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CMYK = np.concatenate([np.zeros((60, 90, 3), np.uint8), 255 - GREY[..., None]], -1)  # black ink alone
_ALPHA = np.broadcast_to(_columns * 2, (60, 90)).astype(np.uint8)


class Kind(NamedTuple):
    """A kind of file: what is wanted of it, in words; how one is written; and the pages in it, where they are exact."""

    name: str
    what: str
    write: Callable[[Path], object]
    pages: list[np.ndarray] | None = None  # (H, W) or (H, W, C), upright; None: refused in one line
    alpha: int | None = None
    tolerance: int = 0  # of 8-bit pixels, for lossy files


def tiff(pixels: np.ndarray, **options: object) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, pixels, **options)


def pillow(pixels: np.ndarray, **options: object) -> Callable[[Path], object]:
    return lambda path: Image.fromarray(pixels).save(path, **options)


def openimageio(pixels: np.ndarray) -> Callable[[Path], object]:
    """EXR and HDR, which the other two do not write."""

    def write(path: Path) -> None:
        import OpenImageIO as oiio

        buffer = oiio.ImageBuf(np.ascontiguousarray(pixels))
        assert buffer.write(str(path)), buffer.geterror()

    return write


def several(*pages: tuple[np.ndarray, dict]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with tifffile.TiffWriter(path) as file:
            for pixels, options in pages:
                file.write(pixels, **options)

    return write


def cut(write: Callable[[Path], object], keep: float = 0.5) -> Callable[[Path], object]:
    def write_cut(path: Path) -> None:
        write(path)
        path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])

    return write_cut


def turned(orientation: int) -> Callable[[Path], object]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return pillow(RGB, exif=exif, quality=100, subsampling=0)


def photo(path: Path) -> None:
    """A photograph on its side with EXIF, GPS, a colour profile and a resolution."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0132] = "Maker", 6, "2020:01:02 03:04:05"
    exif.get_ifd(0x8769).update({0x8827: 400, 0xA434: "50 mm"})
    exif.get_ifd(0x8825).update({1: "N", 2: (Fraction(48), Fraction(30), Fraction(3, 2))})
    Image.fromarray(RGB).save(path, exif=exif, icc_profile=PROFILE, dpi=(300, 200))


# EXIF's eight orientations: the stored pixels to the upright ones.
_UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, -1), 7: lambda x: np.rot90(x, 2).swapaxes(0, 1),
    8: lambda x: np.rot90(x),
}  # fmt: skip

_STACK = np.stack([GREY16 // 2 + 100 * k for k in range(3)])
_WIDE = np.concatenate([RGB, RGB[..., :1] // 2, RGB[..., 1:]], -1)
_PALETTE = Image.fromarray(RGB).quantize(16)
_CMYK_RGB = np.stack([GREY] * 3, -1)

KINDS = [
    Kind("grey-8.png", "8 bits", pillow(GREY), [GREY]),
    Kind("grey-16.png", "16 bits", pillow(GREY16), [GREY16]),
    Kind("bits.png", "1 bit, as 8", pillow(BITS), [BITS * np.uint8(255)]),
    Kind("alpha.png", "opacity stays", pillow(np.dstack([RGB, _ALPHA])), [np.dstack([RGB, _ALPHA])], 3),
    Kind("grey-alpha.png", "opacity stays", pillow(np.dstack([GREY, _ALPHA])), [np.dstack([GREY, _ALPHA])], 1),
    Kind("palette.png", "a palette becomes colours", _PALETTE.save, [np.asarray(_PALETTE.convert("RGB"))]),
    Kind("palette.tif", "a palette becomes colours", _PALETTE.save, [np.asarray(_PALETTE.convert("RGB"))], None, 1),
    *(Kind(f"{dtype}.tif", f"{dtype} values", tiff((NOISY * 90 - 20).astype(dtype)), [(NOISY * 90 - 20).astype(dtype)])
      for dtype in ("int8", "int16", "int32", "float16", "float32", "float64")),
    *(Kind(f"{dtype}.tif", f"{dtype} values", tiff((NOISY * 200).astype(dtype)), [(NOISY * 200).astype(dtype)])
      for dtype in ("uint8", "uint16", "uint32")),
    Kind("three-pages.tif", "every page", several(*((page, {}) for page in _STACK)), list(_STACK)),
    Kind("imagej.tif", "every slice of an ImageJ stack", tiff(_STACK, imagej=True), list(_STACK)),
    Kind("ome.ome.tif", "every slice of an OME stack", tiff(_STACK, metadata={"axes": "ZYX"}), list(_STACK)),
    Kind("other-sizes.tif", "pages of several sizes", several((GREY, {}), (RGB[:31, :40], {})), [GREY, RGB[:31, :40]]),
    Kind("preview-first.tif", "the image, not its preview",
         several((GREY[::4, ::4], {"subfiletype": 1}), (GREY, {})), [GREY]),
    Kind("overviews.tif", "the image, not its overviews",
         several((GREY, {"tile": (16, 16)}), (GREY[::2, ::2], {"subfiletype": 1, "tile": (16, 16)})), [GREY]),
    Kind("pyramid.tif", "the image, not its smaller copies in SubIFDs",
         several((GREY, {"subifds": 1}), (GREY[::2, ::2], {"subfiletype": 1})), [GREY]),
    Kind("cut-pages.tif", "'damaged', not the pages that are left",
         cut(several(*((page, {}) for page in _STACK)), 0.6), None),
    Kind("cmyk.tif", "RGB", tiff(CMYK, photometric="separated"), [_CMYK_RGB]),
    Kind("cmyk-16.tif", "RGB", tiff(CMYK.astype(np.uint16) * 257, photometric="separated"),
         [_CMYK_RGB.astype(np.uint16) * 257]),
    Kind("cmyk.jpg", "RGB", lambda path: Image.fromarray(CMYK, "CMYK").save(path, quality=100), [_CMYK_RGB], None, 3),
    Kind("five-inks.tif", "refused", tiff(np.dstack([CMYK, GREY]), photometric="separated"), None),
    Kind("white-is-zero.tif", "not its negative", tiff(GREY, photometric="miniswhite"), [255 - GREY]),
    Kind("white-is-zero-16.tif", "not its negative", tiff(GREY16, photometric="miniswhite"), [65535 - GREY16]),
    Kind("white-is-zero-1.tif", "not its negative", tiff(BITS, photometric="miniswhite"), [(~BITS) * np.uint8(255)]),
    Kind("white-is-zero-float.tif", "refused", tiff(NOISY.astype(np.float32), photometric="miniswhite"), None),
    Kind("infrared.tif", "a fourth band is denoised",
         tiff(np.dstack([RGB, GREY]), photometric="rgb", extrasamples=["unspecified"]), [np.dstack([RGB, GREY])]),
    Kind("two-bands.tif", "a second band is denoised",
         tiff(np.dstack([GREY16, GREY16 // 2]), photometric="minisblack", planarconfig="contig",
              extrasamples=["unspecified"]), [np.dstack([GREY16, GREY16 // 2])]),
    Kind("six-bands.tif", "six bands", tiff(_WIDE, photometric="minisblack", planarconfig="contig"), [_WIDE]),
    Kind("opacity.tif", "opacity stays",
         tiff(np.dstack([RGB, _ALPHA]), photometric="rgb", extrasamples=["unassalpha"]), [np.dstack([RGB, _ALPHA])], 3),
    Kind("premultiplied.tif", "opacity stays",
         tiff(np.dstack([RGB // 2, _ALPHA]), photometric="rgb", extrasamples=["assocalpha"]),
         [np.dstack([RGB // 2, _ALPHA])], 3),
    Kind("planar.tif", "one image", tiff(np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate"), [RGB]),
    Kind("bits.tif", "1 bit, as 8", tiff(BITS, photometric="minisblack"), [BITS * np.uint8(255)]),
    Kind("big-endian.tif", "BigTIFF, big-endian", tiff(GREY16, byteorder=">", bigtiff=True), [GREY16]),
    Kind("lzw.tif", "compressed", lambda path: Image.fromarray(RGB).save(path, compression="tiff_lzw"), [RGB]),
    Kind("deflate-tiles.tif", "compressed tiles", tiff(RGB, photometric="rgb", compression="zlib", tile=(32, 32)), [RGB]),
    Kind("lab.tif", "refused", lambda path: Image.fromarray(RGB).convert("LAB").save(path), None),
    Kind("volume.tif", "refused", tiff(_STACK, volumetric=True, photometric="minisblack", tile=(1, 16, 16)), None),
    Kind("complex.tif", "refused", tiff(NOISY.astype(np.complex64)), None),
    *(Kind(f"turned-{orientation}.jpg", "upright", turned(orientation), [_UPRIGHT[orientation](RGB)], None, 4)
      for orientation in _UPRIGHT),
    Kind("half.jpg", "'damaged', not a grey half", cut(pillow(RGB)), None),
    Kind("half.png", "'damaged'", cut(pillow(RGB)), None),
    Kind("half.tif", "'damaged'", cut(tiff(RGB)), None),
    Kind("photo.webp", "lossless WebP", pillow(RGB, lossless=True), [RGB]),
    Kind("scan.bmp", "BMP", pillow(RGB), [RGB]),
    Kind("grey.pgm", "PGM", pillow(GREY), [GREY]),
    Kind("grey-16.pgm", "PGM of 16 bits", pillow(GREY16), [GREY16]),
    Kind("colour.ppm", "PPM", pillow(RGB), [RGB]),
    Kind("half.exr", "EXR, 16 bits", openimageio(RGB / np.float16(99)), [RGB / np.float16(99)]),
    Kind("linear.hdr", "HDR, the result as EXR", openimageio(np.exp2(RGB // 64, dtype=np.float32)),
         [np.exp2(RGB // 64, dtype=np.float32)]),
    Kind("array.npy", "an array", lambda path: np.save(path, NOISY), [NOISY]),
    Kind("stack.npy", "every slice of an array", lambda path: np.save(path, _STACK), list(_STACK)),
    Kind("archive.npy", "an .npz renamed .npy: refused", lambda path: np.savez(path.open("wb"), a=GREY, b=GREY), None),
]  # fmt: skip
