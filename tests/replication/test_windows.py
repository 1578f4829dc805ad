"""Statistics of windows: what changes and what does not, the cells, an item from images to its figure and numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import tiny_denoiser
from replication.experiments.evaluate import evaluate
from replication.experiments.windows import analyse, cells, central_square, run_levels, windowed
from replication.report.figures.windows import windows
from replication.report.numbers import NUMBERS
from replication.report.source import Source
from replication.results.readers import smallest_windows
from replication.results.summary import CollectError, at_place
from replication.results.views import view
from replication.results.windows import window_estimates
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field
from synthetic_results import default_summary
from tiny_profile import RUN, tiny_profile
from wne.checkpoints import save_checkpoint

CPU = torch.device("cpu")
ITEM = {"test_set": "tiny", "images": 2, "windows": [8, 12], "scored": 20, "runs": [RUN]}


def image(channels: int = 1, height: int = 26, width: int = 30) -> np.ndarray:
    return uniform_field((channels, height, width), "windows", channels)


def apply(model, noisy: np.ndarray, window: int, scored: int = 20) -> np.ndarray:
    return windowed(model, noisy, window, scored, CPU)


# --- f_w


@pytest.mark.parametrize("channels", [1, 3])
def test_with_one_window_over_the_image_nothing_changes(channels):
    model, y = tiny_denoiser("dncnn", "wne", channels=channels), image(channels, 26, 26)
    with torch.no_grad():
        whole = central_square(model(torch.from_numpy(y)[None])[0].numpy(), 20)
    np.testing.assert_allclose(apply(model, y, 26), whole, atol=1e-12)
    assert np.abs(apply(model, y, 8) - whole).max() > 1e-3


def test_windowed_statistics_are_equivariant_as_those_of_the_whole_image_are():
    model, y = tiny_denoiser("swinir", "wne"), image()
    np.testing.assert_allclose(apply(model, 3 * y - 7, 8), 3 * apply(model, y, 8) - 7, atol=1e-10)


def test_a_cell_has_the_statistics_of_its_window_and_sees_the_whole_image():
    """The first cell by hand: rows 3 to 13 and columns 5 to 15 of 26 x 30, in a window two pixels wider."""
    model, y = tiny_denoiser("dncnn", "wne"), image()
    window = y[0, 2:14, 4:16]
    with torch.no_grad():
        normalized = torch.from_numpy((y - window.mean()) / window.std())[None]
        expected = window.std() * model.backbone(normalized)[0, 0].numpy() + window.mean()
    np.testing.assert_allclose(apply(model, y, 12)[0, :10, :10], expected[3:13, 5:15], atol=1e-12)


@pytest.mark.parametrize(("size", "window", "scored"), [(160, 48, 96), (160, 70, 96), (160, 128, 96), (50, 7, 99)])
def test_cells_divide_the_central_part_and_windows_stay_inside(size, window, scored):
    spans = cells(size, window, scored)
    side, start = min(size, scored), (size - min(size, scored)) // 2
    assert [pixel for cell, _ in spans for pixel in range(*cell)] == list(range(start, start + side))
    for cell, (low, high) in spans:
        assert 0 <= low <= cell[0] < cell[1] <= high <= size and high - low == window
        assert abs((low + high) - sum(cell)) <= 1 or low == 0 or high == size  # the same centre
    assert len(spans) == -(-side // window)


# --- an item


@pytest.fixture(scope="module")
def item(tmp_path_factory) -> tuple[Params, ProfilePaths]:
    """An untrained network, evaluated, and the item."""
    params, paths = tiny_profile(tmp_path_factory.mktemp("windows"), crop=26)
    params = with_item(params)
    model = tiny_denoiser("dncnn", "wne", dtype=torch.float32)
    config = params.describe(RUN) | {"model": {"backbone": "dncnn", "depth": 4, "width": 8}}
    save_checkpoint(paths.checkpoint(params, RUN), model, config, params.fingerprint(RUN))
    evaluate(params, RUN, paths, CPU)
    analyse(params, "mine", paths, CPU)
    return params, paths


def with_item(params: Params, **changes: object) -> Params:
    raw = params.model_dump()
    raw["windows"] = {"mine": ITEM | {"group": raw["runs"][RUN]["group"]} | changes}
    return Params.model_validate(raw)


def test_the_whole_image_has_the_scores_of_the_evaluation_and_windows_others(item):
    params, paths = item
    scores = pd.read_csv(paths.analysis("windows", "mine") / "scores.csv")
    assert (
        len(scores) == 2 * 3 * 3 and set(scores["window"]) == {0, 8, 12} and set(scores["sigma_test"]) == {10, 25, 50}
    )
    scores = scores.pivot(index=["image", "sigma_test"], columns="window", values="psnr")
    assert (scores[8] != scores[0]).all() and (scores[8] != scores[12]).all()
    analyse(with_item(params, scored=26), "mine", paths, CPU)  # all of each image
    whole = pd.read_csv(paths.analysis("windows", "mine") / "scores.csv").query("window == 0")
    evaluated = pd.read_csv(paths.evaluated(params, RUN) / "psnr.csv").query("draw == 0")
    keys = ["image", "sigma_test"]
    both = whole.merge(evaluated, on=keys, suffixes=("", "_evaluated"))
    np.testing.assert_allclose(both["psnr"], both["psnr_evaluated"], atol=1e-4)
    assert len(both) == 6
    analyse(params, "mine", paths, CPU)


def test_the_levels_are_the_ends_of_the_sweep_and_that_of_training(item):
    params, _ = item
    assert run_levels(params, RUN, "tiny") == [10, 25, 50]
    ranged = params.model_dump()
    ranged["runs"][RUN]["sigma"] = (0, 55)
    assert run_levels(Params.model_validate(ranged), RUN, "tiny") == [10, 50]


def test_estimates_are_means_over_images_and_paired_with_the_whole_image(item):
    params, paths = item
    scores = pd.read_csv(paths.analysis("windows", "mine") / "scores.csv")
    means = scores.groupby(["window", "sigma_test"])["psnr"].mean()
    table = window_estimates(params, paths)
    assert len(table) == 3 * 3 + 2 * 3 and (table["kind"] == "windows").all() and (table["n"] == 2).all()
    for row in table.itertuples():
        expected = means[row.window, row.level]
        if row.against == "whole image":
            expected -= means[0, row.level]
        assert row.value == pytest.approx(expected, abs=1e-4)
    assert table["against"].notna().sum() == 6


def test_an_item_that_is_not_reported_is_not_collected_and_its_results_stay_current(item):
    params, paths = item
    waiting = with_item(params, report=False)
    assert not waiting.reported("windows") and window_estimates(waiting, paths).empty
    assert waiting.analysis_fingerprint("windows", "mine") == params.analysis_fingerprint("windows", "mine")


def test_runs_that_have_no_such_statistics_or_another_test_set_are_refused(item):
    params, paths = item
    raw = params.model_dump()
    raw["runs"][RUN]["variant"] = "baseline"
    with pytest.raises(ValueError, match=rf"windows\.mine: {RUN} is not a WNE run tested on synthetic noise"):
        analyse(Params.model_validate(raw), "mine", paths, CPU)
    task = params.tasks["awgn"].model_copy(update={"test_sets": ["other"]})
    with pytest.raises(ValueError, match=rf"{RUN} is not tested on tiny; name one of other"):
        analyse(params.model_copy(update={"tasks": {"awgn": task}}), "mine", paths, CPU)


# --- the report


GAINS = {32: 0.6, 48: 0.4, 128: 0.1}  # dB at the lowest noise; none at the others


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Params, ProfilePaths, Source]:
    """Four networks of the default profile with made-up gains, SwinIR without the smallest window."""
    params, paths, summary = default_summary(tmp_path_factory.mktemp("report"))
    rows = []
    for run in ("dncnn-wne-s10", "dncnn-wne-s25", "swinir-wne-s25", "swinir-wne-s0to55"):
        place = {"kind": "windows", "item": "made", "run": run, "test_set": "photos-test", "corruption": "gaussian"}
        for level in (5.0, 10.0, 25.0, 100.0) if run == "dncnn-wne-s10" else (5.0, 25.0, 100.0):
            place |= {"level": level, "quantity": "psnr", "n": 6}
            rows.append(place | {"window": 0, "value": 30.0})
            for window, gain in GAINS.items():
                if window == 32 and run.startswith("swinir"):
                    continue
                gain = gain * (level == 5)
                rows.append(place | {"window": window, "value": gain, "against": "whole image"})
    table = pd.DataFrame(rows).reindex(columns=[*summary.estimates.columns])
    summary = replace(summary, windows=view("windows", table, summary.training))
    return params, paths, Source(params, summary, None)


def test_the_smallest_windows_are_those_of_each_run(made):
    _, _, source = made
    rows = smallest_windows(source.summary)
    assert rows.groupby("backbone")["window"].unique().map(list).to_dict() == {"dncnn": [32], "swinir": [48]}


def test_the_figure_has_a_line_for_each_network_and_none_at_a_matched_level_of_a_range(made):
    params, paths, source = made
    figure = windows(params, source.summary, paths)
    lowest, matched, highest = figure.axes
    lines = [
        [line for line in ax.lines if len(line.get_xdata()) > 1 and line.get_marker() != "None"] for ax in figure.axes
    ]
    assert [len(found) for found in lines] == [4, 3, 4]
    assert lines[0][0].get_xydata().tolist() == [[32, 0.6], [48, 0.4], [128, 0.1]]
    assert all((line.get_ydata() == 0).all() for found in lines[1:] for line in found)
    assert [ax.get_title()[4:] for ax in (lowest, matched, highest)] == [
        "Lowest noise",
        "Matched noise",
        "Highest noise",
    ]
    nothing = replace(source.summary, windows=source.summary.windows.iloc[:0])
    with pytest.raises(CollectError, match="no rows of windows"):
        windows(params, nothing, paths)


def test_the_numbers_of_the_text(made):
    _, _, source = made
    numbers = {name: NUMBERS[name](source) for name in ("WindowNetworks", "WindowSides", "WindowGainTestLowestRange")}
    assert numbers == {
        "WindowNetworks": 4,
        "WindowSides": "32 to 48",
        "WindowGainTestLowestRange": "$+0.40$ to $+0.60$",
    }
    nothing = source._replace(summary=replace(source.summary, windows=source.summary.windows.iloc[:0]))
    assert all(NUMBERS[name](nothing) is None for name in (*numbers, "WindowNote"))


def test_the_text_has_the_gain_of_windows_beside_the_gap_to_ne_arch(made):
    _, _, source = made
    contrasts = source.summary.contrasts.copy()
    is_gap = (contrasts["against_variant"] == "ne_arch") & (contrasts["group"] == "cnn")
    assert is_gap.any()
    contrasts.loc[is_gap, "psnr_gain"] = np.where(contrasts.loc[is_gap, "sigma_test"] == 5, -1.2, 7.0)
    changed = source._replace(summary=replace(source.summary, contrasts=contrasts))
    note = NUMBERS["WindowNote"](changed)
    assert "the median change at the lowest noise is $+0.60$ dB (0 of " in note
    assert note.endswith("on whole images is $-1.20$ dB.")


def test_a_place_is_a_level_of_one_run(made):
    _, _, source = made
    run = source.summary.windows.query("run == 'swinir-wne-s0to55'")
    assert at_place(run, "matched").empty and set(at_place(run, "highest")["sigma_test"]) == {100}
