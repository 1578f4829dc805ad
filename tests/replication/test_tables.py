"""Tables: the numbers in the files are the collected ones, and the paper's are told apart."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from replication.claims import claims
from replication.report.artefacts import ARTEFACTS, TABLES, reported
from replication.report.cells import (
    DASH,
    cell,
    count,
    escape,
    fixed,
    grey,
    heading,
    interval,
    prose,
    scientific,
    seconds,
    signed,
    spanning,
    with_interval,
)
from replication.report.numbers import NUMBERS, define
from replication.report.source import Source
from replication.report.table import SPACE, Message, Table, latex, markdown
from replication.report.tables import write_all
from replication.results.contrasts import contrast_pairs
from replication.results.profile import collect
from replication.results.summary import CollectError, read_summary
from replication.study.published import read_published
from synthetic_results import REPOSITORY, made_up_coverage, make_params, write_results
from whole_summary import whole_summary


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    shutil.copytree(REPOSITORY / "paper/sections", root / "paper/sections")
    params = make_params(root)
    paths = write_results(params, root)
    collect(params, paths)
    write_all(params, paths)
    return params, paths


def _rows(path) -> list[list[str]]:
    """The cells of a generated table, without LaTeX's ornaments."""
    lines = [line.removesuffix(r" \\") for line in path.read_text().splitlines() if line.endswith(r"\\")]
    plain = [re.sub(r"\\textcolor\{gray\}|\\footnotesize|\\quad|\\times|\\,|[{}$]", "", line) for line in lines]
    return [[" ".join(cell.split()) for cell in line.split(" & ")] for line in plain]


def _macros(path) -> dict[str, str]:
    return dict(re.findall(r"^\\newcommand\{\\(\w+)\}\{(.*)\}$", path.read_text(), re.MULTILINE))


def _defined(names, params, summary) -> dict[str, str]:
    published = read_published(REPOSITORY / "data/paper_values.csv")
    used = dict.fromkeys(names, Path("text.tex"))
    text = define(used, Source(params, summary, published, claims(params, summary, published)))
    made = dict(re.findall(r"^\\newcommand\{\\(\w+)\}\{(.*)\}$", text, re.MULTILINE))
    return {name: made[name] for name in names}


def test_every_file_names_its_maker_and_its_input(tiny):
    params, paths = tiny
    inputs = read_summary(params, paths).source["inputs"]
    assert {file.stem for file in paths.tables.iterdir()} == {*reported(TABLES, params), "numbers"}
    for file in paths.tables.iterdir():
        first = file.read_text().splitlines()[0]
        maker = r"\(report(\.\w+)+\)"
        assert re.fullmatch(
            rf"% made by `replicate tables` {maker} from results/tiny with hash {inputs}; do not edit",
            first,
        )


def test_table_1_holds_matched_psnr_and_the_papers_numbers_where_the_set_is_the_papers(tiny):
    params, paths = tiny
    rows = _rows(paths.tables / "table01.tex")
    curves = read_summary(params, paths).curves
    own = curves.query("run == 'dncnn-baseline-s25' and sigma_test == 25").set_index("test_set")["psnr"]
    at = next(i for i, row in enumerate(rows) if row[0] == "DnCNN Baseline")
    assert rows[at][1:] == [f"{own['set12']:.2f}", f"{own['photos_b']:.2f}"]
    assert rows[at + 1] == ["paper", "30.50", ""]  # Table 1 of the paper: DnCNN Baseline, Set12, sigma 25
    assert rows[at + 2][0] == "FDnCNN NE-arch"


def test_mismatch_holds_the_gain_and_its_interval(tiny):
    params, paths = tiny
    row = next(row for row in _rows(paths.tables / "mismatch.tex") if row[0] == "SwinIR WNE")
    paired = read_summary(params, paths).paired
    cell = paired.query("run == 'swinir-wne-s25' and test_set == 'set12' and sigma_test == 100").iloc[0]
    values = [cell[name] for name in ("psnr_gain", "psnr_gain_low", "psnr_gain_high")]
    assert row[-1] == "{:+.2f} [{:.2f}, {:.2f}]".format(*values)
    assert row[1] == "25"


