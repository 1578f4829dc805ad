"""Does a training set contain a test image? An exact search for shared pixels, at any offset.

Every 8 x 8 window of a training image is hashed to 64 bits, h = sum_ij a^(7-i) b^(7-j) x_ij mod 2^64, and
looked up among the windows on a stride-8 grid of the test images. A hit proposes an offset between the
two images; there the pixels themselves are compared, so that no verdict rests on a hash.

It finds what was cropped or pasted, whichever image is the larger. It does not find copies that were
rescaled, flipped, rotated, shifted in brightness or compressed again, nor another photograph of the same
scene. "Nothing found" means: no pixel-exact share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from tqdm import tqdm

from replication.data.images import grey

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 8  # pixels; a shared region must hold a window of the grid: 15 x 15 pixels always do
_DISTINCT = 12  # grey levels: a window with fewer (sky, borders, lettering) can be equal by chance
_ROW_FACTOR, _COLUMN_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_TABLE_BITS = 23
_REPEATS = 16  # a window that occurs more often is a pattern, and would propose every offset
_OFFSETS = 3  # the most frequent offsets of a pair that are compared pixel by pixel

Images = Mapping[str, Iterable[tuple[str, np.ndarray]]]


class _Share(NamedTuple):
    fraction: float = 0.0
    row: int | None = None
    column: int | None = None
    train_set: str = ""
    train_image: str = ""


class _Anchors(NamedTuple):
    """The grid windows of all test images, sorted by hash."""

    hashes: np.ndarray
    image: np.ndarray
    row: np.ndarray
    column: np.ndarray
    table: np.ndarray  # of the upper bits of the hash: is there any? Rejects most windows in one look-up


def audit(train: Images, test: Images, minimum_fraction: float = 0.01, progress: bool = True) -> pd.DataFrame:
    """Look for every test image in every training image.

    Args:
        train, test: set name -> (image name, pixels); pixels (H, W), (H, W, 1) or (H, W, 3) uint8.
            Colour is compared as grey, which finds all that is shared in colour. The training images may
            come from a generator: one is held at a time.
        minimum_fraction: from which share of a test image on it counts as leaked.

    Returns:
        One row per test image: test_set, image, train_set, train_image, matched_fraction, row, column, leaked.
        The training image is the one that shares most (empty: none shares anything); `matched_fraction` is
        the share of the test image covered by equal 8 x 8 windows; its first pixel lies at (row, column) of
        the training image, negative when it begins above or to the left of it. `matched_fraction` is NaN
        for a test image without one window of 12 grey levels (blank, say): nothing can be said about it.
    """
    import pandas as pd

    tests = [(name, image, _plane(pixels, image)) for name, images in test.items() for image, pixels in images]
    anchors = _anchors([pixels for _, _, pixels in tests])
    searchable = set(anchors.image.tolist())
    best = [_Share() if index in searchable else _Share(float("nan")) for index in range(len(tests))]
    with tqdm(desc="audit", unit="image", disable=None if progress else True) as bar:
        for train_set, images in train.items():
            for train_image, pixels in images:
                plane = _plane(pixels, train_image)
                for index, offsets in _candidates(plane, anchors).items():
                    for row, column in offsets:
                        fraction = _shared_fraction(tests[index][2], plane, row, column)
                        if fraction > best[index].fraction:
                            best[index] = _Share(fraction, row, column, train_set, train_image)
                bar.update()
    frame = pd.DataFrame(
        [
            (test_set, image, s.train_set, s.train_image, s.fraction, s.row, s.column, s.fraction >= minimum_fraction)
            for (test_set, image, _), s in zip(tests, best)
        ],
        columns=["test_set", "image", "train_set", "train_image", "matched_fraction", "row", "column", "leaked"],
    )
    return frame.astype({"row": "Int64", "column": "Int64"})


def _plane(pixels: np.ndarray, name: str) -> np.ndarray:
    if pixels.dtype == np.uint8 and pixels.ndim == 2:
        return pixels
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] in (1, 3):
        return pixels[:, :, 0] if pixels.shape[2] == 1 else grey(pixels)
    raise ValueError(f"{name}: expected uint8 (H, W), (H, W, 1) or (H, W, 3), got {pixels.dtype} {pixels.shape}")


def _window_hashes(plane: np.ndarray) -> np.ndarray:
    """(H - 7, W - 7) uint64: the hash of the window that begins at each pixel. Empty for a smaller image."""
    if min(plane.shape) < WINDOW:
        return np.zeros((0, 0), np.uint64)
    hashes = plane.astype(np.uint64)
    for axis, factor in ((1, _COLUMN_FACTOR), (0, _ROW_FACTOR)):
        count = hashes.shape[axis] - WINDOW + 1
        sums = np.take(hashes, range(count), axis)
        for i in range(1, WINDOW):  # Horner's rule; unsigned products wrap, which is the mod 2^64
            sums *= factor
            sums += hashes[i : i + count] if axis == 0 else hashes[:, i : i + count]
        hashes = sums
    return hashes


def _anchors(planes: list[np.ndarray]) -> _Anchors:
    columns = [[], [], [], []]
    for index, plane in enumerate(planes):
        if min(plane.shape) < WINDOW:
            continue
        hashes = _window_hashes(plane)[::WINDOW, ::WINDOW]
        row, column = np.indices(hashes.shape).reshape(2, -1) * WINDOW
        windows = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))[::WINDOW, ::WINDOW]
        ordered = np.sort(windows.reshape(-1, WINDOW * WINDOW), axis=1)
        is_varied = (np.diff(ordered, axis=1) > 0).sum(1) + 1 >= _DISTINCT
        for values, new in zip(columns, (hashes.ravel(), np.full(row.shape, index), row, column)):
            values.append(new[is_varied])
    hashes, image, row, column = (np.concatenate(values) if values else np.zeros(0, np.int64) for values in columns)
    hashes = hashes.astype(np.uint64)
    _, which, repeats = np.unique(hashes, return_inverse=True, return_counts=True)
    order = np.argsort(hashes, kind="stable")
    order = order[repeats[which[order]] <= _REPEATS]
    hashes = hashes[order]
    table = np.zeros(1 << _TABLE_BITS, bool)
    table[hashes >> np.uint64(64 - _TABLE_BITS)] = True  # the upper bits: the lower ones mix few pixels' bits
    return _Anchors(hashes, image[order], row[order], column[order], table)


def _candidates(plane: np.ndarray, anchors: _Anchors) -> dict[int, list[tuple[int, int]]]:
    """Test images that share a window hash with `plane`, each with its most frequent offsets."""
    hashes = _window_hashes(plane)
    flat = hashes.ravel()
    at = np.flatnonzero(anchors.table[flat >> np.uint64(64 - _TABLE_BITS)])
    first = np.searchsorted(anchors.hashes, flat[at], "left")
    count = np.searchsorted(anchors.hashes, flat[at], "right") - first
    at, first, count = at[count > 0], first[count > 0], count[count > 0]
    # A window may equal several anchors: one entry for each of them.
    anchor = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(at, count)
    row = at // max(1, hashes.shape[1]) - anchors.row[anchor]
    column = at % max(1, hashes.shape[1]) - anchors.column[anchor]
    votes, counts = np.unique(np.stack([anchors.image[anchor], row, column]), axis=1, return_counts=True)
    found: dict[int, list[tuple[int, int]]] = {}
    for i in np.argsort(-counts, kind="stable"):
        index, *offset = votes[:, i].tolist()
        if len(found.setdefault(index, [])) < _OFFSETS:
            found[index].append(tuple(offset))
    return found


def _shared_fraction(test: np.ndarray, train: np.ndarray, row: int, column: int) -> float:
    """Share of `test` covered by 8 x 8 windows equal to those of `train`, with its origin at (row, column)."""
    from scipy.ndimage import binary_opening

    top, left = max(0, -row), max(0, -column)
    here = test[top : train.shape[0] - row, left : train.shape[1] - column]
    there = train[row + top :, column + left :][: here.shape[0], : here.shape[1]]
    covered = binary_opening(here == there, np.ones((WINDOW, WINDOW), bool))
    return float(covered.sum() / test.size)
