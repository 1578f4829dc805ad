"""Controls and the 2 x 2 factorial ablation of wrapper and recipe, from made-up results with known answers to figures and tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from replication.report import style
from replication.report.figures.ablation import recipe as recipe_figure
from replication.report.figures.controls import controls as controls_figure
from replication.report.source import Source
from replication.report.table import latex
from replication.report.tables.ablation import recipe as recipe_effects
from replication.report.tables.controls import controls as controls_numbers
from replication.results.controls import control_estimates
from replication.results.identity import identities
from replication.results.readers import ablations, cell_runs, design_recipes, wne_counterpart
from replication.results.recipe import recipe_table
from replication.results.summary import CollectError, read_csv
from replication.results.views import view
from replication.study.params import Params, load_params
from replication.study.paths import ProfilePaths
from synthetic_results import IMAGES, REPOSITORY, default_summary, write_evaluation

RUN, ITEM, TEST_SET = "dncnn-baseline-s25", "dncnn", "photos-test"
GAINS = {"oracle": 3.0, "oracle_about_zero": 2.0, "wrapped_at_test": -4.0, "wrapped_at_test_rescaled": -1.0}
CLASSICAL = {"tv": 27.0, "nlm": 28.0, "wavelet": 26.0}  # dB; wrapped they have 1.5 dB more
L1, HALVED, MATCHED = "cnn-l1", "cnn-halved", "cnn"


def controls_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    return view("controls", control_estimates(params, paths), identities(params, params.runs))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The default profile with controls and an ablation written over its made-up results, and both tables."""
    params, paths, summary = default_summary(tmp_path_factory.mktemp("report"))
    write_controls(params, paths)
    controls = through_a_file(controls_table(params, paths), paths)
    write_ablation(params, paths)  # changes the bare run
    recipe = through_a_file(recipe_table(params, paths), paths)
    return params, paths, replace(summary, controls=controls, recipe=recipe)


def through_a_file(table: pd.DataFrame, paths: ProfilePaths) -> pd.DataFrame:
    """As figures and tables read it, with seven digits."""
    file = paths.results / "table.csv"
    table.to_csv(file, index=False, float_format="%.7g")
    return read_csv(file)


def write_controls(params: Params, paths: ProfilePaths) -> None:
    """Trained controls have the run's PSNR and a gain; images differ by 1 dB, the gain of the last by 0.4 dB."""
    trained = read_csv(paths.evaluated(params, RUN) / "psnr.csv")
    trained = trained[trained["test_set"] == TEST_SET]
    forms = [(name, name.startswith("wrapped")) for name in GAINS] + [(k, w) for k in CLASSICAL for w in (False, True)]
    parts, defects = [], []
    for denoiser, is_wrapped in forms:
        rows = trained.assign(denoiser=denoiser, wrapped=is_wrapped)
        last = 0.4 * (rows["image"] == IMAGES[-1])
        if denoiser in GAINS:
            rows["psnr"] = rows["psnr"] + GAINS[denoiser] + last
        else:
            rows["psnr"] = CLASSICAL[denoiser] + rows["image"].map(IMAGES.index) + is_wrapped * (1.5 + last)
        parts.append(rows)
        for sigma in params.sweep(RUN, TEST_SET):
            for index, size in enumerate((1.0, 2.0, 6.0)):
                size *= 1e-7 if is_wrapped else 0.01 * sigma
                row = {"denoiser": denoiser, "wrapped": is_wrapped, "image": IMAGES[index], "sigma_test": sigma}
                defects.append(row | {"paper": size, "sharp": 2 * size})
    folder = paths.analysis("controls", ITEM)
    folder.mkdir(parents=True)
    pd.concat(parts).to_csv(folder / "table.csv", index=False)
    pd.DataFrame(defects).to_csv(folder / "defect.csv", index=False)


