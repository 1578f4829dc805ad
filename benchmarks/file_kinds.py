"""What libraries make of the kinds of files that people have; writes docs/file-kinds.md.

pip install 'pyvips[binary]' imagecodecs      # to compare with; the library needs neither
python -m benchmarks.file_kinds               # some seconds
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import OpenImageIO as oiio
import pyvips
import tifffile

from benchmarks.image_kinds import GREY, KINDS, Kind, photo
from wne.files import write_text
from wne.imagefiles import RESULTS, open_image, write_pages
from wne.metadata import metadata_names

PAGE = Path(__file__).parents[1] / "docs/file-kinds.md"
Pages = list[tuple[np.ndarray, int | None]]  # pixels, and the channel that is opacity


class Library(NamedTuple):
    name: str
    read: Callable[[Path], Pages]
    copy: Callable[[Path, Path], None]  # reads and writes, with the metadata that it keeps


def _plain_read(path: Path) -> Pages:
    """tifffile and imagecodecs as `wne` used them: one array; in two and four channels the last one is opacity."""
    if path.suffix == ".npy":
        pixels = np.load(path, allow_pickle=False)
    else:
        pixels = tifffile.imread(path) if path.suffix == ".tif" else imagecodecs.imread(path)
    if pixels.dtype.name not in ("uint8", "uint16", "float16", "float32", "float64") or pixels.shape[2:] > (4,):
        raise ValueError("refused")
    guess = pixels.shape[2] - 1 if pixels.ndim == 3 and pixels.shape[2] in (2, 4) else None
    return [(pixels, guess)]


def _plain_copy(source: Path, target: Path) -> None:
    pixels = _plain_read(source)[0][0]
    if target.suffix == ".tif":
        tifffile.imwrite(target, pixels)
    else:
        target.write_bytes(imagecodecs.png_encode(pixels))


def _vips(path: Path, page: int = 0) -> pyvips.Image:
    options = {"page": page} if page else {}
    image = pyvips.Image.new_from_file(str(path), fail_on="truncated", **options).autorot()
    return image.colourspace("srgb") if image.interpretation == "cmyk" else image


def _vips_read(path: Path) -> Pages:
    first = _vips(path)
    count = first.get("n-pages") if "n-pages" in first.get_fields() else 1
    images = [_vips(path, page) for page in range(count)]
    return [(image.numpy(), image.bands - 1 if image.hasalpha() else None) for image in images]


def _oiio_read(path: Path) -> Pages:
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise ValueError(oiio.geterror())
    pages: Pages = []
    while source.seek_subimage(len(pages), 0):
        spec = source.spec()
        source.geterror()
        pixels = source.read_image(len(pages), 0, 0, spec.nchannels, spec.format)
        if pixels is None or source.has_error:
            raise ValueError(source.geterror())
        pages.append((pixels, spec.alpha_channel if spec.alpha_channel >= 0 else None))
    return pages


def _wne_read(path: Path) -> Pages:
    return [(page.pixels, page.alpha) for page in open_image(path).pages()]


def _wne_copy(source: Path, target: Path) -> None:
    file = open_image(source)
    write_pages(target, file.pages(), file.shape)


LIBRARIES = (
    Library("wne", _wne_read, _wne_copy),
    Library("OpenImageIO", _oiio_read, lambda s, t: oiio.ImageBuf(str(s)).write(str(t))),
    Library("pyvips", _vips_read, lambda s, t: _vips(s).write_to_file(str(t))),
    Library("tifffile, imagecodecs", _plain_read, _plain_copy),
)


def verdict(kind: Kind, path: Path, read: Callable[[Path], Pages]) -> str:
    """ "right", "refused", or what is wrong without a word."""
    try:
        pages = read(path)
    except Exception:  # each library has its own
        return "refused"
    if kind.pages is None:
        return "opened"
    if len(pages) != len(kind.pages):
        return f"{len(pages)} of {len(kind.pages)} pages" if len(pages) < len(kind.pages) else "previews as pages"
    for (pixels, alpha), expected in zip(pages, kind.pages):
        pixels, expected = (np.squeeze(x) for x in (pixels, expected))
        if pixels.shape != expected.shape:
            return "other shape"
        if pixels.dtype != expected.dtype or np.abs(pixels.astype(float) - expected).max() > kind.tolerance:
            return "other pixels"
        if alpha != kind.alpha:
            return "a band as opacity" if kind.alpha is None else "opacity as a band"
    return "right"


def _write_metadata(folder: Path) -> list[tuple[str, Path, str]]:
    """What is copied in the second table: a name, the file, and the suffix of the copy."""
    photo(folder / "photo.jpg")
    _wne_copy(folder / "photo.jpg", folder / "exif.tif")
    geo = [(33550, "d", 3, (1.0, 1.0, 0.0), True), (42113, "s", 0, "-9999", True)]
    tifffile.imwrite(folder / "map.tif", GREY, extratags=geo, resolution=(4, 4), description="a map", metadata=None)
    tifffile.imwrite(
        folder / "stack.tif", np.stack([GREY] * 3), imagej=True, resolution=(5, 5), metadata={"unit": "um"}
    )
    return [
        ("photograph, JPEG to PNG", folder / "photo.jpg", ".png"),
        ("photograph, TIFF", folder / "exif.tif", ".tif"),
        ("map, GeoTIFF", folder / "map.tif", ".tif"),
        ("ImageJ stack, TIFF", folder / "stack.tif", ".tif"),
    ]


def _lost(library: Library, source: Path, target: Path) -> str:
    try:
        library.copy(source, target)
    except Exception:
        return "refused"
    return ", ".join(sorted(metadata_names(source) - metadata_names(target))) or "nothing"


def tables(folder: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of both tables."""
    kinds = []
    for kind in KINDS:
        kind.write(folder / kind.name)
        wanted = "refuse" if kind.pages is None else kind.what
        kinds.append([kind.name, wanted, *(verdict(kind, folder / kind.name, library.read) for library in LIBRARIES)])
    kept = []
    for name, source, suffix in _write_metadata(folder):
        targets = [folder / f"copy-{index}-{source.stem}{suffix}" for index in range(len(LIBRARIES))]
        kept.append([name, *(_lost(library, source, target) for library, target in zip(LIBRARIES, targets))])
    return kinds, kept


