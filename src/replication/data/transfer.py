"""One verified file from the first of several sources that has it. Whole or absent, never half-written.

A source is a path on this machine, an http(s) address, "skimage:<file>" (inside the scikit-image package),
"leaves:<set>/<index>" or "sensor:<set>/<photograph>/<noisy or clean>" (computed). `web.py` downloads.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from replication.data.registry import DataError
from replication.data.web import SourceError, Web
from wne.files import replacing

logger = logging.getLogger(__name__)

_CHUNK = 1 << 20  # bytes


class Transfer:
    """Fetches files; may be shared by threads."""

    def __init__(self) -> None:
        self._web = Web()

    def stop(self) -> None:
        """Ends downloads in other threads at their next byte."""
        self._web.stopped.set()

    def obtain(
        self,
        target: Path,
        known_hash: str | None,
        size: int | None,
        sources: Sequence[str],
        part: Path | None = None,
        on_bytes: Callable[[int], object] | None = None,
    ) -> None:
        """Make `target`, unless it is there with the right hash.

        Args:
            known_hash: "sha256:..." or "md5:...", or None to take what comes (its size is still checked).
            size: bytes, or None when unknown.
            sources: tried in this order.
            part: a file that survives a broken download; the next call resumes it by HTTP Range.
            on_bytes: called with the number of new bytes.

        Raises:
            DataError: no source has the file (each is named with its reason), or the disk is full.
        """
        if target.is_file() and _is_right(target, known_hash):
            return
        reasons: list[str] = []
        for source in sources:
            try:
                with replacing(target) as temporary:
                    self._write(source, temporary, size, part, on_bytes)
                    if not _is_right(temporary, known_hash):
                        logger.warning("%s has other content than the registry says for %s", source, target.name)
                        raise SourceError(f"other content than registered ({known_hash})")
            except SourceError as error:
                reasons.append(f"{source}: {error}")
            except OSError as error:
                if is_disk_full(error):
                    raise disk_full(target) from error
                raise DataError(f"cannot write {target}: {error.strerror or error}") from error
            else:
                return
        raise DataError(f"cannot fetch {target}: {'; '.join(reasons)}. {_remedy(sources[-1])}")

    def _write(self, source: str, output: Path, size: int | None, part: Path | None, on_bytes) -> None:
        scheme, _, rest = source.partition(":")
        if scheme in ("http", "https"):
            self._web.download(source, part or output, size, on_bytes or (lambda n: None))
            if part:
                os.replace(part, output)
        elif scheme == "skimage":
            _copy(_inside_skimage(rest), output, size)
        elif scheme == "leaves":
            from replication.data.leaves import dead_leaves
            from replication.data.png import stored_png

            set_name, _, index = rest.partition("/")
            output.write_bytes(stored_png(dead_leaves(set_name, int(index))))
        elif scheme == "sensor":
            from replication.data.images import read_image
            from replication.data.png import stored_png
            from replication.data.sensor import sensor_pair

            set_name, photograph, kind = rest.split("/")
            pair = sensor_pair(set_name, photograph, read_image(_inside_skimage(photograph), 3))
            output.write_bytes(stored_png(getattr(pair, kind)))
        else:
            _copy(Path(source), output, size)
        if size is not None and output.stat().st_size != size:
            raise SourceError(f"{output.stat().st_size} bytes instead of {size}")


def is_disk_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows has no quota error


def disk_full(target: Path) -> DataError:
    return DataError(f"the disk is full while writing {target}: free some space and run the same command again")


def _remedy(source: str) -> str:
    if source.startswith("skimage:"):
        return "Install scikit-image 0.26, which ships the registered file"
    if source.startswith(("leaves:", "sensor:")):
        return "This machine computes other pixels: please report it with the versions of numpy, Pillow and Python"
    return "Check the network, or set WNE_DATA_MIRROR to a folder or address that holds a copy"


def _copy(source: Path, output: Path, size: int | None) -> None:
    with output.open("wb") as copy:
        try:
            file = source.open("rb")
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error
        with file:
            if size is not None and source.stat().st_size != size:  # not the file, or none that ends
                raise SourceError(f"{source.stat().st_size} bytes instead of {size}")
            while chunk := _read(file):
                copy.write(chunk)


def _read(file: IO[bytes]) -> bytes:
    """A chunk; what fails here is the source, not the disk that is written."""
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error


def file_hash(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _is_right(path: Path, known_hash: str | None) -> bool:
    algorithm, _, digest = (known_hash or "").partition(":")
    return not digest or file_hash(path, algorithm) == digest


def _inside_skimage(name: str) -> Path:
    spec = importlib.util.find_spec("skimage")  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise SourceError("scikit-image is not installed")
    return Path(spec.submodule_search_locations[0]) / "data" / name
