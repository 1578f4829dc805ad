"""Networks and wrappers compute what they computed when the results were first made, to 1e-12 in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import golden

STORED = dict(np.load(golden.FILE))
NETWORKS = {name: (make, image) for name, make, image in golden.networks()}
WRAPPED = {f"wrapper-{name}": run for name, run in golden.wrapped()}


def test_every_stored_output_is_compared_and_none_is_flat():
    assert set(STORED) == set(NETWORKS) | set(WRAPPED)
    for name, output in STORED.items():
        assert np.isfinite(output).all() and 1e-2 < np.abs(output).std() < 1e3, name


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_what_they_computed(name):
    make, image = NETWORKS[name]
    with torch.no_grad():
        np.testing.assert_allclose(make()(image).numpy(), STORED[name], rtol=0, atol=1e-12 * np.abs(STORED[name]).max())


@pytest.mark.parametrize("name", WRAPPED)
def test_wrappers_compute_what_they_computed(name):
    np.testing.assert_allclose(WRAPPED[name]().numpy(), STORED[name], rtol=0, atol=1e-12 * np.abs(STORED[name]).max())
