"""The pages of a TIFF file and the tags of each, apart from its pixels: readers stop in silence where the list is broken."""

from __future__ import annotations

import json
import math
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}  # TIFF's types BYTE, SHORT and LONG


def is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # + is BigTIFF


def tiff_pages(path: Path) -> list[dict[int, int | None]]:
    """The tags of every page of a TIFF or BigTIFF file, with their values where these are one whole number.

    Raises:
        EOFError: the list of pages, or the tags of one, end early.
    """
    pages: list[dict[int, int | None]] = []
    with path.open("rb") as file:
        head = _exactly(file, 8)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        count, entry, offset = (struct.Struct(order + form) for form in ("Q HHQ8s Q" if big else "H HHI4s I").split())
        place = offset.unpack(_exactly(file, 8) if big else head[4:])[0]
        visited: set[int] = set()
        while place and place not in visited:
            visited.add(place)
            file.seek(place)
            length = count.unpack(_exactly(file, count.size))[0]
            tags = entry.iter_unpack(_exactly(file, length * entry.size))
            pages.append({code: _value(order, kind, values, content) for code, kind, values, content in tags})
            place = offset.unpack(_exactly(file, offset.size))[0]
    return pages


def stack_length(description: str, size: int) -> int:
    """How many slices of `size` values are in the stack that ImageJ or tifffile describe in a page; 1 without one.

    Both write large stacks with one page in the list and the other slices behind its pixels.
    """
    if description.startswith("ImageJ="):
        images = re.search(r"^images=(\d+)$", description, re.MULTILINE)
        return int(images[1]) if images else 1
    if description.startswith('{"shape"'):
        with suppress(ValueError, TypeError):
            return math.prod(json.loads(description)["shape"]) // size
    return 1


def _exactly(file: BinaryIO, size: int) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise EOFError("the list of its pages ends early")
    return content


def _value(order: str, kind: int, values: int, content: bytes) -> int | None:
    if values != 1 or kind not in _WHOLE_NUMBERS:
        return None
    return struct.unpack_from(order + _WHOLE_NUMBERS[kind], content)[0]
