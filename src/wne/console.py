"""What a stage tells its user: what it reads, what it writes, how long it took; and one-line errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


@contextmanager
def stage(name: str, reads: list[Path | str], writes: list[Path | str]) -> Iterator[None]:
    """Prints a header before and the time after; nothing is hidden in between."""
    print(f"[{name}] reads {', '.join(map(str, reads))}; writes {', '.join(map(str, writes))}", flush=True)
    start = time.perf_counter()
    yield
    print(f"[{name}] done in {time.perf_counter() - start:.1f} s", flush=True)


def say(message: str) -> None:
    """A note for the user, on the error stream so that it does not mix with a command's output, and above progress bars."""
    tqdm.write(message, file=sys.stderr)
    sys.stderr.flush()


def progress(items: Iterable[T], label: str, **options: object) -> tqdm[T]:
    """A progress bar; in a log file, where a bar cannot be redrawn, a line every 20 seconds."""
    return tqdm(items, desc=label, mininterval=0.5 if sys.stderr.isatty() else 20.0, **options)
