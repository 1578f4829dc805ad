"""Degradations: by hand, and what makes the ideal restoration normalization equivariant."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from replication.data.degradations import DEVIATION, RADIUS, degraded, degraded_array
from replication.study.labels import DEGRADATIONS
from replication.study.params import Degradation

ALL = get_args(Degradation)


def image(height: int, width: int, channels: int = 1) -> torch.Tensor:
    return torch.rand((2, channels, height, width), generator=torch.Generator().manual_seed(0))


def test_none_is_the_image_itself():
    x = image(8, 8)
    assert degraded(x, "none") is x


def test_blur_is_that_of_scipy():
    x = image(32, 20, channels=3)
    expected = gaussian_filter(
        x.double().numpy(), (0, 0, DEVIATION, DEVIATION), mode="mirror", radius=(0, 0, RADIUS, RADIUS)
    )
    np.testing.assert_allclose(degraded(x, "blur").numpy(), expected, atol=1e-6)


def test_downsampled_blocks_have_their_mean_and_those_at_the_border_fewer_pixels():
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    assert degraded(x, "downsample").tolist() == [[[[2.0, 2.0, 3.5], [2.0, 2.0, 3.5], [6.5, 6.5, 8.0]]]]


@pytest.mark.parametrize("degradation", ALL)
def test_contrast_and_brightness_pass_through(degradation):
    """D(a x + b 1) = a D x + b 1."""
    x = image(24, 17)
    np.testing.assert_allclose(degraded(3 * x - 2, degradation), 3 * degraded(x, degradation) - 2, atol=2e-6)


@pytest.mark.parametrize("degradation", ALL)
def test_an_array_gives_what_its_batch_gives(degradation):
    x = image(24, 17)
    np.testing.assert_allclose(
        degraded_array(x[1].numpy(), degradation), degraded(x, degradation)[1].numpy(), atol=1e-6
    )


def test_a_blur_of_a_small_image_and_an_unknown_name_are_errors():
    with pytest.raises(ValueError, match="too small for a blur"):
        degraded(image(RADIUS, 32), "blur")
    with pytest.raises(ValueError, match="no degradation called 'blurr'"):
        degraded(image(8, 8), "blurr")


def test_every_degradation_has_a_name():
    assert {"none", *DEGRADATIONS} == set(ALL)
