"""One job for each stage: the next one, of whatever submission, waits until the one before it has ended.

The kernel's locks say so, in `.cluster/locks/`. The command of the stage inherits the lock, so that it holds as long as one of
its processes lives, also where the job itself was killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from replication.cluster.records import Task
from wne.console import say

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def turn(task: Task, records: Path) -> Iterator[int]:
    """Waits for the lock of a stage, which all profiles share, and holds it; gives its descriptor, for the command."""
    folder = records.parent / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / quote(task.name, safe="@")).open("a") as file:
        if fcntl:
            _take(file.fileno(), task)
        yield file.fileno()


def _take(descriptor: int, task: Task) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"{task.name}: an earlier job is still at work on it; this one waits until it has ended")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        say(f"this file system has no locks ({error.strerror}); make sure that no other job runs {task.name}")
