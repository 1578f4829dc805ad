"""One verified file from the first of several sources that has it. Whole or absent, never half-written.

A source is a path on this machine, an http(s) address, "skimage:<file>" (inside the scikit-image package),
"leaves:<set>/<index>" or "sensor:<set>/<photograph>/<noisy or clean>" (computed). `pooch.retrieve` checks the hash and renames; the downloader is ours.
"""

from __future__ import annotations

import errno
import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pooch
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from replication.data.registry import DataError

logger = logging.getLogger(__name__)
pooch.get_logger().setLevel("WARNING")  # one line a file is too much for 400 files

TIMEOUT = (10, 60)  # seconds: to connect, between two packets
RETRIES = Retry(
    total=4, connect=2, read=1, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
)
_CHUNK = 1 << 16  # bytes; of a connection that breaks the last chunk is lost
_BROKEN_CONNECTIONS = 5  # in a row, without one new byte


class SourceError(Exception):
    """Why this source did not give the file; the next one is tried."""


class Transfer:
    """Fetches files; may be shared by threads. A host that cannot be reached is asked once, not 400 times."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._unreachable: dict[str, str] = {}

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
        reasons: list[str] = []

        def download(source: str, output: str, _pooch: object) -> None:
            self._write(source, Path(output), size, part, on_bytes)
            os.chmod(output, 0o644)  # a temporary file is readable by its owner only

        for source in sources:
            try:
                pooch.retrieve(source, known_hash, fname=target.name, path=target.parent, downloader=download)
            except SourceError as error:
                reasons.append(f"{source}: {error}")
            except ValueError:  # pooch: the hash does not match
                reasons.append(f"{source}: other content than registered ({known_hash})")
                logger.warning("%s has other content than the registry says for %s", source, target.name)
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
            self._download(source, part or output, size, on_bytes or (lambda n: None))
            if part:
                os.replace(part, output)
        elif scheme == "skimage":
            _copy(_inside_skimage(rest), output)
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
            _copy(Path(source), output)
        if size is not None and output.stat().st_size != size:
            raise SourceError(f"{output.stat().st_size} bytes instead of {size}")

    def _download(self, url: str, part: Path, size: int | None, on_bytes: Callable[[int], object]) -> None:
        """Write or complete `part`. A connection that breaks is taken up again where it broke."""
        failures = 0
        on_bytes(_length(part))
        while failures < _BROKEN_CONNECTIONS:
            before = _length(part)
            try:
                return self._download_rest(url, part, before, size, on_bytes)
            except requests.RequestException:
                failures = 0 if _length(part) > before else failures + 1
        raise SourceError(f"the connection broke off after {_length(part)} of {size or 'unknown'} bytes")

    def _download_rest(self, url: str, part: Path, before: int, size: int | None, on_bytes) -> None:
        if before and before == size:
            return
        headers = {"Accept-Encoding": "identity"}
        if before:
            headers["Range"] = f"bytes={before}-"
        with self._open(url, headers) as response:
            status, content_range = response.status_code, response.headers.get("Content-Range", "")
            if status == 416 and content_range == f"bytes */{before}":
                return  # complete already: the last run was stopped just before the renaming
            is_other_range = status == 206 and not content_range.startswith(f"bytes {before}-")
            if status == 416 or is_other_range:
                part.unlink(missing_ok=True)
                raise SourceError("the server could not resume the download; run again to start it anew")
            if status not in (200, 206):
                raise SourceError(f"HTTP {status} {response.reason}")
            if status == 200:
                on_bytes(-before)  # the server sends everything again
            with part.open("ab" if status == 206 else "wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    on_bytes(len(chunk))
            if size is not None and _length(part) > size:
                excess = _length(part)
                part.unlink()
                raise SourceError(f"{excess} bytes instead of {size}")

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise SourceError(self._unreachable[host])
        if not hasattr(self._local, "session"):
            session = self._local.session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
        try:
            return self._local.session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        except (requests.ConnectionError, requests.Timeout) as error:
            timed_out = isinstance(error, requests.Timeout)
            self._unreachable[host] = "no answer in time" if timed_out else "the host cannot be reached"
            raise SourceError(self._unreachable[host]) from error
        except (requests.RequestException, ValueError) as error:  # an address that is none, endless redirects
            raise SourceError(str(error)) from error


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


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


def _copy(source: Path, output: Path) -> None:
    with output.open("wb") as copy:
        try:
            file = source.open("rb")
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error
        with file:
            while chunk := _read(file):
                copy.write(chunk)


def _read(file: IO[bytes]) -> bytes:
    """A chunk; what fails here is the source, not the disk that is written."""
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error


def _inside_skimage(name: str) -> Path:
    spec = importlib.util.find_spec("skimage")  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        raise SourceError("scikit-image is not installed")
    return Path(spec.submodule_search_locations[0]) / "data" / name
