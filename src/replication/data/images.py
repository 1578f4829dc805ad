"""Images as arrays: (H, W, C) uint8, never rescaled. The one place where colour becomes grey."""

from __future__ import annotations

import csv
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from replication.data.registry import COMPOSITES, DataError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}

# MATLAB's rgb2gray: first row of the inverse of its NTSC matrix. Pillow's "L" has other weights and rounds down.
_GREY_WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255103)

# How a pair is named: the word in the noisy file's name and the one that replaces it in the clean one's.
_PAIR_ENDINGS = (("_real", "_mean"), ("_noisy", "_clean"), ("_NOISY_SRGB", "_GT_SRGB"))

_UNREADABLE = (
    UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip


def grey(colour: np.ndarray) -> np.ndarray:
    """rgb2gray with rounding to uint8: (H, W, 3) uint8 to (H, W) uint8. Makes BSD68 from CBSD68 exactly."""
    red, green, blue = (weight * colour[..., i] for i, weight in enumerate(_GREY_WEIGHTS))
    return np.floor(red + green + blue + 0.5).astype(np.uint8)


def read_image(path: Path, channels: int) -> np.ndarray:
    """The pixels of one 8-bit image file, as stored (an orientation tag is not obeyed).

    Args:
        channels: 1 (a colour image becomes grey by `grey`) or 3 (a grey image is refused).

    Returns:
        (H, W, channels) uint8, range [0, 255].

    Raises:
        DataError: the file is missing, truncated or corrupt, not 8-bit, has pixels that are not opaque,
            or is grey where colour is asked for.
    """
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, not {channels}")
    if not Path(path).is_file():
        raise DataError(f"no such image: {path}")
    try:
        with Image.open(path) as image:
            pixels = _pixels(image, path)
    except _UNREADABLE as error:
        raise DataError(f"{path} is truncated or no image ({error}): remove it and fetch its set again") from error
    if pixels.ndim == 2 and channels == 3:
        raise DataError(f"{path} is a grey image, but colour was asked for: use channels=1 or a colour set")
    if pixels.ndim == 3 and channels == 1:
        pixels = grey(pixels)
    return pixels if pixels.ndim == 3 else pixels[:, :, None]


def _pixels(image: Image.Image, path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8."""
    # Pillow reduces 16-bit colour to 8 bits without a word: the raw mode of the file tells.
    layout = image.tile[0][3] if image.tile else ""
    raw_mode = str(layout[0] if isinstance(layout, tuple) else layout)
    if ";16" in raw_mode or ";12" in raw_mode or image.mode.startswith(("I", "F")):
        raise DataError(f"{path} has more than 8 bits a channel ({raw_mode}): convert it to 8 bits")
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise DataError(f"{path} has the colour mode {image.mode}: convert it to grey or RGB")
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        is_grey = image.mode in ("1", "L", "LA")
        pixels = np.asarray(image.convert("LA" if is_grey else "RGBA"))
        if pixels[..., -1].min() < 255:
            raise DataError(f"{path} has transparent pixels, whose colour is undefined: flatten it first")
        return pixels[..., 0] if is_grey else pixels[..., :3]
    return np.asarray(image.convert({"1": "L", "P": "RGB"}.get(image.mode, image.mode)))


def image_size(path: Path) -> tuple[int, int]:
    """Height and width, from the header alone."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except _UNREADABLE as error:
        raise DataError(f"{path} is no image ({error}): remove it and fetch its set again") from error


def image_paths(root: Path, set_name: str) -> list[Path]:
    """The images of a set, sorted by name; of a composite set, in the order of its index.csv."""
    folder = Path(root) / set_name
    if set_name in COMPOSITES:
        index = folder / "index.csv"
        if index.is_file():
            with index.open(newline="") as file:
                return [Path(root) / row["set"] / row["file"] for row in csv.DictReader(file)]
    elif folder.is_dir():
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
        if found:
            return found
    raise DataError(f"the image set {set_name} is not in {root}: run `replicate download {set_name}`")


def load_set(root: Path, name: str, channels: int) -> list[tuple[str, np.ndarray]]:
    """Name and pixels, (H, W, channels) uint8, of every image of a set.

    The name is that of the file without its ending; in a composite set "<set>/<name>".
    """
    prefix = name in COMPOSITES
    return [
        (f"{path.parent.name}/{path.stem}" if prefix else path.stem, read_image(path, channels))
        for path in image_paths(root, name)
    ]


def image_pairs(root: Path, name: str) -> list[tuple[Path, Path]]:
    """Noisy and clean file of every scene of a set of pairs, in the order of the set."""
    return [(noisy, clean) for _, noisy, clean in _named_pairs(root, name)]


def load_pairs(root: Path, name: str) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, noisy and clean pixels, both (H, W, 3) uint8, of every scene of a set of pairs.

    The sets are polyu, polyu-train, polyu-test, sensor-train, sensor-test, sidd-medium and sidd-validation. The
    name is that of the noisy file without its ending and without the word that says that it is noisy.

    Raises:
        DataError: the set is not there, has no pairs, or two images of a pair differ in size.
    """
    pairs = []
    for scene, noisy_path, clean_path in _named_pairs(root, name):
        noisy, clean = read_image(noisy_path, 3), read_image(clean_path, 3)
        if noisy.shape != clean.shape:
            raise DataError(f"{noisy_path} and {clean_path.name} differ in size: remove both and fetch the set again")
        pairs.append((scene, noisy, clean))
    return pairs


def _named_pairs(root: Path, name: str) -> list[tuple[str, Path, Path]]:
    paths = {path.name: path for path in image_paths(root, name)}
    pairs = []
    for path in paths.values():
        for noisy, clean in _PAIR_ENDINGS:
            if noisy in path.stem:
                partner = paths.get(path.name.replace(noisy, clean))
                if partner is None:
                    raise DataError(f"{path} has no clean image beside it: run `replicate download {name}`")
                pairs.append((path.stem.replace(noisy, ""), path, partner))
    if not pairs:
        raise DataError(f"{name} is not a set of noisy and clean pairs")
    return pairs
