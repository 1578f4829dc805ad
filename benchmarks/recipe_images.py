"""Images of the recipe trials: BSD400 to train on, and a validation set that is in no test set.

Validation: the first 32 images, in order of their number, of the validation split of BSDS500 without the 68 that are BSD68.
Grey, central crops, one fixed noise field each. They are not in data/registry.csv, because the study never uses
them: they come straight from a mirror, BSDS500/val/<number>.jpg.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from replication.data.download import MIRROR, fetch_set
from replication.data.images import load_set, read_image
from replication.data.noise import TestImage, central_crop, noise_field
from replication.data.registry import DataError, registered_files
from replication.study.paths import IMAGES

COUNT, SIDE = 32, 128  # images, pixels


def training_images(root: Path) -> list[np.ndarray]:
    """BSD400, (H, W, 1) uint8 each."""
    fetch_set("bsd400", root / IMAGES)
    return [pixels for _, pixels in load_set(root / IMAGES, "bsd400", 1)]


def validation_files() -> list[Path]:
    """The files of the validation images.

    Raises:
        DataError: no folder is given by the environment variable WNE_DATA_MIRROR, or it lacks the images.
    """
    folder = Path(os.environ.get(MIRROR, ""), "BSDS500/val")
    # CBSD68 is registered under the numbers of BSDS500, BSD68 is its grey version.
    tested = {Path(file.file).stem for file in registered_files()["cbsd68"]}
    files = sorted((f for f in folder.glob("*.jpg") if f.stem not in tested), key=lambda f: int(f.stem))[:COUNT]
    if len(files) < COUNT:
        raise DataError(f"{COUNT} validation images are needed in {folder}, {len(files)} are there: set {MIRROR}")
    return files


def validation_images() -> list[TestImage]:
    """Central crops of SIDE pixels, (SIDE, SIDE, 1) uint8, each with one Gaussian field."""
    images = []
    for file in validation_files():
        clean = central_crop(read_image(file, 1), SIDE)
        images.append(
            TestImage(file.stem, clean, {"gaussian": noise_field("gaussian", clean.shape, "recipe", file.stem)[None]})
        )
    return images
