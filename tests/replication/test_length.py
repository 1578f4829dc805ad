"""The gaps against the length of training: which runs are compared, at which noise, and the paper's values beside them."""

from __future__ import annotations

import pytest

from replication.claims.paper import PaperSummary
from replication.report.figures.length import _papers_gap, length
from replication.results.length import gaps_by_steps
from replication.results.summary import CollectError
from replication.study.paths import ProfilePaths
from replication.study.published import read_published
from synthetic_results import REPOSITORY
from whole_summary import whole_summary


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return whole_summary(tmp_path_factory.mktemp("length"))


def test_every_length_is_compared_at_equal_steps_at_three_noise_levels(study):
    params, summary = study
    rows = gaps_by_steps(params, summary)
    assert sorted(rows["steps"].unique()) == [100, 200, 400, 800]
    assert len(rows) == 4 * 2 * 3 and rows["psnr_gain"].notna().all()
    assert dict(zip(rows["place"], rows["sigma_test"])) == {"lowest": 5, "matched": 25, "highest": 100}
    for against, table, other in (("baseline", summary.paired, "baseline"), ("ne_arch", summary.contrasts, "against")):
        name = "dncnn-baseline-steps800-s25" if against == "baseline" else "fdncnn-ne_arch-steps800-s25"
        expected = table[
            (table["run"] == "dncnn-wne-steps800-s25") & (table[other] == name) & (table["sigma_test"] == 5)
        ]
        mine = rows.query("steps == 800 and place == 'lowest' and against_variant == @against")
        assert mine["psnr_gain"].tolist() == expected["psnr_gain"].tolist()


def test_the_papers_gaps_are_those_of_its_figure_3_and_table_1(study):
    rows = gaps_by_steps(*study)
    papers = PaperSummary(read_published(REPOSITORY / "data/paper_values.csv"))
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
