"""deepinv's own tests of denoisers, from its wheel, on any denoiser.

Its test_models.py has five tests that take a denoiser by name. They run here on a denoiser that is given instead; the
others test one network of deepinv's, or download weights.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple
from unittest.mock import patch

import deepinv
import torch
from torch import nn


class Call(NamedTuple):
    """A test of deepinv's, with what its fixtures and parameters would give it."""

    test: str
    arguments: dict[str, object]


CALLS: dict[str, Call] = {
    "colour": Call("test_denoiser_color", {"imsize": (3, 37, 31)}),
    "grey": Call("test_denoiser_gray", {"imsize_1_channel": (1, 37, 31)}),
    "one channel": Call("test_denoiser_1_channel", {"imsize_1_channel": (1, 37, 31)}),
    "sigma, grey, one image": Call("test_denoiser_sigma_gray", {"batch_size": 1}),
    "sigma, grey, two images": Call("test_denoiser_sigma_gray", {"batch_size": 2}),
    "sigma, colour, one image": Call("test_denoiser_sigma_color", {"batch_size": 1}),
    "sigma, colour, two images": Call("test_denoiser_sigma_color", {"batch_size": 2}),
}


def run_deepinv_test(name: str, denoiser: Callable[[int], nn.Module]) -> None:
    """Runs a key of CALLS on `denoiser(channels)`; raises what the test raises."""
    theirs, call = _their_tests(), CALLS[name]
    with patch.object(theirs, "choose_denoiser", lambda _, size: denoiser(size[0])):
        getattr(theirs, call.test)(denoiser="given", device=torch.device("cpu"), **call.arguments)


def _their_tests() -> ModuleType:
    folder = f"{deepinv.__path__[0]}/tests"  # they import their neighbour `dummy` by that name
    sys.path.append(folder)
    try:
        from deepinv.tests import test_models
    finally:
        sys.path.remove(folder)
    return test_models
