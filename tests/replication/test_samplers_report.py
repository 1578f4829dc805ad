"""Tables 11 and 12, Figure 17 and the figures beyond the paper, from made-up results of the sampler."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from replication.report import style
from replication.report.figures.samplers import fig17, inverse_problems, trajectories
from replication.report.source import Source
from replication.report.table import latex
from replication.report.tables.samplers import table11, table12
from replication.results.identity import identities
from replication.results.samplers import OBSERVED, sampler_estimates
from replication.results.summary import CollectError, read_csv
from replication.results.views import view
from replication.study.params import Params, load_params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published
from synthetic_results import REPOSITORY

IMAGES = ("01", "NA", "camera", "house")
FINAL = {"baseline": 10.0, "wne": 24.0}  # dB, of the first image; each next one has 1 dB more
BASELINE, WNE = "swinir-baseline-n2n-s25", "swinir-wne-n2n-s25"


def samplers_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    return view("samplers", sampler_estimates(params, paths), identities(params, params.runs))


def made_up_samplers(params: Params, paths: ProfilePaths) -> None:
    """What `replicate samplers` writes: the final PSNR of FINAL, 2 dB below the best state, 1 dB below one pass.

    One image of the baseline diverges, so its last sigma_hat is not finite.
    """
    for item, spec in params.samplers.items():
        folder = paths.analysis("samplers", item)
        folder.mkdir(parents=True)
        rows, points = [], []
        for run in spec.runs:
            variant = params.runs[run].variant
            for index, image in enumerate(IMAGES):
                final = FINAL[variant] + index
                failed = variant == "baseline" and image == "camera"
                rows.append(
                    {"run": run, "image": image, "outcome": "diverged" if failed else "converged"}
                    | {"steps": 40 + 2 * index, "observed_psnr": 6.0 + index, "observed_ssim": 0.1}
                    | {"one_pass_psnr": final + 1, "psnr": final, "ssim": final / 40}
                    | {"best_psnr": final + 2, "best_step": 30}
                )
                step = np.arange(0, 41, 4)
                curve = {"step": step, "psnr": final - 10 / (1 + step), "sigma_hat": 255 * 0.9**step}
                curve["sigma_hat"][-1] = np.inf if failed else curve["sigma_hat"][-1]
                points.append(pd.DataFrame({"run": run, "image": image, **curve, "error": 255 * 0.95**step}))
        pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
        pd.concat(points).to_csv(folder / "trajectory.csv", index=False)
        ramp = np.linspace(0, 255, 24).astype(np.uint8)[None].repeat(24, 0)
        for image in spec.pictures:
            for key in ("clean", "observed", *spec.runs):
                Image.fromarray(ramp).save(folder / f"{image}-{key}.png")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> tuple[Params, ProfilePaths, SimpleNamespace]:
    root = tmp_path_factory.mktemp("samplers")
    params = load_params(REPOSITORY / "params.yaml")
    params = params.model_copy(update={"statistics": params.statistics.model_copy(update={"resamples": 200})})
    pictured = {name: item.model_copy(update={"pictures": ["camera"] if item.pictures else []})
                for name, item in params.samplers.items()}  # fmt: skip
    params = params.model_copy(update={"samplers": pictured})
    paths = ProfilePaths(params.profile, root)
    made_up_samplers(params, paths)
    file = root / "samplers.csv"
    samplers_table(params, paths).to_csv(file, index=False, float_format="%.7g")
    return params, paths, SimpleNamespace(samplers=read_csv(file))


def _cell(summary, item: str, run: str) -> pd.Series:
    table = summary.samplers
    return table[(table["item"] == item) & (table["run"] == run)].iloc[0]


# --- collected


def test_an_item_has_its_observation_and_its_runs(results):
    params, _, summary = results
    table = summary.samplers
    assert list(table["item"].unique()) == list(params.samplers)
    for _, rows in table.groupby("item"):
        assert list(rows["run"]) == [OBSERVED, BASELINE, WNE]
        assert set(rows["group"]) == {"n2n"} and set(rows["n"]) == {4}


def test_means_deviations_and_outcomes_by_hand(results):
    wne, bare = (_cell(results[2], "inpainting", run) for run in (WNE, BASELINE))
    assert wne["psnr"] == pytest.approx(25.5)  # 24, 25, 26, 27
    assert wne["psnr_std"] == pytest.approx(np.sqrt(5 / 3))
    assert wne["psnr_low"] < 25.5 < wne["psnr_high"]
    assert (wne["gap"], wne["gap_low"], wne["gap_high"]) == pytest.approx((-2, -2, -2))
    assert wne["change"] == pytest.approx(-1)
    assert (wne["steps"], wne["best_step"]) == (43, 30)
    assert (wne["converged"], wne["unfinished"], wne["diverged"]) == (4, 0, 0)
    assert (bare["converged"], bare["unfinished"], bare["diverged"]) == (3, 0, 1)
    assert (wne["lost"], bare["lost"]) == (0, 1)


def test_an_image_that_ends_more_than_3_db_below_its_best_state_is_lost(results, tmp_path):
    params, _, _ = results
    paths = ProfilePaths(params.profile, tmp_path)
    made_up_samplers(params, paths)
    file = paths.analysis("samplers", "inpainting") / "table.csv"
    rows = pd.read_csv(file)
    rows.loc[(rows["run"] == WNE) & rows["image"].isin(("camera", "rocket")), "best_psnr"] += 1.5
    rows.to_csv(file, index=False)
    table = samplers_table(params, paths).set_index(["item", "run"])
    assert table.loc[("inpainting", WNE), ["converged", "lost"]].tolist() == [
        4,
        rows["best_psnr"].sub(rows["psnr"]).gt(3).sum(),
    ]
    assert table.loc[("inpainting", WNE), "lost"] > 0


def test_gains_are_paired(results):
    """Every image gains 14 dB, so the interval is a point; the baseline has no gain."""
    wne, bare = (_cell(results[2], "inpainting", run) for run in (WNE, BASELINE))
    assert (wne["psnr_gain"], wne["psnr_gain_low"], wne["psnr_gain_high"]) == pytest.approx((14, 14, 14))
    assert wne["ssim_gain"] == pytest.approx(14 / 40)
    assert wne["baseline"] == BASELINE and pd.isna(bare["psnr_gain"]) and pd.isna(bare["baseline"])


def test_the_observation_has_its_own_quality(results):
    seen = _cell(results[2], "deblurring", OBSERVED)
    assert (seen["psnr"], seen["ssim"]) == pytest.approx((7.5, 0.1))
    assert pd.isna(seen["steps"]) and pd.isna(seen["variant"])


def test_a_run_with_fewer_images_is_refused(results, tmp_path):
    params, paths, _ = results
    other = ProfilePaths(params.profile, tmp_path)
    for item in params.samplers:
        table = read_csv(paths.analysis("samplers", item) / "table.csv")
        other.analysis("samplers", item).mkdir(parents=True)
        (table if item != "inpainting" else table[:-1]).to_csv(
            other.analysis("samplers", item) / "table.csv", index=False
        )
    with pytest.raises(CollectError, match="samplers inpainting: the runs do not have the same images"):
        samplers_table(params, other)


def test_items_of_a_group_that_is_not_reported_are_left_out(results):
    params, paths, _ = results
    silent = params.groups["n2n"].model_copy(update={"report": False})
    table = samplers_table(params.model_copy(update={"groups": params.groups | {"n2n": silent}}), paths)
    assert table.empty and {"item", "run", "psnr", "gap_low", "psnr_gain"} <= set(table)


# --- tables


@pytest.fixture
def published():
    return read_published(REPOSITORY / "data/paper_values.csv")


def _table_row(text: str, start: str, index: int = 0) -> list[str]:
    """The cells of a row without their dress."""
    rows = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip(" \\").strip() for cell in rows[index].split("&")]


def test_table_11_has_the_columns_of_the_paper(results, published):
    params, _, summary = results
    text = latex(table11(Source(params, summary, published)))
    expected = ["WNE-N2N", "26.50", "27.50", "25.50", "$-2.00$", "$-1.00$", "30.00/43.00", "4/4"]
    assert _table_row(text, "WNE-N2N") == expected
    assert _table_row(text, "Baseline-N2N")[-1] == r"3/4 {\footnotesize (1 diverged)}"
    for number in ("35.07", "34.20", "29.49", "$-4.71$", "$-5.58$", "16.67/40.08", "34.96", "22.75/25.00"):
        assert rf"\textcolor{{gray}}{{{number}}}" in text
    assert "photographs, 4 images" in text and "7.50 dB" in text  # of the noisy images
    assert text.count("[$-2.00$, $-2.00$]") == 2


def test_table_12_has_the_columns_of_the_paper(results, published):
    params, _, summary = results
    text = latex(table12(Source(params, summary, published)))
    expected = ["WNE-N2N", "26.50 (1.29)", "25.50 (1.29)", "0.637 (0.032)", "$-2.00$ (0.00)", "43.0 (2.6)", "4/4"]
    assert _table_row(text, "WNE-N2N") == expected
    assert _table_row(text, "Observed")[1:6] == ["---", "7.50 (1.29)", "0.100 (0.000)", "---", "---"]
    for number in ("14.21 (1.31)", "23.87 (2.62)", "0.716 (0.056)", "$0.00$ (0.00)", "277.6 (26.1)", "5.92 (0.93)"):
        assert text.count(rf"\textcolor{{gray}}{{{number}}}") == 1  # beside inpainting, and nowhere else
    assert [text.count(title) for title in ("Inpainting", "Super-resolution (ours)", "Deblurring (ours)")] == [1, 1, 1]
    assert r"$+14.00$\,$\pm$\,0.00" in text


def test_a_profile_without_items_says_so(results, published):
    params, _, summary = results
    empty = params.model_copy(update={"samplers": {}})
    assert "no noisy images are denoised" in latex(table11(Source(empty, summary, published)))
    assert "no inverse problem" in latex(table12(Source(empty, summary, published)))


# --- figures


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_figure_17_has_the_panels_and_the_quality_of_its_image(results):
    params, paths, summary = results
    with style.context():
        figure = fig17(params, summary, paths)
    texts = _texts(figure)
    assert [text for text in texts if text.startswith("(")] == [
        "(a) Clean $x$", "(b) Observed $Px$", "(c) Baseline-N2N: diverged", "(d) WNE-N2N: converged",
    ]  # fmt: skip
    assert [text.get_text() for text in figure.texts] == [
        "Inpainting: 10 % of the pixels observed; image camera, rank 2 of 4, the median",
        "Images that converged: inpainting, Baseline-N2N 3 and WNE-N2N 4 of 4.",
    ]
    assert [text for text in texts if text.endswith("dB")] == ["8.00 dB", "12.00 dB", "26.00 dB"]  # of "camera"
    assert figure.get_figwidth() == pytest.approx(style.TEXT_WIDTH)
    for ax in figure.axes:
        box = ax.get_position()
        side = box.width * figure.get_figwidth() * figure.dpi / 24  # dots a pixel
        assert side == pytest.approx(round(side), abs=1e-6) and side > 1


def test_figure_17_chooses_the_best_the_median_and_the_worst_of_many_pictures(results, tmp_path):
    params, _, summary = results
    pictured = params.samplers["inpainting"].model_copy(update={"pictures": list(IMAGES)})
    params = params.model_copy(update={"samplers": {"inpainting": pictured}})
    paths = ProfilePaths(params.profile, tmp_path)
    made_up_samplers(params, paths)
    with style.context():
        *titles, _ = [text.get_text() for text in fig17(params, summary, paths).texts]
    assert [title.partition("; image ")[2] for title in titles] == [
        "house, rank 1 of 4, the best", "camera, rank 2 of 4, the median", "01, rank 4 of 4, the worst",
    ]  # fmt: skip


def test_the_other_problems_stand_below_one_another(results):
    params, paths, summary = results
    with style.context():
        figure = inverse_problems(params, summary, paths)
    assert len(figure.axes) == 8
    titles = [text.get_text() for text in figure.texts]
    assert titles == [
        "Super-resolution: means of 4 \N{MULTIPLICATION SIGN} 4 pixels observed; image camera, rank 2 of 4, the median",
        "Deblurring: the lowest 10 % of the frequencies observed; image camera, rank 2 of 4, the median",
        "Images that converged: super-resolution, Baseline-N2N 3 and WNE-N2N 4 of 4; "
        "deblurring, Baseline-N2N 3 and WNE-N2N 4 of 4.",
    ]


def test_trajectories_have_both_models_and_end_where_they_stop(results):
    params, paths, summary = results
    with style.context():
        figure = trajectories(params, summary, paths)
    axes = np.array(figure.axes).reshape(2, len(params.samplers))
    assert [ax.get_title() for ax in axes[0]] == ["denoising", "inpainting", "super-resolution", "deblurring"]
    for ax, spec in zip(axes[1], params.samplers.values()):
        assert ax.get_yscale() == "log" and len(ax.lines) == 5  # sigma_hat and error of both, sigma_L
        assert ax.lines[-1].get_ydata()[0] == spec.sigma_stop
        assert np.isfinite(ax.get_ylim()).all()
    # Of inpainting the picture is drawn, whose baseline ends at 12 dB; of denoising the first image, at 10 dB.
    ends = [ax.lines[0].get_ydata()[-1] for ax in axes[0, :2]]
    assert ends == pytest.approx([10 - 10 / 41, 12 - 10 / 41])


def test_missing_pictures_are_named(results, tmp_path):
    params, _, summary = results
    with pytest.raises(
        CollectError,
        match="no pictures of camera in samplers inpainting; make them with: replicate samplers inpainting",
    ):
        fig17(params, summary, ProfilePaths(params.profile, tmp_path))
    empty = params.model_copy(update={"samplers": {}})
    with pytest.raises(CollectError, match="no item of samplers with pictures has random_pixels"):
        fig17(empty, summary, ProfilePaths(params.profile, tmp_path))
