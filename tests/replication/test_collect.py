"""Collecting: what is refused, and that the numbers are the ones that the inputs imply."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from replication.results.identity import baseline_of
from replication.results.profile import collect
from replication.results.registry import SECTIONS
from replication.results.statistics import mean_interval, median_interval
from replication.results.summary import FILES, CollectError, read_summary
from replication.study.params import ANALYSES, Statistics, load_params
from synthetic_results import (
    IMAGES,
    REPOSITORY,
    default_summary,
    made_up_psnr,
    make_params,
    write_evaluation,
    write_results,
    write_timing,
)

STATISTICS = Statistics(confidence=0.95, resamples=4000, seed=0)


@pytest.fixture
def tiny(tmp_path):
    params = make_params(tmp_path)
    return params, write_results(params, tmp_path)


def _read(params, paths, name):
    return getattr(read_summary(params, paths), name)


# --- refusals


def test_missing_runs_are_named_with_their_commands(tiny):
    params, paths = tiny
    (paths.training / "dncnn-wne-s25.json").unlink()
    (paths.evaluated(params, "swinir-wne-s25") / "psnr.csv").unlink()
    with pytest.raises(CollectError) as error:
        collect(params, paths)
    message = str(error.value)
    assert "\n" not in message
    assert "not trained (replicate train RUN && replicate evaluate RUN): dncnn-wne-s25" in message
    assert "not evaluated (replicate evaluate RUN): swinir-wne-s25" in message
    assert not paths.summary.exists()


@pytest.mark.parametrize("stage", ["training", "evaluation"])
def test_a_stale_fingerprint_is_refused(tiny, stage):
    params, paths = tiny
    name = "dncnn-wne-s25"
    file = {"training": paths.training / f"{name}.json", "evaluation": paths.evaluated(params, name) / "run.json"}[
        stage
    ]
    file.write_text(json.dumps(json.loads(file.read_text()) | {"fingerprint": "0" * 16}))
    with pytest.raises(CollectError, match=f"with other parameters .*: {name};"):
        collect(params, paths)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("sigma_test", 100.0, "sigma_test 100"),
        ("image", "02", "/02"),
        ("draw", 1, "draw 1"),
    ],
)
def test_an_incomplete_sweep_is_refused(tiny, column, value, message):
    params, paths = tiny
    file = paths.evaluated(params, "dncnn-wne-s25") / "psnr.csv"
    psnr = pd.read_csv(file, dtype={"image": str}, keep_default_na=False)
    psnr[psnr[column] != value].to_csv(file, index=False)
    with pytest.raises(
        CollectError,
        match=f"dncnn-wne-s25: psnr.csv has .* missing.*{message}.*replicate evaluate dncnn-wne-s25",
    ):
        collect(params, paths)


def test_repeated_surplus_and_infinite_rows_are_refused(tiny):
    params, paths = tiny
    file = paths.evaluated(params, "dncnn-wne-s25") / "psnr.csv"
    psnr = pd.read_csv(file, dtype={"image": str}, keep_default_na=False)
    surplus = psnr.iloc[[0]].assign(sigma_test=3.0)
    infinite = psnr.assign(psnr=[np.inf, *psnr["psnr"][1:]])
    for table, message in (
        (pd.concat([psnr, psnr.iloc[[0]]]), "1 rows twice"),
        (pd.concat([psnr, surplus]), "params lacks"),
        (infinite, "not finite"),
    ):
        table.to_csv(file, index=False)
        with pytest.raises(CollectError, match=message):
            collect(params, paths)


def test_files_of_removed_runs_do_not_enter(tiny, tmp_path):
    params, paths = tiny
    fewer = {name: run.model_dump() for name, run in params.runs.items() if "swinir" not in name}
    reduced = make_params(tmp_path / "fewer", runs=fewer, examples={})
    collect(reduced, paths)
    assert set(_read(reduced, paths, "curves")["run"]) == set(fewer)


def test_a_summary_of_other_runs_is_refused(tiny, tmp_path):
    params, paths = tiny
    with pytest.raises(CollectError, match=r"no summary of dncnn-baseline-s25, .*replicate collect"):
        read_summary(params, paths)
    collect(params, paths)
    name = "dncnn-wne-s25"
    runs = {key: run.model_dump() for key, run in params.runs.items()}
    runs[name]["seed"] = 7
    with pytest.raises(CollectError, match=f"lacks the current version of {name};"):
        read_summary(make_params(tmp_path / "other", runs=runs), paths)


def test_timing_of_another_shape_is_refused(tiny, tmp_path):
    params, paths = tiny
    samples = pd.read_csv(paths.timing / "samples.csv").assign(height=7)
    samples.to_csv(paths.timing / "samples.csv", index=False)
    with pytest.raises(CollectError, match=r"timing of fdncnn, training on cpu.*replicate timing"):
        collect(params, paths)


def test_difficulty_that_was_not_measured_or_otherwise_is_refused(tiny):
    params, paths = tiny
    file = paths.difficulty / "embedded-train.csv"
    table = pd.read_csv(file)
    table.assign(patches=7).to_csv(file, index=False)
    with pytest.raises(CollectError, match=r"difficulty embedded-train: .* other parameters; .*replicate difficulty"):
        collect(params, paths)
    file.unlink()
    with pytest.raises(CollectError, match=r"difficulty not made \(replicate difficulty NAME\): embedded-train"):
        collect(params, paths)


def test_a_group_that_is_not_reported_is_left_out_whole(tiny, tmp_path):
    """Its runs need not exist, and a reader of the summary is not told to make them."""
    params, paths = tiny
    groups = {name: {**group.model_dump(), "report": name != "swinir"} for name, group in params.groups.items()}
    partial = make_params(tmp_path / "partial", groups=groups)
    (paths.training / "swinir-wne-s25.json").unlink()
    collect(partial, paths)
    summary = read_summary(partial, paths)
    assert set(summary.curves["group"]) == {"cnn"}
    assert not partial.is_reported("swinir") and not partial.is_reported("restormer")


def test_an_analysis_that_is_missing_or_stale_is_refused(tiny, tmp_path):
    _, paths = tiny
    item = {"group": "cnn", "run": "dncnn-baseline-s25", "classical": ["tv"], "test_set": "set12"}
    more = make_params(tmp_path / "more", controls={"mine": item})
    with pytest.raises(CollectError, match=r"controls not made \(replicate controls NAME\): mine"):
        collect(more, paths)
    folder = paths.analysis("controls", "mine")
    folder.mkdir(parents=True)
    (folder / "source.json").write_text(json.dumps({"item": "mine", "fingerprint": "0" * 16}))
    with pytest.raises(CollectError, match="controls made with other parameters"):
        collect(more, paths)


def test_every_analysis_of_params_has_a_collector():
    assert set(ANALYSES) < set(SECTIONS)
    assert {section.file for section in SECTIONS.values()} < set(FILES)


def test_what_was_not_timed_is_named(tiny):
    params, paths = tiny
    (paths.timing / "environment.json").unlink()
    with pytest.raises(CollectError, match=r"timing not made \(replicate timing\): fdncnn"):
        collect(params, paths)


# --- numbers


def test_the_long_table_has_each_quantity_once_and_the_views_pick_from_it(tiny):
    params, paths = tiny
    collect(params, paths)
    table, curves = (_read(params, paths, name) for name in ("estimates", "curves"))
    keys = ["kind", "item", "run", "denoiser", "wrapped", "test_set", "corruption", "level", "against", "quantity"]
    assert not table.duplicated(keys).any() and table["value"].notna().all()
    rows = table.query("kind == 'quality' and quantity == 'ssim' and run == 'swinir-wne-s25' and test_set == 'set12'")
    picked = curves.query("run == 'swinir-wne-s25' and test_set == 'set12'")
    for column, end in (("value", ""), ("low", "_low"), ("high", "_high")):
        assert list(rows[column]) == list(picked[f"ssim{end}"])
    assert (rows["std"] > 0).all() and list(rows["level"]) == list(picked["sigma_test"])


def test_curves_are_means_over_images_of_means_over_draws(tiny):
    params, paths = tiny
    collect(params, paths)
    curves = _read(params, paths, "curves")
    row = curves.query("run == 'dncnn-wne-s25' and test_set == 'set12' and sigma_test == 100").iloc[0]
    # images deviate by 1.2 (index - 1.5) dB, which cancels; draws by 0 and 0.01 dB
    assert row["psnr"] == pytest.approx(made_up_psnr("wne", 25, 100) + 0.005, abs=1e-4)
    assert row["n"] == len(IMAGES)
    assert row["psnr_low"] < row["psnr"] < row["psnr_high"]
    assert row["input_psnr"] == pytest.approx(-20 * np.log10(100 / 255), abs=1e-4)
    assert list(curves["test_set"].unique()) == params.tasks["awgn"].test_sets
    assert sorted(curves.query("run == 'dncnn-wne-s25' and test_set == 'photos_b'")["sigma_test"]) == [10, 25, 50]


def test_a_paired_difference_is_exact_where_the_images_differ_much(tiny):
    params, paths = tiny
    collect(params, paths)
    paired = (
        _read(params, paths, "paired")
        .query("run == 'dncnn-wne-s25' and test_set == 'set12' and sigma_test == 100")
        .iloc[0]
    )
    gain = made_up_psnr("wne", 25, 100) - made_up_psnr("baseline", 25, 100)
    # every image gains the same: the interval closes, though PSNR varies over images by dB
    assert [paired[f"psnr_gain{end}"] for end in ("", "_low", "_high")] == pytest.approx([gain] * 3, abs=2e-5)
    assert paired["baseline"] == "dncnn-baseline-s25"


def test_baselines_are_those_of_the_group_and_of_the_own_model_where_there_is_one(tiny, tmp_path):
    params, _ = tiny
    assert baseline_of(params, "fdncnn-ne_arch-s25") == "dncnn-baseline-s25"
    assert baseline_of(params, "swinir-wne-s25") == "swinir-baseline-s25"
    assert baseline_of(params, "dncnn-baseline-s25") is None
    runs = {name: run.model_dump() for name, run in params.runs.items()}
    runs["fdncnn-baseline-s25"] = runs["dncnn-baseline-s25"] | {"model": "fdncnn"}
    runs["dncnn-wne-s50"] = runs["dncnn-wne-s25"] | {"sigma": 50}
    more = make_params(tmp_path / "more", runs=runs)
    assert baseline_of(more, "fdncnn-ne_arch-s25") == "fdncnn-baseline-s25"
    assert baseline_of(more, "dncnn-wne-s50") is None
    published = load_params(REPOSITORY / "profiles/published/params.yaml")  # the length counts before the seed
    assert baseline_of(published, "fdncnn-ne_arch-s25-seed1") == "fdncnn-baseline-s25"


def test_a_range_of_sigma_is_text_and_survives(tiny, tmp_path):
    params, paths = tiny
    runs = {name: run.model_dump() for name, run in params.runs.items()}
    runs["dncnn-wne-s0-55"] = runs["dncnn-wne-s25"] | {"sigma": [0, 55]}
    wider = make_params(tmp_path / "wider", runs=runs)
    paths = write_results(wider, tmp_path / "wider")
    collect(wider, paths)
    curves = _read(wider, paths, "curves")
    assert set(curves["sigma_train"]) == {"25", "0-55"}
    assert "0-55" not in set(_read(wider, paths, "paired")["sigma_train"])


def test_real_pairs_and_jpeg_files_have_tables_of_their_own(tmp_path):
    params, _, summary = default_summary(tmp_path)
    real = summary.real.set_index("variant")
    assert real.loc["wne", "psnr_gain"] == pytest.approx(0.05, abs=1e-4)  # each image gains as much
    assert real.loc["wne", "psnr_gain_low"] == pytest.approx(0.05, abs=1e-4)
    assert np.isnan(real.loc["baseline", "psnr_gain"])
    assert set(summary.jpeg["quality"]) == set(params.test_sets["photos-test"].qualities)
    assert summary.jpeg.query("variant == 'ne_arch'")["psnr_gain"].to_numpy() == pytest.approx(0.3, abs=1e-4)
    assert not set(params.runs_of("real-noise")) & set(summary.curves["run"])


def test_the_defect_is_given_at_every_noise_level(tmp_path):
    params, _, summary = default_summary(tmp_path)
    rows = summary.defect_levels.query("run == 'swinir-baseline-s0to55'")
    assert list(rows["sigma_test"]) == params.sweep("swinir-baseline-s0to55", "photos-test")
    assert rows["paper"].to_numpy() == pytest.approx(0.2)  # 0.1, 0.2 and 0.3 on three images


def test_timing_ratios_are_paired_by_repetition(tiny):
    params, paths = tiny
    collect(params, paths)
    timing = _read(params, paths, "timing").set_index(["family", "mode", "variant"])
    # seconds rise fourfold from the first repetition to the last, the ratios do not move
    cell = timing.loc[("fdncnn", "training", "ne_arch")]
    assert [cell["ratio"], cell["ratio_low"], cell["ratio_high"]] == pytest.approx([1.7] * 3)
    assert timing.loc[("fdncnn", "training", "baseline"), "median_seconds"] == pytest.approx(0.25)
    assert set(timing["device"]) == {"cpu"}


def test_both_devices_are_collected(tiny):
    params, paths = tiny
    write_timing(params, paths, ("cpu", "cuda"))
    collect(params, paths)
    assert set(_read(params, paths, "timing")["device"]) == {"cpu", "cuda"}


def test_leaked_images_are_left_out(tiny):
    params, paths = tiny
    collect(params, paths)
    row = _read(params, paths, "unleaked").query("run == 'dncnn-wne-s25'").iloc[0]
    assert (row["n"], row["n_unleaked"]) == (4, 3)
    assert row["psnr_unleaked"] - row["psnr"] == pytest.approx(0.2, abs=1e-4)  # image 02 is 0.6 dB below the mean


def test_a_file_without_rows_keeps_its_columns(tiny):
    params, paths = tiny
    collect(params, paths)
    summary = read_summary(params, paths)
    assert summary.filters.empty and summary.errors.empty and summary.controls.empty and summary.recipe.empty
    assert {"item", "rho"} < set(summary.filters) and {"item", "counted"} < set(summary.errors)
    assert {"item", "wrapped", "psnr_gain_low"} < set(summary.controls) and {"effect", "in_design"} < set(
        summary.recipe
    )


def test_an_image_called_na_is_an_image(tiny):
    params, paths = tiny
    collect(params, paths)
    assert set(read_summary(params, paths).leakage["image"]) == set(IMAGES)


def test_collecting_twice_gives_the_same_bytes(tiny):
    params, paths = tiny
    collect(params, paths)
    first = {file.name: file.read_bytes() for file in paths.summary.iterdir()}
    for name in reversed(params.runs):
        write_evaluation(params, name, paths)
    collect(params, paths)
    assert {file.name: file.read_bytes() for file in paths.summary.iterdir()} == first


# --- intervals


@pytest.mark.parametrize("n", [6, 400])
def test_the_interval_of_a_normal_mean_is_students(n):
    values = np.random.default_rng(0).normal(30.0, 2.0, n)
    estimate = mean_interval(values[:, None], STATISTICS)
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    assert estimate.value[0] == pytest.approx(values.mean())
    assert (estimate.high - estimate.low)[0] == pytest.approx(2 * half, rel=0.25 if n == 6 else 0.05)


def test_intervals_cover_at_their_rate():
    """300 samples of 8 normal values: the 95 % interval holds the true mean in about 95 % of them."""
    samples = np.random.default_rng(1).normal(size=(8, 300))
    estimate = mean_interval(samples, STATISTICS)
    covered = np.mean((estimate.low <= 0) & (estimate.high >= 0))
    assert 0.90 <= covered <= 0.985  # the plain percentile interval covers 0.87


@pytest.mark.parametrize("n", [2, 4])
def test_up_to_four_images_have_students_interval_and_not_their_range(n):
    values = np.random.default_rng(0).normal(30.0, 2.0, n)
    estimate = mean_interval(values[:, None], STATISTICS)
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    assert estimate.low[0] == pytest.approx(values.mean() - half) and estimate.low[0] < values.min()
    assert estimate.high[0] == pytest.approx(values.mean() + half)


def test_one_image_has_no_interval():
    estimate = mean_interval(np.array([[30.0]]), STATISTICS)
    assert estimate.value[0] == 30.0
    assert np.isnan(estimate.low[0]) and np.isnan(estimate.high[0])


def test_the_median_ignores_an_outlier():
    values = np.array([1.0] * 9 + [100.0])
    assert median_interval(values, STATISTICS).value == 1.0
