"""Other exposures, from made-up results with known answers to estimates, figures, the table and the numbers of the text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from replication.report import style
from replication.report.cells import Cell
from replication.report.figures.exposure import exposure, exposure_pictures, exposure_tasks
from replication.report.numbers.exposure import EXPOSURE
from replication.report.source import Source
from replication.report.table import latex
from replication.report.tables.exposure import exposure as numbers
from replication.report.tables.exposure import exposure_tasks as tasks
from replication.results.exposure import exposure_estimates, swept
from replication.results.identity import identities
from replication.results.summary import CollectError
from replication.results.views import views
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from synthetic_results import IMAGES, default_summary

ITEMS = ("dncnn", "swinir")


def made_up_psnr(variant: str, sweep: str, place: float) -> float:
    """WNE has 30 dB, and with other noise 6 dB a decade of contrast; the baseline loses 5 dB a decade, or a unit of brightness."""
    decades = abs(np.log10(place)) if sweep != "brightness" else abs(place)
    gained = 6 * np.log10(place) if sweep == "fixed" else 0.0
    return 30 + gained - (0.5 + 5 * decades if variant == "baseline" else 0.0)


def write_exposure(params: Params, paths: ProfilePaths) -> None:
    """Images differ by 1 dB, and the last gains 0.4 dB more than the others."""
    for item, spec in params.exposure.items():
        folder, rows, pictures = paths.analysis("exposure", item), [], []
        folder.mkdir(parents=True)
        for run in spec.runs:
            variant = params.runs[run].variant
            for sweep, places in (
                ("scaled", spec.contrasts), ("fixed", spec.contrasts), ("brightness", spec.brightnesses),
            ):  # fmt: skip
                for place, (index, image) in ((p, i) for p in places for i in enumerate(IMAGES)):
                    psnr = made_up_psnr(variant, sweep, place) + index + 0.4 * (variant == "wne" and index == 3)
                    a, b = (1, place) if sweep == "brightness" else (place, 0)
                    row = {"run": run, "image": image, "sweep": sweep, "a": a, "b": b, "input_psnr": 20, "psnr": psnr}
                    rows.append(row)
            pictures += [
                {"run": run, "place": i, "a": a, "b": b, "psnr": 25 + i} for i, (a, b) in enumerate(spec.pictures)
            ]
        pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
        pd.DataFrame(pictures, columns=["run", "place", "a", "b", "psnr"]).to_csv(folder / "pictures.csv", index=False)
        ramp = np.linspace(0, 255, 24).astype(np.uint8)[None].repeat(24, 0)
        for name in ("input", *spec.runs):
            for place in range(len(spec.pictures)):
                Image.fromarray(ramp).save(folder / f"{name}-{place}.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The default profile with exposures written over its made-up results, and their table in the summary."""
    params, paths, summary = default_summary(tmp_path_factory.mktemp("report"))
    write_exposure(params, paths)
    estimates = exposure_estimates(params, paths)
    table = views(estimates, identities(params, params.runs))["exposure"]
    return params, paths, replace(summary, exposure=table)


