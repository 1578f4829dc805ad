"""One file over HTTP: resumed where a connection breaks, and bounded in time and in size whatever the server does.

Every wait has an end, and is said before it begins; a byte more than registered is not written.
"""

from __future__ import annotations

import contextlib
import email.utils
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Seconds, and bytes a second."""

    connect: float = 10  # to connect; tried twice
    silence: float = 20  # without one byte
    wait: float = 60  # the longest that a server may ask for by Retry-After
    attempts: int = 3  # in a row, without one new byte
    slowest: float = 1000  # bytes a second, on average over more than `silence` seconds


LIMITS = Limits()
_CHUNK = 1 << 16  # bytes
_TRY_AGAIN = (429, 500, 502, 503, 504)


class SourceError(Exception):
    """Why this source did not give the file; the next one is tried."""


class _Again(Exception):
    """Why a connection gave no more, and how many seconds to wait before the next."""

    def __init__(self, reason: str, seconds: float = 0.0):
        super().__init__(reason)
        self.seconds = seconds


class Web:
    """Downloads; may be shared by threads. A host that cannot be reached is asked once, not 400 times."""

    def __init__(self) -> None:
        self.stopped = threading.Event()  # set: unfinished downloads end at the next byte
        self._local = threading.local()
        self._unreachable: dict[str, str] = {}

    def download(self, url: str, part: Path, size: int | None, on_bytes: Callable[[int], object]) -> None:
        """Writes or completes `part`.

        Args:
            size: bytes, or None to take the server's word.
            on_bytes: called with the number of new bytes.

        Raises:
            SourceError: why the file did not come.
        """
        host, failures = urlsplit(url).netloc, 0
        on_bytes(length(part))
        while size is None or length(part) != size:
            before = length(part)
            try:
                return self._download_rest(url, part, before, size, on_bytes)
            except _Again as reason:
                failures = 1 if length(part) > before else failures + 1
                if failures >= LIMITS.attempts:
                    raise SourceError(
                        f"{reason}, {failures} times in a row, after {length(part)} of {size or 'unknown'} bytes"
                    ) from None
                when = f"in {reason.seconds:.0f} s" if reason.seconds >= 1 else "now"
                logger.warning("%s: %s; trying again %s", host, reason, when)
                self.stopped.wait(reason.seconds)
            self._stop_if_told()

    def _download_rest(self, url: str, part: Path, before: int, size: int | None, on_bytes) -> None:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={before}-"} if before else {})
        with self._open(url, headers) as response:
            status, content_range = response.status_code, response.headers.get("Content-Range", "")
            if status == 416 and content_range == f"bytes */{before}":
                return  # complete already: the last run was stopped just before the renaming
            is_other_range = status == 206 and not content_range.startswith(f"bytes {before}-")
            if status == 416 or is_other_range:
                part.unlink(missing_ok=True)
                raise SourceError("the server could not resume the download; run again to start it anew")
            if status in _TRY_AGAIN:
                raise _Again(f"HTTP {status} {response.reason}", _seconds_to_wait(response))
            if status not in (200, 206):
                raise SourceError(f"HTTP {status} {response.reason}")
            if status == 200:
                on_bytes(-before)  # the server sends everything again
                before = 0
            total = _total(response, before, size)
            with part.open("ab" if status == 206 else "wb") as file:
                self._receive(response, file, total - before, on_bytes)

    def _receive(self, response: requests.Response, file: IO[bytes], expected: int, on_bytes) -> None:
        start, received = time.monotonic(), 0
        while chunk := _read(response):
            self._stop_if_told()
            received += len(chunk)
            if received > expected:
                file.truncate(0)  # not the file
                raise SourceError(f"more bytes than the {expected} that were to come")
            file.write(chunk)
            on_bytes(len(chunk))
            seconds = time.monotonic() - start
            if seconds > LIMITS.silence and received < LIMITS.slowest * seconds and received < expected:
                raise _Again(f"fewer than {LIMITS.slowest:g} bytes a second")
        if received < expected:
            raise _Again("the connection broke off")

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        host = urlsplit(url).netloc
        if host in self._unreachable:
            raise SourceError(self._unreachable[host])
        if not hasattr(self._local, "session"):
            session = self._local.session = requests.Session()
            for scheme in ("http://", "https://"):
                session.mount(
                    scheme,
                    HTTPAdapter(
                        max_retries=Retry(connect=1, read=False, status=0, other=0, respect_retry_after_header=False)
                    ),
                )
        try:
            return self._local.session.get(url, headers=headers, stream=True, timeout=(LIMITS.connect, LIMITS.silence))
        except requests.ReadTimeout:
            raise _Again(f"no answer within {LIMITS.silence:g} s") from None
        except requests.ConnectionError as error:
            timed_out = isinstance(error, requests.Timeout)
            self._unreachable[host] = "no connection in time" if timed_out else "the host cannot be reached"
            raise SourceError(self._unreachable[host]) from error
        except (requests.RequestException, ValueError) as error:  # an address that is none, endless redirects
            raise SourceError(str(error)) from error

    def _stop_if_told(self) -> None:
        if self.stopped.is_set():
            raise SourceError("stopped")


def length(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def _read(response: requests.Response) -> bytes:
    """What has come, as sent: a compressed body is not unpacked."""
    try:
        return response.raw.read1(_CHUNK, decode_content=False)
    except ReadTimeoutError:
        raise _Again(f"no byte for {LIMITS.silence:g} s") from None
    except (HTTPError, OSError):
        raise _Again("the connection broke off") from None


def _total(response: requests.Response, before: int, size: int | None) -> int:
    """Bytes of the whole file: those registered, which the server may not contradict, or those that it announces."""
    announced = response.headers.get("Content-Length", "")
    total = before + int(announced) if announced.isdecimal() else None
    if size is not None and total not in (None, size):
        raise SourceError(f"{total} bytes instead of {size}")
    if size is None and total is None:
        raise SourceError("neither the registry nor the server says how large the file is")
    return total if size is None else size


def _seconds_to_wait(response: requests.Response) -> float:
    """As the server asks by Retry-After, seconds or a date; else half a second."""
    asked = response.headers.get("Retry-After", "").strip()
    seconds = 0.5
    if asked.isdecimal():
        seconds = float(asked)
    elif asked:
        with contextlib.suppress(ValueError):
            seconds = max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    if seconds > LIMITS.wait:
        raise SourceError(f"HTTP {response.status_code} {response.reason}: the server asks to wait {seconds:.0f} s")
    return seconds
