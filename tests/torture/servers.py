"""Downloads from servers that stall, drip, lie about lengths, never end or ask to wait, in a random order of answers.

What must hold: the file comes whole or a `SourceError` says why, in bounded time, with no more bytes than registered.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import hostile
from replication.data import web
from replication.data.web import Limits, SourceError, Web, length
from torture.mutations import Outcome

_LIMITS = Limits(connect=1, silence=0.2, wait=0.3, attempts=2, slowest=1000)
_PATIENCE = 30  # seconds: far beyond what these limits add up to, and far below what the servers would take


def try_servers(root: Path, downloads: int, seed: int) -> Outcome:
    """That many files, each from a server that answers every request in a way of its own."""
    chance, limits = random.Random(seed), web.LIMITS
    read, refused, wrong = 0, 0, []
    web.LIMITS = _LIMITS
    try:
        with hostile.hostile_server() as server:
            for number in range(downloads):
                body, part, path = chance.randbytes(chance.randint(1, 20_000)), root / f"{number}.part", f"file{number}"
                answers = [_answer(chance, body) for _ in range(4)]
                server.answers[path] = lambda handler, left=answers: (left.pop(0) if len(left) > 1 else left[0])(
                    handler
                )
                start = time.monotonic()
                try:
                    Web().download(f"{server.address}/{path}", part, len(body), lambda new: None)
                    read += 1
                    if length(part) != len(body):
                        wrong.append(f"{length(part)} bytes of {len(body)} are taken for the whole")
                except SourceError:
                    refused += 1
                except Exception as error:
                    wrong.append(f"{type(error).__name__}: {error}")
                if length(part) > len(body):
                    wrong.append(f"{length(part)} bytes are written, {len(body)} are registered")
                if time.monotonic() - start > _PATIENCE:
                    wrong.append(f"{time.monotonic() - start:.0f} s")
    finally:
        web.LIMITS = limits
    return Outcome(read, refused, wrong)


def _answer(chance: random.Random, body: bytes) -> hostile.Answer:
    return chance.choice(
        [
            hostile.whole(body),
            hostile.whole(body),
            hostile.whole(body[: chance.randint(0, len(body))]),
            hostile.whole(body + b"more"),
            hostile.silent,
            hostile.stalling(body, chance.randint(0, len(body) - 1)),
            hostile.dripping(body, 0.01),
            hostile.busy(body, 1, chance.choice([0, 100_000, "soon", "Wed, 21 Oct 2099 07:28:00 GMT"])),
            hostile.endless,
            hostile.announcing(10**8),
            hostile.compressed(10**6),
            lambda handler: handler.send_error(chance.choice([404, 416, 500])),
            lambda handler: handler.wfile.write(chance.randbytes(200)),
        ]
    )