def test_table_3_holds_coverage_in_percent_beside_the_papers(tiny):
    _, paths = tiny
    rows = _rows(paths.tables / "table03.tex")
    assert rows[0][1:] == ["50", "40", "30", "20", "10"]
    note = (paths.tables / "table03.tex").read_text()
    assert r"\texttt{embedded-train}, 20\,000 patches of $70 \times 70$" in note
    upward, downward = rows[-1], rows[2]  # sigma_train 10 and 50
    assert upward[:2] == ["10", f"{100 * made_up_coverage(10, 50):.0f} 88"]
    assert downward == ["50", "95 95", "76 87", "57 68", "38 42", "19 19"]


def test_a_profile_without_difficulty_says_so(tmp_path):
    params = make_params(tmp_path, difficulty={})
    paths = write_results(params, tmp_path)
    collect(params, paths)
    write_all(params, paths)
    assert "no training set was measured" in (paths.tables / "table03.tex").read_text()
    assert "patches of" not in (paths.results / "README.md").read_text()


def test_macros_of_difficulty_are_percentages_and_8_bit_units(tiny):
    _, paths = tiny
    macros = _macros(paths.tables / "numbers.tex")
    expected = {
        "StudyDifficultySet": "embedded-train", "StudyDifficultyPatches": r"20\,000", "StudyDifficultyPatch": "70",
        "StudyDifficultySigmaLowest": "10", "StudyDifficultySigmaHighest": "50",
        "StudyDifficultyApproximationError": "1.2", "StudyCoverageDownward": "19", "PaperCoverageUpward": "88",
        "PaperCoverageDownward": "19", "StudyContrastMedian": "40.0", "StudyContrastBelowLowest": "12",
        "StudyCoverageErrorMax": "0.9",
    }  # fmt: skip
    assert {name: macros[name] for name in expected} == expected


def test_table_4_has_each_recipe_once_and_the_papers_beside_its_own_experiments(tiny):
    _, paths = tiny
    rows = _rows(paths.tables / "table04.tex")
    ours = next(row for row in rows if row[0] == "FDnCNN NE-arch")
    assert ours == ["FDnCNN NE-arch", "16", "32", "MSE", "Muon", "6.010^-3", "one cycle", "400", "25"]
    printed = rows[rows.index(ours) + 1]
    assert printed == ["paper", "128", "70", "MSE", "Adam", "1.010^-4", "constant", "900000", "10, 25, 50"]
    assert sum(row[0] == "paper" for row in rows) == 5  # of the paper's six rows, SE-arch has no run here


def test_timing_tables_have_a_dash_where_no_device_was(tiny):
    _, paths = tiny
    row = next(row for row in _rows(paths.tables / "table06.tex") if row[0] == "NE-arch")
    assert row[1:] == ["---", "---", "0.425 (1.70)", "0.425 (1.70)"]
    assert "no GPU was available" in (paths.tables / "table02.tex").read_text()


def test_counts_have_a_bound_for_each_card_and_the_papers_time(tiny):
    _, paths = tiny
    row = next(row for row in _rows(paths.tables / "counts.tex") if row[0] == "NE-arch")
    assert row[:4] == ["NE-arch", "200.0", "6.00", "60"]
    assert row[4:] == ["6.7 (1.45)", "13.1 (1.12)", "4.5 (1.18)", "2.1 (1.50)", "54 (1.60)"]
    macros = _macros(paths.tables / "numbers.tex")
    expected = {"NeArchBoundFdncnnTraining": "1.45", "WneBytesFdncnnInference": "1.025"}
    assert {name: macros[name] for name in expected} == expected


def test_timing_tables_with_a_gpu(tmp_path):
    params = make_params(tmp_path)
    paths = write_results(params, tmp_path, ("cpu", "cuda"))
    collect(params, paths)
    write_all(params, paths)
    text = (paths.tables / "table02.tex").read_text()
    assert "no GPU" not in text and r"GPU, $16 \times 1 \times 128 \times 128$" in text
    assert "---" not in (paths.tables / "table06.tex").read_text()
    made = _defined(["NeArchRatioFdncnnGpuTraining"], params, read_summary(params, paths))
    assert made == {"NeArchRatioFdncnnGpuTraining": "1.70"}


