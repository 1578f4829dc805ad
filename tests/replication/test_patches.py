"""Patches are crops of the images in one of 8 orientations, and all of them are equally likely."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from replication.data.patches import PatchSampler


def _orientations(crop: np.ndarray) -> list[np.ndarray]:
    rotations = [np.rot90(crop, k) for k in range(4)]
    return rotations + [r.T for r in rotations]


def test_each_patch_is_an_oriented_crop_and_every_orientation_comes():
    image = np.arange(6 * 7, dtype=np.uint8).reshape(6, 7, 1)
    patches = PatchSampler([image], 4).sample(500, torch.Generator().manual_seed(0))
    assert patches.shape == (500, 1, 4, 4) and patches.dtype == torch.float32
    seen = set()
    for patch in (patches[:, 0] * 255).round().numpy().astype(np.uint8):
        matches = [
            (row, column, k)
            for row in range(3)
            for column in range(4)
            for k, oriented in enumerate(_orientations(image[row : row + 4, column : column + 4, 0]))
            if np.array_equal(patch, oriented)
        ]
        assert len(matches) == 1
        seen.add(matches[0])
    assert {k for _, _, k in seen} == set(range(8))
    assert {(r, c) for r, c, _ in seen} == {(r, c) for r in range(3) for c in range(4)}


def test_images_are_drawn_uniformly_whatever_their_size():
    small, large = np.zeros((4, 4, 1), np.uint8), np.full((40, 40, 1), 255, np.uint8)
    patches = PatchSampler([small, large], 4).sample(4000, torch.Generator().manual_seed(0))
    assert patches.mean().item() == pytest.approx(0.5, abs=5 * 0.5 / 4000**0.5)


def test_colours_stay_together():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (9, 9, 1), dtype=np.uint8)
    colour = np.concatenate([grey, 255 - grey, grey // 2], axis=2)
    patches = (PatchSampler([colour], 5).sample(20, torch.Generator().manual_seed(0)) * 255).round()
    assert torch.equal(patches[:, 1], 255 - patches[:, 0])
    assert torch.equal(patches[:, 2], (patches[:, 0] / 2).floor())


def test_the_generator_alone_decides():
    image = np.random.default_rng(0).integers(0, 255, (9, 9, 1), dtype=np.uint8)
    sampler = PatchSampler([image], 5)
    first, again = (sampler.sample(8, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)


def test_too_small_an_image_is_named():
    with pytest.raises(ValueError, match="training image 1 is 3 x 9"):
        PatchSampler([np.zeros((9, 9, 1), np.uint8), np.zeros((3, 9, 1), np.uint8)], 5)
    with pytest.raises(ValueError, match="no training image"):
        PatchSampler([], 5)
