"""PNG files without compression: the same bytes on every machine, where a compressed one depends on zlib's version."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_STORED = 65535  # the longest stored block of a deflate stream


def stored_png(pixels: np.ndarray) -> bytes:
    """The file of `pixels`, (H, W) grey or (H, W, 3) RGB, uint8."""
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise ValueError(f"expected uint8 (H, W) or (H, W, 3), got {pixels.dtype} {pixels.shape}")
    height, width = pixels.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in pixels)  # filter 0: the row as it is
    blocks = [raw[start : start + _STORED] for start in range(0, len(raw), _STORED)]
    stream = b"\x78\x01" + b"".join(
        struct.pack("<BHH", i == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for i, block in enumerate(blocks)
    )
    stream += struct.pack(">I", zlib.adler32(raw))
    colour_type = 0 if pixels.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
