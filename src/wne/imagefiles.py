"""Image files with their bit depth: which kinds are read and written, and the arrays of .npy.

A file holds one page or several, each (H, W, C) with a header. OpenImageIO reads and writes all kinds but .npy
(wne.rasters), which docs/file-kinds.md has the reasons for; it is needed on first use, not to import the library.
"""

from __future__ import annotations

import math
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from wne.files import replacing
from wne.pages import ImageFile, ImageFileError, Page, check_memory, cut_off, damaged, why

# Suffix -> that of the result. What a format would lose again, or cannot hold, goes into one that keeps it.
RESULTS = {suffix: suffix for suffix in (".png", ".tif", ".tiff", ".npy", ".exr", ".pgm", ".ppm")} | {
    ".jpg": ".png", ".jpeg": ".png", ".webp": ".png", ".bmp": ".png", ".hdr": ".exr",
}  # fmt: skip
READ = tuple(RESULTS)
WRITTEN = tuple(suffix for suffix, result in RESULTS.items() if suffix == result)
_INTEGERS = ("uint8", "uint16", "uint32", "int8", "int16", "int32")
DTYPES = (*_INTEGERS, "float16", "float32", "float64")
_HOLDS = {
    ".png": ("uint8", "uint16"), ".pgm": ("uint8", "uint16"), ".ppm": ("uint8", "uint16"),
    ".exr": ("float16", "float32"), ".tif": DTYPES, ".tiff": DTYPES, ".npy": DTYPES,
}  # fmt: skip


