"""Normalized error: its definition, its invariance, the bins, and the spread between curves of different sigma."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import random_images, tiny_denoiser
from replication.data.patches import PatchSampler
from replication.experiments.difficulty import normalized_difficulty
from replication.experiments.errors import analyse, measure_errors, normalized_quality, null_models
from replication.report.figures.errors import fig06, fig11
from replication.results.errors import (
    Sample,
    bin_centres,
    bin_of,
    cells_of,
    errors_table,
    item_rows,
    spread_of,
)
from replication.results.summary import CollectError
from replication.study.labels import NULL_MODELS
from replication.study.params import Errors, Statistics, load_params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field
from synthetic_results import REPOSITORY
from tiny_profile import RUN, tiny_profile
from wne.checkpoints import save_checkpoint

CPU = torch.device("cpu")
STATISTICS = Statistics(confidence=0.95, resamples=300, seed=0)
RUNS = ["swinir-baseline-s25", "swinir-wne-s25"]


def _pair(generator, sigma=0.1, batch=6):
    clean = random_images(batch, 1, 8, 8)
    field = torch.randn(clean.shape, generator=generator, dtype=torch.float64)
    return clean, field, clean + sigma * field


# --- Q


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_the_quality_of_the_input_is_its_difficulty(generator, sigma):
    clean, field, noisy = _pair(generator, sigma)
    delta = normalized_difficulty(clean, field, sigma)
    torch.testing.assert_close(normalized_quality(noisy, clean, noisy), -20 * torch.log10(delta))


def test_the_quality_is_that_of_the_normalized_images(generator):
    """App. I word by word: output and target, both by mean and deviation of the input."""
    clean, _, noisy = _pair(generator)
    output = noisy**2
    mean = noisy.mean(dim=(1, 2, 3), keepdim=True)
    std = noisy.std(dim=(1, 2, 3), keepdim=True, correction=0)
    error = ((output - mean) / std - (clean - mean) / std).flatten(1).norm(dim=1)
    torch.testing.assert_close(normalized_quality(output, clean, noisy), -10 * torch.log10(error**2))


def test_an_oracle_that_leaves_a_tenth_of_the_noise_gains_20_db(generator):
    clean, field, noisy = _pair(generator)
    delta = normalized_difficulty(clean, field, 0.1)
    quality = normalized_quality(clean + 0.01 * field, clean, noisy)
    torch.testing.assert_close(quality, 20 - 20 * torch.log10(delta))


def test_an_equivariant_map_has_the_same_quality_at_any_brightness_and_contrast(generator):
    clean, _, noisy = _pair(generator)
    for variant, is_invariant in (("wne", True), ("baseline", False)):
        f = tiny_denoiser("dncnn", variant)
        with torch.no_grad():
            quality = normalized_quality(f(noisy), clean, noisy)
            moved = normalized_quality(f(3 * noisy - 0.7), 3 * clean - 0.7, 3 * noisy - 0.7)
        change = (moved - quality).abs()
        assert change.max() < 1e-10 if is_invariant else change.min() > 0.01


# --- samples


def _sampler() -> PatchSampler:
    images = [np.rint(255 * uniform_field((20, 24, 1), "errors", index)).astype(np.uint8) for index in range(3)]
    return PatchSampler(images, 8)


def test_every_denoiser_sees_the_same_patches_and_a_short_sample_begins_a_long_one():
    denoisers = {"first": lambda y: y, "second": lambda y: y, "half": lambda y: 0.5 * y}
    long, short = (measure_errors(denoisers, _sampler(), n, [50, 10], (0, "set"), CPU) for n in (300, 20))
    assert list(long["sigma_test"].unique()) == [10, 50] and len(long) == 600
    np.testing.assert_array_equal(long["first"], long["second"])
    np.testing.assert_allclose(long["first"], -20 * np.log10(long["delta"]), atol=1e-5)
    merged = short.merge(long, on=["sigma_test", "patch"], suffixes=("", "_long"))
    np.testing.assert_allclose(merged["delta"], merged["delta_long"], rtol=1e-6)
    np.testing.assert_allclose(merged["half"], merged["half_long"], rtol=1e-5)
    assert len(merged) == 40 and long["delta"].nunique() == 600
    other = measure_errors(denoisers, _sampler(), 20, [50], (1, "set"), CPU)
    assert not np.isin(other["delta"], short["delta"]).any()


def test_the_file_holds_what_the_model_does(tmp_path):
    params, paths = tiny_profile(tmp_path)
    group = params.runs[RUN].group
    item = Errors(
        group=group, train_set="tiny-train", patches=12, patch=16, bins=5, blur=1, sigmas=[10, 50], runs=[RUN]
    )
    params = params.model_copy(update={"errors": {"item": item}, "statistics": STATISTICS})
    config = params.describe(RUN) | {"model": {"backbone": "dncnn", "depth": 4, "width": 8}}
    model = tiny_denoiser("dncnn", "wne", dtype=torch.float32)
    save_checkpoint(paths.checkpoint(params, RUN), model, config, params.fingerprint(RUN))
    analyse(params, "item", paths, CPU)
    file = paths.analysis("errors", "item") / "samples.csv"
    first = file.read_bytes()
    samples = pd.read_csv(file)
    assert list(samples) == ["sigma_test", "patch", "delta", RUN, *NULL_MODELS] and len(samples) == 24
    np.testing.assert_allclose(samples["identity"], -20 * np.log10(samples["delta"]), atol=1e-4)
    assert (samples[RUN] != pd.Series(-20 * np.log10(samples["delta"]))).all()  # not the identity
    analyse(params, "item", paths, CPU)
    assert file.read_bytes() == first
    table = errors_table(params, paths)
    assert (table["item"] == "item").all() and set(table["quantity"]) == {"curve", "range", "spread", "null_gain"}
    assert table["run"].unique().tolist() == [RUN, *NULL_MODELS]
    curve = table[(table["quantity"] == "curve") & (table["run"] == RUN)]
    assert curve.groupby("sigma_test")["n"].sum().tolist() == [12, 12]


def test_a_profile_without_items_has_a_table_without_rows(tmp_path):
    params, paths = tiny_profile(tmp_path)
    table = errors_table(params, paths)
    assert table.empty and {"item", "run", "quantity", "value"} <= set(table)


# --- bins


def test_bins_are_equal_end_at_their_limit_and_lose_no_patch():
    d, bins = 100, 11  # width 1
    assert bin_centres(d, bins).tolist() == pytest.approx(np.arange(11) + 0.5)
    assert bin_of(np.array([0.0, 0.99, 1.01, 9.99, 10.01, 10.99, 40.0]), d, bins).tolist() == [0, 0, 1, 9, 10, 10, 10]


def test_the_moments_of_a_bin_are_those_of_its_patches():
    random = np.random.default_rng(0)
    index, quality = random.integers(0, 4, (2, 50)), random.normal(-20, 3, (2, 50))
    cells = cells_of(index, quality, bins=5)
    for sigma, place in np.ndindex(2, 4):
        values = quality[sigma][index[sigma] == place]
        assert cells.n[sigma, place] == len(values)
        assert cells.mean[sigma, place] == pytest.approx(values.mean())
        assert cells.variance[sigma, place] == pytest.approx(values.var(ddof=1))
    assert (cells.n[:, 4] == 0).all() and np.isnan(cells.mean[:, 4]).all()
    drawn = random.integers(0, 50, 50)
    again = cells_of(index[:, drawn], quality[:, drawn], 5)
    resampled = cells_of(index, quality, 5, np.bincount(drawn, minlength=50)[None])
    for name in ("n", "mean", "variance"):
        np.testing.assert_allclose(getattr(resampled, name)[0], getattr(again, name), rtol=1e-9, atol=1e-9)


# --- spread


def _sample(delta: np.ndarray, quality: dict[str, np.ndarray], sigmas=(10, 50), bins=11, patch=10) -> Sample:
    """A sample of made-up patches, matrices (sigmas, patches); bins of width 1 by default.

    Null models where none are given: Q = -30 at every sigma, and -26 - sigma / 10.
    """
    runs = list(quality)
    levels = np.array(sigmas, dtype=float)[:, None]
    quality = {"identity": -30 + 0 * delta, "blur": -26 - levels / 10 + 0 * delta} | quality
    parts = [
        pd.DataFrame(
            {"sigma_test": float(sigma), "patch": np.arange(delta.shape[1]), "delta": delta[row]}
            | {run: values[row] for run, values in quality.items()}
        )
        for row, sigma in enumerate(sigmas)
    ]
    spec = Errors(
        group="swinir", train_set="set", patches=delta.shape[1], patch=patch, bins=bins, blur=1, sigmas=list(sigmas),
        runs=runs,
    )  # fmt: skip
    return Sample(pd.concat(parts).sample(frac=1, random_state=0), spec, channels=1)


def _even(patches: int) -> np.ndarray:
    """Delta on either side of the centres of bins 2 to 7, the same for both sigmas."""
    each = np.arange(patches)
    return np.tile(2.2 + each % 6 + 0.6 * (each // 6 % 2), (2, 1))


def test_the_spread_of_curves_that_coincide_is_zero_whatever_their_shape():
    delta = _even(120)
    assert _sample(delta, {"f": np.sin(np.floor(delta)) - 20}).spread("f") == pytest.approx(0, abs=1e-6)


def test_the_spread_of_an_offset_is_its_standard_deviation():
    delta = _even(120)
    offset = np.array([[0.0], [3.0]])
    assert _sample(delta, {"f": np.sin(np.floor(delta)) + offset}).spread("f") == pytest.approx(3 / np.sqrt(2))
    three = np.tile(delta[:1], (3, 1))
    quality = np.sin(np.floor(three)) + np.array([[-2.0], [0.0], [2.0]])
    assert _sample(three, {"f": quality}, sigmas=(10, 25, 50)).spread("f") == pytest.approx(2)


def test_bins_count_as_their_patches_and_lonely_ones_do_not():
    """Offset 1 in a bin of 2 x 20 patches and 4 in one of 2 x 60; a bin with a single sigma and a rare one."""
    delta = np.tile(np.repeat([2.1, 5.5, 7.9], [20, 60, 20]), (2, 1))
    delta[1, -20:] = np.repeat([5.5, 9.9], [17, 3])
    gap = np.where(delta == 2.1, 1.0, 4.0)
    quality = np.array([[0.0], [1.0]]) * gap - 20
    quality[1, -3:] = 100.0  # 3 patches: less than the minimum
    expected = np.sqrt((40 * 1 / 2 + 137 * 16 / 2) / 177)
    assert _sample(delta, {"f": quality}).spread("f") == pytest.approx(expected)


def test_a_bin_outside_the_central_range_of_a_sigma_does_not_count():
    """8 of 400 patches, 2 %, lie alone in the highest bin, where the curves differ."""
    delta = np.tile(np.concatenate([np.full(392, 4.5), np.full(8, 8.9)]), (2, 1))
    delta[:, :11] = 4.1
    quality = np.where(delta > 8, np.array([[0.0], [9.0]]), -20.0)
    sample = _sample(delta, {"f": quality})
    assert sample.spread("f") == 0 and sample.counted.sum() == 2
    delta[:, 100:130] = 8.9  # more of them, and they count
    quality = np.where(delta > 8, np.array([[0.0], [9.0]]), -20.0)
    assert _sample(delta, {"f": quality}).spread("f") == pytest.approx(np.sqrt(38 / 400 * 81 / 2))


def test_without_a_bin_shared_by_two_sigmas_there_is_no_spread():
    delta = np.stack([np.full(40, 2.5), np.full(40, 7.5)])
    assert np.isnan(_sample(delta, {"f": delta}).spread("f"))


def test_the_interval_of_a_sample_that_is_too_small_is_a_gap():
    """6 patches in the only shared bin: some resampled tables have one of them or none."""
    delta = np.stack([np.repeat([2.5, 5.9], [94, 6]), np.repeat([7.5, 5.1], [94, 6])])
    sample = _sample(delta, {"f": np.where(delta.astype(int) == 5, np.array([[0.0], [1.0]]), -20.0)})
    assert sample.spread("f") == pytest.approx(1 / np.sqrt(2))
    assert np.isnan(sample.resampled_spreads("f", STATISTICS)).any()


def _noisy_samples(offset: float, times: int, patches: int = 120):
    """Quality with an offset between the sigmas and independent scatter of 2 dB."""
    random = np.random.default_rng(1)
    delta = _even(patches)
    for _ in range(times):
        yield _sample(delta, {"f": np.array([[0.0], [offset]]) + random.normal(0, 2, delta.shape)})


@pytest.mark.parametrize("offset", [0.0, 1.5])
def test_the_scatter_of_few_patches_is_taken_off(offset):
    """Without that, means of 20 patches of 2 dB would have the spread 2 / sqrt(20) = 0.45 dB and no offset."""
    terms = [spread_of(cells_of(s.index, s.quality["f"], s.bins), s.counted) for s in _noisy_samples(offset, 200)]
    squares = [term.between - term.sampling for term in terms]
    assert np.mean(squares) == pytest.approx(offset**2 / 2, abs=4 * np.std(squares) / np.sqrt(200))
    assert np.mean([term.sampling for term in terms]) == pytest.approx(4 / 20, rel=0.05)


def test_the_interval_holds_the_true_spread_about_as_often_as_it_says():
    hits = 0
    for sample in _noisy_samples(2.0, 100):
        low, high = np.quantile(sample.resampled_spreads("f", STATISTICS), [0.025, 0.975])
        hits += low <= np.sqrt(2) <= high
    assert 88 <= hits <= 100


def test_the_difference_is_paired_and_decides_by_its_interval():
    """Two runs with the same large scatter, one with an offset more: the scatter they share drops out."""
    params = load_params(REPOSITORY / "params.yaml").model_copy(update={"statistics": STATISTICS})
    random, delta = np.random.default_rng(3), _even(180)
    scatter = random.normal(0, 2, delta.shape)
    offsets = {RUNS[0]: 5.0, RUNS[1]: 2.0}
    quality = {run: scatter + np.array([[0.0], [offset]]) for run, offset in offsets.items()}
    sample = _sample(delta, quality)
    spec = params.errors["swinir"].model_copy(update={"runs": RUNS})
    baseline, wne, *_ = item_rows(params, spec, sample)
    assert "spread_difference" not in set(baseline["quantity"])
    difference = wne[wne["quantity"] == "spread_difference"].iloc[0]
    spreads = [rows[rows["quantity"] == "spread"].iloc[0] for rows in (wne, baseline)]
    assert difference["baseline"] == RUNS[0]
    assert difference["value"] == pytest.approx(spreads[0]["value"] - spreads[1]["value"])
    assert difference["value"] == pytest.approx(-3 / np.sqrt(2), abs=0.1)
    assert difference["low"] < difference["value"] < difference["high"] < 0
    widths = [row["high"] - row["low"] for row in (difference, *spreads)]
    assert widths[0] < 0.3 * min(widths[1:])
    ranges = wne[wne["quantity"] == "range"]
    assert ranges["low"].tolist() == pytest.approx([2.2] * 2) and ranges["high"].tolist() == pytest.approx([7.8] * 2)
    curve = wne[wne["quantity"] == "curve"]
    assert len(curve) == 12 and (curve["n"] == 30).all() and curve["counted"].all()
    assert curve["value"].iloc[0] == pytest.approx(quality[RUNS[1]][0][delta[0] < 3].mean())
    assert (wne["run"] == RUNS[1]).all() and (wne["sigma_train"] == "25").all()


# --- null models


def test_the_identity_changes_nothing_and_the_blur_is_equivariant_and_smooths(generator):
    identity, blur = null_models(1.0).values()
    y = torch.randn(2, 1, 24, 24, dtype=torch.float64, generator=generator)
    assert identity(y) is y
    torch.testing.assert_close(blur(3 * y - 7), 3 * blur(y) - 7)
    impulse = torch.zeros(1, 1, 25, 25, dtype=torch.float64)
    impulse[..., 12, 12] = 1
    profile = blur(impulse)[0, 0, 12] / blur(impulse)[0, 0, 12, 12]
    torch.testing.assert_close(profile[12:15], torch.exp(-torch.tensor([0, 1, 4], dtype=torch.float64) / 2))


def test_runs_are_compared_with_null_models_patch_by_patch():
    """Q = -20 with the scatter of the identity, so the difference has none; the blur has -27 and -31."""
    params = load_params(REPOSITORY / "params.yaml").model_copy(update={"statistics": STATISTICS})
    delta = _even(180)
    scatter = np.random.default_rng(3).normal(0, 2, delta.shape)
    quality = {run: -20 + scatter for run in RUNS} | {"identity": -30 + scatter}
    spec = params.errors["swinir"].model_copy(update={"runs": RUNS})
    *runs, identity, blur = item_rows(params, spec, _sample(delta, quality))
    for rows in runs:
        gains = rows[rows["quantity"] == "null_gain"].set_index("baseline")
        assert gains.loc["identity", ["value", "low", "high"]].tolist() == pytest.approx([10] * 3)
        assert gains.loc["blur", "value"] == pytest.approx(9 + scatter.mean())
        assert gains.loc["blur", "low"] < gains.loc["blur", "value"] < gains.loc["blur", "high"]
    for rows, name in ((identity, "identity"), (blur, "blur")):
        assert (rows["run"] == name).all() and (rows["variant"] == "null").all() and rows["sigma_train"].isna().all()
        assert set(rows["quantity"]) == {"curve", "range", "spread"}
    assert blur.loc[blur["quantity"] == "spread", "value"].item() == pytest.approx(4 / np.sqrt(2))


# --- the figures


@pytest.fixture(scope="module")
def drawn():
    """The default profile's item with made-up patches: Q = -20.5 - sigma / 10 for the baseline, -20.5 wrapped."""
    params = load_params(REPOSITORY / "params.yaml").model_copy(update={"statistics": STATISTICS})
    spec = params.errors["swinir"].model_copy(update={"sigmas": [10, 50], "patch": 10, "bins": 11})
    params = params.model_copy(update={"errors": {"swinir": spec}})
    delta = _even(180)
    delta[1] += np.where(delta[1] > 3, 1, 0)  # at sigma 50 no patch in the bin from 3 to 4
    sigma = np.array([[10.0], [50.0]])
    quality = {run: -20.5 - (sigma / 10 if "baseline" in run else 0 * sigma) + 0 * delta for run in spec.runs}
    sample = _sample(delta, quality)
    table = pd.concat(item_rows(params, spec, sample), ignore_index=True)
    table.insert(0, "item", "swinir")
    return params, SimpleNamespace(errors=table), ProfilePaths("default")


