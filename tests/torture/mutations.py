"""Damaged input: each kind must be read, or refused with the one exception that its reader documents."""

from __future__ import annotations

import io
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from replication.data.archives import extract_images
from replication.data.images import read_image
from replication.data.known import check_images
from replication.data.registry import Archive, DataError
from replication.experiments.train import TrainingError, train
from replication.study.params import load_params
from tiny_profile import RUN, tiny_profile

ROOT = Path(__file__).parents[2]
_VALUES = [
    "-1",
    "0",
    "1",
    "-3",
    "5000",
    "99999999999999999999",
    "0.5",
    "-0.0",
    "1.0e+400",
    ".inf",
    "-.inf",
    ".nan",
    "true",
    "false",
    "null",
    "~",
    "''",
    "x",
    "[]",
    "{}",
    "[1]",
    "2026-02-31",
    "!!set",
]


class Input(NamedTuple):
    """Good files, how one is damaged, how it is read, and the exceptions by which it may be refused."""

    good: list[bytes]
    damage: Callable[[bytes, random.Random], bytes]
    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]


class Outcome(NamedTuple):
    read: int
    refused: int
    wrong: list[str]


def inputs(root: Path) -> Iterator[tuple[str, Input]]:
    root.mkdir(parents=True, exist_ok=True)

    def file(name: str, content: bytes) -> Path:
        (root / name).write_bytes(content)
        return root / name

    texts = [(ROOT / f"profiles/{name}/params.yaml").read_bytes() for name in ("smoke", "paper")]
    yield "parameter file", Input(texts, _damage_text, lambda c: _parameters(file("params.yaml", c)), (ValueError,))
    images = [_encoded(kind, channels) for kind in ("PNG", "JPEG", "BMP", "TIFF") for channels in (1, 3)]
    yield "training image", Input(images, _damage_bytes, lambda c: _image(file("image", c)), (DataError,))
    archives = [_zipped(), _tarred("w"), _tarred("w:gz")]
    yield "archive", Input(archives, _damage_bytes, lambda c: _unpack(file("archive", c), root / "out"), (DataError,))
    params, paths = tiny_profile(root / "tiny", recipe={"steps": 3})
    train(params, RUN, paths, torch.device("cpu"), max_seconds=0)
    state = paths.states / f"{RUN}.pt"

    def resume(content: bytes) -> None:
        state.write_bytes(content)
        train(params, RUN, paths, torch.device("cpu"))

    yield "training state", Input([state.read_bytes()], _damage_bytes, resume, (TrainingError,))


def try_input(kind: Input, mutations: int, seed: int) -> Outcome:
    """Damages and reads that many files."""
    chance = random.Random(seed)
    read, refused, wrong = 0, 0, []
    for _ in range(mutations):
        content = kind.damage(chance.choice(kind.good), chance)
        try:
            kind.read(content)
            read += 1
        except kind.refusals as error:
            refused += 1
            if not str(error).strip():
                wrong.append(f"{type(error).__name__} says nothing")
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
    return Outcome(read, refused, wrong)


def _damage_bytes(content: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, a piece cut out, repeated or moved, or the end missing."""
    data = bytearray(content)
    place, length = chance.randrange(len(data)), chance.randint(1, 200)
    match chance.randrange(5):
        case 0:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        case 1:
            del data[place : place + length]
        case 2:
            data[place:place] = data[place : place + length]
        case 3:
            data[place : place + length] = bytes(length)
        case 4:
            del data[place:]
    return bytes(data)


def _damage_text(content: bytes, chance: random.Random) -> bytes:
    """A value replaced, a line lost, repeated or indented, two lines swapped; or damaged as bytes are."""
    lines = content.decode().splitlines()
    first, second = (chance.randrange(len(lines)) for _ in range(2))
    match chance.randrange(6):
        case 0 | 1:
            head, colon, value = lines[first].partition(": ")
            words = value.split(" ") if colon else [""]
            words[chance.randrange(len(words))] = chance.choice(_VALUES)
            lines[first] = f"{head}{colon}{' '.join(words)}"
        case 2:
            del lines[first]
        case 3:
            lines.insert(second, lines[first])
        case 4:
            lines[first] = " " * chance.randint(1, 4) + lines[first]
        case 5:
            return _damage_bytes(content, chance)
    return "\n".join(lines).encode()


def _parameters(path: Path) -> None:
    check_images(load_params(path), path.parent / "images")


def _image(path: Path) -> None:
    for channels in (1, 3):
        pixels = read_image(path, channels)
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == channels


def _encoded(kind: str, channels: int) -> bytes:
    pixels = np.random.default_rng(channels).integers(0, 256, (24, 20, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(file, kind)
    return file.getvalue()


_MEMBERS = {"set/0001.png": bytes(range(200)) * 3, "set/0002.png": bytes(400), "readme.txt": b"about"}


def _zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _MEMBERS.items():
            archive.writestr(name, content)
    return file.getvalue()


def _tarred(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in _MEMBERS.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def _unpack(path: Path, folder: Path) -> None:
    before = set(path.parent.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        extract_images(path, Archive("set", path.name, "", "", None, "*.png", 2, ""), folder)
    finally:
        assert set(path.parent.iterdir()) <= before | {folder}, "a file outside the folder"