def write_ablation(params: Params, paths: ProfilePaths) -> None:
    """PSNR 20 + image, and: the wrapper 4 dB, `halved` for `l1` 1 dB and half a dB more when wrapped.

    The last image has an interaction of its own, so that intervals have a width. The matched recipe has 0.3 dB more
    than `l1` for either variant.
    """
    runs = [name for name in params.runs_of("recipe")] + [RUN, "dncnn-wne-s25"]
    for name in runs:
        run, file = params.runs[name], paths.evaluated(params, name) / "psnr.csv"
        rows = read_csv(file)
        is_wrapped, is_halved = run.variant == "wne", run.recipe == HALVED
        psnr = 20 + rows["image"].map(IMAGES.index) + 4 * is_wrapped + is_halved + 0.3 * (run.recipe == MATCHED)
        psnr += 0.5 * (is_wrapped and is_halved) * (1 + (rows["image"] == IMAGES[-1]))
        rows.assign(psnr=psnr).to_csv(file, index=False)


# --- controls


def control(table: pd.DataFrame, denoiser: str, is_wrapped: bool, sigma: float = 25) -> pd.Series:
    rows = table[(table["denoiser"] == denoiser) & (table["wrapped"] == is_wrapped) & (table["sigma_test"] == sigma)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_denoiser_has_a_row_for_each_level(made):
    params, _, summary = made
    table = summary.controls
    assert len(table) == 10 * len(params.sweep(RUN, TEST_SET))
    assert set(table["item"]) == {ITEM} and set(table["run"]) == {RUN} and set(table["n"]) == {len(IMAGES)}
    assert set(table["sigma_train"]) == {"25"} and set(table["test_set"]) == {TEST_SET}


def test_trained_controls_gain_over_their_run_and_classical_ones_over_their_bare_form(made):
    _, _, summary = made
    table = summary.controls
    for name, gain in GAINS.items():
        row = control(table, name, name.startswith("wrapped"), 100)
        assert row["against"] == RUN
        assert row["psnr_gain"] == pytest.approx(gain + 0.1)  # one image of four has 0.4 dB more
        assert row["psnr_gain_low"] < row["psnr_gain"] < row["psnr_gain_high"]
    for name, psnr in CLASSICAL.items():
        bare, wrapped = control(table, name, False), control(table, name, True)
        assert bare["psnr"] == pytest.approx(psnr + 1.5)
        assert np.isnan(bare["psnr_gain"]) and pd.isna(bare["against"])
        assert wrapped["against"] == "alone" and wrapped["psnr_gain"] == pytest.approx(1.6)


def test_defects_are_medians_and_maxima_over_images(made):
    _, _, summary = made
    row = control(summary.controls, "tv", False, 50)
    assert (row["paper_median"], row["paper_max"]) == pytest.approx((1.0, 3.0))
    assert (row["sharp_median"], row["sharp_max"]) == pytest.approx((2.0, 6.0))


def test_an_item_on_other_images_than_its_run_is_refused(tmp_path):
    params = load_params(REPOSITORY / "params.yaml")
    paths = ProfilePaths(params.profile, tmp_path)
    write_evaluation(params, RUN, paths)
    write_controls(params, paths)
    file = paths.evaluated(params, RUN) / "psnr.csv"
    rows = read_csv(file)
    rows[rows["image"] != IMAGES[0]].to_csv(file, index=False)
    with pytest.raises(CollectError, match=rf"controls\.{ITEM}: oracle and {RUN} were tested on other images"):
        controls_table(params, paths)


# --- wrapper and recipe


def effect(table: pd.DataFrame, *what: str | None, sigma: float = 50, test_set: str = TEST_SET) -> pd.Series:
    rows = table[(table["test_set"] == test_set) & (table["sigma_test"] == sigma)]
    for column, value in zip(("effect", "variant", "recipe", "against"), what):
        rows = rows[rows[column].isna() if value is None else rows[column] == value]
    assert len(rows) == 1, what
    return rows.iloc[0]


def test_the_effects_of_wrapper_and_recipe_by_hand(made):
    """Half a dB of interaction, twice on one image of four: 0.625 dB on average."""
    _, _, summary = made
    expected = {
        ("psnr", "baseline", L1, None): 21.5,
        ("psnr", "wne", HALVED, None): 21.5 + 4 + 1 + 0.625,
        ("psnr", "wne", MATCHED, None): 21.5 + 4 + 0.3,
        ("wrapper", "wne", L1, "baseline"): 4,
        ("wrapper", "wne", HALVED, "baseline"): 4.625,
        ("wrapper", "wne", MATCHED, "baseline"): 4,
        ("wrapper", "wne", "mean", "baseline"): 4.3125,
        ("recipe", "baseline", HALVED, L1): 1,
        ("recipe", "wne", HALVED, L1): 1.625,
        ("recipe", "mean", HALVED, L1): 1.3125,
        ("recipe", "wne", MATCHED, HALVED): 0.3 - 1.625,
        ("interaction", "wne", HALVED, L1): 0.625,
        ("interaction", "wne", MATCHED, L1): 0,
        ("both", "wne", HALVED, L1): 5.625,
        ("both", "wne", L1, HALVED): 3,
    }
    for what, value in expected.items():
        row = effect(summary.recipe, *what)
        assert row["value"] == pytest.approx(value), what
        assert row["n"] == len(IMAGES) and row["in_design"] == (MATCHED not in what)


def test_both_at_once_is_the_recipe_on_the_baseline_and_then_the_wrapper(made):
    _, _, summary = made
    parts = [("recipe", "baseline", HALVED, L1), ("wrapper", "wne", HALVED, "baseline")]
    both = effect(summary.recipe, "both", "wne", HALVED, L1)["value"]
    assert both == pytest.approx(sum(effect(summary.recipe, *part)["value"] for part in parts))


def test_intervals_are_paired(made):
    """Images differ by 1 dB, which no difference sees: without interaction it has no width at all."""
    _, _, summary = made
    constant = effect(summary.recipe, "recipe", "baseline", HALVED, L1)
    assert constant["high"] - constant["low"] < 1e-6
    varying = effect(summary.recipe, "interaction", "wne", HALVED, L1)
    assert varying["low"] < varying["value"] < varying["high"]
    level = effect(summary.recipe, "psnr", "baseline", L1, None)
    assert level["high"] - level["low"] > 1


def test_every_test_set_and_level_of_the_task_is_there(made):
    params, _, summary = made
    for test_set in params.tasks["awgn"].test_sets:
        rows = summary.recipe[summary.recipe["test_set"] == test_set]
        assert sorted(rows["sigma_test"].unique()) == params.sweep("dncnn-wne-l1-s25", test_set)
        assert not rows.duplicated(["sigma_test", "effect", "variant", "recipe", "against"]).any()


def with_runs(params: Params, runs: dict) -> Params:
    return params.model_copy(update={"runs": runs})


def test_a_cell_that_is_missing_is_named_and_one_recipe_alone_is_no_ablation(made):
    params, paths, _ = made
    fewer = {name: run for name, run in params.runs.items() if name != "dncnn-wne-halved-s25"}
    with pytest.raises(CollectError, match="the group recipe has no run of wne by cnn-halved"):
        recipe_table(with_runs(params, fewer), paths)
    fewer = {name: run for name, run in params.runs.items() if run.group != "recipe" or run.recipe == L1}
    with pytest.raises(CollectError, match="compares two recipes, it has cnn-l1 alone"):
        recipe_table(with_runs(params, fewer), paths)


def test_a_third_recipe_must_match_in_everything_else(made):
    params, paths, _ = made
    runs = params.runs | {RUN: params.runs[RUN].model_copy(update={"seed": 7})}
    table = recipe_table(with_runs(params, runs), paths)
    assert set(table["recipe"]) == {L1, HALVED, "mean"} and table["in_design"].all()


def test_without_the_group_there_is_no_ablation(made):
    params, paths, summary = made
    groups = params.groups | {"recipe": params.groups["recipe"].model_copy(update={"report": False})}
    table = recipe_table(params.model_copy(update={"groups": groups}), paths)
    assert table.empty and list(table.columns) == list(summary.recipe.columns)
    with pytest.raises(CollectError, match="no ablation of wrapper and recipe"):
        ablations(replace(summary, recipe=table))


# --- figures and tables


def test_runs_are_found_by_what_they_are(made):
    params, _, summary = made
    rows = ablations(summary)[0]
    assert wne_counterpart(params, RUN) == "dncnn-wne-s25"
    assert design_recipes(rows) == [L1, HALVED]
    assert cell_runs(params, rows, "wne", HALVED) == ["dncnn-wne-halved-s25"]
    assert cell_runs(params, rows, "baseline", MATCHED) == [RUN]
    alone = with_runs(params, {name: run for name, run in params.runs.items() if name != "dncnn-wne-s25"})
    with pytest.raises(CollectError, match=f"cnn has no WNE run to set beside {RUN}"):
        wne_counterpart(alone, RUN)


def curve(ax, label: str) -> np.ndarray:
    return next(line for line in ax.get_lines() if line.get_label() == label).get_ydata()


def test_the_figure_of_controls_draws_the_numbers_of_the_table(made):
    params, paths, summary = made
    with style.context():
        left, right = controls_figure(params, summary, paths).axes[:2]
    for ax, denoiser, is_wrapped, label in (
        (left, "oracle", False, "Oracle, about the mean"),
        (left, "wrapped_at_test", True, "Wrapped at test"),
        (right, "nlm", False, "Non-local means"),
        (right, "nlm", True, "Non-local means, wrapped"),
    ):
        table = summary.controls
        rows = table[(table["denoiser"] == denoiser) & (table["wrapped"] == is_wrapped)]
        assert sorted(curve(ax, label)) == pytest.approx(sorted(rows["psnr"])), label
    assert len(curve(left, "WNE")) == len(curve(left, "Baseline")) == 10
    assert left.get_xlim() == left.get_ylim() == right.get_ylim()


def test_the_figure_of_recipes_has_the_four_cells_and_all_effects_at_each_level(made):
    params, paths, summary = made
    with style.context():
        axes = recipe_figure(params, summary, paths).axes
    names = ["wrapper, mean", "by L1, constant rate", "by MSE, halved rate", "recipe, mean", "of Baseline", "of WNE"]
    assert [text.get_text() for text in axes[3].get_yticklabels()] == [*names, "both at once"]
    for upper, lower in zip(axes[:3], axes[3:]):
        cells = {line.get_label(): line.get_ydata() for line in upper.get_lines()}
        assert cells["Baseline"] == pytest.approx([21.5, 22.5]) and cells["WNE"] == pytest.approx([25.5, 27.125])
        effects = [line.get_xdata()[0] for line in lower.get_lines() if line.get_marker() in ("D", "s", "x")]
        assert effects == pytest.approx([4.3125, 4, 4.625, 1.3125, 1, 1.625, 5.625])
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["L1,\nconstant", "MSE,\nhalved"]


def test_the_tables_print_the_numbers(made):
    params, _, summary = made
    controls = latex(controls_numbers(Source(params, summary, None)))
    assert "Oracle, about the mean" in controls and "Wavelet, wrapped" in controls
    wavelet = next(line for line in controls.splitlines() if line.startswith("Wavelet &"))
    assert wavelet == r"Wavelet & 27.50 & 27.50 & 27.50 & $1.2\times10^{1}$ \\"
    assert controls.count(r"$+1.60$") == 3 * 3  # three denoisers, three levels
    recipe = latex(recipe_effects(Source(params, summary, None)))
    for line in (
        r"\quad WNE: MSE, halved rate & 27.12 & 27.12 & 27.12 \\",
        r"\emph{MSE, halved rate, in place of L1, constant rate}",
        r"\quad mean of the first 2 & $+4.31$",
        r"\quad MSE, halved rate; L1, constant rate & $+5.6",
    ):
        assert line in recipe, line
