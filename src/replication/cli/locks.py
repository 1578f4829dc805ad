"""One writer for each output: a stage that outlived its `dvc` and the one that takes its place cannot both write.

A stage holds an exclusive lock on each of its outputs and a shared one on the folders above, in `.locks/`. The kernel
releases them when the process ends, however it ends.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from wne.console import say

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FOLDER = Path(".locks")


@contextmanager
def locked(outputs: Sequence[Path]) -> Iterator[None]:
    """Holds the locks of `outputs`, paths relative to the repository root.

    Raises:
        RuntimeError: another process is writing one of them, a folder above it, or a file in it.
    """
    with ExitStack() as held:
        for output in outputs if fcntl else ():
            held.enter_context(_lock(output, fcntl.LOCK_EX, output))
            for folder in [parent for parent in output.parents if parent.name]:
                held.enter_context(_lock(folder, fcntl.LOCK_SH, output))
        yield


@contextmanager
def _lock(path: Path, kind: int, output: Path) -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / quote(path.as_posix(), safe="")).open("a+") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"{_holder(file)} is writing {path}, perhaps a stage that outlived its dvc; "
                f"wait until it has ended, or end it, before {output} is written again"
            ) from None
        except OSError as error:
            say(
                f"{FOLDER}: this file system has no locks ({error.strerror}); make sure that nobody else writes {output}"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read() or "another process"