def test_macros_are_those_of_the_text_defined_once_and_letters_only(tiny):
    """More on the text of the report: tests/test_report.py."""
    _, paths = tiny
    names = re.findall(r"^\\newcommand\{\\([^}]*)\}", (paths.tables / "numbers.tex").read_text(), re.MULTILINE)
    assert len(names) == len(set(names)) > 100
    assert all(name.isalpha() for name in names)
    text = "".join(file.read_text() for file in (REPOSITORY / "paper/sections").glob("*.tex"))
    assert all(f"\\{name}" in text for name in names if name not in ("StudyMissing", "absent"))


def test_macros_hold_the_numbers_and_say_what_was_not_measured(tiny):
    params, paths = tiny
    macros = _macros(paths.tables / "numbers.tex")
    paired = read_summary(params, paths).paired
    rows = paired.query("run == 'dncnn-wne-s25' and test_set == 'set12' and sigma_test == 100")
    assert macros["WneGainDncnnTestHighestRange"] == f"${rows['psnr_gain'].iloc[0]:+.2f}$"
    assert macros["StudySigmaHighest"] == "100"
    assert macros["WneGainColourTestHighest"] == r"\StudyMissing"
    text = (paths.tables / "numbers.tex").read_text()
    assert "WneGainColourTestHighest" in text.split("printed as n/a:")[1].split("\\newcommand")[0]


def test_a_macro_that_no_code_makes_is_an_error_with_its_file(tiny):
    params, paths = tiny
    file = paths.root / "paper/sections/09-new.tex"
    file.write_text("It gains \\WneGainDncnTestHighestRange{} dB. % \\OfAComment\n")
    try:
        with pytest.raises(ValueError, match=r"no number is called \\WneGainDncnTestHighestRange \(.*09-new\.tex\);"):
            write_all(params, paths)
    finally:
        file.unlink()


def test_underscores_are_escaped(tiny):
    _, paths = tiny
    assert r"fdncnn-ne\_arch-s25" in (paths.tables / "training.tex").read_text()
    assert r"photos\_b" in (paths.tables / "table01.tex").read_text()
    for file in paths.tables.glob("*.tex"):
        body = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("%"))
        outside_mathematics = re.sub(r"\$[^$]*\$", "", body)
        assert not re.search(r"(?<!\\)_", outside_mathematics), file.name


def test_the_page_links_figures_and_marks_the_papers_numbers(tiny):
    _, paths = tiny
    page = (paths.results / "README.md").read_text()
    for name in ("overview", "fig02", "fig03", "fig04", "fig07", "training"):
        assert f"](../../paper/tiny/figures/{name}.png)" in page
    assert "| &emsp;*paper* | *30.50* |" in page
    assert "| 50 | 95 *95* | 76 *87* |" in page
    assert "No GPU was available" in page
    assert "Some CPU @ 2.00 GHz_x, 2 thread(s), bfloat16" in page


