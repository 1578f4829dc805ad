"""Measurements: projectors that are orthogonal, keep what they say, and know nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import random_images
from replication.experiments.measurements import (
    BlockAverage,
    LowFrequencies,
    Nothing,
    RandomPixels,
    create_projector,
    random_mask,
)

_ALL = [("none", None), ("random_pixels", 0.3), ("block_average", 2), ("blur", 0.3)]


def _project(operator: str, amount: float | None, height: int, width: int, images: int = 1):
    return create_projector(operator, amount, height, width, [("tests", index) for index in range(images)])


def _matrix(project, height: int, width: int) -> np.ndarray:
    """P as a matrix: its columns are the projections of the unit images."""
    units = torch.eye(height * width, dtype=torch.float64).reshape(-1, 1, height, width)
    return project(units).flatten(1).T.numpy()


@pytest.mark.parametrize(("operator", "amount"), _ALL)
@given(height=st.integers(1, 5), width=st.integers(1, 5), seed=st.integers(0, 99))
def test_projecting_twice_is_projecting_once_and_p_is_symmetric(operator, amount, height, width, seed):
    height, width = 2 * height, 2 * width + (0 if operator == "block_average" else seed % 2)
    project = _project(operator, amount, height, width, images=3)
    x, y = (random_images(3, 2, height, width, seed=f"{seed} {name}") for name in "xy")
    once = project(x)
    assert once.shape == x.shape and once.dtype == x.dtype
    torch.testing.assert_close(project(once), once)
    torch.testing.assert_close((once * y).flatten(1).sum(1), (x * project(y)).flatten(1).sum(1))


@pytest.mark.parametrize(
    ("operator", "amount", "rank"), [("none", None, 0), ("random_pixels", 0.3, 14), ("block_average", 2, 12)]
)
def test_the_rank_is_the_number_of_measurements(operator, amount, rank):
    """14 = round(0.3 * 48) pixels, 12 blocks. The trace of a projector is its rank."""
    matrix = _matrix(_project(operator, amount, 6, 8), 6, 8)
    assert np.trace(matrix) == pytest.approx(rank)
    assert np.linalg.matrix_rank(matrix) == rank


@pytest.mark.parametrize(("height", "width"), [(6, 8), (7, 7), (8, 5), (16, 16)])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 1.0])
def test_a_blur_keeps_its_share_of_frequencies_and_no_more_than_one_circle_above(height, width, share):
    project = LowFrequencies(share, height, width)
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    kept = project.kept.numpy()
    assert distance[kept].max() <= distance[~kept].min(initial=np.inf)
    outermost = np.isclose(distance, distance[kept].max())
    wanted = max(1, round(share * height * width))
    assert kept.sum() - outermost.sum() < wanted <= kept.sum()
    assert np.trace(_matrix(project, height, width)) == pytest.approx(kept.sum())


def test_a_blur_passes_slow_waves_and_stops_fast_ones():
    """Frequencies 0 to sqrt(2) of 16 x 16: 9 of 256. cos(2 pi 3 x / 16) and what it adds to are 3 away."""
    column = 2 * np.pi * torch.arange(16, dtype=torch.float64) / 16
    slow = (0.3 + torch.cos(column) + torch.sin(column)).expand(1, 1, 16, 16)
    fast = torch.cos(3 * column).expand(1, 1, 16, 16)
    project = LowFrequencies(9 / 256, 16, 16)
    torch.testing.assert_close(project(slow + fast), slow)


def test_blocks_become_their_means_by_hand():
    x = torch.tensor([[1.0, 3, 5, 5], [5, 7, 5, 9]]).reshape(1, 1, 2, 4)
    expected = torch.tensor([[4.0, 4, 6, 6], [4, 4, 6, 6]]).reshape(1, 1, 2, 4)
    torch.testing.assert_close(BlockAverage(2)(x), expected)


def test_pixels_are_observed_or_zero_in_all_channels_at_once():
    x = 1 + random_images(2, 3, 10, 10)
    project = _project("random_pixels", 0.1, 10, 10, images=2)
    seen = project(x)
    kept = project.kept.expand_as(x)
    assert torch.equal(seen[kept], x[kept]) and not seen[~kept].any()
    assert project.kept.sum(dim=(1, 2, 3)).tolist() == [10, 10]
    assert not torch.equal(project.kept[0], project.kept[1])


def test_a_mask_belongs_to_its_stream_alone():
    mask = random_mask(0.25, 8, 12, 0, "set", "a")
    assert torch.equal(mask, random_mask(0.25, 8, 12, 0, "set", "a"))
    assert not torch.equal(mask, random_mask(0.25, 8, 12, 0, "set", "b"))
    assert (mask & ~random_mask(0.5, 8, 12, 0, "set", "a")).sum() == 0  # more pixels: these and others


def test_masks_are_uniform():
    """3 of 12 pixels over 2000 masks: 500 +- 19 each; no pixel is 5 deviations away."""
    counts = torch.stack([random_mask(0.25, 3, 4, "uniform", index) for index in range(2000)]).sum(0)
    assert counts.sum() == 6000
    assert (counts - 500).abs().max() < 5 * (2000 * 0.25 * 0.75) ** 0.5


def test_everything_and_nothing():
    x = random_images(1, 1, 6, 6)
    for operator, amount in (("random_pixels", 1), ("block_average", 1), ("blur", 1)):
        torch.testing.assert_close(_project(operator, amount, 6, 6)(x), x)
    assert not Nothing()(x).any()


def test_names_are_those_of_the_parameters():
    for operator, amount in _ALL:
        assert _project(operator, amount, 4, 4).name == operator
    assert isinstance(_project("random_pixels", 0.5, 4, 4), RandomPixels)


@pytest.mark.parametrize(
    ("operator", "amount"),
    [("none", 0.1), ("random_pixels", None), ("random_pixels", 1.5), ("blur", 10), ("blur", None),
     ("block_average", 0.5), ("block_average", None), ("block_average", 2.5)],
)  # fmt: skip
def test_an_amount_that_makes_no_sense_is_refused(operator, amount):
    with pytest.raises(ValueError, match=f"{operator}.*amount must be"):
        _project(operator, amount, 8, 8)


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="blocks of 4 do not fill 6 x 8 pixels"):
        BlockAverage(4)(random_images(1, 1, 6, 8))
    with pytest.raises(ValueError, match=r"this blur is for \(8, 8\) pixels"):
        LowFrequencies(0.5, 8, 8)(random_images(1, 1, 8, 9))