def test_figure_6_is_the_wrapped_run_of_the_highest_level_within_its_central_range(drawn):
    figure = fig06(*drawn)
    (ax,) = figure.axes
    assert "WNE" in ax.get_title() and ax.get_title().endswith("50")
    assert ax.get_xlim() == pytest.approx((2.2, 8.8)) and "50" in ax.get_xlabel()
    *curves, identity = ax.lines
    np.testing.assert_allclose(identity.get_ydata(), -20 * np.log10(identity.get_xdata()))
    points = np.concatenate([line.get_xydata() for line in curves])
    assert (points[:, 1] == -20.5).all() and points[:, 0].min() >= 2.2 and points[:, 0].max() <= 8.8
    assert len(curves) == 3  # the bin without patches at sigma 50 breaks its curve


def test_figure_11_has_a_row_for_each_level_common_axes_and_the_spread(drawn):
    figure = fig11(*drawn)
    *panels, identity, blur = figure.axes
    assert len(panels) == 6
    for ax, name, spread in ((identity, "Identity", 0), (blur, "Gaussian blur", 4 / np.sqrt(2))):
        assert ax.get_title().endswith(f"{name} (null model)") and f"spread {spread:.2f} dB" in ax.texts[0].get_text()
    for index, ax in enumerate(panels):
        level, is_wrapped = ("10", "25", "50")[index // 2], index % 2 == 0  # WNE left, as in the paper
        assert ax.get_title().endswith(level) and ("WNE" in ax.get_title()) == is_wrapped
        heights = {round(height, 6) for line in ax.lines for height in line.get_ydata()}
        assert heights == ({-20.5} if is_wrapped else {-21.5, -25.5})
        expected = 0 if is_wrapped else 4 / np.sqrt(2)
        assert f"spread {expected:.2f} dB" in ax.texts[0].get_text()
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in figure.axes}) == 1


def test_a_level_without_its_baseline_and_an_empty_table_are_refused(drawn):
    params, summary, paths = drawn
    rows = summary.errors[summary.errors["run"] != "swinir-baseline-s10"]
    with pytest.raises(CollectError, match="both variants at each sigma_train"):
        fig11(params, SimpleNamespace(errors=rows), paths)
    rare = summary.errors.assign(n=1, counted=False)
    for figure in (fig06, fig11):
        with pytest.raises(CollectError, match="no bin of Delta"):
            figure(params, SimpleNamespace(errors=rare), paths)
    with pytest.raises(CollectError, match="no item of the group swinir"):
        fig06(params.model_copy(update={"errors": {}}), summary, paths)
