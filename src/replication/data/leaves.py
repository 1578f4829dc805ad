"""Dead-leaves images: opaque disks of random size that hide each other, the simplest model of natural images.

Disks have a radius density proportional to r^-3 between R_MIN and R_MAX, which makes the statistics nearly
scale invariant, as those of photographs are. Each disk is flat, shaded by a gradient, or textured.

Only operations that IEEE 754 rounds exactly (+ - * / sqrt floor) on raw PCG64 words, and integer sums:
every machine computes the same pixels, and data/registry.csv holds the checksums of the files.
"""

from __future__ import annotations

import numpy as np

from replication.study.rng import uniform_field

SIZES = {"leaves-train": 256, "leaves-test": 192}  # pixels, square
R_MIN, R_MAX = 3.0, 96.0  # pixels
DISKS = 6000  # these leave a few pixels in a thousand uncovered, which stay mid-grey
_OVERSAMPLING = 2  # anti-aliased edges


def dead_leaves(set_name: str, index: int, size: int | None = None) -> np.ndarray:
    """Image `index` of a set: (size, size) uint8; the size of the set when none is given.

    Front to back: a disk paints only what no earlier disk has painted.
    """
    size = size or SIZES[set_name]
    fine = size * _OVERSAMPLING
    key = ("dead-leaves", set_name, index)
    u = uniform_field((DISKS, 10), *key, "disks")
    radius = R_MIN / np.sqrt(1.0 - u[:, 0] * (1.0 - (R_MIN / R_MAX) ** 2))
    # Centres up to R_MAX outside, so that the density of leaves does not fall towards the border.
    row, column = (((size + 2 * R_MAX) * u[:, i] - R_MAX) * _OVERSAMPLING for i in (1, 2))
    radius = radius * _OVERSAMPLING
    grey = 0.03 + 0.94 * u[:, 3]
    slope_row, slope_column = 2 * u[:, 4] - 1, 2 * u[:, 5] - 1
    textures = _textures(fine, *key)

    image = np.full((fine, fine), 0.5)
    is_free = np.ones((fine, fine), bool)
    for i in np.flatnonzero((abs(row - fine / 2) < fine / 2 + radius) & (abs(column - fine / 2) < fine / 2 + radius)):
        r, c, rad = row[i], column[i], radius[i]
        rows = slice(max(0, int(np.floor(r - rad))), min(fine, int(np.floor(r + rad)) + 2))
        columns = slice(max(0, int(np.floor(c - rad))), min(fine, int(np.floor(c + rad)) + 2))
        dy = np.arange(rows.start, rows.stop)[:, None] + 0.5 - r
        dx = np.arange(columns.start, columns.stop)[None, :] + 0.5 - c
        painted = is_free[rows, columns] & (dy * dy + dx * dx <= rad * rad)
        if not painted.any():
            continue
        value = np.full(painted.shape, grey[i])
        if u[i, 6] > 0.4:  # three in five are shaded
            value += 0.25 * (slope_row[i] * dy + slope_column[i] * dx) / rad
        if u[i, 7] > 0.5:  # half are textured
            value += 0.3 * u[i, 8] * textures[int(u[i, 9] * len(textures)), rows, columns]
        image[rows, columns][painted] = value[painted]
        is_free[rows, columns] &= ~painted

    contrast, place = uniform_field((2,), *key, "contrast")  # photographs differ in both
    contrast = 0.45 + 0.55 * contrast
    image = (1.0 - contrast) * place + contrast * np.clip(image, 0.0, 1.0)
    levels = np.floor(255.0 * image + 0.5).astype(np.int64)
    k = _OVERSAMPLING
    sums = levels.reshape(size, k, size, k).sum((1, 3))
    return ((sums + k * k // 2) // (k * k)).astype(np.uint8)


def _textures(fine: int, *key: str | int) -> np.ndarray:
    """(6, fine, fine) in [-1, 1]: three smooth random fields (coarse to fine grain), three stripe patterns."""
    fields = [_value_noise(fine, cell * _OVERSAMPLING, *key, "texture", cell) for cell in (2, 4, 8)]
    y, x = np.arange(fine)[:, None] / _OVERSAMPLING, np.arange(fine)[None, :] / _OVERSAMPLING
    for stripe in range(3):
        a, b, period, phase = uniform_field((4,), *key, "stripes", stripe)
        a, b = 2 * a - 1, 2 * b - 1
        t = (a * y + b * x) / np.sqrt(a * a + b * b) / (3 + 9 * period) + phase
        fields.append(4 * np.abs(t - np.floor(t) - 0.5) - 1)  # a triangle wave: sin is not rounded exactly
    return np.stack(fields)


def _value_noise(fine: int, cell: int, *key: str | int) -> np.ndarray:
    """Random values of (-1, 1) on a lattice of `cell` fine pixels, interpolated linearly."""
    count = fine // cell + 2
    lattice = 2 * uniform_field((count, count), *key) - 1
    position = np.arange(fine)
    low, t = position // cell, (position % cell) / cell
    tall = lattice[low] * (1 - t)[:, None] + lattice[low + 1] * t[:, None]
    return tall[:, low] * (1 - t) + tall[:, low + 1] * t
