"""The table of exactness: each case of the wrapper, and the published formulas as controls."""

from __future__ import annotations

import math

import pytest
import torch

from benchmarks.exactness import (
    CASES,
    FORMULAS,
    GRADIENT_SCALES,
    constant_error,
    error,
    gradient_error,
    large_image_error,
    others_of_the_batch,
    page,
)
from conftest import random_images
from wne import load_denoiser

BACKBONE = load_denoiser("results/bsd400/weights/dncnn-wne-s25.safetensors").backbone.double()
IMAGE = random_images(1, 1, 24, 20)
# Rounding of the backbone and of the result, in standard deviations; the offset's own rounding comes on top.
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 0.02, torch.bfloat16: 0.15}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_wrapper_is_exact_to_rounding_in_every_case(case):
    offset_rounding = torch.finfo(case.dtype).eps * (abs(case.b) + abs(case.a)) / (0.28 * case.a)
    assert error(FORMULAS["here"], BACKBONE, IMAGE, case) <= ROUNDING[case.dtype] + offset_rounding


@pytest.mark.parametrize("a", GRADIENT_SCALES)
def test_gradients_are_exact_to_rounding_at_every_scale(a):
    assert gradient_error(FORMULAS["here"], BACKBONE, IMAGE, a) <= 1e-4


@pytest.mark.parametrize("a", [1.0, 1e18])
def test_large_images_of_large_values_do_not_overflow(a):
    # 4e-5 where torch adds the squares of 4 million float32 numbers one after the other.
    assert large_image_error(FORMULAS["here"], a) <= 2e-6


def test_the_page_says_what_was_measured_and_why_a_check_failed():
    exact = [("a case", {"here": 2e-7, "text": 1.0, "code": math.nan})]
    compatible = {
        "one": {"net": 0.0, "other": "fails: KeyError: 'no such key'"},
        "two": {"net": "over 90 s", "other": "fails: KeyError: 'no such key'"},
    }
    lines = page(exact, compatible, "torch 0").splitlines()
    for line in ("| a case | 2e-07 | 1e+00 | nan |", "| one | 0 | fails (1) |", "| two | over 90 s | fails (1) |"):
        assert line in lines
    assert lines[-1] == "1. `KeyError: 'no such key'`"


@pytest.mark.parametrize("value", [1e-30, 0.1, 255.0, 1e30])
def test_constants_are_exact(value):
    assert constant_error(FORMULAS["here"], BACKBONE, value) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_image_leaves_the_others_untouched(bad):
    assert others_of_the_batch(FORMULAS["here"], BACKBONE, IMAGE, bad) == 0


def test_the_published_formulas_fail_where_the_table_says():
    cases = {case.name: case for case in CASES}
    assert error(FORMULAS["text"], BACKBONE, IMAGE, cases["float32, values to 1e-8"]) > 0.1
    assert not error(FORMULAS["code"], BACKBONE, IMAGE, cases["bfloat16, values to 255"]) < 0.01
    assert math.isnan(constant_error(FORMULAS["code"], BACKBONE, 255.0))
