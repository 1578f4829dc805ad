"""Image files through OpenImageIO: pages, orientation, opacity, inks and palettes as it knows them.

What it leaves to its caller is here: which pages are copies of others, white as 0 beyond 8 bits, and kinds that it reads
as something else without a word (Lab, inks beyond CMYK, volumes), which are refused.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from wne.headers import correct_bmp, other_white, rescaled
from wne.pages import ImageFile, ImageFileError, Page, check_memory, cut_off, damaged
from wne.tiffpages import is_tiff, stack_length, tiff_pages

try:
    import OpenImageIO as oiio
except ModuleNotFoundError:
    raise ImageFileError("image files need more than the library: pip install '.[cli]' in the repository") from None

# TIFF tags: values of PhotometricInterpretation that arrive as grey or RGB, bits of NewSubfileType, a volume's depth.
_WHITE_IS_ZERO, _CMYK = 0, 5
_GREY_OR_RGB = (0, 1, 2, 3, 5, 6)
_PREVIEW, _TRANSPARENCY = 1, 4
_SAMPLES, _IMAGE_DEPTH = 277, 32997
_LOSSY = ("jpeg", "jp2000", "webp", "lossy", "b44", "b44a", "dwaa", "dwab", "pxr24")
_FORMATS = {"uint8": "uint8", "uint16": "uint16", "uint32": "uint", "int8": "int8", "int16": "int16", "int32": "int",
            "float16": "half", "float32": "float", "float64": "double"}  # fmt: skip
_NAMES = {format: name for name, format in _FORMATS.items()}


class _Silence:
    """Nothing reaches the error stream inside: libpng and others print what they also report, and it is the user's.

    The stream belongs to the process, so the first thread that enters redirects it and the last one that leaves puts it
    back; each on its own would put back what another had redirected.
    """

    def __init__(self) -> None:
        self.lock, self.inside = threading.Lock(), 0
        self.kept: int | None = None  # a duplicate of the stream while it is redirected

    def __enter__(self) -> None:
        with self.lock:
            self.inside += 1
            # Where it is closed (2>&-) there is nothing to hide, and descriptor 2 may be any other file.
            if self.inside == 1 and sys.stderr is not None:
                with suppress(OSError, ValueError):
                    sys.stderr.flush()
                    self.kept = os.dup(2)
                    nowhere = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(nowhere, 2)
                    os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0 and self.kept is not None:
                os.dup2(self.kept, 2)
                os.close(self.kept)
                self.kept = None


_silenced = _Silence()


def open_raster(path: Path) -> ImageFile:
    """The file's images, without previews, of which the notes tell. See `wne.imagefiles.open_image`."""
    source = _opened(path)
    specs = []
    while source.seek_subimage(len(specs), 0):
        specs.append(source.spec().copy())
        if source.format_name() == "bmp":
            correct_bmp(path, specs[-1])
    source.geterror()  # that there is no further one
    if is_tiff(path):
        _check_pages(path, specs)
    aside = [bool(spec.get_int_attribute("tiff:subfiletype") & (_PREVIEW | _TRANSPARENCY)) for spec in specs]
    chosen = [index for index, left_out in enumerate(aside) if not left_out] or list(range(len(specs)))
    for index in chosen:
        _refuse_unknown(path, specs[index])
    size = sum(specs[index].image_bytes() for index in chosen)
    white = other_white(path) if source.format_name() == "pnm" else None

    def pages() -> Iterator[Page]:
        source = _opened(path)  # afresh: the one for WebP cannot go back
        for index in chosen:
            spec = specs[index]
            check_memory(path, (spec.height, spec.width, spec.nchannels), spec.channel_bytes())
            pixels = _pixels(path, source, index, spec)
            if white is not None:
                pixels = rescaled(pixels, white)
            header = _header(spec, several_gigabytes=size > 2**31)
            alpha = spec.alpha_channel if 0 <= spec.alpha_channel < spec.nchannels else None
            yield Page(_upright(pixels, header), alpha, header)

    notes = []
    if len(chosen) < len(specs):
        notes.append(f"previews and masks left out: {len(specs) - len(chosen)}")
    if any(_is_cmyk(specs[index]) for index in chosen):
        notes.append("CMYK became RGB, without a colour profile")
    if white is not None:
        notes.append(f"values from 0 to {white} became values from 0 to {np.iinfo(_NAMES[str(specs[0].format)]).max}")
    return ImageFile(path, len(chosen), np.dtype(_NAMES[str(specs[chosen[0]].format)]), pages, tuple(notes))


