"""What an image file is once it is open: its pages, and the errors of those that are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wne.memory import shortage


class ImageFileError(ValueError):
    """An image file that cannot be read or written: which one, and why."""


@dataclass(frozen=True)
class Page:
    """One image of a file."""

    pixels: np.ndarray  # (H, W, C), upright, white at the top of the range
    alpha: int | None = None  # the channel that is opacity
    header: Any = None  # OpenImageIO's ImageSpec, with the metadata; None: from an array


@dataclass(frozen=True)
class ImageFile:
    """A file that was opened: what is in it, and its pages one at a time."""

    path: Path
    count: int  # pages
    dtype: np.dtype
    pages: Callable[[], Iterator[Page]]
    notes: tuple[str, ...] = ()  # what is not taken over, for the user
    shape: tuple[int, ...] | None = None  # of the array in .npy


def why(error: BaseException) -> str:
    """An exception in a few words, without its number and path; with the notes that were added to it."""
    if isinstance(error, PermissionError):
        return "no permission"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, MemoryError) or "allocate memory" in str(error) or "out of memory" in str(error):  # torch's
        return "too large for the memory; cut it into parts"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, SystemExit):  # of a network
        return f"ended by sys.exit({error.code})"
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return "; ".join([first_line, *getattr(error, "__notes__", [])])


def damaged(path: Path, reason: str) -> ImageFileError:
    if "MB limit" in reason:  # OpenImageIO's, of an image larger than all of the memory
        return ImageFileError(f"{path}: too large for the memory; cut it into parts ({reason.rstrip('.')})")
    return ImageFileError(f"{path}: damaged, or not of a kind that is read here ({reason})")


def cut_off(path: Path) -> ImageFileError:
    return ImageFileError(f"{path}: cannot be written to its end; make room on the disk, or choose another folder")


def check_memory(path: Path, shape: tuple[int, int, int], itemsize: int) -> None:
    """Raises ImageFileError for an image (H, W, C) that cannot be read and kept beside its result."""
    if problem := shortage(2 * math.prod(shape) * itemsize):
        raise ImageFileError(f"{path}: {problem}")
