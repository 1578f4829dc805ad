"""Difficulty in normalized coordinates: limits, symmetries, the overlap by hand, and sampling that repeats itself."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import random_images
from replication.data.patches import PatchSampler
from replication.experiments.difficulty import (
    Sample,
    approximate_difficulty,
    central_interval,
    coverage,
    coverage_error,
    difficulty_table,
    histogram,
    measure_difficulty,
    normalized_difficulty,
    predicted_coverage,
    sample_difficulty,
)
from replication.report.figures.difficulty import fig07
from replication.results.summary import CollectError
from replication.study.params import Difficulty, load_params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field
from synthetic_results import REPOSITORY
from tiny_profile import tiny_profile

SIDE = 16
D = SIDE**2


def _field(batch: int, generator: torch.Generator, side: int = SIDE) -> torch.Tensor:
    return torch.randn(batch, 1, side, side, generator=generator, dtype=torch.float64)


def _sampler(patch: int = 8) -> PatchSampler:
    images = [np.rint(255 * uniform_field((20, 24, 1), "difficulty", index)).astype(np.uint8) for index in range(3)]
    images[0] //= 16  # little contrast
    return PatchSampler(images, patch)


# --- Delta


def test_delta_is_the_distance_of_normalized_input_and_target(generator):
    """Eq. 19, with both normalized by mean and deviation of the noisy patch (Eq. 14)."""
    clean, field, sigma = random_images(5, 1, SIDE, SIDE), _field(5, generator), 0.2
    noisy = clean + sigma * field
    mean, std = noisy.mean(dim=(1, 2, 3), keepdim=True), noisy.std(dim=(1, 2, 3), keepdim=True, correction=0)
    distance = ((noisy - mean) / std - (clean - mean) / std).flatten(1).norm(dim=1)
    torch.testing.assert_close(normalized_difficulty(clean, field, sigma), distance)


@pytest.mark.parametrize("sigma", [0.04, 0.2])
def test_a_constant_patch_is_pure_noise_at_any_sigma(generator, sigma):
    field = _field(50, generator)
    field -= field.mean(dim=(1, 2, 3), keepdim=True)
    delta = normalized_difficulty(torch.full_like(field, 0.7), field, sigma)
    torch.testing.assert_close(delta, torch.full((50,), float(SIDE), dtype=torch.float64))  # sqrt(d)


def test_delta_goes_to_zero_and_to_the_root_of_d_with_sigma(generator):
    clean, field = random_images(20, 1, SIDE, SIDE), _field(20, generator)
    assert normalized_difficulty(clean, field, 0.0).abs().max() == 0
    assert normalized_difficulty(clean, field, 1e-4).max() < 0.02
    assert normalized_difficulty(clean, field, 1e3) == pytest.approx(SIDE, rel=0.03)


def test_delta_does_not_change_with_brightness_contrast_or_the_unit(generator):
    clean, field = random_images(20, 1, SIDE, SIDE), _field(20, generator)
    delta = normalized_difficulty(clean, field, 0.1)
    torch.testing.assert_close(normalized_difficulty(3.0 * clean - 0.4, field, 0.3), delta)
    torch.testing.assert_close(normalized_difficulty(255 * clean, field, 25.5), delta)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0])
def test_the_approximation_is_the_mean_of_delta_squared(generator, sigma):
    """Eq. 22, by 4000 noise fields on one patch: cross-terms are of order 1 / d."""
    clean = random_images(1, 1, SIDE, SIDE).expand(4000, -1, -1, -1)
    measured = normalized_difficulty(clean, _field(4000, generator), sigma).square().mean()
    contrast = clean[0].std(correction=0).numpy()
    assert float(measured) == pytest.approx(float(approximate_difficulty(contrast, sigma, D) ** 2), rel=0.01)


def test_the_approximation_at_its_ends():
    assert approximate_difficulty(np.array([0.0, 0.2]), 0.2, 100) == pytest.approx([10, 10 / np.sqrt(2)])


# --- coverage


def test_coverage_of_equal_distributions_is_nominal():
    values = np.random.default_rng(0).gamma(3.0, size=20_000)
    assert coverage(values, values) == pytest.approx(0.95, abs=1e-3)
    assert coverage(values, np.random.default_rng(1).gamma(3.0, size=20_000)) == pytest.approx(0.95, abs=0.01)
    assert coverage(values, values, mass=0.5) == pytest.approx(0.5, abs=1e-3)


def test_coverage_of_distant_distributions_is_zero():
    assert coverage(np.linspace(0, 1, 100), np.linspace(2, 3, 100)) == 0


def test_coverage_by_hand_and_not_symmetric():
    """0, 1, ..., 40: 95 % between 1 and 39. 20, 20.1, ..., 24: 95 % between 20.1 and 23.9."""
    wide, narrow = np.arange(41.0), 20 + np.arange(41) / 10
    assert central_interval(wide) == pytest.approx((1, 39))
    assert coverage(wide, np.array([0.9, 1.1, 20.0, 38.9, 39.1])) == pytest.approx(3 / 5)
    assert central_interval(wide, mass=0.5) == (10, 30)
    assert coverage(wide, np.array([9.9, 10.0, 20.0, 30.0, 30.1]), mass=0.5) == pytest.approx(3 / 5)  # ends included
    assert coverage(wide, narrow) == 1
    assert coverage(narrow, wide) == pytest.approx(3 / 41)  # 21, 22, 23


def test_the_standard_error_is_the_spread_over_samples():
    """Coverage between two normal distributions, measured 200 times on 2000 fresh values each."""
    random = np.random.default_rng(2)
    pairs = [(sample, sample + 1.5) for sample in random.normal(size=(200, 2000))]
    spread = np.std([coverage(train, test) for train, test in pairs], ddof=1)
    estimates = [coverage_error(train, test) for train, test in pairs]
    assert np.mean(estimates) == pytest.approx(spread, rel=0.2)
    assert np.isnan(coverage_error(np.arange(30.0), np.arange(30.0)))


@pytest.mark.parametrize(("ratio", "covered_share"), [(5, 0.875), (2, 0.95), (1.25, 0.96875), (1, 0.95), (0.2, 0.19)])
def test_coverage_by_uniform_contrasts_in_closed_form(ratio, covered_share):
    """F(c) = c on [0, 1]: min(1, 0.975 r) - min(1, 0.025 r)."""
    contrast = (np.arange(100_000) + 0.5) / 100_000
    assert covered_share == pytest.approx(min(1, 0.975 * ratio) - min(1, 0.025 * ratio))
    assert predicted_coverage(contrast, ratio) == pytest.approx(covered_share, abs=5e-5)


@pytest.mark.parametrize("ratio", [1 / 3, 0.9, 1.5, 3.0])
def test_coverage_by_log_uniform_contrasts_in_closed_form(ratio):
    """F(c) = log(c / 2) / log(50) on [2, 100], 8-bit units: quantiles move by log(r) / log(50), up or down."""
    contrast = 2 / 255 * 50 ** ((np.arange(100_000) + 0.5) / 100_000)
    step = np.log(ratio) / np.log(50)
    expected = np.clip(0.975 + step, 0, 1) - np.clip(0.025 + step, 0, 1)
    assert predicted_coverage(contrast, ratio) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("train", "test"), [(10, 50), (50, 10), (20, 30), (25, 25)])
def test_the_prediction_is_exact_where_difficulty_is_a_function_of_contrast(train, test):
    """Random contrasts of no special law, Delta by Eq. 22."""
    contrast = 0.2 * np.random.default_rng(4).gamma(1.5, size=20_000)
    deltas = [approximate_difficulty(contrast, sigma / 255, D) for sigma in (train, test)]
    assert predicted_coverage(contrast, test / train) == pytest.approx(coverage(*deltas), abs=2e-4)


def test_the_prediction_holds_for_measured_difficulties(generator):
    """Patches of 32 x 32 with contrasts between 2 and 60, by measurement: within 2 percent."""
    contrast = torch.linspace(2, 60, 600, dtype=torch.float64).reshape(-1, 1, 1, 1) / 255
    texture = random_images(600, 1, 32, 32) - 0.5
    clean = contrast * texture / texture.flatten(1).std(dim=1, correction=0).reshape(-1, 1, 1, 1)
    field = _field(600, generator, side=32)
    deltas = {sigma: normalized_difficulty(clean, field, sigma / 255).numpy() for sigma in (10, 30, 50)}
    for train, test in ((10, 50), (50, 10), (30, 50), (50, 30)):
        predicted = predicted_coverage(contrast.flatten().numpy(), test / train)
        assert predicted == pytest.approx(coverage(deltas[train], deltas[test]), abs=0.02)
        assert predicted < 0.94


# --- sampling and the file


def test_a_sample_repeats_itself_and_begins_as_a_shorter_one():
    sampler, sigmas = _sampler(), (0.05, 0.2)
    sample = sample_difficulty(sampler, 700, sigmas, 0, "set")
    again = sample_difficulty(sampler, 700, sigmas, 0, "set")
    short = sample_difficulty(sampler, 300, sigmas, 0, "set")  # in the midst of the second block
    other = sample_difficulty(sampler, 300, sigmas, 1, "set")
    np.testing.assert_array_equal(sample.delta, again.delta)
    np.testing.assert_array_equal(sample.delta[:, :300], short.delta)
    np.testing.assert_array_equal(sample.contrast[:300], short.contrast)
    assert sample.delta.shape == (2, 700) and sample.contrast.shape == (700,)
    assert not np.isin(other.delta, short.delta).any()
    assert len(np.unique(sample.delta[0])) == 700  # blocks differ


def test_one_sigma_does_not_depend_on_the_others():
    sampler = _sampler()
    both, one = (sample_difficulty(sampler, 50, sigmas, 0, "set") for sigmas in ((0.05, 0.2), (0.2,)))
    np.testing.assert_array_equal(both.delta[1], one.delta[0])


def test_histograms_share_their_bins_lose_no_patch_and_are_centred_on_the_root_of_d():
    delta = np.array([0.0, 0.99 * SIDE, SIDE, SIDE * 1.001, 5 * SIDE])
    centres, counts = histogram(delta, D)
    assert counts.sum() == len(delta)
    assert counts[np.isclose(centres, SIDE)].sum() == 2
    assert counts[0] == counts[-1] == 1
    np.testing.assert_array_equal(centres, histogram(delta / 7, D)[0])


def test_the_table_has_every_pair_of_levels_and_8_bit_contrast():
    contrast = np.linspace(0.0, 0.4, 1000)
    delta = np.stack([approximate_difficulty(contrast, sigma / 255, D) for sigma in (10, 50)])
    table = difficulty_table(Sample(delta, contrast), [10, 50], D)
    m = table[table["quantity"] == "coverage"].set_index(["sigma", "at"])["value"]
    assert m[10, 10] == m[50, 50] == pytest.approx(0.95, abs=2e-3)
    assert m[10, 50] == coverage(delta[0], delta[1]) and m[50, 10] == coverage(delta[1], delta[0])
    predicted = table[table["quantity"] == "coverage_predicted"].set_index(["sigma", "at"])["value"]
    assert predicted[10, 50] == predicted_coverage(contrast, 5) and predicted[50, 10] == predicted_coverage(
        contrast, 0.2
    )
    assert len(predicted) == len(m) == 4
    assert table[table["quantity"] == "error"]["value"].max() < 1e-12
    assert table[table["quantity"] == "contrast"]["value"].max() == pytest.approx(102)
    counts = table[table["quantity"].isin(["histogram", "approximation"])].groupby(["quantity", "sigma"])["value"].sum()
    assert (counts == 1000).all() and len(counts) == 4


def test_the_file_is_the_same_each_time_and_a_patch_too_large_is_refused(tmp_path):
    params, paths = tiny_profile(tmp_path)
    spec = Difficulty(patches=100, patch=16, sigmas=[10, 50])
    params = params.model_copy(update={"difficulty": {"tiny-train": spec}})
    file = paths.difficulty / "tiny-train.csv"
    measure_difficulty(params, "tiny-train", paths)
    first = file.read_bytes()
    measure_difficulty(params, "tiny-train", paths)
    assert file.read_bytes() == first
    table = pd.read_csv(file)
    assert (table["patches"] == 100).all() and (table["train_set"] == "tiny-train").all()
    too_large = params.model_copy(update={"difficulty": {"tiny-train": spec.model_copy(update={"patch": 60})}})
    with pytest.raises(ValueError, match="smaller than 60"):
        measure_difficulty(too_large, "tiny-train", paths)


# --- the figure


def _difficulty(*sets: str) -> pd.DataFrame:
    """Uniform contrasts and Delta by Eq. 22, so that coverage is as predicted."""
    contrast, sigmas = (np.arange(2000) + 0.5) / 2000 * 0.4, [10, 20, 40]
    delta = np.stack([approximate_difficulty(contrast, sigma / 255, D) for sigma in sigmas])
    table = difficulty_table(Sample(delta, contrast), sigmas, D)
    return pd.concat([table.assign(train_set=name, patches=2000, patch=SIDE) for name in sets])


@pytest.mark.parametrize("sets", [("one",), ("one", "two")])
def test_the_figure_explains_coverage_by_contrast_beside_the_printed_numbers(sets):
    params, paths = load_params(REPOSITORY / "params.yaml"), ProfilePaths("default", REPOSITORY)
    figure = fig07(params, SimpleNamespace(difficulty=_difficulty(*sets)), paths)
    *histograms, contrast, covered_panel = [ax for ax in figure.axes if ax.axison]
    assert len(histograms) == len(sets)
    assert [text.get_text() for text in contrast.texts].count("90 % above") == len(sets)  # 1 - 4 * 0.025
    predicted, measured = (line.get_xydata() for line in covered_panel.lines[:2])
    assert len(predicted) == 9
    np.testing.assert_allclose(predicted, measured, atol=0.3)
    np.testing.assert_allclose(predicted[[0, -1]], [[0.25, 23.75], [4.0, 90.0]], atol=0.1)
    printed = covered_panel.lines[-1].get_xydata()
    assert [0.25, 24.0] in printed.tolist() and [4.0, 90.0] in printed.tolist() and len(printed) == 5


def test_the_figure_needs_a_training_set():
    params, paths = load_params(REPOSITORY / "params.yaml"), ProfilePaths("default", REPOSITORY)
    with pytest.raises(CollectError, match="names no training set"):
        fig07(params, SimpleNamespace(difficulty=_difficulty("one").head(0)), paths)
