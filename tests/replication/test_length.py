"""The gaps against the length of training: which runs are compared, at which noise, and the paper's values beside them."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from replication.claims.paper import PaperSummary
from replication.report.cells import cell
from replication.report.figures.length import _papers_gap, length
from replication.report.source import Source
from replication.report.tables.length import length as length_table
from replication.results.contrasts import contrast_pairs
from replication.results.length import gaps_by_steps
from replication.results.summary import CollectError
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published
from synthetic_results import REPOSITORY
from whole_summary import whole_summary

PUBLISHED = read_published(REPOSITORY / "data/paper_values.csv")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return whole_summary(tmp_path_factory.mktemp("length"))


def test_every_length_is_compared_at_equal_steps_at_three_noise_levels(study):
    params, summary = study
    rows = gaps_by_steps(params, summary)
    assert sorted(rows["steps"].unique()) == [100, 200, 400, 800]
    assert len(rows) == (4 * 2 + 1) * 3 and rows["psnr_gain"].notna().all()  # SE-arch has one length
    assert dict(zip(rows["place"], rows["sigma_test"])) == {"lowest": 5, "matched": 25, "highest": 100}
    for against, table, other in (("baseline", summary.paired, "baseline"), ("ne_arch", summary.contrasts, "against")):
        name = "dncnn-baseline-steps800-s25" if against == "baseline" else "fdncnn-ne_arch-steps800-s25"
        expected = table[
            (table["run"] == "dncnn-wne-steps800-s25") & (table[other] == name) & (table["sigma_test"] == 5)
        ]
        mine = rows.query("steps == 800 and place == 'lowest' and against_variant == @against")
        assert mine["psnr_gain"].tolist() == expected["psnr_gain"].tolist()


def test_dncnn_meets_the_architectural_forms_of_equal_steps_and_seed_although_fdncnn_has_a_baseline_there():
    pairs = set(contrast_pairs(load_params(REPOSITORY / "profiles/published/params.yaml")))
    for end in ("-s25", "-steps400-s25", "-steps400-s25-seed1", "-steps10000-s25"):
        assert {(f"{wne}-wne{end}", f"fdncnn-{form}{end}") for wne in ("dncnn", "fdncnn")
                for form in ("se_arch", "ne_arch")} <= pairs  # fmt: skip


def test_networks_of_unequal_steps_are_not_compared(study):
    params, summary = study
    name = "fdncnn-ne_arch-steps800-s25"
    shorter = params.runs | {name: params.runs[name].model_copy(update={"recipe": "cnn"})}
    rows = gaps_by_steps(params.model_copy(update={"runs": shorter}), summary)
    against = rows.groupby("steps")["against_variant"].unique().map(sorted).to_dict()
    both = ["baseline", "ne_arch"]
    assert against == {100: both, 200: both, 400: [*both, "se_arch"], 800: ["baseline"]}


def test_the_table_has_the_psnr_of_every_length_and_the_papers_below(study):
    params, summary = study
    on_set12 = SimpleNamespace(curves=summary.curves.replace("photos-test", "set12"))
    source = Source(params, on_set12, PUBLISHED)
    (table,) = length_table(source)
    rows = [[made.markdown for made in map(cell, row)] for row in table.blocks[0]]
    start = next(i for i, row in enumerate(rows) if row[0] == "DnCNN WNE")
    assert [row[1] for row in rows[start : start + 5]] == ["100", "200", "400", "800", "*500,000*"]
    assert rows[start + 4][2:] == ["*35.77*", "*30.43*", "*23.68*"]  # Fig. 3, Table 1
    papers = {row[1]: row[2:] for row in rows if row[0] == "" and row[1] in ("*500,000*", "*900,000*")}
    assert papers["*900,000*"] == ["*36.14*", "*30.37*", "*23.66*"]  # NE-arch, as Fig. 3 has it
    curves = summary.curves.query("run == 'dncnn-wne-steps800-s25'").set_index(["test_set", "sigma_test"])["psnr"]
    assert rows[start + 3][2:] == [f"{curves['photos-test', sigma]:.2f}" for sigma in (5, 25, 100)]


def test_the_papers_gaps_are_those_of_its_figure_3_and_table_1(study):
    rows = gaps_by_steps(*study)
    papers = PaperSummary(PUBLISHED)
    matched = rows[rows["place"] == "matched"]
    assert _papers_gap(papers, "baseline", matched) == pytest.approx(30.43 - 30.50)
    highest = rows[rows["place"] == "highest"]
    assert _papers_gap(papers, "baseline", highest) > 10


def test_the_figure_has_a_panel_for_each_place(study):
    params, summary = study
    figure = length(params, summary, ProfilePaths(params.profile, REPOSITORY))
    assert [ax.get_title().split(",")[0] for ax in figure.axes] == [
        "(a) lowest noise",
        "(b) matched noise",
        "(c) highest noise",
    ]


def test_a_group_without_wne_runs_is_an_error(study):
    params, summary = study
    fewer = params.model_copy(update={"runs": {n: r for n, r in params.runs.items() if r.group != "training-length"}})
    rest = {name: table[table["group"] != "training-length"] for name, table in vars(summary).items()
            if name in ("paired", "contrasts")}  # fmt: skip
    with pytest.raises(CollectError, match="training-length has no WNE run"):
        gaps_by_steps(fewer, type(summary)(**{**vars(summary), **rest}))


def test_another_backbone_has_its_own_row_of_panels_and_the_papers_figure_10(study):
    """FDnCNN with WNE at a second length: its gaps stand apart from DnCNN's."""
    params, summary = study
    names = {variant: f"fdncnn-{variant}-s25" for variant in ("baseline", "wne")}
    longer = {
        name.replace("-s25", "-steps800-s25"): params.runs[name].model_copy(
            update={"group": "training-length", "recipe": "cnn-steps800"}
        )
        for name in names.values()
    }
    both = params.model_copy(update={"runs": params.runs | longer})
    rows = summary.paired[summary.paired["run"] == names["wne"]].assign(
        run="fdncnn-wne-steps800-s25", baseline="fdncnn-baseline-steps800-s25", group="training-length", psnr_gain=7.0
    )
    made = type(summary)(**{**vars(summary), "paired": pd.concat([summary.paired, rows], ignore_index=True)})
    gaps = gaps_by_steps(both, made)
    own = gaps[(gaps["backbone"] == "fdncnn") & (gaps["against_variant"] == "baseline")]
    assert sorted(own["steps"].unique()) == [400, 800] and (own.loc[own["steps"] == 800, "psnr_gain"] == 7.0).all()
    assert not (gaps.loc[gaps["backbone"] == "dncnn", "psnr_gain"] == 7.0).any()
    figure = length(both, made, ProfilePaths(params.profile, REPOSITORY))
    assert [ax.get_ylabel() for ax in figure.axes[::3]] == ["DnCNN: difference (dB)", "FDnCNN: difference (dB)"]
    lowest = own[own["place"] == "lowest"]
    papers = PaperSummary(PUBLISHED)
    assert _papers_gap(papers, "ne_arch", lowest) == pytest.approx(-0.93, abs=0.005)  # Fig. 10
