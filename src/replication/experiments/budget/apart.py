"""A part of the work in a process of its own. A GPU that fails leaves its process useless, and a lack of memory kills it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from wne.console import say

_LEAVING = 10  # seconds, for a process that has done its part


class PartError(RuntimeError):
    """A part failed; one line says why."""


class Parts:
    """Runs parts, and remembers those that failed by their names."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}

    def run(self, name: str, function: Callable[..., Any], *arguments: object, here: bool = False) -> Any:
        """What the function of a module gives, or None where it fails, which is said at once and kept in `failures`.

        `here`: in this process, for what neither computes nor takes much memory.
        """
        say(f"[budget] {name}")
        self.failures.pop(name, None)
        try:
            if not here:
                return apart(function, *arguments)
            result, reason = _caught(function, arguments)
            if reason is None:
                return result
        except PartError as error:
            reason = str(error)
        self.failures[name] = reason
        say(f"failed: {name}: {reason}")
        return None


def apart(function: Callable[..., Any], *arguments: object) -> Any:
    """function(*arguments) in a fresh process, which ends with this call, however that ends.

    Raises:
        PartError: the function raised an error, or the process was killed.
    """
    context = multiprocessing.get_context("spawn")  # a forked process cannot use a GPU that its parent has seen
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, function, arguments))
    process.start()
    sender.close()  # this side's, or the end of the process would not be seen
    try:
        result, reason = receiver.recv()
        process.join(_LEAVING)
    except EOFError:
        process.join()
        raise PartError(
            f"its process ended with status {process.exitcode}; where that is -9, the memory may be too small"
        ) from None
    finally:
        process.terminate()
        process.join()
    if reason is not None:
        raise PartError(reason)
    return result


def _report(sender: Connection, function: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sender.send(_caught(function, arguments))


def _caught(function: Callable[..., Any], arguments: tuple[object, ...]) -> tuple[Any, str | None]:
    """The result, or the first line of an error: errors of other libraries do not all survive a pipe."""
    try:
        return function(*arguments), None
    except Exception as error:
        if not isinstance(error, ValueError | RuntimeError | OSError) or os.environ.get("WNE_TRACEBACK"):
            traceback.print_exc()
        return None, (str(error).strip() or type(error).__name__).splitlines()[0]


def _end_with_parent() -> None:
    """A process that outlives a killed parent would write beside the next call."""
    multiprocessing.parent_process().join()
    os._exit(1)