def point(table: pd.DataFrame, run: str, sweep: str, place: float) -> pd.Series:
    rows = table[(table["run"] == run) & (table["sweep"] == sweep) & (table["place"] == place)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_every_point_is_an_estimate_with_its_gain(made):
    params, _, summary = made
    spec = params.exposure["swinir"]
    assert len(swept(summary.exposure, "swinir", "fixed")) == 2 * len(spec.contrasts)
    row = point(summary.exposure, "swinir-wne-s25", "fixed", 0.1)
    assert row["psnr"] == pytest.approx(30 - 6 + 1.6) and row["input_psnr"] == 20 and row["n"] == len(IMAGES)
    assert row["psnr_gain"] == pytest.approx(5.5 + 0.1) and row["against"] == "swinir-baseline-s25"
    assert row["psnr_gain_low"] < row["psnr_gain"] < row["psnr_gain_high"]
    assert np.isnan(point(summary.exposure, "swinir-baseline-s25", "fixed", 0.1)["psnr_gain"])


def test_the_brightness_of_training_is_a_place(made):
    _, _, summary = made
    assert point(summary.exposure, "dncnn-wne-s25", "brightness", 0)["psnr"] == pytest.approx(31.6)


def test_the_sweeps_of_two_runs_on_other_images_are_refused(made, tmp_path):
    params, _, _ = made
    paths = ProfilePaths(params.profile, tmp_path)
    write_exposure(params, paths)
    file = paths.analysis("exposure", "dncnn") / "scores.csv"
    rows = pd.read_csv(file, dtype={"image": str}, keep_default_na=False)
    rows[(rows["run"] != "dncnn-baseline-s25") | (rows["image"] != "02")].to_csv(file, index=False)
    with pytest.raises(
        CollectError, match=r"exposure\.dncnn: dncnn-wne-s25 and dncnn-baseline-s25 were tested on other"
    ):
        exposure_estimates(params, paths)


def test_the_figure_draws_the_table_in_the_colours_of_the_variants(made):
    params, paths, summary = made
    with style.context():
        axes = exposure(params, summary, paths).axes
    assert len(axes) == 2 * 3
    for ax, (item, sweep, run) in zip(
        (axes[0], axes[4], axes[5]),
        (("dncnn", "scaled", "dncnn-baseline-s25"), ("swinir", "fixed", "swinir-wne-s25"),
         ("swinir", "brightness", "swinir-baseline-s25")),
    ):  # fmt: skip
        look = style.variant_style(params.runs[run].variant)
        line = next(line for line in ax.get_lines() if line.get_label() == look.label)
        rows = swept(summary.exposure, item, sweep)
        rows = rows[rows["run"] == run]
        np.testing.assert_array_equal(line.get_xdata(), rows["place"])
        np.testing.assert_array_equal(line.get_ydata(), rows["psnr"])
        assert line.get_color() == look.colour and ax.get_xscale() == ("linear" if sweep == "brightness" else "log")
    assert len({ax.get_ylim() for ax in axes}) == 1


def test_other_tasks_have_a_figure_of_their_own(made):
    params, paths, summary = made
    with style.context():
        axes = exposure_tasks(params, summary, paths).axes
    assert [ax.get_ylabel().removesuffix("\nPSNR (dB)") for ax in axes[::3]] == [
        "DnCNN deblurring", "SwinIR deblurring", "DnCNN super-resolution", "SwinIR super-resolution",
    ]  # fmt: skip
    assert len(axes) == 4 * 3


def test_the_pictures_stand_in_columns_of_one_exposure_with_their_psnr(made):
    params, paths, summary = made
    with style.context():
        figure = exposure_pictures(params, summary, paths)
    columns = len(params.exposure["dncnn"].pictures)
    assert len(figure.axes) == 3 * columns  # input, baseline, WNE
    texts = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert [len(words) for words in texts] == [1] * columns + [2] * 2 * columns
    assert texts[columns + 1] == ["$a$ = 0.25, $b$ = 0", "26.00 dB"]
    titles = [text.get_text() for text in figure.texts]
    assert titles[1].startswith("DnCNN, ") and titles[2].startswith("DnCNN-WNE, ")


def test_missing_pictures_are_named(made, tmp_path):
    params, _, summary = made
    with pytest.raises(CollectError, match="no pictures in exposure dncnn; make them with: replicate exposure dncnn"):
        exposure_pictures(params, summary, ProfilePaths(params.profile, tmp_path))
    none = {name: item.model_copy(update={"pictures": []}) for name, item in params.exposure.items()}
    with pytest.raises(CollectError, match="no item of exposure has pictures"):
        exposure_pictures(params.model_copy(update={"exposure": none}), summary, ProfilePaths("default", tmp_path))


def test_the_table_has_the_exposure_of_training_and_both_ends_of_each_sweep(made):
    params, _, summary = made
    lines = [line for line in latex(numbers(Source(params, summary, None))).splitlines() if line.count(" & ") == 6]
    cells = [line.removesuffix(r" \\").split(" & ")[:6] for line in lines[1:]]
    assert len(cells) == len(ITEMS) * 7
    assert cells[:7] == [
        [r"$a\sigma$", "1", "0", "20.00", "31.00", "31.60"],
        [r"$a\sigma$", "0.1", "0", "20.00", "26.00", "31.60"],
        [r"$a\sigma$", "4", "0", "20.00", "27.99", "31.60"],
        [r"$\sigma$", "0.1", "0", "20.00", "20.00", "25.60"],
        [r"$\sigma$", "4", "0", "20.00", "31.60", "35.21"],
        [r"$\sigma$", "1", "$-$0.5", "20.00", "28.50", "31.60"],
        [r"$\sigma$", "1", "1", "20.00", "26.00", "31.60"],
    ]


def test_the_table_of_other_tasks_names_them(made):
    params, _, summary = made
    text = latex(tasks(Source(params, summary, None)))
    assert text.count("DnCNN deblurring, ") == text.count("SwinIR super-resolution, ") == 1
    assert len([line for line in text.splitlines() if line.count(" & ") == 6]) == 1 + 4 * 7


def test_the_numbers_of_the_text(made):
    params, _, summary = made
    source = Source(params, summary, None)
    expected = {
        "ExposureWneDncnnScaledChange": "0.000",
        "ExposureBaselineDncnnScaledLoss": "5.00",
        "ExposureBaselineSwinirBrightnessLoss": "5.00",
        "ExposureWneSwinirFixedLoss": "6.00",
        "ExposureWneSwinirScaledLoss": "0.00",
        "ExposureGainDncnnFixedLowest": "$+5.60$",
        "ExposureGainDncnnFixedHighest": "$+3.61$",
        "ExposureImages": "4",
        "ExposureContrastLowest": "0.1",
        "ExposureBrightnessLowest": "-0.5",
        "TasksWneScaledRange": "0.000",
        "TasksBaselineScaledRange": "5.0",
        "TasksBaselineBrightnessRange": "5.0",
        "TasksGainRange": "$+0.60$",
    }
    found = {name: EXPOSURE[name](source) for name in expected}
    assert {n: v.latex if isinstance(v, Cell) else str(v) for n, v in found.items()} == expected
    ends = EXPOSURE["ExposureGainDncnnFixedLowestInterval"](source).latex
    assert ends == "[$5.28$, $5.92$]"  # Student's: 5.60 +- 3.18 s / 2 over four images


def test_a_profile_without_exposures_has_no_such_numbers(made):
    params, _, summary = made
    none = Source(params.model_copy(update={"exposure": {}}), replace(summary, exposure=summary.exposure[:0]), None)
    assert {number(none) for number in EXPOSURE.values()} == {None}
