"""Files that are whole or absent, whenever the process is killed: write to a temporary name, then rename.

Temporaries lie in a folder of their own beside the target, on the same file system, under the target's name:

    <folder>/.unfinished-<random>/<name>     becomes     <folder>/<name>

The writer holds a lock on it, which the kernel releases when the process dies; the next writer into the folder sweeps
what no process holds. `.dvcignore` leaves such folders out of every hash.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays
    fcntl = None

PREFIX = ".unfinished-"
_ASIDE = "replaced"  # inside: a folder that had to go before the new one could come


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that becomes `path` when the block ends well, and is removed when it does not."""
    with _unfinished(path.parent) as folder:
        temporary = folder / path.name
        yield temporary
        os.replace(temporary, path)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: a fresh one that takes the place of the old one as a whole, in one step on Linux."""
    with _unfinished(path.parent) as folder:
        temporary = folder / path.name
        temporary.mkdir()
        yield temporary
        if not path.exists():
            os.replace(temporary, path)
        elif not _exchange(temporary, path):
            aside = folder / _ASIDE / path.name
            aside.parent.mkdir()
            os.replace(path, aside)  # a process killed here leaves both, and `sweep` puts the old one back
            os.replace(temporary, path)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def sweep(folder: Path) -> None:
    """Removes what killed processes left in `folder`; what a living one holds stays."""
    for leftover in folder.glob(f"{PREFIX}*"):
        if (lock := _lock(leftover, wait=False)) is None:
            continue
        for aside in leftover.glob(f"{_ASIDE}/*"):
            if not (folder / aside.name).exists():
                os.replace(aside, folder / aside.name)
        shutil.rmtree(leftover, ignore_errors=True)
        os.close(lock)


@contextmanager
def _unfinished(parent: Path) -> Iterator[Path]:
    """A locked folder for temporaries inside `parent`, gone with all that is in it when the block ends."""
    parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(parent.resolve())
    folder, lock = _make_locked(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _make_locked(parent: Path) -> tuple[Path, int | None]:
    while True:
        try:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        except OSError as error:  # of the folder that the user knows
            raise type(error)(error.errno, error.strerror, str(parent)) from None
        lock = _lock(folder, wait=True)
        if folder.is_dir():
            return folder, lock
        if lock is not None:  # a sweeper took the folder before it was locked
            os.close(lock)


@cache
def _sweep_once(folder: Path) -> None:
    sweep(folder)  # once a process: a folder may take thousands of files


def _lock(folder: Path, wait: bool) -> int | None:
    """A descriptor that holds the lock of a folder; None when it is held, gone, or the file system has no locks."""
    if fcntl is None:
        return None
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor


def _exchange(one: Path, other: Path) -> bool:
    """Swaps two folders in one step, where the system can: Linux, on most file systems."""
    if sys.platform != "linux":
        return False
    with suppress(AttributeError):  # a C library without renameat2
        here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of <linux/fs.h>
        return ctypes.CDLL(None).renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
    return False
