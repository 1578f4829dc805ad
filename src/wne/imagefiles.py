"""Image files with their bit depth: 8 and 16 bits, and floating point; grey, colour, with or without alpha."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wne.files import replacing

WRITTEN = (".png", ".tif", ".tiff", ".npy")
READ = (*WRITTEN, ".jpg", ".jpeg")  # a JPEG file is read, and its result written as PNG: writing it would lose again


class ImageFileError(ValueError):
    """An image file that cannot be read or written: which one, and why."""


def read_image(path: Path) -> np.ndarray:
    """(H, W) or (H, W, 1 to 4): uint8, uint16, float16, float32 or float64, as in the file.

    PNG (8 or 16 bits; palettes become colours), JPEG, TIFF (one page) and NumPy's .npy. Nothing in a file is executed.

    Raises:
        ImageFileError: no such file, another format, a damaged file, or one that holds no single image.
    """
    if not path.is_file():
        raise ImageFileError(f"{path}: no such file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            image = np.load(path, allow_pickle=False)
        elif suffix in (".tif", ".tiff"):
            import tifffile

            image = tifffile.imread(path)
        elif suffix in READ:
            import imagecodecs

            decode = imagecodecs.png_decode if suffix == ".png" else imagecodecs.jpeg_decode
            image = decode(path.read_bytes())
        else:
            raise ImageFileError(f"{path}: not an image file that is known here ({', '.join(READ)})")
    except ImageFileError:
        raise
    except Exception as error:  # each decoder has its own exceptions, and all of them mean this
        raise ImageFileError(f"{path}: damaged, or not what its name says ({_first_line(error)})") from None
    if image.size == 0:
        raise ImageFileError(f"{path}: damaged, or not what its name says (no pixels)")
    if image.dtype.newbyteorder("=") not in (np.uint8, np.uint16, np.float16, np.float32, np.float64):
        raise ImageFileError(f"{path}: has {image.dtype} values; 8 and 16 bits and floating point are known here")
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] <= 4)):
        raise ImageFileError(f"{path}: has the shape {image.shape}; expected one image, (H, W) or (H, W, 1 to 4)")
    return image.astype(image.dtype.newbyteorder("="), copy=False)


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes what `read_image` reads, whole or not at all. The folder is made when it is missing.

    Raises:
        ImageFileError: a format that is not written here, or PNG for floating point.
    """
    suffix = path.suffix.lower()
    check_writable(path, image.dtype)
    with replacing(path) as temporary:
        if suffix == ".npy":
            np.save(temporary, image)
        elif suffix == ".png":
            import imagecodecs

            temporary.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(image)))
        else:
            import tifffile

            has_alpha = image.ndim == 3 and image.shape[2] in (2, 4)
            tifffile.imwrite(
                temporary,
                image,
                photometric="rgb" if image.ndim == 3 and image.shape[2] > 2 else "minisblack",
                planarconfig="contig" if image.ndim == 3 else None,
                extrasamples=["unassalpha"] if has_alpha else None,
            )


def check_writable(path: Path, dtype: np.dtype) -> None:
    """Raises ImageFileError unless an image of that dtype can be written to a file of that name."""
    if path.suffix.lower() not in WRITTEN:
        raise ImageFileError(f"{path}: not a format that is written here ({', '.join(WRITTEN)})")
    if path.suffix.lower() == ".png" and np.issubdtype(dtype, np.floating):
        raise ImageFileError(f"{path}: PNG has no floating-point values; write {path.with_suffix('.tif').name} instead")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
