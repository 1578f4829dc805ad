"""Where the command `wne` starts: it listens for Ctrl-C before it imports anything else."""

from __future__ import annotations

from wne.interrupts import listen


def main() -> None:
    listen()
    from wne.cli import main

    main()
