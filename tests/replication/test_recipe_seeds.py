"""The ablation of wrapper and recipe over several seeds: intervals over images and seeds, the figure, the table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from replication.report import style
from replication.report.figures import ablation as figures
from replication.report.source import Source
from replication.report.table import latex
from replication.report.tables import ablation as tables
from replication.results.readers import ablations, cell_runs
from replication.results.recipe import recipe_table
from replication.results.statistics import mean_interval
from replication.results.summary import read_csv
from replication.study.params import load_params
from synthetic_results import IMAGES, REPOSITORY, default_summary, write_evaluation

SEEDS = (0, 1, 2)
OF_SEED = (0.0, 0.2, -0.5)  # dB that a seed adds to the WNE runs
STATISTICS = load_params(REPOSITORY / "params.yaml").statistics


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The default profile with three seeds in its ablation: PSNR 20 + image, and 4 dB + OF_SEED of the wrapper."""
    params, paths, summary = default_summary(tmp_path_factory.mktemp("seeds"))
    runs = dict(params.runs)
    for name in params.runs_of("recipe"):
        for seed in SEEDS[1:]:
            runs[f"{name}-seed{seed}"] = params.runs[name].model_copy(update={"seed": seed})
    params = params.model_copy(update={"runs": runs})
    for name in params.runs_of("recipe"):
        run, file = params.runs[name], paths.evaluated(params, name) / "psnr.csv"
        if not file.exists():
            write_evaluation(params, name, paths)
        rows = read_csv(file)
        rows["psnr"] = 20 + rows["image"].map(IMAGES.index) + (run.variant == "wne") * (4 + OF_SEED[run.seed])
        rows.to_csv(file, index=False)
    file = paths.results / "recipe.csv"
    recipe_table(params, paths).to_csv(file, index=False, float_format="%.7g")
    curves = []
    for name in params.runs_of("recipe"):
        rows = summary.curves[summary.curves["run"] == name.split("-seed")[0]]
        curves.append(rows.assign(run=name))
    rest = summary.curves[summary.curves["group"] != "recipe"]
    return params, paths, replace(summary, recipe=read_csv(file), curves=pd.concat([rest, *curves]))


def over_seeds(table: pd.DataFrame, effect: str, recipe: str) -> pd.Series:
    rows = table[(table["seed"] == "all") & (table["effect"] == effect) & (table["recipe"] == recipe)]
    rows = rows[(rows["variant"] == "wne") & (rows["sigma_test"] == 50)]
    return rows[rows["test_set"] == rows["test_set"].iloc[0]].iloc[0]


def test_every_seed_has_its_rows_and_all_of_them_theirs(made):
    _, _, summary = made
    table = summary.recipe
    assert set(table["seed"]) == {"0", "1", "2", "all"}
    assert set(table.loc[table["seed"] == "all", "n_seeds"]) == {3}
    wrapper = over_seeds(table, "wrapper", "cnn-l1")
    assert wrapper["value"] == pytest.approx(4 + np.mean(OF_SEED))
    assert 3.5 - 1e-6 <= wrapper["low"] < wrapper["value"] < wrapper["high"] <= 4.2 + 1e-6
    assert over_seeds(table, "seed_sd", "cnn-l1")["value"] == pytest.approx(np.std(OF_SEED, ddof=1))


def test_a_recipe_that_one_seed_alone_has_is_left_out_over_seeds(made):
    """Seed 0 has the matched recipe of the core group too."""
    _, _, summary = made
    table = summary.recipe
    assert "cnn" in set(table.loc[table["seed"] == "0", "recipe"])
    assert "cnn" not in set(table.loc[table["seed"] == "all", "recipe"])


def test_figure_and_table_show_the_mean_over_seeds(made):
    params, paths, summary = made
    (rows,) = ablations(summary)
    assert set(rows["seed"]) == {"all"} and len(cell_runs(params, rows, "wne", "cnn-l1")) == 3
    with style.context():
        figure = figures.recipe(params, summary, paths)
    lines, middle = figure.axes[0].get_lines(), 20 + (len(IMAGES) - 1) / 2 + 4
    (mean,) = [line for line in lines if line.get_label() == "WNE"]
    assert np.allclose(mean.get_ydata(), middle + np.mean(OF_SEED))
    single = [line for line in lines if line.get_label() == "_seeds"]
    assert [len(line.get_xdata()) for line in single] == [3] * 4  # a cell each
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["Baseline", "WNE", "single seed"]
    assert "3 seeds" in latex(tables.recipe(Source(params, summary, None)))


def test_without_variance_over_seeds_it_is_the_interval_over_images():
    images = np.random.default_rng(0).normal(size=(1, 12, 3))
    same = mean_interval(np.repeat(images, 3, axis=0), STATISTICS)
    for ours, usual in zip(same, mean_interval(images[0], STATISTICS)):
        assert np.allclose(ours, usual)
    assert np.array_equal(mean_interval(images, STATISTICS).low, mean_interval(images[0], STATISTICS).low)


def test_seeds_alone_give_a_width_that_images_do_not():
    values = np.broadcast_to(np.array([0.0, 1.0, 5.0])[:, None, None], (3, 8, 1))
    low, high = mean_interval(values, STATISTICS)[1:]
    assert low[0] == pytest.approx(0, abs=1e-9) and high[0] == pytest.approx(5)
    assert np.isnan(mean_interval(values[:, :1], STATISTICS).low[0])


def test_the_interval_covers_the_mean_when_seeds_and_images_both_vary():
    """Twelve seeds and images with effects of their own: 95 % intervals miss the true mean, zero, seldom."""
    generator = np.random.default_rng(3)
    shape = (12, 12, 100)  # the last axis: independent repetitions
    values = generator.normal(size=(12, 1, 100)) + generator.normal(size=(1, 12, 100)) + generator.normal(size=shape)
    _, low, high = mean_interval(values, STATISTICS)
    assert 0.9 <= np.mean((low <= 0) & (high >= 0)) <= 1.0
