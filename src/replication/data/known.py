"""The image sets and images that params.yaml names, against those that are registered or lie in data/images."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from replication.data import registry
from replication.study.params import Params, TestSet
from replication.study.params.names import check_known
from replication.study.paths import IMAGES


def check_images(params: Params, root: Path = IMAGES) -> None:
    """Raises ValueError for a set or an image that does not exist, for more images than a set has, or for a side in pixels
    beyond that of the smallest image of its set, or of the image that is named.

    A set is a name of data/registry.csv, data/archives.csv or `registry.COMPOSITES`, or a folder of your own in `root`.
    Names and numbers of images are known of registered sets and of folders that are there, sizes of the latter alone.

    Raises:
        DataError: a file is no image, or has more pixels than are read.
    """
    known = registry.set_names() + sorted(path.name for path in root.glob("*/"))
    sizes_of = cache(lambda name: _sizes(root, name))
    for where, name in _sets(params):
        check_known(where, name, known)
        sizes_of(name)  # reads the headers of its images
    for where, test_set, image in _images(params):
        if names := _names_of(params.test_sets[test_set], root):
            check_known(where, image, names)
    for where, test_set, count in _counts(params):
        there = _number_of(params.test_sets[test_set], root)
        if there is not None and count > there:
            raise ValueError(f"{where}: {count} images, but {params.test_sets[test_set].images} has {there}")
    for where, name, side, image in _sides(params):
        sizes = {key: min(size) for key, size in sizes_of(name).items() if image in (None, key)}
        if sizes and side > min(sizes.values()):
            smallest = "its image" if image else f"the smallest image of {name}"
            raise ValueError(f"{where}: {side} pixels, but {smallest} has a side of {min(sizes.values())}")


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


def _counts(params: Params) -> Iterator[tuple[str, str, int]]:
    """(place, test set, number) of each number of images."""
    for key, item in params.test_sets.items():
        yield f"test_sets.{key}.defects", key, item.defects
    for section in ("exposure", "windows"):
        for key, item in getattr(params, section).items():
            yield f"{section}.{key}.images", item.test_set, item.images


def _sides(params: Params) -> Iterator[tuple[str, str, int, str | None]]:
    """(place, set, side, image or None for all) of each patch, crop and window, in pixels."""
    for key, run in params.runs.items():
        yield f"recipes.{run.recipe}.patch for runs.{key}", run.train_set, params.recipes[run.recipe].patch, None
    for key, item in params.errors.items():
        yield f"errors.{key}.patch", item.train_set, item.patch, None
    for key, item in params.difficulty.items():
        yield f"difficulty.{key}.patch", key, item.patch, None
    for key, item in params.test_sets.items():
        if item.crop is not None:
            yield f"test_sets.{key}.crop", item.images, item.crop, None
    for section in ("examples", "filters"):
        for key, item in getattr(params, section).items():
            yield f"{section}.{key}.size", params.test_sets[item.test_set].images, item.size, item.image
    for key, item in params.samplers.items():
        if item.crop is not None:
            yield f"samplers.{key}.crop", params.test_sets[item.test_set].images, item.crop, None
    for key, item in params.windows.items():
        for name, side in (("scored", item.scored), ("windows", max(item.windows))):
            yield f"windows.{key}.{name}", params.test_sets[item.test_set].images, side, None


def _names_of(test_set: TestSet, root: Path) -> set[str]:
    """The images of a test set that are known; none for others, and for pairs of photographs."""
    return set() if "real" in test_set.noises else {Path(file).stem for file in _files(test_set.images, root)}


def _number_of(test_set: TestSet, root: Path) -> int | None:
    """How many images, or pairs, a test set has; None where that is not known."""
    members = registry.COMPOSITES.get(test_set.images, (test_set.images,))
    packed = sum(archive.images for name in members for archive in registry.archives().get(name, ()))
    count = packed or len(_files(test_set.images, root))
    return (count // 2 if "real" in test_set.noises else count) or None


def _files(name: str, root: Path) -> list[str]:
    """The image files of a set that is registered file by file, or of a folder of your own that is there."""
    if name not in registry.set_names():
        return [path.name for path in _own_images(root, name)]
    files = registry.registered_files()
    members = [file for member in registry.COMPOSITES.get(name, (name,)) for file in files.get(member, ())]
    return [file.file for file in members if registry.is_selected(name, file.file)]


def _own_images(root: Path, name: str) -> list[Path]:
    from replication.data.images import image_paths

    try:
        return image_paths(root, name)
    except registry.DataError:  # an empty folder, which the stage that reads it reports
        return []


def _sizes(root: Path, name: str) -> dict[str, tuple[int, int]]:
    """Height and width of each image: of a composite set from its index, else from the files that are there.

    None of large sets, which come in archives.
    """
    if name in registry.COMPOSITES:
        index = root / name / "index.csv"
        if not index.is_file():
            return {}
        with index.open(newline="") as file:
            return {Path(row["file"]).stem: (int(row["height"]), int(row["width"])) for row in csv.DictReader(file)}
    paths = [] if name in registry.archives() else [root / name / file for file in _files(name, root)]
    return {path.stem: _size(path) for path in paths if path.is_file()}


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    from replication.data.images import image_size

    try:
        return image_size(path)
    except registry.DataError as error:
        if not isinstance(error.__cause__, Image.DecompressionBombError):
            raise
        most = 2 * Image.MAX_IMAGE_PIXELS / 1e6
        raise registry.DataError(
            f"{path}: has more than {most:.0f} million pixels, which are not read; cut it into parts, or remove it"
        ) from None
