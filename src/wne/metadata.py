"""What a file says beside its pixels, by name: EXIF and TIFF tags, colour profile, XMP, text.

Pillow lists it, for it shows tags that OpenImageIO, which writes the results, does not know.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from wne.tiffpages import is_tiff, tiff_pages

# TIFF and EXIF tags with an equal in formats that have no tags: under one name in all.
_SHARED = {282: "resolution", 700: "XMP", 34675: "colour profile"}
# Tags that describe how the pixels are stored, which differs between formats.
_STORAGE = {
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292, 293,
    317, 320, 321, 322, 323, 324, 325, 332, 334, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532,
    274, 283, 296,  # orientation, for the pixels are turned; the rest of the resolution
    34665, 34853, 40965,  # where further tables are, which are listed themselves
    36864, 37121, 40960, 40961, 40962, 40963,  # of EXIF: versions, colour space, size
}  # fmt: skip


def metadata_names(path: Path) -> set[str]:
    """The names of what a file says on any of its pages; of EXIF, on the first."""
    from PIL import ExifTags, Image, TiffTags

    exif, found, codes = Image.Exif(), set[str](), set[int]()
    # Kinds that Pillow does not know have no such tables; its limit to the size of images is not about them.
    with suppress(Exception), warnings.catch_warnings(action="ignore"), _any_size(), path.open("rb") as file:
        if is_tiff(path):
            codes.update(*tiff_pages(path))
            exif.load_from_fp(file)
        else:
            image = Image.open(file)
            found |= _blocks(image)
            exif = image.getexif()
        codes |= {*exif, *exif.get_ifd(ExifTags.IFD.Exif)}
        found |= {ExifTags.GPSTAGS.get(code, f"GPS tag {code}") for code in exif.get_ifd(ExifTags.IFD.GPSInfo)}
    for code in codes - _STORAGE:
        name = TiffTags.lookup(code).name
        found.add(_SHARED.get(code) or (ExifTags.TAGS.get(code, f"tag {code}") if name == "unknown" else name))
    return found


@contextmanager
def _any_size() -> Iterator[None]:
    from PIL import Image

    largest, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = largest


def _blocks(image: Any) -> set[str]:
    """What a file says outside its EXIF table, of a Pillow image."""
    info = image.info
    names = {f"text {key!r}" for key in getattr(image, "text", {}) if not key.startswith("XML:")}
    present = {
        "XMP": info.get("xmp"),
        "colour profile": info.get("icc_profile"),
        "resolution": info.get("jfif_unit") or (image.format == "PNG" and info.get("dpi")),
        "comment": info.get("comment"),
        "further images": image.format in ("MPO", "PNG") and getattr(image, "n_frames", 1) > 1,
    }
    return names | {name for name, value in present.items() if value}
