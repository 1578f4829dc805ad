"""The image sets and images that params.yaml names, against those that are registered or lie in data/images."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from replication.data import registry
from replication.study.params import Params, TestSet
from replication.study.params.names import check_known
from replication.study.paths import IMAGES


def check_images(params: Params, root: Path = IMAGES) -> None:
    """Raises ValueError for a set or an image that does not exist, or a patch larger than an image of its set.

    A set is a name of data/registry.csv, data/archives.csv or `registry.COMPOSITES`, or a folder of your own in `root`.
    The images of a set, and the sizes of a composite one, are compared where they are known without reading images.
    """
    known = registry.set_names() + sorted(path.name for path in root.glob("*/"))
    for where, name in _sets(params):
        check_known(where, name, known)
    for where, test_set, image in _images(params):
        if names := _names_of(params.test_sets[test_set]):
            check_known(where, image, names)
    for where, name, patch in _patches(params):
        smallest = _smallest_side(root / name)
        if smallest is not None and patch > smallest:
            raise ValueError(f"{where}: {patch} pixels, but the smallest image of {name} has a side of {smallest}")


def _sets(params: Params) -> Iterator[tuple[str, str]]:
    yield from ((f"test_sets.{key}.images", item.images) for key, item in params.test_sets.items())
    yield from ((f"runs.{key}.train_set", run.train_set) for key, run in params.runs.items())
    yield from ((f"errors.{key}.train_set", item.train_set) for key, item in params.errors.items())
    yield from (("leakage", key) for key in params.leakage)
    yield from (("difficulty", key) for key in params.difficulty)


def _images(params: Params) -> Iterator[tuple[str, str, str]]:
    """(place, test set, image) of each image that is named."""
    for section in ("examples", "filters"):
        for key, item in getattr(params, section).items():
            yield f"{section}.{key}.image", item.test_set, item.image
    for key, item in params.samplers.items():
        for image in item.pictures:
            yield f"samplers.{key}.pictures", item.test_set, image


def _patches(params: Params) -> Iterator[tuple[str, str, int]]:
    """(place, set, side) of each patch size."""
    for key, run in params.runs.items():
        yield f"recipes.{run.recipe}.patch for runs.{key}", run.train_set, params.recipes[run.recipe].patch
    for key, item in params.errors.items():
        yield f"errors.{key}.patch", item.train_set, item.patch
    for key, item in params.difficulty.items():
        yield f"difficulty.{key}.patch", key, item.patch


def _names_of(test_set: TestSet) -> set[str]:
    """The images of a test set that is registered file by file; empty for others, and for pairs of photographs."""
    if "real" in test_set.noises:
        return set()
    name, files = test_set.images, registry.registered_files()
    members = [file for member in registry.COMPOSITES.get(name, (name,)) for file in files.get(member, ())]
    return {Path(file.file).stem for file in members if registry.is_selected(name, file.file)}


def _smallest_side(folder: Path) -> int | None:
    """The smallest side of any image of a composite set, from its index; None where the set is not there."""
    index = folder / "index.csv"
    if not index.is_file():
        return None
    with index.open(newline="") as file:
        return min((min(int(row["height"]), int(row["width"])) for row in csv.DictReader(file)), default=None)
