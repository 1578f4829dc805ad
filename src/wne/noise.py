"""The test benches: clean images and fixed unit-variance noise fields, shared by every model.

    noisy = clean + sigma * field,   sigma = sigma_8bit / 255,   intensities in [0, 1], not clipped

A field belongs to (test set, image, draw, distribution) and to nothing else. It is made from raw PCG64
words through the inverse distribution function and stored in steps of 1/2048, so that it is the same to
the last bit on every machine: platforms differ in the last place of `log`, far below such a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from wne.data.images import load_set
from wne.files import replacing_folder
from wne.params import Distribution, Params, TestSet
from wne.paths import ProfilePaths
from wne.rng import uniform_field

STEP = 1.0 / 2048  # int16 in such steps reaches 16 standard deviations


def unit_noise(distribution: Distribution, uniform: np.ndarray) -> np.ndarray:
    """Noise of unit standard deviation from uniform numbers in (0, 1), by the inverse CDF. Same shape.

    Gaussian, uniform and Laplace have mean 0. Rayleigh keeps its positive mean sqrt(pi / (4 - pi)) = 1.913,
    as in App. P of the paper.
    """
    if distribution == "gaussian":
        return ndtri(uniform)
    if distribution == "uniform":
        return np.sqrt(12.0) * (uniform - 0.5)
    if distribution == "laplace":
        centred = uniform - 0.5
        return -np.sign(centred) * np.log1p(-2.0 * np.abs(centred)) / np.sqrt(2.0)
    if distribution == "rayleigh":
        return np.sqrt(-2.0 * np.log(uniform)) / np.sqrt(2.0 - np.pi / 2.0)
    raise ValueError(f"no noise distribution is called {distribution!r}: gaussian, uniform, laplace or rayleigh")


def noise_field(distribution: Distribution, shape: tuple[int, ...], *what: str | int) -> np.ndarray:
    """The stored form of a field, int16 in units of STEP, from the random stream named by `what`."""
    field = unit_noise(distribution, uniform_field(shape, "noise", distribution, *what))
    return np.clip(np.rint(field / STEP), -32767, 32767).astype(np.int16)


class BenchImage(NamedTuple):
    """One test image with its noise. `clean` (H, W, C) uint8; `fields` distribution -> (draws, H, W, C) int16."""

    name: str
    clean: np.ndarray
    fields: dict[str, np.ndarray]

    def clean_unit(self) -> np.ndarray:
        """(C, H, W) float32 in [0, 1]."""
        return np.moveaxis(self.clean, -1, 0).astype(np.float32) / np.float32(255)

    def field_unit(self, distribution: Distribution, draw: int) -> np.ndarray:
        """(C, H, W) float32, unit standard deviation."""
        return np.moveaxis(self.fields[distribution][draw], -1, 0).astype(np.float32) * np.float32(STEP)


def central_crop(image: np.ndarray, side: int | None) -> np.ndarray:
    """The middle of (H, W, C), at most `side` pixels each way; the whole image for None."""
    if side is None:
        return image
    height, width = min(side, image.shape[0]), min(side, image.shape[1])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def make_bench(params: Params, name: str, paths: ProfilePaths) -> None:
    """Writes one file for each image of the test set: its clean pixels and all its noise fields."""
    spec: TestSet = params.test_sets[name]
    images = load_set(paths.root / "data/images", spec.images, spec.channels)
    with replacing_folder(paths.bench / name) as folder:
        for image_name, pixels in images:
            clean = central_crop(pixels, spec.crop)
            fields = {
                noise: np.stack(
                    [
                        noise_field(noise, clean.shape, params.seed, spec.images, image_name, draw)
                        for draw in range(spec.draws)
                    ]
                )
                for noise in spec.noises
            }
            np.savez(folder / f"{Path(image_name).stem}.npz", clean=clean, **fields)


def load_bench(paths: ProfilePaths, name: str) -> Iterator[BenchImage]:
    """The images of a test bench in the order of their names, one at a time."""
    folder = paths.bench / name
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise FileNotFoundError(f"{folder}: no test bench here; make it with: wne noise {name}")
    for file in files:
        with np.load(file) as arrays:
            fields = {key: arrays[key] for key in arrays.files if key != "clean"}
            yield BenchImage(file.stem, arrays["clean"], fields)
