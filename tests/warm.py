"""`replicate` in a process that has imported the packages already and forks for each command: the import of torch takes
longer than a stage of the smoke profile. Modules of the repository are imported by each command, from src/ where it runs.

    python warm.py SOCKET                   serves, until its standard input ends
    python warm.py SOCKET ARGUMENTS ...     hands over `replicate ARGUMENTS ...` and ends with its exit status
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import NoReturn

PACKAGES = (
    "matplotlib.figure", "pandas", "PIL.Image", "pydantic", "pywt", "safetensors.torch", "scipy.ndimage",
    "scipy.stats", "skimage.metrics", "skimage.restoration", "timm.models.swin_transformer", "torch",
    "torch._subclasses.fake_tensor", "torch.utils.flop_counter", "typer", "yaml",
)  # fmt: skip


@contextmanager
def warm_replicate() -> Iterator[Path]:
    """A folder for the head of PATH, in which `replicate` is such a command until the context ends."""
    with TemporaryDirectory() as folder:
        address, program = f"{folder}/socket", Path(folder) / "replicate"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" "{address}" "$@"\n')
        program.chmod(0o755)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with Popen([sys.executable, __file__, address], stdin=PIPE, stdout=PIPE, env=environment) as server:
            assert server.stdout.readline() == b"ready\n"
            yield Path(folder)


def serve(address: str) -> None:
    from importlib import import_module
    from select import select

    for package in PACKAGES:
        import_module(package)
    assert not {"wne", "replication"} & set(sys.modules)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while listener in select([listener, sys.stdin], [], [])[0]:
            with listener.accept()[0] as connection:
                connection.send(bytes([answer(connection)]))


def answer(connection: socket.socket) -> int:
    """Runs what is handed over in a child, with the files and the folder of the one who asks; its exit status."""
    message, files, *_ = socket.recv_fds(connection, 1 << 16, 3)
    child = os.fork()
    if not child:
        for number, file in enumerate(files):
            os.dup2(file, number)
        run(*json.loads(message))
    for file in files:
        os.close(file)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if status >= 0 else 128 - status  # as a shell says which signal ended it


def run(folder: str, arguments: list[str]) -> NoReturn:
    os.chdir(folder)
    sys.path.insert(0, f"{folder}/src")
    sys.argv = ["replicate", *arguments]
    from replication.cli import main

    sys.exit(main())


def hand_over(address: str, arguments: list[str]) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [json.dumps([os.getcwd(), arguments]).encode()], [0, 1, 2])
        return connection.recv(1)[0]


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(hand_over(sys.argv[1], sys.argv[2:]))
