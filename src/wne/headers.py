"""What OpenImageIO does not take from the headers of BMP, PGM and PPM files: which byte is opacity, which value is white."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from wne.pages import damaged


def correct_bmp(path: Path, spec: Any) -> None:
    """A fourth channel is opacity only where the header has a mask for it; else it fills up 32 bits."""
    with path.open("rb") as file:
        header = file.read(70).ljust(70, b"\0")
    size, compression, mask = (int.from_bytes(header[place : place + 4], "little") for place in (14, 30, 66))
    if spec.nchannels == 4 and not (mask and (compression == 6 or (compression == 3 and size >= 56))):
        spec.nchannels, spec.alpha_channel, spec.channelnames = 3, -1, ("R", "G", "B")
    spec.attribute("oiio:UnassociatedAlpha", 1)  # which OpenImageIO leaves out, and PNG would divide by opacity


def other_white(path: Path) -> int | None:
    """The largest value of a PGM or PPM file, where it is neither 255 nor 65535.

    Raises:
        ImageFileError: it is 0.
    """
    with path.open("rb") as file:
        words = re.sub(rb"#[^\n]*", b"", file.read(1 << 16)).split(maxsplit=4)
    white = int(words[3]) if words[0] in (b"P2", b"P3", b"P5", b"P6") else 255
    if white == 0:
        raise damaged(path, "its largest value is 0")
    return None if white in (255, 65535) else white


def rescaled(pixels: np.ndarray, white: int) -> np.ndarray:
    """Values from 0 to `white`, which OpenImageIO scaled to the range of their dtype and cut off, scaled and rounded."""
    largest = float(np.iinfo(pixels.dtype).max)
    values = np.ceil(pixels * float(white) / largest)  # those of the file
    return np.rint(values * largest / white).astype(pixels.dtype)
