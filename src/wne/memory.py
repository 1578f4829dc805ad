"""Whether the memory suffices: the system ends a process that takes too much, without a word."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

# Memory limit and use of a container, in the second and the first version of control groups.
_CONTAINER = [
    (Path("/sys/fs/cgroup", limit), Path("/sys/fs/cgroup", usage))
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    )
]


def shortage(needed: int) -> str | None:
    """What to say of an image that needs so many bytes more than are free, or None; knows the free memory of Linux alone."""
    free = _free_memory()
    if free is None or needed <= free:
        return None
    return f"too large for the memory: needs about {needed / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free; cut it into parts"


def _free_memory() -> int | None:
    """Bytes that this process may take on Linux: of the machine, or of the container with a limit of its own."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    for limit, usage in _CONTAINER:
        with suppress(OSError, ValueError):  # no such control group, or "max"
            free.append(int(limit.read_text()) - int(usage.read_text()))
    return min(free, default=None)