def write_raster(temporary: Path, path: Path, pages: Iterable[Page]) -> None:
    """Writes pages to `temporary`, a file of which messages speak as `path`."""
    _check_name(path)
    output = oiio.ImageOutput.create(str(temporary))
    if output is None:
        raise ImageFileError(f"{path}: cannot be written ({_first_line(oiio.geterror())})")
    count = 0
    for index, page in enumerate(pages):
        if index == 1 and not output.supports("appendsubimage"):
            raise ImageFileError(f"{path}: only TIFF and .npy hold several images; write {path.stem}.tif instead")
        _refuse_opacity(path, page)
        header = _written_header(page, output)
        mode = "AppendSubimage" if index else "Create"
        if not (output.open(str(temporary), header, mode) and output.write_image(np.ascontiguousarray(page.pixels))):
            raise ImageFileError(f"{path}: cannot be written ({_first_line(output.geterror())})")
        count += 1
    if not output.close():
        raise ImageFileError(f"{path}: cannot be written ({_first_line(output.geterror())})")
    _check_whole(temporary, path, count)


def _check_whole(temporary: Path, path: Path, count: int) -> None:
    """Reads all pages back: on a full disk OpenImageIO loses what its buffers hold, and says nothing."""
    try:
        source = _opened(temporary)
        for index in range(count):
            if not source.seek_subimage(index, 0):
                raise damaged(temporary, _first_line(source.geterror()))
            _pixels(temporary, source, index, source.spec())
    except ImageFileError:
        raise cut_off(path) from None


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ImageFileError(f"{path}: its name is not in UTF-8; rename it") from None


def _opened(path: Path) -> oiio.ImageInput:
    _check_name(path)
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # the values of the file, not multiplied by opacity
    with _silenced:
        source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise damaged(path, _first_line(oiio.geterror()))
    return source


def _check_pages(path: Path, specs: list[oiio.ImageSpec]) -> None:
    """Refuses what OpenImageIO reads the first part of: a list of pages that is cut, stacks in one page, and volumes."""
    count = len(specs)
    try:
        pages = tiff_pages(path)
    except EOFError as error:
        raise damaged(path, str(error)) from None
    if len(pages) != count:
        raise damaged(path, f"{count} of {len(pages)} pages can be opened")
    if any((page.get(_IMAGE_DEPTH) or 1) > 1 for page in pages):
        raise ImageFileError(f"{path}: holds a volume in one page (ImageDepth); save a page for each of its slices")
    for tags, spec in zip(pages, specs):
        size = spec.width * spec.height * (tags.get(_SAMPLES) or 1)
        slices = stack_length(spec.get_string_attribute("ImageDescription"), size)
        # A copy of a part keeps the description, but is too small for what that says.
        if count < slices <= path.stat().st_size / (size * spec.channel_bytes()):
            raise ImageFileError(
                f"{path}: holds a stack of {slices} with {count} in its list of pages; save a page for each"
            )


def _refuse_unknown(path: Path, spec: oiio.ImageSpec) -> None:
    photometric = spec.get_int_attribute("tiff:PhotometricInterpretation", 1)
    if spec.deep or spec.depth > 1:
        raise ImageFileError(f"{path}: holds a volume or deep pixels; save it as one page for each slice")
    if str(spec.format) not in _NAMES:
        raise ImageFileError(f"{path}: has {spec.format} values; known here: {', '.join(_FORMATS)}")
    if photometric not in _GREY_OR_RGB:
        raise ImageFileError(f"{path}: its colours are neither grey, RGB nor CMYK; convert it to RGB first")
    if photometric == _CMYK and spec.nchannels != 3:
        raise ImageFileError(f"{path}: has inks or opacity beside CMYK; convert it to RGB first")
    if photometric == _WHITE_IS_ZERO and spec.nchannels > 1:
        raise ImageFileError(f"{path}: 0 is white in it, which leaves its other channels open; save it with 0 as black")
    if _to_be_inverted(spec) and not str(spec.format).startswith("uint"):
        raise ImageFileError(
            f"{path}: 0 is white in it, which {spec.format} values leave open; save it with 0 as black"
        )


def _pixels(path: Path, source: oiio.ImageInput, index: int, spec: oiio.ImageSpec) -> np.ndarray:
    with _silenced:
        pixels = source.read_image(index, 0, 0, spec.nchannels, spec.format)
    # A JPEG file that ends early comes with its pixels, grey where there are none, and this error.
    if pixels is None or source.has_error:
        raise damaged(path, _first_line(source.geterror()))
    return np.iinfo(pixels.dtype).max - pixels if _to_be_inverted(spec) else pixels


def _to_be_inverted(spec: oiio.ImageSpec) -> bool:
    """Whether 0 is white in the file and still is in what was read: OpenImageIO inverts 8 bits and less alone."""
    return spec.get_int_attribute("tiff:PhotometricInterpretation", 1) == _WHITE_IS_ZERO and str(spec.format) != "uint8"


