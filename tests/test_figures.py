"""Figures: which are made, that they are the same bytes each time, and that they show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from synthetic_results import make_params, write_results
from wne import style
from wne.collect import CollectError, collect, read_summary
from wne.figures import draw_all, fig03, fig07, overview
from wne.figures.mismatch import select_runs


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    params = make_params(root)
    paths = write_results(params, root)
    collect(params, paths)
    draw_all(params, paths)
    return params, paths


def test_every_figure_is_there_as_pdf_and_png(tiny):
    _, paths = tiny
    names = {file.name for file in paths.figures.iterdir()}
    assert names == {
        f"{n}.{kind}" for n in ("fig02", "fig03", "fig04", "fig07", "overview", "training") for kind in ("pdf", "png")
    }


def test_drawing_twice_gives_the_same_bytes(tiny):
    params, paths = tiny
    first = {file.name: file.read_bytes() for file in paths.figures.iterdir()}
    (paths.figures / "stale.png").write_bytes(b"of a figure that was removed")
    draw_all(params, paths)
    assert {file.name: file.read_bytes() for file in paths.figures.iterdir()} == first


def test_figures_of_missing_runs_are_refused_by_name(tiny, tmp_path):
    params, paths = tiny
    runs = {name: run.model_dump() for name, run in params.runs.items()}
    runs["dncnn-wne-s50"] = runs["dncnn-wne-s25"] | {"sigma": 50}
    with pytest.raises(CollectError, match=r"lacks the current version of dncnn-wne-s50;.*wne collect"):
        draw_all(make_params(tmp_path, runs=runs), paths)


def test_a_missing_picture_is_refused_with_its_run(tiny, tmp_path):
    params = make_params(tmp_path)
    paths = write_results(params, tmp_path)
    collect(params, paths)
    (paths.evaluation / "swinir-wne-s25/fig02.png").unlink()
    with pytest.raises(CollectError, match=r"fig02: no pictures of swinir-wne-s25;"):
        draw_all(params, paths)


def test_panels_are_square_labelled_and_one_for_each_sigma_train(tmp_path):
    raw = {name: run.model_dump() for name, run in make_params(tmp_path).runs.items()}
    runs = {
        name.replace("s25", f"s{sigma}"): run | {"sigma": sigma} for sigma in (50, 25, 10) for name, run in raw.items()
    }
    params = make_params(tmp_path, runs=runs, examples={})
    paths = write_results(params, tmp_path)
    collect(params, paths)
    with style.context():
        figure = fig03(read_summary(params, paths).curves)
        figure.draw_without_rendering()
    panels = figure.axes
    assert [ax.get_title() for ax in panels] == [
        rf"({letter}) $\sigma_{{\mathrm{{train}}}}$ = {sigma}" for letter, sigma in zip("abc", (10, 25, 50))
    ]
    for ax in panels:
        box = ax.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-3)
        assert ax.get_xlim() == ax.get_ylim() == panels[0].get_xlim()
        assert ax.get_xlabel() == "input PSNR (dB)"
    assert panels[0].get_ylabel() == "output PSNR (dB)"
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert shown == {"Baseline", "NE-arch", "WNE", "input = output", "input clipped (ours)", "training noise"}


def test_curves_hold_the_collected_numbers_on_the_first_test_set(tiny):
    params, paths = tiny
    curves = read_summary(params, paths).curves
    with style.context():
        (ax,) = fig03(curves).axes
    line = next(line for line in ax.get_lines() if line.get_label() == "WNE")
    rows = curves.query("run == 'dncnn-wne-s25' and test_set == 'set12'").sort_values("input_psnr")
    np.testing.assert_array_equal(line.get_xdata(), rows["input_psnr"])
    np.testing.assert_array_equal(line.get_ydata(), rows["psnr"])


def test_the_title_states_the_measured_effect(tiny):
    params, paths = tiny
    curves = read_summary(params, paths).curves
    psnr = curves.query("test_set == 'set12' and sigma_test == 100").set_index("run")["psnr"]
    with style.context():
        title = overview(curves).get_suptitle()
        worse = curves.assign(psnr=curves["psnr"].where(curves["variant"] != "wne", 1.0))
        assert "\N{MINUS SIGN}" in overview(worse).get_suptitle()
    assert f"{psnr['dncnn-wne-s25'] - psnr['dncnn-baseline-s25']:+.1f} dB (DnCNN)" in title


def test_difficulties_are_drawn_as_densities_for_each_training_set_and_their_contrast_last(tiny):
    params, paths = tiny
    difficulty = read_summary(params, paths).difficulty
    other = difficulty.assign(train_set="other_set")
    with style.context():
        histogram, second, contrast = fig07(pd.concat([difficulty, other])).axes
    assert [ax.get_title() for ax in (histogram, second)] == ["(a) embedded-train", "(b) other_set"]
    assert histogram.get_ylim() == second.get_ylim()
    measured = [line for line in histogram.get_lines() if line.get_linestyle() == "-"]
    assert len(measured) == len(params.difficulty["embedded-train"].sigmas)
    for line in measured:  # ten equal bins of 7 units: a density of 1 / 70
        np.testing.assert_allclose(line.get_ydata(), 1 / 70)
    curves = [line for line in contrast.get_lines() if line.get_label() in ("embedded-train", "other_set")]
    assert [list(line.get_xdata()) for line in curves] == [[0, 20, 40, 60, 80]] * 2
    assert "8-bit" in contrast.get_xlabel()


def test_a_profile_without_difficulty_has_no_figure_of_it(tmp_path):
    params = make_params(tmp_path, difficulty={})
    paths = write_results(params, tmp_path)
    collect(params, paths)
    draw_all(params, paths)
    assert not (paths.figures / "fig07.png").exists()


def test_of_two_recipes_the_first_of_the_file_is_drawn(tiny):
    params, paths = tiny
    curves = read_summary(params, paths).curves
    other = curves[curves["run"] == "dncnn-wne-s25"].assign(run="dncnn-wne-s25-paper")
    chosen = select_runs(pd.concat([curves, other]), [("dncnn", "wne")])
    assert set(chosen["run"]) == {"dncnn-wne-s25"}
    assert set(chosen["test_set"]) == {"set12"}


def test_pictures_keep_their_pixels(tiny):
    """Each pixel of the 32 x 32 picture is a block of equal pixels in the PNG."""
    _, paths = tiny
    image = imread(paths.figures / "fig02.png")[..., 0]
    row = image[-round(0.55 * image.shape[0])]
    steps = np.flatnonzero(np.diff(row[: image.shape[1] // 5])) + 1
    assert len(steps) > 20
    assert len(set(np.diff(steps))) == 1


def test_variants_have_their_own_colour_and_marker():
    looks = list(style.VARIANTS.values())
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)
    assert style.variant_style("something-new").label == "something-new"
