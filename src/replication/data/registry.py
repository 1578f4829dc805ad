"""The image sets that this project knows, and the checksum of every file in them.

`data/registry.csv` has one row per file: set, file, sha256, bytes, url, mirror_path. The url is an
https address, "skimage:<file>" for a file inside the scikit-image package, or "leaves:<set>/<index>" and
"sensor:<set>/<photograph>/<noisy or clean>" for an image that `replication.data.leaves` or `replication.data.sensor` computes.
`data/archives.csv` has one row per large archive.
"""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REGISTRY = Path("data/registry.csv")
ARCHIVES = Path("data/archives.csv")

# Sets that are lists of other sets: their folder holds an index.csv and no image.
COMPOSITES = {
    "embedded-train": ("photos-train", "leaves-train"),
    "grey8694": ("bsd400", "waterloo", "div2k", "flickr2k"),
    "colour8294": ("waterloo", "div2k", "flickr2k"),
    "photos-colour-train": ("photos-train",),
    "photos-colour-test": ("photos-test",),
    "polyu-train": ("polyu",),
    "polyu-test": ("polyu",),
}

# Composites that take some images of their members only: those that match one of these patterns.
SELECTIONS = {
    "photos-colour-train": ("hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "motorcycle_right.png",
                            "retina.jpg"),
    "photos-colour-test": ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"),
    # Split by what is photographed: the toys that three cameras saw are all on one side.
    "polyu-train": ("*_ball_*", "*_chair_*", "*_circuit_*", "*_classroom_*", "*_comproom_*", "*_desk_*", "*_flower_*",
                    "*_GO_*", "*_photo_*", "*_plant_*", "*_plug_*", "*_reciever_*", "*_stair_*", "*_toy_*", "*_wall_*",
                    "*_waterhouse_*"),
    "polyu-test": ("*_bicycle_*", "*_book_*", "*_bulletin_*", "*_door_*", "*_fruit_*", "*_planandsofa_*",
                   "*_printer_*"),
}  # fmt: skip


class DataError(RuntimeError):
    """A set cannot be fetched or read; the message says what, where, and what to do."""


@dataclass(frozen=True)
class RegisteredFile:
    """One file of a set; `mirror_path` is where it lies below a mirror."""

    set: str
    file: str
    sha256: str
    bytes: int
    url: str
    mirror_path: str


@dataclass(frozen=True)
class Archive:
    """One large archive of a set.

    `checksum` is "sha256:..." or "md5:..." as published, or empty. `bytes` is None where no size is
    published. The images are the members whose base name matches `pattern`; there must be `images` of them.
    """

    set: str
    file: str
    url: str
    checksum: str
    bytes: int | None
    pattern: str
    images: int
    mirror_path: str


def _table(path: Path) -> Iterator[dict[str, str]]:
    # Stages run in the repository root; notebooks and tests may not: look beside the source as well.
    found = next((p for p in (path, Path(__file__).parents[3] / path) if p.is_file()), None)
    if found is None:
        raise DataError(f"{path} not found: run this in the root of the repository")
    with found.open(newline="") as file:
        yield from csv.DictReader(file)


@cache
def registered_files() -> dict[str, tuple[RegisteredFile, ...]]:
    """The files of each set that is fetched file by file."""
    sets: dict[str, list[RegisteredFile]] = {}
    for row in _table(REGISTRY):
        sets.setdefault(row["set"], []).append(RegisteredFile(**{**row, "bytes": int(row["bytes"])}))
    return {name: tuple(files) for name, files in sets.items()}


@cache
def archives() -> dict[str, tuple[Archive, ...]]:
    """The archives of each set that comes in large archives."""
    sets: dict[str, list[Archive]] = {}
    for row in _table(ARCHIVES):
        size = int(row["bytes"]) if row["bytes"] else None
        sets.setdefault(row["set"], []).append(Archive(**{**row, "bytes": size, "images": int(row["images"])}))
    return {name: tuple(members) for name, members in sets.items()}


def is_selected(composite: str, file: str) -> bool:
    """Whether a composite set takes this image of its members."""
    return any(fnmatch.fnmatchcase(file, pattern) for pattern in SELECTIONS.get(composite, ("*",)))


def set_names() -> list[str]:
    """Every name that `fetch_set` takes."""
    return [*registered_files(), *archives(), *COMPOSITES]