def page(kinds: list[list[str]], kept: list[list[str]]) -> str:
    names = [library.name for library in LIBRARIES]
    versions = ", ".join(f"{name} {version(name)}" for name in ("OpenImageIO", "pyvips", "tifffile", "imagecodecs"))
    silent = [sum(row[2 + index] not in ("right", "refused") for row in kinds) for index in range(len(names))]
    right = [sum(row[2 + index] == "right" for row in kinds) for index in range(len(names))]
    known = sum(row[1] != "refuse" for row in kinds)
    counts = [f"| {name} | {r} of {known} | {s} |" for name, r, s in zip(names, right, silent)]
    results = ", ".join(f"{suffix}" if suffix == to else f"{suffix} (as {to})" for suffix, to in RESULTS.items())
    return f"""# Kinds of image files

<!-- made by `python -m benchmarks.file_kinds`: {versions} -->

`wne denoise` reads and writes {results}. It denoises every page of a file, or refuses the file in one line.

We gave the kinds of files below to four readers: `wne`, OpenImageIO and pyvips (libvips) as they come, and tifffile with
imagecodecs. "Right" is out of the files that should be read; "silently wrong" counts all that a reader opens and gets wrong:

| reader | right | silently wrong |
|---|---|---|
{chr(10).join(counts)}

**Why OpenImageIO.** It opens EXR, HDR, PGM and float16 TIFF, tells opacity from other bands, and keeps EXIF in TIFF; the binary
wheels of libvips do none of these. libvips turns images upright by itself, inverts white-is-zero at any depth, converts CMYK
with a colour profile (counted as "other pixels" here), and keeps EXIF byte by byte. The module `wne.rasters` adds what
OpenImageIO leaves to its caller: orientation, previews, white as 0 beyond 8 bits, and a refusal of kinds that it would
misread. Installed it takes 20 MB. The price: TIFF compressed with Zstandard, LZMA, LERC or JPEG 2000
is refused.

## Pixels

"opened": the reader returned something for a file that should be refused.

{_table(["file", "wanted", *names], kinds)}

## Metadata

What a copy of a file loses, with Pillow as the judge. `wne denoise` prints this list when it is not empty.

{_table(["file", *names], kept)}
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    logging.disable()  # the libraries log what the table says
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        write_text(PAGE, page(*tables(Path(folder))))


if __name__ == "__main__":
    main()
