"""Images out of large archives: flat, with unique names, and nothing else of what an archive may hold."""

from __future__ import annotations

import errno
import fnmatch
import lzma
import math
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from replication.data.png import stored_png
from replication.data.registry import Archive, DataError

_EXPANSION = 4  # images are compressed already: what unpacks to more bytes than that many archives is something else
_CHUNK = 1 << 20  # bytes
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


def extract_images(path: Path, archive: Archive, folder: Path) -> list[str]:
    """Write the images of `archive`, which lies at `path`, into `folder`; give their names.

    Raises:
        DataError: an unsafe member (a link, or a path that leaves the archive), two images of one name,
            another number of images than registered, far more bytes than the archive has, or a broken archive.
    """
    names, left = [], _EXPANSION * path.stat().st_size
    members = _blocks if path.suffix == ".mat" else _zip_members if zipfile.is_zipfile(path) else _tar_members
    try:
        for name, content in members(path, archive.pattern):
            with content, (folder / name).open("xb") as file:
                while chunk := content.read(min(_CHUNK, left + 1)):
                    left -= file.write(chunk)
                    if left < 0:
                        raise _too_large(path)
            names.append(name)
            if len(names) > archive.images:
                break
    except FileExistsError as error:
        raise DataError(f"{path} holds two images named {name}: not the archive that was expected") from error
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # of the disk, not of the archive
            raise
        raise DataError(f"{path} is broken ({error}): remove it and run the same command again") from error
    if len(names) != archive.images:
        more = "at least " if len(names) > archive.images else ""
        raise DataError(
            f"{path} holds {more}{len(names)} images named {archive.pattern}, not {archive.images}: "
            "not the archive that was expected"
        )
    return names


def _too_large(path: Path) -> DataError:
    return DataError(
        f"{path} unpacks to more than {_EXPANSION} times its {path.stat().st_size} bytes: "
        "not the archive that was expected"
    )


def _image_name(path: Path, member: str, pattern: str, is_link: bool) -> str | None:
    """The flat name of a member, or None when it is no image of ours."""
    parts = PurePosixPath(member.replace("\\", "/")).parts
    if ".." in parts or parts[:1] == ("/",) or (parts and parts[0].endswith(":")):
        raise DataError(f"{path} holds the unsafe path {member!r}: not the archive that was expected")
    name = parts[-1] if parts else ""
    # Names that start with a dot are what file managers leave behind.
    if name.startswith(".") or not fnmatch.fnmatchcase(name.lower(), pattern.lower()):
        return None
    if is_link:
        raise DataError(f"{path} holds the link {member!r} instead of an image: not the archive that was expected")
    return name


def _zip_members(path: Path, pattern: str) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as zipped:
        for member in zipped.infolist():
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            name = _image_name(path, member.filename, pattern, is_link)
            if name and not member.is_dir():
                yield name, zipped.open(member)


def _tar_members(path: Path, pattern: str) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path) as tar:
        for member in tar:
            name = _image_name(path, member.name, pattern, member.issym() or member.islnk())
            if name and member.isfile():
                yield name, tar.extractfile(member)


def _blocks(path: Path, _pattern: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The blocks of a SIDD .mat file, (scenes, blocks, H, W, 3) uint8, as 01_01_noisy.png or 01_01_clean.png."""
    import io

    from scipy.io import loadmat, whosmat

    try:
        if sum(math.prod(shape) for _, shape, _ in whosmat(path)) > _EXPANSION * path.stat().st_size:
            raise _too_large(path)
        arrays = [value for key, value in loadmat(path).items() if not key.startswith("__")]
    except (ValueError, TypeError, OSError) as error:
        raise DataError(f"{path} is broken ({error}): remove it and run the same command again") from error
    if len(arrays) != 1 or arrays[0].ndim != 5 or arrays[0].dtype != np.uint8:
        raise DataError(f"{path} does not hold one 5-dimensional array of bytes: not the file that was expected")
    kind = "noisy" if "Noisy" in path.name else "clean"
    for scene, blocks in enumerate(arrays[0], start=1):
        for block, pixels in enumerate(blocks, start=1):
            yield f"{scene:02d}_{block:02d}_{kind}.png", io.BytesIO(stored_png(pixels))