def open_image(path: str | Path) -> ImageFile:
    """The pages of a PNG, TIFF, JPEG, WebP, EXR, HDR, BMP, PGM, PPM or .npy file. Nothing in a file is executed.

    Integers of 8, 16 and 32 bits and floating point; 1 to 7 bits, palettes and CMYK become 8 bits and RGB. The pages of
    a .npy array are (H, W) or (H, W, 1 to 4), and all along the first axis of one with an axis more.

    Raises:
        ImageFileError: no such file, no permission, another format, a damaged file, or one that holds no images.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READ:
        raise ImageFileError(f"{path}: not an image file that is known here ({', '.join(READ)})")
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for its writer
            raise ImageFileError(f"{path}: is not a file with an image, but a folder, pipe or device")
        path.open("rb").close()
    except OSError as error:
        raise ImageFileError(f"{path}: {why(error)}") from None
    if suffix == ".npy":
        return _open_array(path)
    from wne.rasters import open_raster

    return open_raster(path)


def write_pages(
    path: str | Path, pages: Iterable[Page], shape: tuple[int, ...] | None = None, count: int | None = None
) -> None:
    """Writes pages one at a time, the file whole or not at all. The folder is made when it is missing.

    Args:
        shape: of the array in .npy, where it is not that of the pages.
        count: of the pages; without it, a .npy file takes all of them into memory.

    Raises:
        ImageFileError: a format that is not written here, or that cannot hold these values or several pages.
    """
    path = Path(path)
    check_writable(path)
    checked = (page for page in pages if check_writable(path, page.pixels.dtype) is None)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".npy":
            _write_array(temporary, path, checked, shape, count)
        else:
            from wne.rasters import write_raster

            write_raster(temporary, path, checked)


def read_image(path: str | Path) -> np.ndarray:
    """The image of a file of one page, (H, W) or (H, W, C); arguments and errors as those of `open_image`."""
    file = open_image(path)
    if file.count > 1:
        raise ImageFileError(f"{path}: holds {file.count} images; `open_image` gives them one by one")
    pixels = next(file.pages()).pixels
    return pixels.reshape(file.shape or (pixels.shape[:2] if pixels.shape[2] == 1 else pixels.shape))


def write_image(path: str | Path, image: np.ndarray, alpha: int | None = None) -> None:
    """Writes an array, (H, W) or (H, W, C), of which the channel `alpha` is opacity; see `write_pages`."""
    write_pages(path, [Page(image if image.ndim == 3 else image[..., None], alpha)], image.shape)


def check_writable(path: Path, dtype: np.dtype | None = None) -> None:
    """Raises ImageFileError unless an image of that dtype can be written to a file of that name."""
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        better = f"; write {path.with_suffix(RESULTS[suffix]).name} instead" if suffix in RESULTS else ""
        raise ImageFileError(f"{path}: not a format that is written here ({', '.join(WRITTEN)}){better}")
    if dtype is not None and dtype.name not in _HOLDS[suffix]:
        raise ImageFileError(
            f"{path}: {suffix[1:].upper()} cannot hold {dtype} values here; write {path.with_suffix('.tif').name} instead"
        )


def _write_array(
    temporary: Path, path: Path, pages: Iterable[Page], shape: tuple[int, ...] | None, count: int | None
) -> None:
    """Writes pages to `temporary`, a .npy file of which messages speak as `path`."""
    if count is None:
        pages = list(pages)
        count = len(pages)
    kinds: list[tuple] = []
    try:
        with temporary.open("wb") as file:
            for page in pages:
                pixels = page.pixels
                if not kinds:
                    if shape and math.prod(shape) != count * pixels.size:
                        raise ImageFileError(f"{path}: {count} pages of {pixels.shape} do not fill an array of {shape}")
                    one = pixels.shape[: 2 + (pixels.shape[2] > 1)]
                    header = {
                        "descr": np.lib.format.dtype_to_descr(pixels.dtype),
                        "fortran_order": False,
                        "shape": shape or (one if count == 1 else (count, *one)),
                    }
                    np.lib.format.write_array_header_1_0(file, header)
                kinds.append((pixels.shape, pixels.dtype))
                if kinds[-1] != kinds[0]:
                    raise ImageFileError(
                        f"{path}: .npy holds pages of one size and type, and these differ; "
                        f"write {path.stem}.tif instead"
                    )
                # By ordinary writes, for which a full disk is an error; one under a memory map ends the process.
                file.write(np.ascontiguousarray(pixels))
        if not kinds:
            raise ImageFileError(f"{path}: there are no pages to write")
        if len(kinds) != count:
            raise ImageFileError(f"{path}: got {len(kinds)} pages, and was to hold {count}")
    except OSError as error:
        raise (error if error.filename else cut_off(path)) from None


def _open_array(path: Path) -> ImageFile:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header can raise anything
        raise damaged(path, why(error)) from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise ImageFileError(
            f"{path}: an .npz archive of {len(array.files)} arrays, not one array; save them one by one"
        )
    if array.dtype.newbyteorder("=").name not in DTYPES:
        raise ImageFileError(f"{path}: has {array.dtype} values; known here: {', '.join(DTYPES)}")
    shape = array.shape
    if array.size == 0 or array.ndim < 2:
        raise ImageFileError(f"{path}: has the shape {shape}, which is no image; expected (H, W)")
    if array.ndim == 2:
        array = array[None, ..., None]
    elif array.ndim == 3:
        array = array[None] if shape[2] <= 4 else array[..., None]
    elif array.ndim > 4 or shape[3] > 4:
        raise ImageFileError(f"{path}: has the shape {shape}; expected (pages, H, W, 1 to 4) or fewer axes")

    def pages() -> Iterator[Page]:
        for page in array:
            check_memory(path, page.shape, page.itemsize)
            yield Page(page.astype(page.dtype.newbyteorder("=")))

    notes: tuple[str, ...] = ()
    if len(shape) == 3 and 4 < shape[2] < min(shape[:2]):
        notes = (
            f"taken as {shape[0]} pages of {shape[1]} x {shape[2]} pixels; if the last axis holds bands, move it to the "
            "front: np.moveaxis(image, -1, 0)",
        )
    return ImageFile(path, len(array), array.dtype.newbyteorder("="), pages, notes, shape)
