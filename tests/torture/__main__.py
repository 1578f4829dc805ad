"""`make torture`: every kind of kill and damage many times; docs/robustness.md says what was tried and what held."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from torture.kills import stages, try_stage
from torture.mutations import inputs, try_input
from torture.servers import try_servers
from wne.console import say
from wne.files import write_text

PAGE = Path(__file__).parents[2] / "docs/robustness.md"
_TEXT = """# Kills, damaged input and bad servers

`make torture` made this page; seed {seed}. `tests/replication/test_torture.py` repeats a few tries of three stages, of
each kind of input, and of the servers.

## Stages that are killed

SIGKILL at a random moment, every other time without outputs to begin with. Afterwards every output is whole or, if it was absent
before, absent; the next run gives the bytes of an undisturbed run and leaves nothing beside them.

{kills}

Writers work in `.unfinished-*` folders beside their target, which DVC leaves out of its hashes and the next writer sweeps. A
finished folder is exchanged with the old one in a single step on Linux. A stage holds a lock on each of its outputs, in
`.locks/`, so that a stage that outlived its `dvc` and the one that takes its place do not both write: the second one names the
process of the first and stops. The kernel releases the locks of a process that ends, however it ends.

## Damaged input

Bytes changed, cut out, repeated or zeroed, files cut off; in parameter files also values replaced, and lines lost, repeated or
indented. Each is read, or refused with one line for each mistake.

{damage}

What a parameter file may say is checked where it is read: every name, range and type, keys that stand twice, and
whether runs, test sets and sizes of networks fit one another. We check image names and counts against the registry and the
disk, and patch, crop and window sizes against the images. torch does not compare the checksums inside a training state, so a
training may resume from one whose numbers have changed.

## Bad servers

The test server answers each request in a different way: whole, cut off, too long, silent, stalling, a byte at a time, busy with
a Retry-After, without an end, with the wrong length, compressed, or not in HTTP. The file comes whole, or one line says why not;
no file grows beyond its registered size.

{servers}

A download waits {silence:g} s for a byte and at most {wait:g} s for a server that asks to by Retry-After, tries {attempts} times
in a row without a new byte, and says so each time. Ctrl-C ends it at once, and the next one goes on.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="of each stage")
    parser.add_argument("--mutations", type=int, default=500, help="of each kind of input, and downloads")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, wrong = Path(folder), []
        killed, damaged = [], []
        for name, stage in stages(root / "kills"):
            say(f"{name}: {options.kills} kills")
            found = try_stage(stage, options.kills, options.seed)
            killed.append((f"`{name}`", options.kills, len(found)))
            wrong += [f"{name}: {what}" for what in found]
        for name, kind in inputs(root / "inputs"):
            say(f"{name}: {options.mutations} damaged")
            outcome = try_input(kind, options.mutations, options.seed)
            damaged.append((name, options.mutations, outcome.read, outcome.refused, len(outcome.wrong)))
            wrong += [f"{name}: {what}" for what in outcome.wrong]
        say(f"bad servers: {options.mutations} downloads")
        outcome = try_servers(root, options.mutations, options.seed)
        served = [(options.mutations, outcome.read, outcome.refused, len(outcome.wrong))]
        wrong += [f"bad server: {what}" for what in outcome.wrong]
    write_text(PAGE, page(options.seed, killed, damaged, served))
    for what in wrong:
        say(what)
    sys.exit(f"error: {len(wrong)} times something else happened than should have") if wrong else print(PAGE)


def page(seed: int, killed: list[tuple], damaged: list[tuple], served: list[tuple]) -> str:
    from replication.data.web import LIMITS

    return _TEXT.format(
        seed=seed,
        kills=_table(("stage", "kills", "violations"), killed),
        damage=_table(("input", "tried", "read", "refused", "other"), damaged),
        servers=_table(("downloads", "whole", "refused", "other"), served),
        silence=LIMITS.silence,
        wait=LIMITS.wait,
        attempts=LIMITS.attempts,
    )


def _table(head: tuple[str, ...], rows: list[tuple]) -> str:
    ruler = ["---" if isinstance(cell, str) else "---:" for cell in rows[0]]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, ruler, *rows))


if __name__ == "__main__":
    main()