def _is_cmyk(spec: oiio.ImageSpec) -> bool:
    inks = {spec.get_string_attribute(name) for name in ("tiff:ColorSpace", "jpeg:ColorSpace")}
    return bool(inks & {"CMYK", "YCCK"})


def _header(spec: oiio.ImageSpec, several_gigabytes: bool) -> oiio.ImageSpec:
    """The metadata that describes the pixels as `Page` has them."""
    header = spec.copy()
    for name in ("tiff:ColorSpace", "jpeg:ColorSpace", "tiff:PhotometricInterpretation", "tiff:subfiletype"):
        header.erase_attribute(name)
    colours = spec.nchannels - (spec.alpha_channel >= 0)
    profile = header.get_string_attribute("ICCProfile:color_space")
    if _is_cmyk(spec) or profile.upper() != ("RGB" if colours >= 3 else "GRAY"):
        header.erase_attribute("ICCProfile")
    header.erase_attribute("ICCProfile:.*")  # what the profile says, which PNG would hold as text
    if header.get_int_attribute("oiio:BitsPerSample", 8) < 8:  # a denoised image needs the levels between
        header.erase_attribute("oiio:BitsPerSample")
    if several_gigabytes:
        header.attribute("tiff:bigtiff", 1)
    return header


def _upright(pixels: np.ndarray, header: oiio.ImageSpec) -> np.ndarray:
    """The pixels turned as the header's orientation says, which then says that they are."""
    orientation = header.get_int_attribute("Orientation", 1)
    header.attribute("Orientation", 1)
    if orientation not in range(2, 9):  # upright, or a number that means nothing
        return pixels
    if orientation >= 5:  # width and height change places
        across, down = (header.get_float_attribute(f"{axis}Resolution") for axis in "XY")
        if across and down:
            header.attribute("XResolution", down)
            header.attribute("YResolution", across)
    stored = oiio.ImageBuf(pixels)
    stored.set_origin(header.x, header.y)
    stored.set_full(
        header.full_x, header.full_x + header.full_width, header.full_y, header.full_y + header.full_height, 0, 1
    )
    stored.specmod().attribute("Orientation", orientation)
    upright = oiio.ImageBufAlgo.reorient(stored)
    for name in ("x", "y", "width", "height", "full_x", "full_y", "full_width", "full_height"):
        setattr(header, name, getattr(upright.spec(), name))
    return upright.get_pixels(header.format)


def _refuse_opacity(path: Path, page: Page) -> None:
    """Refuses channels that readers of the format would take for opacity, or for colours multiplied by it."""
    channels, suffix = page.pixels.shape[2], path.suffix.lower()
    if suffix == ".png" and page.alpha != {2: 1, 4: 3}.get(channels):
        problem = "PNG takes the last of 2 or 4 channels for opacity, and no other"
    elif suffix in (".pgm", ".ppm") and page.alpha is not None:
        problem = f"{suffix[1:].upper()} cannot hold opacity"
    elif suffix == ".pgm" and channels > 1:
        raise ImageFileError(f"{path}: PGM holds grey images; write {path.stem}.ppm instead")
    elif suffix == ".exr" and page.header is not None and page.header.get_int_attribute("oiio:UnassociatedAlpha"):
        problem = "EXR holds colours multiplied by opacity, and these are not"
    else:
        return
    raise ImageFileError(f"{path}: {problem}; write {path.stem}.tif instead")


def _written_header(page: Page, output: oiio.ImageOutput) -> oiio.ImageSpec:
    height, width, channels = page.pixels.shape
    header = oiio.ImageSpec(width, height, channels, _FORMATS[page.pixels.dtype.name])
    if page.header is not None:
        header = page.header.copy()
        header.width, header.height = width, height
        if not (header.tile_width and output.supports("tiles")):
            header.tile_width = header.tile_height = 0
    else:
        header.channelnames = _channel_names(channels, page.alpha)
        header.alpha_channel = -1 if page.alpha is None else page.alpha % channels
        header.attribute("oiio:UnassociatedAlpha", 1)
        header.attribute("Orientation", 1)
    if header.format == oiio.HALF:
        header.attribute("tiff:half", 1)
    compression = header.get_string_attribute("compression")
    if compression.split(":")[0] in _LOSSY:
        header.attribute("compression", "zip")
    return header


def _channel_names(channels: int, alpha: int | None) -> tuple[str, ...]:
    colours = channels - (alpha is not None)
    names = ["Y"] if colours == 1 else list("RGB"[:colours]) + [f"channel{index}" for index in range(3, colours)]
    if alpha is not None:
        names.insert(alpha % channels, "A")
    return tuple(names)


def _first_line(text: str) -> str:
    return (text.splitlines() or ["no reason given"])[0]
