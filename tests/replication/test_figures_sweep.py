"""The figures of noise sweeps show the collected numbers of the right runs, whole and legible."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import same_color
from matplotlib.text import Text

from replication.report import style
from replication.report.artefacts import FIGURES
from replication.report.figures.training import training
from replication.results.summary import CollectError, read_summary
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published
from synthetic_results import REPOSITORY, default_summary

SWEEPS = ("fig03", "fig04", "fig08", "fig10", "fig12", "fig13", "fig14", "fig15", "fig16", "fig18", "fig20", "fig21")
DRAWN = (*SWEEPS, "fig09", "overview", "training")


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    return default_summary(tmp_path_factory.mktemp("default"))


@pytest.fixture
def draw(made_up):
    """A figure of the default profile; parameters and tables can be replaced."""

    def draw_one(name, params=None, **tables):
        default, paths, summary = made_up
        with style.context():
            return FIGURES[name].load()(params or default, dataclasses.replace(summary, **tables), paths)

    return draw_one


def panels(figure):
    return [ax for ax in figure.axes if ax.axison]


def line(ax, label):
    return next(line for line in ax.get_lines() if line.get_label() == label)


def replaced(params, **runs):
    """params with fields of some runs replaced; None removes a run."""
    changed = {n: run for n, run in params.runs.items() if runs.get(n.replace("-", "_"), run) is not None}
    for key, fields in runs.items():
        if fields is not None:
            name = next(n for n in params.runs if n.replace("-", "_") == key)
            changed[name] = params.runs[name].model_copy(update=fields)
    return params.model_copy(update={"runs": changed})


# --- the panel of a sweep -----------------------------------------------------------------------------


def test_panels_are_square_labelled_and_one_for_each_sigma_train(draw):
    figure = draw("fig03")
    assert [ax.get_title() for ax in panels(figure)] == [
        rf"({letter}) $\sigma_{{\mathrm{{train}}}}$ = {sigma}" for letter, sigma in zip("abc", (10, 25, 50))
    ]
    for ax in panels(figure):
        box = ax.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-3)
        assert ax.get_xlim() == ax.get_ylim() == panels(figure)[0].get_xlim()
        assert ax.get_xlabel() == "input PSNR (dB)"
    assert panels(figure)[0].get_ylabel() == "output PSNR (dB)"
    shown = [[text.get_text() for text in legend.get_texts()] for legend in figure.legends]
    assert sorted(shown) == [
        ["Baseline", "SE-arch", "NE-arch", "WNE"],
        ["input = output", "input clipped (ours)", "training noise"],
    ]


@pytest.mark.parametrize(
    ("name", "panel", "x", "runs"),
    [
        ("fig03", 1, "input_psnr", {"WNE": "dncnn-wne-s25", "NE-arch": "fdncnn-ne_arch-s25"}),
        ("fig04", 2, "input_psnr", {"Baseline": "swinir-baseline-s50", "WNE": "swinir-wne-s50"}),
        ("fig10", 0, "input_psnr", {"Baseline": "fdncnn-baseline-s25", "SE-arch": "fdncnn-se_arch-s25"}),
        ("fig12", 0, "input_ssim", {"SE-arch": "fdncnn-se_arch-s10"}),
        ("fig12", 5, "input_ssim_uniform", {"SE-arch": "fdncnn-se_arch-s50"}),
        ("fig13", 3, "input_ssim_uniform", {"WNE": "swinir-wne-s10"}),
        ("fig14", 0, "input_psnr", {"WNE": "restormer-wne-s25"}),
        ("fig15", 0, "input_psnr", {"WNE": "restormer-wne-colour-s25"}),
        ("fig16", 0, "input_psnr", {"Baseline": "swinir-baseline-n2n-s25", "WNE": "swinir-wne-n2n-s25"}),
        ("fig18", 0, "input_psnr", {"IN (input only)": "dncnn-wne_input-s25", "WNE": "dncnn-wne-s25"}),
        ("fig20", 1, "input_psnr", {"NE-arch": "fdncnn-ne_arch-laplace-s20"}),
        ("fig21", 2, "input_psnr", {"WNE": "swinir-wne-rayleigh-s17"}),
    ],
)
def test_curves_hold_the_collected_numbers_of_their_run_on_its_first_test_set(draw, made_up, name, panel, x, runs):
    params, _, summary = made_up
    ax = panels(draw(name))[panel]
    for label, run in runs.items():
        first = params.tasks[params.runs[run].task].test_sets[0]
        rows = summary.curves[(summary.curves["run"] == run) & (summary.curves["test_set"] == first)].sort_values(x)
        drawn = line(ax, label)
        np.testing.assert_array_equal(drawn.get_xdata(), rows[x])
        np.testing.assert_array_equal(drawn.get_ydata(), rows[x.removeprefix("input_")])
        assert len(rows) >= 8


@pytest.mark.parametrize(("name", "denoisers"), [("fig03", 4), ("fig10", 4), ("fig14", 2), ("fig18", 3), ("fig21", 2)])
def test_no_other_runs_are_drawn(draw, name, denoisers):
    labels = [line.get_label() for line in panels(draw(name))[0].get_lines() if not line.get_label().startswith("_")]
    assert len(labels) == len(set(labels)) == denoisers


def test_of_two_runs_that_differ_by_seed_the_first_is_drawn(draw, made_up):
    params, _, summary = made_up
    again = params.runs["restormer-wne-s25"].model_copy(update={"seed": 1})
    params = params.model_copy(update={"runs": params.runs | {"restormer-wne-s25-again": again}})
    other = summary.curves[summary.curves["run"] == "restormer-wne-s25"].assign(run="restormer-wne-s25-again", psnr=1.0)
    ax = panels(draw("fig14", params, curves=pd.concat([summary.curves, other])))[0]
    assert sum(line.get_label() == "WNE" for line in ax.get_lines()) == 1
    assert line(ax, "WNE").get_ydata().min() > 1.0


def test_the_training_noise_stands_where_the_input_has_it_whatever_the_noise(draw, made_up):
    """Rayleigh noise has a mean: its input PSNR is lower than that of sigma alone."""
    curves = made_up[2].curves.copy()
    curves.loc[curves["noise"] == "rayleigh", "input_psnr"] -= 6.6
    uniform, _, rayleigh, _ = panels(draw("fig20", curves=curves))
    colour = style.TRAINING_NOISE["color"]
    places = [
        next(line for line in ax.get_lines() if same_color(line.get_color(), colour)).get_xdata()[0]
        for ax in (uniform, rayleigh)
    ]
    assert places == pytest.approx([-20 * np.log10(14 / 255), -20 * np.log10(17 / 255) - 6.6], abs=1e-4)


def test_the_axis_above_has_sigma_at_its_input_psnr(draw):
    ax = panels(draw("fig14"))[0]
    (top,) = ax.child_axes
    labels = {text.get_text(): place for text, place in zip(top.get_xticklabels(), top.get_xticks())}
    assert labels == pytest.approx({f"{s}": -20 * np.log10(s / 255) for s in (100, 50, 25, 10, 5)}, abs=1e-4)


def test_ssim_fills_the_unit_square_in_both_windows(draw):
    axes = panels(draw("fig13"))
    assert len(axes) == 6
    assert {ax.get_xlim() + ax.get_ylim() for ax in axes} == {(0.0, 1.0, 0.0, 1.0)}
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [ax.get_ylabel() for ax in axes if ax.get_ylabel()] == [
        "output SSIM, Gaussian window",
        "output SSIM, uniform window",
    ]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("fig08", "swinir-wne-s25"),
        ("fig08", "swinir-soft_ne-s25"),
        ("fig10", "fdncnn-ne_arch-s25"),
        ("fig13", "swinir-baseline-s50"),
        ("fig18", "dncnn-baseline-s25"),
        ("fig20", "fdncnn-se_arch-rayleigh-s17"),
        ("overview", "swinir-wne-s25"),
    ],
)
def test_a_figure_is_never_drawn_without_one_of_its_runs(draw, made_up, name, run):
    curves = made_up[2].curves
    with pytest.raises(CollectError, match=rf"no noise sweep of {run}; make it with: replicate collect$"):
        draw(name, curves=curves[curves["run"] != run])


def test_a_comparison_that_the_profile_has_no_run_for_is_refused(draw, made_up):
    params = replaced(made_up[0], fdncnn_wne_s25={"sigma": 30.0})
    with pytest.raises(
        CollectError, match=r"group cnn has no supervised run of the variant se_arch trained at sigma 30;"
    ):
        draw("fig10", params)
    params = replaced(made_up[0], swinir_wne_s0to55=None)
    with pytest.raises(
        CollectError, match=r"training-controls has no .* variant wne trained at a range of noise levels;"
    ):
        draw("fig09", params)


def test_the_title_of_the_overview_states_the_measured_effect(draw, made_up):
    curves = made_up[2].curves
    psnr = curves.query("test_set == 'photos-test' and sigma_test == 100").set_index("run")["psnr"]
    title = draw("overview").get_suptitle()
    assert f"{psnr['dncnn-wne-s25'] - psnr['dncnn-baseline-s25']:+.1f} dB (DnCNN)" in title
    assert "= 25 only, tested at $\\sigma$ = 100" in title
    worse = curves.assign(psnr=curves["psnr"].where(curves["variant"] != "wne", 1.0))
    assert "\N{MINUS SIGN}" in draw("overview", curves=worse).get_suptitle()


def test_the_overview_says_where_wne_is_below_its_input(draw, made_up):
    def notes(psnr):
        """With WNE of DnCNN so far above its input at the lowest noise."""
        curves = made_up[2].curves.copy()
        lowest = (curves["variant"] == "wne") & (curves["sigma_test"] == curves["sigma_test"].min())
        curves.loc[lowest, "psnr"] = curves["input_psnr"] + 1
        curves.loc[lowest & (curves["backbone"] == "dncnn"), "psnr"] = curves["input_psnr"] + psnr
        return [text.get_text() for text in draw("overview", curves=curves).texts if "below" in text.get_text()]

    below = "At $\\sigma$ = 5 the output of WNE is below its input: \N{MINUS SIGN}1.5 dB (DnCNN)"
    assert (notes(-1.5), notes(0.5)) == ([below], [])


# --- the paper's curves -------------------------------------------------------------------------------


def test_the_papers_curves_are_looked_up_by_figure_variant_and_level():
    published = read_published(REPOSITORY / "data/paper_values.csv")
    rows = published.curve("Figure 18", "wne_input", 10)
    assert len(rows) == 21 and rows["output_psnr"].between(10, 21).all()
    at_training = published.curve("Figure 3", "wne", 25).set_index("sigma_test").loc[25]
    assert at_training["input_psnr"] == pytest.approx(-20 * np.log10(25 / 255), abs=0.03)
    # Figure 3 and Table 1 agree.
    assert at_training["output_psnr"] == pytest.approx(published.matched_psnr("dncnn", "wne", "set12", "25"), abs=0.05)
    assert published.curve("Figure 4", "ne_arch", 25).empty and published.curve("Figure 4", "wne", 30).empty


def papers(ax):
    return [line for line in ax.get_lines() if line.get_label() == "_paper"]


def on_images(params, test_set, images, crop=None):
    changed = params.test_sets[test_set].model_copy(update={"images": images, "crop": crop})
    return params.model_copy(update={"test_sets": params.test_sets | {test_set: changed}})


@pytest.mark.parametrize(
    ("name", "test_set", "images", "counts"),
    [
        ("fig03", "photos-test", "set12", [4, 4, 4]),
        ("fig04", "photos-test", "set12", [2, 2, 2]),
        ("fig10", "photos-test", "set12", [4]),
        ("fig14", "photos-test", "set12", [2]),
        ("fig15", "photos-colour-test", "cbsd68", [2]),
        ("fig15", "photos-colour-test", "set12", [0]),
        ("fig16", "photos-test", "set12", [0]),
        ("fig18", "photos-test", "set12", [0]),  # trained at 25, and the paper's at 10
    ],
)
def test_the_papers_curves_are_drawn_on_the_papers_images(draw, made_up, name, test_set, images, counts):
    figure = draw(name, on_images(made_up[0], test_set, images))
    assert [len(papers(ax)) for ax in panels(figure)] == counts
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert labels.count("paper") == bool(sum(counts))


def test_other_or_cropped_images_have_no_curves_of_the_paper(draw, made_up):
    for params in (made_up[0], on_images(made_up[0], "photos-test", "set12", crop=160)):
        assert not any(papers(ax) for ax in panels(draw("fig03", params)))


def test_a_curve_of_the_paper_is_grey_and_holds_its_points(draw, made_up):
    published = read_published(REPOSITORY / "data/paper_values.csv")
    ax = panels(draw("fig04", on_images(made_up[0], "photos-test", "set12")))[1]
    expected = [published.curve("Figure 4", variant, 25) for variant in ("baseline", "wne")]
    for line_drawn, rows in zip(papers(ax), expected):
        np.testing.assert_array_equal(line_drawn.get_xydata(), rows[["input_psnr", "output_psnr"]])
        assert same_color(line_drawn.get_color(), "0.6") and line_drawn.get_clip_on()


# --- training on a range, and soft-NE -----------------------------------------------------------------


def test_single_noise_runs_are_thin_beside_those_trained_on_a_range(draw, made_up):
    many, soft, many_ssim, _ = panels(draw("fig08"))
    curves = made_up[2].curves.query("test_set == 'photos-test'")
    for ax, label, run, thin in (
        (many, "WNE, $\\sigma$ = 0\N{EN DASH}55", "swinir-wne-s0to55", False),
        (many, "WNE, $\\sigma$ = 25", "swinir-wne-s25", True),
        (soft, "Soft-NE", "swinir-soft_ne-s25", False),
        (soft, "WNE", "swinir-wne-s25", False),
        (soft, "Baseline", "swinir-baseline-s25", True),
    ):
        rows = curves[curves["run"] == run].sort_values("input_psnr")
        np.testing.assert_array_equal(line(ax, label).get_ydata(), rows["psnr"])
        assert (line(ax, label).get_marker() == "") == thin
    assert many_ssim.get_xlabel() == "input SSIM, uniform window"


@pytest.mark.parametrize("name", ["fig08", "fig09"])
def test_mixed_arithmetic_is_said_and_one_for_all_is_not(draw, made_up, name):
    training = made_up[2].training
    wide = training.assign(
        backbone_dtype=training["backbone_dtype"].where(training["objective"] != "soft_ne", "float32")
    )
    both = [text.get_text() for text in draw(name, training=wide).texts if text.get_text()]
    noise = "$\\sigma$ = 0\N{EN DASH}55"
    pairs = f"Baseline $\\sigma$ = 25, WNE $\\sigma$ = 25, Baseline {noise}, WNE {noise}"
    assert both == [f"Trained in bfloat16: {pairs}; in float32: Soft-NE $\\sigma$ = 25"]
    assert not [text for text in draw(name).texts if text.get_text()]


def test_the_training_range_is_shaded_from_its_highest_noise_to_none(draw):
    many, _, many_ssim, _ = panels(draw("fig08"))
    for ax, start in ((many, -20 * np.log10(55 / 255)), (many_ssim, -20 * np.log10(55 / 255) / 50)):
        (span,) = [
            patch for patch in ax.patches if same_color(patch.get_facecolor()[:3], style.TRAINING_RANGE["color"])
        ]
        box = span.get_extents().transformed(ax.transData.inverted())
        assert (box.x0, box.x1) == pytest.approx((start, ax.get_xlim()[1]), abs=1e-3)


def test_defects_are_drawn_at_every_level_on_a_logarithmic_axis(draw, made_up):
    levels = made_up[2].defect_levels
    many, soft = panels(draw("fig09"))
    assert many.get_yscale() == soft.get_yscale() == "log"
    assert many.get_ylim() == soft.get_ylim()
    for ax, label, run in (
        (many, "Baseline, $\\sigma$ = 0\N{EN DASH}55", "swinir-baseline-s0to55"),
        (soft, "WNE", "swinir-wne-s25"),
    ):
        rows = levels[levels["run"] == run].sort_values("sigma_test")
        np.testing.assert_array_equal(line(ax, label).get_xdata(), rows["sigma_test"])
        np.testing.assert_array_equal(line(ax, label).get_ydata(), rows["paper"])
        assert ax.get_ylim()[0] < rows["paper"].min() and rows["paper"].max() < ax.get_ylim()[1]
    with pytest.raises(CollectError, match=r"no equivariance defects of swinir-soft_ne-s25;"):
        draw("fig09", defect_levels=levels[levels["run"] != "swinir-soft_ne-s25"])


# --- other corruptions --------------------------------------------------------------------------------


def test_jpeg_files_are_drawn_by_quality_for_the_runs_on_uniform_noise(draw, made_up):
    jpeg = made_up[2].jpeg
    ax = panels(draw("fig20"))[3]
    rows = jpeg[jpeg["run"] == "dncnn-wne-uniform-s14"].sort_values("quality")
    np.testing.assert_array_equal(line(ax, "WNE").get_xdata(), rows["quality"])
    np.testing.assert_array_equal(line(ax, "WNE").get_ydata(), rows["psnr"])
    identity = ax.get_lines()[0]
    np.testing.assert_array_equal(identity.get_ydata(), rows["input_psnr"])
    assert ax.get_title() == "(d) JPEG files, trained on uniform noise"
    with pytest.raises(CollectError, match=r"no JPEG results of swinir-wne-uniform-s14;"):
        draw("fig21", jpeg=jpeg[jpeg["run"] != "swinir-wne-uniform-s14"])


def test_a_profile_without_some_noises_has_a_panel_less_for_each(draw, made_up):
    params = made_up[0]
    kept = {n: run for n, run in params.runs.items() if run.task not in ("laplace", "rayleigh")}
    figure = draw("fig20", params.model_copy(update={"runs": kept}))
    titles = [ax.get_title() for ax in panels(figure)]
    assert titles == [r"(a) Uniform noise, $\sigma_{\mathrm{train}}$ = 14", "(b) JPEG files, trained on uniform noise"]
    none = {n: run for n, run in params.runs.items() if run.group != "non-gaussian"}
    with pytest.raises(CollectError, match="no runs on uniform, laplace, rayleigh noise"):
        draw("fig20", params.model_copy(update={"runs": none}))


# --- training -----------------------------------------------------------------------------------------


def test_every_run_has_its_loss_curve_in_the_panel_of_its_group(draw, made_up):
    params = made_up[0]
    axes = panels(draw("training"))
    assert [" ".join(ax.get_title().split()) for ax in axes] == [group.title for group in params.groups.values()]
    axes = dict(zip(params.groups, axes))
    for group, ax in axes.items():
        assert [line.get_label() for line in ax.get_lines()] == params.runs_of(group)
    labels = {group: {text.get_text() for text in ax.texts} for group, ax in axes.items()}
    assert labels["cnn"] == {"10", "25", "50"}
    assert labels["training-controls"] == {"0\N{EN DASH}55", "25"}
    assert labels["non-gaussian"] == {"uniform 14", "laplace 20", "rayleigh 17"}
    assert labels["recipe"] == {"L1, constant rate", "MSE, halved rate"}
    assert labels["ne-parts"] == {"32 \N{MULTIPLICATION SIGN} 32", "64 \N{MULTIPLICATION SIGN} 64"}
    assert labels["restormer"] == set()
    assert labels["deblurring"] == {"DnCNN", "SwinIR"}  # one colour for the same variant of both
    assert labels["training-length"] == set()  # the axis shows it


def test_a_backbone_that_trains_for_fewer_steps_than_the_other_keeps_its_label(made_up):
    params, paths, summary = made_up
    short = summary.loss["run"].isin([run for run in params.runs_of("deblurring") if run.startswith("swinir")])
    assert short.any()
    shorter = summary.loss[~short | (summary.loss["step"] < summary.loss.loc[short, "step"].max())]
    figure = training(params, SimpleNamespace(loss=shorter), paths)
    (ax,) = (ax for ax in panels(figure) if ax.get_title() == "Deblurring")
    assert {text.get_text() for text in ax.texts} == {"DnCNN", "SwinIR"}


def test_a_run_without_a_loss_curve_is_refused_by_name(made_up):
    params, paths, summary = made_up
    loss = summary.loss[~summary.loss["run"].isin(["dncnn-wne-s10", "swinir-wne-real"])]
    with pytest.raises(CollectError, match="no loss curve of dncnn-wne-s10, swinir-wne-real;"):
        training(params, SimpleNamespace(loss=loss), paths)


# --- all of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWN)
def test_letters_are_large_enough_inside_the_figure_and_apart(draw, name):
    figure = draw(name)
    with style.context():
        figure.draw_without_rendering()
    hidden = {text for ax in figure.findobj(Axes) for text in _hidden(ax)}
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in hidden]
    assert len(texts) > 10
    assert min(text.get_fontsize() for text in texts) >= 7
    boxes = [text.get_window_extent().padded(-1) for text in texts]
    for text, box in zip(texts, boxes):
        corners = np.array(box.extents) / np.tile(figure.bbox.size, 2)
        assert corners.min() >= 0 and corners.max() <= 1, text.get_text()
    for index, (text, box) in enumerate(zip(texts, boxes)):
        touching = [texts[i].get_text() for i in range(index) if box.overlaps(boxes[i])]
        assert not touching, (text.get_text(), touching)


def _hidden(ax):
    """All of an axes that is switched off, else the labels of ticks beyond its limits."""
    if not ax.axison:
        return ax.findobj(Text)
    labels = []
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = axis.get_major_ticks() + axis.get_minor_ticks()
        outside = [tick for tick in ticks if not low * (1 - 1e-9) <= tick.get_loc() <= high * (1 + 1e-9)]
        labels += [label for tick in outside for label in (tick.label1, tick.label2)]
    return labels


def test_the_papers_curves_of_other_noise_stand_beside_ours_on_the_papers_images():
    params = load_params(REPOSITORY / "profiles/published/params.yaml")
    paths = ProfilePaths(params.profile, REPOSITORY)
    with style.context():
        uniform, *_, files = FIGURES["fig20"].load()(params, read_summary(params, paths), paths).axes[:4]
    papers = [[line for line in ax.lines if line.get_color() == style.PAPER["color"]] for ax in (uniform, files)]
    assert [len(lines) for lines in papers] == [4, 4]
    (wne,) = (line for line in papers[0] if 33.71 in line.get_ydata())  # Fig. 20, sigma 14
    at = wne.get_xdata()[list(wne.get_ydata()).index(33.71)]
    assert at == pytest.approx(20 * np.log10(255 / 14), abs=0.05)
