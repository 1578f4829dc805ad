"""The test sets: clean images and their fixed corruptions, shared by every model.

    noisy = clean + sigma * field,   sigma = sigma_8bit / 255,   intensities in [0, 1], not clipped

or the noisy half of a pair of photographs, or the clean image out of a JPEG file of low quality.

A field belongs to (test set, image, draw, distribution) and to nothing else. It is made from raw PCG64
words through the inverse distribution function and stored in steps of 1/2048, so that it is the same to
the last bit on every machine: platforms differ in the last place of `log`, far below such a step.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, get_args

import numpy as np
from PIL import Image
from scipy.special import ndtri

from replication.data.images import load_pairs, load_set
from replication.study.params import Distribution, Params, TestSet
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import uniform_field
from wne.files import replacing_folder

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


def jpeg_file(pixels: np.ndarray, quality: int) -> bytes:
    """Baseline JPEG of (H, W, 1) or (H, W, 3) uint8: the tables of the IJG at this quality, colour not subsampled."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(
        file, "JPEG", quality=quality, subsampling="4:4:4"
    )
    return file.getvalue()


def through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """What is left of an image after `jpeg_file`: shape and type as they were."""
    with Image.open(io.BytesIO(jpeg_file(pixels, quality))) as image:
        return np.asarray(image).reshape(pixels.shape)


class TestImage(NamedTuple):  # pytest: no test
    """One test image with its corruptions.

    clean: (H, W, C) uint8.
    fields: distribution -> (draws, H, W, C) int16; none in a set of pairs.
    noisy: (H, W, C) uint8 in a set of pairs, else None.
    jpeg: quality -> (H, W, C) uint8.
    """

    name: str
    clean: np.ndarray
    fields: dict[str, np.ndarray]
    noisy: np.ndarray | None = None
    jpeg: Mapping[int, np.ndarray] = MappingProxyType({})

    def clean_unit(self) -> np.ndarray:
        """(C, H, W) float32 in [0, 1]."""
        return unit_intensity(self.clean)

    def field_unit(self, distribution: Distribution, draw: int) -> np.ndarray:
        """(C, H, W) float32, unit standard deviation."""
        return np.moveaxis(self.fields[distribution][draw], -1, 0).astype(np.float32) * np.float32(STEP)


def unit_intensity(pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) uint8 to (C, H, W) float32 in [0, 1]."""
    return np.moveaxis(pixels, -1, 0).astype(np.float32) / np.float32(255)


def central_crop(image: np.ndarray, side: int | None) -> np.ndarray:
    """The middle of (H, W, C), at most `side` pixels each way; the whole image for None."""
    if side is None:
        return image
    height, width = min(side, image.shape[0]), min(side, image.shape[1])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def make_test_set(params: Params, name: str, paths: ProfilePaths) -> None:
    """Writes one file for each image of the test set: its clean pixels and all its corruptions.

    Raises:
        ValueError: two images of the set have one name, as it may be in a set that is composed of others.
    """
    spec: TestSet = params.test_sets[name]
    with replacing_folder(paths.test_sets / name) as folder:
        for image_name, arrays in _arrays_of_image(params.seed, spec, paths.root / IMAGES):
            file = folder / f"{Path(image_name).stem}.npz"
            if file.exists():
                raise ValueError(f"test_sets.{name}: two images of {spec.images} are called {file.stem}")
            np.savez(file, **arrays)


def _arrays_of_image(seed: int, spec: TestSet, root: Path) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    if spec.noises == ["real"]:
        for image_name, noisy, clean in load_pairs(root, spec.images):
            yield image_name, {"clean": central_crop(clean, spec.crop), "noisy": central_crop(noisy, spec.crop)}
        return
    for image_name, pixels in load_set(root, spec.images, spec.channels):
        clean = central_crop(pixels, spec.crop)
        arrays = {"clean": clean}
        for noise in spec.noises:
            what = (seed, spec.images, image_name)
            arrays[noise] = np.stack([noise_field(noise, clean.shape, *what, draw) for draw in range(spec.draws)])
        for quality in spec.qualities:
            arrays[f"jpeg-{quality}"] = through_jpeg(clean, quality)
        yield image_name, arrays


def load_test_set(paths: ProfilePaths, name: str) -> Iterator[TestImage]:
    """The images of a test set in the order of their names, one at a time."""
    folder = paths.test_sets / name
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise FileNotFoundError(f"{folder}: no test set here; make it with: replicate noise {name}")
    for file in files:
        with np.load(file) as stored:
            arrays = dict(stored)
        yield TestImage(
            file.stem,
            arrays["clean"],
            fields={key: arrays[key] for key in arrays if key in get_args(Distribution)},
            noisy=arrays.get("noisy"),
            jpeg={int(key.removeprefix("jpeg-")): arrays[key] for key in arrays if key.startswith("jpeg-")},
        )
