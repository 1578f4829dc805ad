"""Where the command `wne` starts: it listens for Ctrl-C before it imports anything else."""

from __future__ import annotations

import os
import sys

from wne.interrupts import listen


def main() -> None:
    listen()
    if sys.stderr is None:  # closed (2>&-): what is said there goes nowhere, and no image file gets its descriptor
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    from wne.cli import main

    main()