def test_the_page_shows_every_artefact_of_the_profile_with_its_title(tiny):
    params, paths = tiny
    titles = re.findall(r"^## (.*?)(?: \(C[\dC, ]+\))?$", (paths.results / "README.md").read_text(), re.MULTILINE)
    assert titles == [artefact.title for artefact in ARTEFACTS if not artefact.why_not(params)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Made-up results of every experiment of the default profile."""
    params, summary = whole_summary(tmp_path_factory.mktemp("whole"))
    published = read_published(REPOSITORY / "data/paper_values.csv")
    return params, summary, lambda name: latex(TABLES[name].load()(Source(params, summary, published)))


def _cells(text: str) -> list[list[str]]:
    plain = [
        re.sub(r"\\textcolor\{gray\}|\\footnotesize|\\quad|\\times|\\,|[{}$]", "", line) for line in text.splitlines()
    ]
    return [
        [" ".join(cell.split()) for cell in line.removesuffix(r" \\").split(" & ")] for line in plain if " & " in line
    ]


def test_contrasts_are_the_mean_differences_of_the_images(whole):
    params, summary, _ = whole
    pairs = set(contrast_pairs(params))
    assert {
        ("dncnn-wne-s10", "fdncnn-ne_arch-s10"), ("fdncnn-wne-s25", "fdncnn-se_arch-s25"),
        ("fdncnn-ne_arch-s25", "fdncnn-baseline-s25"), ("dncnn-wne_input-s25", "dncnn-baseline-s25"),
        ("swinir-baseline-s0to55", "swinir-baseline-s10"), ("swinir-soft_ne-s25", "swinir-baseline-s25"),
        ("dncnn-wne-rayleigh-s17", "fdncnn-ne_arch-rayleigh-s17"),
    } <= pairs  # fmt: skip
    assert not pairs & set(zip(summary.paired["run"], summary.paired["baseline"]))
    assert not any("swinir" in run and "fdncnn" in other for run, other in pairs)
    curves = summary.curves.set_index(["run", "test_set", "sigma_test"])
    for row in summary.contrasts.itertuples():
        at = (row.test_set, row.sigma_test)
        means = [curves.loc[(run, *at)] for run in (row.run, row.against)]
        assert row.psnr_gain == pytest.approx(means[0]["psnr"] - means[1]["psnr"], abs=1e-9)
        assert row.ssim_gain == pytest.approx(means[0]["ssim"] - means[1]["ssim"], abs=1e-9)
        assert row.psnr_gain_low <= row.psnr_gain + 1e-9 and row.psnr_gain <= row.psnr_gain_high + 1e-9


def test_table_7_compares_all_variants_with_the_bare_fdncnn(whole):
    _, summary, made = whole
    rows = _cells(made("table07"))
    assert [row[0] for row in rows if row[0].startswith("FDnCNN")] == [
        "FDnCNN Baseline", "FDnCNN SE-arch", "FDnCNN NE-arch", "FDnCNN WNE",
    ]  # fmt: skip
    assert sum(row[0] == "gain" for row in rows) == 3
    psnr = summary.curves.query("run == 'fdncnn-se_arch-s25' and sigma_test == 25").set_index("test_set")["psnr"]
    assert rows[3][1:] == [f"{value:.2f}" for value in psnr]


@pytest.mark.parametrize(("table", "backbone"), [("table08", "Restormer"), ("table09", "Restormer")])
def test_tables_8_and_9_have_a_bare_and_a_wrapped_row(whole, table, backbone):
    rows = _cells(whole[2](table))
    assert [row[0] for row in rows[-3:]] == [f"{backbone} Baseline", f"{backbone} WNE", "gain"]


def test_published_numbers_stand_beside_the_papers_test_sets(whole):
    params, summary, _ = whole
    curves = summary.curves.replace({"test_set": {"photos-test": "set12", "photos-colour-test": "cbsd68"}})
    summary = SimpleNamespace(**vars(summary) | {"curves": curves})
    published = read_published(REPOSITORY / "data/paper_values.csv")
    printed = {
        name: [
            row[1]
            for row in _cells(latex(TABLES[name].load()(Source(params, summary, published))))
            if row[0] == "paper"
        ]
        for name in ("table07", "table08", "table09")
    }
    assert printed["table07"] == ["30.51", "30.42", "30.42", "30.38"]  # Table 1 has 30.37 for NE-arch
    assert printed["table08"] == ["30.76", "30.79"]
    assert printed["table09"] == ["31.60", "31.61"]


def test_table_10_names_its_stand_in_and_has_the_papers_numbers_for_sidd_alone(whole):
    params, summary, made = whole
    assert "simulated sensor noise, 4 images, a stand-in for SIDD" in made("table10")
    assert "39.27" not in made("table10")
    sidd = SimpleNamespace(**vars(summary) | {"real": summary.real.assign(test_set="sidd-validation")})
    text = latex(TABLES["table10"].load()(Source(params, sidd, read_published(REPOSITORY / "data/paper_values.csv"))))
    assert "stand-in" not in text
    assert [row[1:] for row in _cells(text) if row[0] == "paper"] == [["39.27", "0.9150"], ["39.26", "0.9156"]]


def test_the_gains_of_all_experiments_are_in_one_of_two_tables(whole):
    _, summary, made = whole
    rows = _cells(made("mismatch")) + _cells(made("mismatch_other"))
    wne = summary.paired[(summary.paired["variant"] == "wne") & (summary.paired["group"] != "recipe")]
    ends = wne[wne["sigma_test"] == wne["sigma_test"].max()]
    shown = {cell.split(" ")[0] for row in rows for cell in row[2:]}
    assert {f"{gain:+.2f}" for gain in ends["psnr_gain"]} <= shown
    assert [row[1] for row in rows if row[0].startswith("SwinIR WNE") and "--" in row[1]] == ["0--55", "0--55"]
    assert "---" in next(row for row in rows if row[1] == "0--55")  # it has no matched level
    assert any(row[0] == "DnCNN IN (input only)" for row in rows)


def test_defects_have_a_row_for_each_model_of_an_experiment(whole):
    params, summary, made = whole
    text = made("defects")
    assert all(params.groups[group].title in text for group in summary.defects["group"].unique())
    runs = [int(row[1]) for row in _cells(text) if row[1].isdigit()]
    assert sum(runs) == len(params.reported_runs)


def test_a_table_is_written_when_all_its_groups_are_reported(tiny):
    params, _ = tiny
    assert {"table01", "mismatch", "claims"} <= set(reported(TABLES, params))
    assert not {"table07", "table09", "table10", "table11", "controls", "recipe"} & set(reported(TABLES, params))


def test_macros_of_the_other_experiments(whole):
    params, summary, _ = whole
    colour = summary.paired.query("group == 'colour' and sigma_test == 100")["psnr_gain"].iloc[0]
    laplace = summary.paired.query("noise == 'laplace' and variant == 'wne' and sigma_test == 5")["psnr_gain"]
    expected = {
        "WneGainColourTestHighestRange": f"${colour:+.2f}$",
        "WneGainLaplaceTestLowestRange": " to ".join(dict.fromkeys(f"${g:+.2f}$" for g in sorted(laplace)[:: len(laplace) - 1])),
        "WneGainReal": "$+0.05$", "StudyRealSet": "simulated sensor noise", "StudyClaims": "17",
        "WneSamplerInpaintingFinal": "30.00", "WneSamplerDenoisingGap": "$-0.10$",
    }  # fmt: skip
    assert _defined(expected, params, summary) == expected
    counted = [f"StudyClaims{name}" for name in ("Reproduced", "Refuted", "Reduced", "NotTested")]
    assert sum(map(int, _defined(counted, params, summary).values())) == 17
    (defect,) = _defined(["SoftNeDefect"], params, summary).values()
    assert np.isclose(float(defect.split(r"\times")[0].strip("$")), 2.0)


def test_every_number_can_be_made_in_a_whole_profile_and_in_a_tiny_one(whole, tiny):
    params, summary, _ = whole
    assert len(_defined(NUMBERS, params, summary)) == len(NUMBERS)
    made = _defined(NUMBERS, tiny[0], read_summary(*tiny))
    assert made["RecipeSeeds"] == made["OracleGainTestLowest"] == r"\StudyMissing"


def test_the_ledger_is_written_as_table_page_and_csv(tiny):
    _, paths = tiny
    lines = pd.read_csv(paths.results / "claims.csv", keep_default_na=False)
    assert list(lines["id"]) == [f"C{number}" for number in range(1, 18)]
    table, rules = ((paths.tables / f"{name}.tex").read_text() for name in ("claims", "rules"))
    page = (paths.results / "README.md").read_text()
    for claim in lines.itertuples():
        assert rf"\textbf{{{claim.id}}}" in table and prose(claim.rule) in rules
        assert f"| **{claim.id}** " in page and f"**{claim.verdict}" in page
    assert r"\label{tab:claims}" in table and r"\label{tab:rules}" in rules
    assert lines.set_index("id").loc["C13", "verdict"] == "not tested"
    comparisons = pd.read_csv(paths.results / "comparisons.csv")
    counts = comparisons.groupby("id")["state"].value_counts().unstack(fill_value=0)
    for claim in lines[lines["hold"].astype(int) > 0].itertuples():
        assert int(claim.hold) == counts.loc[claim.id, "holds"]


def test_former_rules_are_kept_with_what_they_said(tiny):
    _, paths = tiny
    table = (paths.tables / "former_rules.tex").read_text()
    former = pd.read_csv(REPOSITORY / "data/former_rules.csv")
    assert len(former) == 18 and r"\label{tab:former}" in table
    for rule in former.itertuples():
        assert prose(rule.rule) in table and prose(rule.why) in table


@pytest.mark.parametrize(
    ("plain", "latex"),
    [
        ("3.0e-07", r"$3.0\times10^{-7}$"), ("1e-05", "$10^{-5}$"), ("at least -0.15 dB", "at least $-$0.15 dB"),
        ("WNE - baseline", "WNE $-$ baseline"), ("+-0.5", r"$\pm$0.5"), ("low < high", "low $<$ high"),
        ("sigma_train >= 25", r"$\strain$ $\geq$ 25"), ("dncnn-wne-s10", "dncnn-wne-s10"), ("0 | 1", r"0 \textbar{} 1"),
        ("[-0.42, -0.23]", "[$-$0.42, $-$0.23]"),
    ],
)  # fmt: skip
def test_plain_text_of_a_claim_as_latex(plain, latex):
    assert prose(plain) == latex


def test_a_stale_summary_is_refused(tiny, tmp_path):
    params, paths = tiny
    runs = {name: run.model_dump() | {"seed": 3} for name, run in params.runs.items()}
    with pytest.raises(CollectError, match="dncnn-wne-s25"):
        write_all(make_params(tmp_path, runs=runs), paths)


def test_published_numbers_are_those_of_the_paper():
    published = read_published(REPOSITORY / "data/paper_values.csv")
    assert published.matched_psnr("swinir", "wne", "bsd68", "50") == 26.37
    assert published.matched_psnr("fdncnn", "wne", "set12", "10") == 34.62  # Table 7
    assert published.matched_psnr("swinir", "wne", "photos-test", "50") is None
    assert published.matched_psnr("fdncnn", "ne_arch", "set12", "10", ("Table 7",)) == 34.69
    assert published.matched_psnr("restormer", "wne", "cbsd68", "50", ("Table 9",)) == 28.36
    assert published.real("swinir", "wne", "PSNR") == 39.26
    assert min(published.matched_gains("Table 7")) == -0.2
    assert published.time_ratio("fdncnn", "ne_arch", "cuda", "inference") == 1.69


@pytest.mark.parametrize(
    ("made", "expected", "plain"),
    [
        (cell("a_b%c&d#e$f"), r"a\_b\%c\&d\#e\$f", "a_b%c&d#e$f"),
        (fixed(float("nan")), "---", DASH.markdown),
        (signed(-0.001), "$0.00$", "0.00"),
        (signed(-0.126), "$-0.13$", "-0.13"),
        (interval(float("nan"), 1.0), "", ""),
        (with_interval(0.5, -0.1, 1.1), r"$+0.50$ {\footnotesize [$-0.10$, $1.10$]}", "+0.50 [-0.10, 1.10]"),
        (scientific(3.21e-7), r"$3.2\times10^{-7}$", "3.2e-07"),
        (scientific(0.0), "0", "0"),
        (seconds(0.0123456), "0.0123", "0.0123"),
        (seconds(12.3456), "12.3", "12.3"),
        (seconds(123.456), "123", "123"),
        (count(20000), r"20\,000", "20,000"),
        (grey(fixed(30.5)), r"\textcolor{gray}{30.50}", "*30.50*"),
    ],
)
def test_a_cell_in_latex_and_in_markdown(made, expected, plain):
    assert (made.latex, made.markdown) == (expected, plain)


def test_plain_text_is_escaped():
    assert escape("{x}~^\\") == r"\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}"


def test_a_table_is_rendered_twice():
    head = [["", spanning(2, "Set12")], ["Model", 10, 25]]
    first = Table(
        "lcc", head, [[[heading(3, "Main")], ["A|B", fixed(1.0), DASH], SPACE, ["C", "", "x_y"]]], cell("Note.")
    )
    again = Table("lcc", [["Model", 10, 25]], [[["D", 1, 2]]], joined=True)
    assert latex([first, again]).splitlines() == [
        r"\begin{tabular}{@{}lcc@{}}", r"\toprule", r" & \multicolumn{2}{c}{Set12} \\", r"\cmidrule(lr){2-3}",
        r"Model & 10 & 25 \\", r"\midrule", r"\multicolumn{3}{@{}l@{}}{\emph{Main}} \\", r"A\textbar{}B & 1.00 & --- \\",
        r"\addlinespace[3pt]", r"C &  & x\_y \\", r"\midrule", r"Model & 10 & 25 \\", r"\midrule", r"D & 1 & 2 \\",
        r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    assert markdown([first]).splitlines() == [
        "| Model | Set12, 10 | Set12, 25 |", "| --- | --- | --- |", "| **Main** |  |  |",
        f"| A\\|B | 1.00 | {DASH.markdown} |", "| C |  | x_y |", "", "Note.",
    ]  # fmt: skip
    assert latex([first]).endswith("\n\n\\smallskip\n{\\footnotesize Note.}")
    assert latex([Message("nothing")]) == markdown([Message("nothing")]) == "(nothing)"
