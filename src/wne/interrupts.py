"""Ctrl-C ends a command with one line and exit status 130, while it is still importing too."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT


def listen() -> None:
    """The first thing that a command does: Ctrl-C leaves at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the caller ignores it
        signal.signal(signal.SIGINT, _leave_at_once)


def interruptible() -> None:
    """From here on Ctrl-C unwinds the stack, so that unfinished files go; before, there are none."""
    if signal.getsignal(signal.SIGINT) is _leave_at_once:
        signal.signal(signal.SIGINT, _unwind)


def is_interrupt(error: BaseException) -> bool:
    """Whether it is Ctrl-C that unwinds the stack, which nobody may stop."""
    return isinstance(error, SystemExit) and error.code == INTERRUPTED


def _leave_at_once(number: int, frame: FrameType | None) -> None:
    # An exception in the middle of an import may be caught there, or become another error.
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def _unwind(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _leave_at_once)  # a second Ctrl-C does not wait
    atexit.register(print, "interrupted", file=sys.stderr)  # below progress bars, which end their line as they go
    raise SystemExit(INTERRUPTED)
