"""The registry of figures: which are drawn, that they are the same bytes each time, and what is refused by name."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from matplotlib.image import imread

from replication.report import style
from replication.report.artefacts import ARTEFACTS, FIGURES
from replication.report.figures import draw_all
from replication.report.figures.comparisons import _columns, _height
from replication.report.figures.pictures import fig02, fig19, read_example
from replication.results.profile import collect
from replication.results.summary import CollectError
from replication.study import labels
from replication.study.params import load_params
from synthetic_results import REPOSITORY, make_params, write_results


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    params = make_params(root)
    paths = write_results(params, root)
    collect(params, paths)
    paths.figures.mkdir(parents=True)
    (paths.figures / "stale.png").write_bytes(b"of a figure that was removed")
    draw_all(params, paths)
    return params, paths


def test_every_figure_of_the_reported_groups_is_there_as_pdf_and_png_and_no_other_file(tiny):
    _, paths = tiny
    drawn = ("comparisons", "fig02", "fig03", "fig04", "fig07", "fig12", "fig13", "overview", "training")
    assert {file.name for file in paths.figures.iterdir()} == {f"{n}.{kind}" for n in drawn for kind in ("pdf", "png")}


def test_every_committed_figure_fits_on_a_page_of_the_report():
    """LaTeX includes it at its natural size and cuts off what is below the page."""
    files = sorted((REPOSITORY / "paper").glob("*/figures/*.png"))
    # Inches, from the header.
    heights = {file: int.from_bytes(file.read_bytes()[20:24]) / style.PNG_DPI for file in files}
    assert len(files) > 50 and not {file for file, height in heights.items() if height > 8.7}


def test_comparisons_stand_in_two_columns_where_one_is_taller_than_a_page():
    groups = [(f"part {number}", [{}] * (5 + number)) for number in range(10)]
    first, second = _columns(groups)
    assert [*first, *second] == groups and abs(_height(first) - _height(second)) < _height(groups[-1:])
    assert _columns(groups[:3]) == [groups[:3]]
    assert _columns([("one part", [{}] * 100)]) == [[("one part", [{}] * 100)]]
    assert _columns([]) == [[]]


def test_some_figures_drawn_again_have_the_same_bytes_and_the_others_stay(tiny):
    params, paths = tiny
    first = {file.name: file.read_bytes() for file in paths.figures.iterdir()}
    times = {file.name: file.stat().st_mtime_ns for file in paths.figures.iterdir()}
    (paths.figures / "fig03.png").write_bytes(b"older")
    draw_all(params, paths, only=["fig02", "fig03"])
    assert {file.name: file.read_bytes() for file in paths.figures.iterdir()} == first
    redrawn = {file.name for file in paths.figures.iterdir() if file.stat().st_mtime_ns != times[file.name]}
    assert redrawn == {"fig02.pdf", "fig02.png", "fig03.pdf", "fig03.png"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fig3", r"^fig3: no such figure; did you mean 'fig\d+'\?"),
        ("fig14", r"^fig14: params\.yaml does not report restormer$"),
        ("controls", r"^controls: params\.yaml has nothing reported in controls$"),
    ],
)
def test_a_figure_that_the_profile_has_not_is_refused_with_the_reason(tiny, name, message):
    params, paths = tiny
    with pytest.raises(ValueError, match=message):
        draw_all(params, paths, only=[name])


def test_figures_of_missing_runs_are_refused_by_name(tiny, tmp_path):
    params, paths = tiny
    runs = {name: run.model_dump() for name, run in params.runs.items()}
    runs["dncnn-wne-s50"] = runs["dncnn-wne-s25"] | {"sigma": 50}
    with pytest.raises(CollectError, match=r"lacks the current version of dncnn-wne-s50;.*replicate collect"):
        draw_all(make_params(tmp_path, runs=runs), paths)


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=lambda artefact: f"{artefact.kind} {artefact.name}")
def test_every_artefact_is_a_documented_function_and_has_a_title_of_its_own(artefact):
    function = artefact.load()
    arguments = ["params", "summary", "paths"] if artefact.kind == "figure" else ["source"]
    assert list(inspect.signature(function).parameters) == arguments
    assert function.__doc__
    assert [other.title for other in ARTEFACTS].count(artefact.title) == 1


@pytest.mark.parametrize("profile", ["params.yaml", "profiles/smoke/params.yaml", "profiles/paper/params.yaml"])
def test_every_profile_but_bsd400_has_every_figure(profile):
    params = load_params(REPOSITORY / profile)
    assert not [artefact.name for artefact in ARTEFACTS if artefact.why_not(params)]
    assert {group for artefact in ARTEFACTS for group in artefact.groups} <= set(params.groups)


def test_a_group_that_is_not_reported_has_no_figures():
    params = load_params(REPOSITORY / "params.yaml")
    groups = params.groups | {"swinir": params.groups["swinir"].model_copy(update={"report": False})}
    without = params.model_copy(update={"groups": groups})
    missing = {name for name, artefact in FIGURES.items() if artefact.why_not(without)}
    assert missing == {name for name, artefact in FIGURES.items() if "swinir" in artefact.groups}
    assert {"fig04", "fig05", "fig08", "overview"} <= missing


def test_a_missing_picture_is_refused_with_its_run(tmp_path):
    params = make_params(tmp_path)
    paths = write_results(params, tmp_path)
    (paths.evaluated(params, "swinir-wne-s25") / "fig02.png").unlink()
    with pytest.raises(CollectError, match=r"fig02: no pictures of swinir-wne-s25;"):
        fig02(params, None, paths)
    with pytest.raises(CollectError, match=r"examples has no fig19$"):
        fig19(params, None, paths)


@pytest.mark.parametrize(
    ("sigma", "captions"),
    [
        (90, ["Image at training noise\n$\\sigma$ = 25", "Image at test noise\n$\\sigma$ = 90"]),
        (25, ["Noisy image\n$\\sigma$ = 25"]),
    ],
)
def test_the_noise_of_the_training_is_shown_where_it_differs_from_that_of_the_test(tmp_path, sigma, captions):
    pair = ["swinir-baseline-s25", "swinir-wne-s25"]
    example = {"test_set": "set12", "image": "01", "sigma": sigma, "size": 32, "runs": pair}
    params = make_params(tmp_path, examples={"fig02": example})
    pictures = read_example(params, write_results(params, tmp_path), "fig02")
    denoised = ["Denoised by\nSwinIR", "Denoised by\nSwinIR-WNE"]
    assert [picture.caption for picture in pictures] == captions + denoised
    assert [picture.psnr for picture in pictures][-3:] == [9.0, 12.5, 12.5]


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
    for look in style.CONTROLS.values():
        assert not {look.colour, look.marker} & {value for one in looks for value in (one.colour, one.marker)}


def test_denoisers_are_named_by_backbone_and_variant():
    named = [("swinir", "baseline"), ("dncnn", "wne_input"), ("fdncnn", "ne_arch"), ("new", "wne")]
    shown = [labels.denoiser_label(*pair) for pair in named]
    assert shown == ["SwinIR", "DnCNN-IN", "FDnCNN NE-arch", "new-WNE"]
