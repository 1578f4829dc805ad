"""The claim ledger: every rule on made-up results, on both sides of its bounds."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from replication.claims import RULES, VERDICTS, claims, ledger
from replication.claims.ledger import settle, verdict
from replication.claims.parts import Outcome, Part, judged, measured
from replication.results.summary import CollectError
from replication.study.params import Params
from replication.study.published import read_published
from synthetic_results import REPOSITORY
from whole_summary import whole_summary

REPRODUCED, PARTLY, NOT, UNTESTED = VERDICTS
PUBLISHED = read_published(REPOSITORY / "data/paper_values.csv")
NAN = float("nan")


# --- made-up results that agree with every claim ----------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Params, SimpleNamespace]:
    """The default profile's parameters, and a summary on which all claims hold."""
    params, made = whole_summary(tmp_path_factory.mktemp("claims"))
    off = made.paired["sigma_test"] != pd.to_numeric(made.paired["sigma_train"], errors="coerce")
    made = edited(made, "paired", off, psnr_gain=(2.0, 1.5, 2.5), ssim_gain=(0.2, 0.1, 0.3))
    made = edited(made, "paired", ~off, psnr_gain=(0.0, -0.1, 0.1), ssim_gain=(0.0, -0.1, 0.1))
    contrast = made.contrasts
    lowest = contrast["sigma_test"] == contrast["sigma_test"].min()
    made = edited(made, "contrasts", contrast["against_variant"] == "ne_arch", psnr_gain=(0.0, -0.1, 0.1))
    rayleigh = (contrast["against_variant"] == "ne_arch") & (contrast["noise"] == "rayleigh") & lowest
    made = edited(made, "contrasts", rayleigh, psnr_gain=(-1.0, -1.2, -0.8))
    made = edited(made, "contrasts", contrast["against_variant"] == "se_arch", psnr_gain=(0.5, 0.3, 0.7))
    made = edited(made, "contrasts", contrast["variant"] == "wne_input", psnr_gain=(-5.0, -6.0, -4.0))
    made = edited(made, "contrasts", contrast["group"] == "training-controls", psnr_gain=(3.0, 2.0, 4.0))
    made = edited(made, "defects", made.defects["objective"] == "soft_ne", paper_median=0.05)
    made = edited(made, "jpeg", made.jpeg["variant"] == "wne", psnr_gain=(0.3, 0.2, 0.4))
    made = edited(made, "real", made.real["variant"] == "wne", psnr_gain=(0.0, -0.05, 0.05))
    made.real["test_set"] = "sidd-validation"
    made.timing = pd.concat([made.timing, made.timing.assign(device="cuda")], ignore_index=True)
    made = edited(made, "timing", made.timing["variant"] == "wne", ratio=(1.0, 0.98, 1.02))
    return params, edited(made, "timing", made.timing["variant"] == "ne_arch", ratio=(1.6, 1.5, 1.7))


def edited(summary: SimpleNamespace, table: str, rows: pd.Series, **values: object) -> SimpleNamespace:
    """A copy with other numbers in these rows; three of them are value, low end and high end."""
    frame = getattr(summary, table).copy()
    for name, value in values.items():
        if isinstance(value, tuple):
            frame.loc[rows, [name, f"{name}_low", f"{name}_high"]] = value
        else:
            frame.loc[rows, name] = value
    assert rows.any(), "the edit changes nothing"
    return SimpleNamespace(**{**vars(summary), table: frame})


def line(params: Params, summary: SimpleNamespace, claim: str):
    rule = next(rule for rule in RULES if rule.id == claim)
    return settle(rule, params, summary, PUBLISHED)


def rows_of(table: pd.DataFrame, query: str) -> pd.Series:
    return table.index.isin(table.query(query).index)


# --- every rule, on both sides ----------------------------------------------------------------------------


def test_all_seventeen_claims_are_there_with_a_rule(study):
    params, summary = study
    lines = claims(params, summary, PUBLISHED)
    assert [made.id for made in lines] == [f"C{number}" for number in range(1, 18)]
    for made in lines:
        assert made.verdict == REPRODUCED, (made.id, made.ours)
        assert all(
            (made.statement, made.where, made.rule, made.paper, made.ours, made.short, made.command, made.evidence)
        )
        assert made.n or made.id == "C17"
        assert any(character.isdigit() for character in made.rule)
    assert list(ledger(lines)["id"]) == [made.id for made in lines]


MATCHED = "variant == 'wne' and sigma_train == sigma_test.astype('int').astype('str')"
LOWEST = "sigma_test == 5 and sigma_train != '10'"
UP, DOWN = "sigma_test == 100", "sigma_test == 5"
EASY, HARD, WIDE = (2.0, 1.5, 2.5), (-2.0, -2.5, -1.5), (0.0, -3.0, 3.0)
AWGN = "group in ['cnn', 'swinir', 'fdncnn', 'restormer', 'colour']"
IN_C4 = "group == 'cnn' and variant == 'wne'"
IN_C5 = "group in ['swinir', 'restormer'] and variant == 'wne'"
TO_NE, TO_SE = "against_variant == 'ne_arch'", "against_variant == 'se_arch'"

# claim, table, rows, new numbers, verdict: each differs from the base in the quantity of its rule alone
CASES = [
    ("C1", "defects", "variant == 'wne'", {"paper_max": 1.1e-5}, PARTLY),
    ("C1", "defects", "run == 'dncnn-wne-s10'", {"paper_max": 9e-6}, REPRODUCED),
    ("C1", "defects", "variant == 'baseline'", {"paper_median": 9e-4}, PARTLY),
    ("C1", "defects", "group == 'training-controls' and variant == 'baseline'", {"paper_median": 1e-6}, REPRODUCED),
    ("C2", "defects", "run == 'fdncnn-ne_arch-s25'", {"paper_max": 1e-4}, PARTLY),
    ("C3", "paired", MATCHED, {"psnr_gain": (0.0, -0.149, 0.1)}, REPRODUCED),
    ("C3", "paired", f"{MATCHED} and group == 'restormer'", {"psnr_gain": (-0.3, -0.4, -0.2)}, PARTLY),
    ("C3", "paired", f"{MATCHED} and {AWGN}", {"psnr_gain": (-0.3, -0.4, -0.2)}, NOT),
    ("C3", "paired", f"{MATCHED} and {AWGN}", {"psnr_gain": (-0.05, -0.4, 0.3)}, UNTESTED),
    ("C3", "paired", f"{MATCHED} and {AWGN}", {"psnr_gain": (-0.05, NAN, NAN)}, UNTESTED),
    ("C4", "paired", f"{IN_C4} and {UP}", {"psnr_gain": (1.5, 1.0, 2.0)}, REPRODUCED),
    ("C4", "paired", f"{IN_C4} and {UP} and sigma_train == '50'", {"psnr_gain": (1.5, 0.9, 2.0)}, PARTLY),
    ("C4", "paired", f"{IN_C4} and {LOWEST}", {"psnr_gain": (0.5, -0.1, 1.0)}, PARTLY),
    ("C4", "paired", f"{IN_C4} and {DOWN} and sigma_train == '10'", {"psnr_gain": HARD}, REPRODUCED),
    ("C4", "contrasts", f"group == 'cnn' and {TO_NE} and {UP}", {"psnr_gain": (0.5, 0.4, 0.6)}, PARTLY),
    ("C4", "contrasts", f"group == 'cnn' and {TO_SE} and {LOWEST}", {"psnr_gain": HARD}, PARTLY),
    ("C5", "paired", f"group == 'swinir' and {UP}", {"psnr_gain": HARD}, PARTLY),
    ("C5", "paired", f"{IN_C5} and ({UP} or {DOWN})", {"psnr_gain": HARD}, NOT),
    ("C5", "paired", f"group == 'restormer' and {UP}", {"psnr_gain": WIDE}, PARTLY),
    ("C6", "timing", "device == 'cuda' and variant == 'wne'", {"ratio": (1.02, 0.99, 1.06)}, PARTLY),
    ("C6", "timing", "device == 'cuda' and variant == 'ne_arch'", {"ratio": (1.4, 1.2, 1.6)}, PARTLY),
    ("C6", "timing", "device == 'cpu'", {"ratio": (3.0, 2.9, 3.1)}, REPRODUCED),
    ("C7", "filters", "variant == 'wne'", {"rho": 2e-6}, PARTLY),
    ("C7", "filters", "variant == 'wne'", {"row_sum_error_max": 1e-3}, PARTLY),
    ("C7", "filters", "variant == 'baseline'", {"rho": 1e-4}, PARTLY),
    ("C8", "errors", "quantity == 'spread' and variant == 'wne'", {"high": 1.1}, PARTLY),
    ("C8", "errors", "quantity == 'spread_difference'", {"high": 0.1}, PARTLY),
    ("C8", "errors", "quantity == 'spread' and variant == 'baseline'", {"high": 9.0}, REPRODUCED),
    ("C9", "difficulty", "quantity == 'coverage' and sigma == 10 and at == 50", {"value": 0.45}, PARTLY),
    ("C9", "difficulty", "quantity == 'coverage' and sigma > at", {"value": 0.96}, PARTLY),
    ("C9", "difficulty", "quantity == 'coverage' and sigma < at", {"value": 0.1}, NOT),
    ("C9", "difficulty", "quantity == 'coverage_error'", {"value": 1.0}, UNTESTED),
    ("C10", "contrasts", "variant == 'wne_input'", {"psnr_gain": (-0.1, -0.3, 0.1)}, UNTESTED),
    ("C10", "contrasts", "variant == 'wne_input'", {"psnr_gain": (0.2, 0.1, 0.3)}, NOT),
    ("C11", "defects", "group == 'training-controls' and variant == 'baseline'", {"paper_median": 5e-4}, PARTLY),
    ("C11", "defects", "objective == 'soft_ne'", {"paper_median": 0.5}, PARTLY),
    ("C11", "contrasts", "group == 'training-controls'", {"psnr_gain": WIDE}, PARTLY),
    ("C12", "paired", "sigma_test == 100", {"ssim_gain": (-0.2, -0.3, -0.1)}, PARTLY),
    ("C12", "paired", "sigma_test != 7", {"ssim_gain": (-0.2, -0.3, -0.1)}, NOT),
    ("C12", "paired", "sigma_test > 0", {"ssim_gain": (0.1, -0.3, 0.5)}, UNTESTED),
    ("C13", "paired", f"group == 'colour' and {UP}", {"psnr_gain": HARD}, PARTLY),
    ("C13", "paired", "group == 'colour'", {"psnr_gain": HARD}, NOT),
    ("C14", "real", "variant == 'wne'", {"psnr_gain": (0.0, -0.11, 0.1)}, UNTESTED),
    ("C14", "real", "variant == 'wne'", {"psnr_gain": (-0.3, -0.4, -0.2)}, NOT),
    ("C14", "real", "variant == 'wne'", {"test_set": "polyu-test"}, PARTLY),
    ("C15", "samplers", "operator == 'none' and variant == 'wne'", {"gap": (-0.4, -0.6, -0.2)}, PARTLY),
    ("C15", "samplers", "operator == 'random_pixels' and variant == 'wne'", {"psnr_gain": WIDE}, PARTLY),
    ("C15", "samplers", "operator == 'random_pixels' and variant == 'wne'", {"diverged": 1}, PARTLY),
    ("C15", "samplers", "operator == 'blur'", {"psnr_gain": HARD, "diverged": 6}, REPRODUCED),
    ("C16", "paired", f"noise == 'laplace' and variant == 'wne' and {UP}", {"psnr_gain": HARD}, PARTLY),
    ("C16", "jpeg", "variant == 'wne' and quality == 5", {"psnr_gain": (-0.1, -0.2, 0.1)}, PARTLY),
    ("C16", "contrasts", f"noise == 'uniform' and {TO_NE} and {DOWN}", {"psnr_gain": HARD}, PARTLY),
    ("C16", "contrasts", f"noise == 'rayleigh' and {TO_NE} and {DOWN}", {"psnr_gain": EASY}, PARTLY),
]  # fmt: skip


@pytest.mark.parametrize(("claim", "table", "query", "values", "expected"), CASES)
def test_the_verdict_follows_the_numbers(study, claim, table, query, values, expected):
    params, summary = study
    changed = edited(summary, table, rows_of(getattr(summary, table), query), **values)
    made = line(params, changed, claim)
    assert made.verdict == expected, made.ours


def test_what_is_proved_names_the_tests_that_check_it(study):
    """C17 is nothing but proved; C2 has a number of the trained NE-arch as well."""
    params, summary = study
    both, alone = line(params, summary, "C2"), line(params, summary, "C17")
    for made in (both, alone):
        assert (
            "proved; checked in numbers by tests/wne/test_characterization.py and tests/wne/test_wrapper.py"
            in made.ours
        )
        assert all((REPOSITORY / word).is_file() for word in made.command.split()[1:])
    assert "trained NE-arch" in both.ours and both.n and not alone.n


def test_an_unfavourable_number_is_the_one_that_is_shown(study):
    params, summary = study
    rows = rows_of(summary.paired, f"{MATCHED} and run == 'swinir-wne-s50'")
    made = line(params, edited(summary, "paired", rows, psnr_gain=(-0.31, -0.42, -0.23)), "C3")
    assert "-0.31 [-0.42, -0.23] dB at worst (swinir, sigma 50), 8 of 9 hold" in made.ours
    assert made.interval == "[-0.42, -0.23]"


def test_without_a_gpu_time_is_told_and_not_judged(study):
    params, summary = study
    alone = SimpleNamespace(**{**vars(summary), "timing": summary.timing[summary.timing["device"] == "cpu"]})
    made = line(params, alone, "C6")
    assert made.verdict == UNTESTED and "no GPU" in made.ours and "NE-arch 1.60" in made.ours


def test_a_stand_in_for_sidd_is_named(study):
    params, summary = study
    rows = rows_of(summary.real, "variant == 'wne'")
    made = line(params, edited(summary, "real", rows, test_set="sensor-test"), "C14")
    assert "stand-in for SIDD, simulated sensor noise" in made.ours and "stand-in" in made.short


# --- what a profile does not report, and what is missing --------------------------------------------------


def reporting(params: Params, **report: bool) -> Params:
    groups = {
        name: group.model_copy(update={"report": report.get(name, group.report)})
        for name, group in params.groups.items()
    }
    return Params.model_validate(
        params.model_dump() | {"groups": {name: group.model_dump() for name, group in groups.items()}}
    )


def test_a_claim_that_the_profile_does_not_report_is_not_tested(study):
    params, summary = study
    without = reporting(params, colour=False, n2n=False)
    for claim, group in (("C13", "colour"), ("C15", "n2n")):
        made = line(without, summary, claim)
        assert made.verdict == UNTESTED and group in made.ours and not made.n


def test_a_claim_is_partly_at_most_where_one_of_its_experiments_is_not_reported(study):
    params, summary = study
    without = reporting(params, restormer=False)
    kept = summary.paired[summary.paired["group"] != "restormer"]
    made = line(without, SimpleNamespace(**{**vars(summary), "paired": kept}), "C5")
    assert made.verdict == PARTLY and "does not report restormer" in made.ours


def test_missing_runs_are_an_error_with_their_names(study):
    params, summary = study
    curves = summary.curves[~summary.curves["run"].isin(["dncnn-wne-s10", "fdncnn-ne_arch-s50"])]
    with pytest.raises(
        CollectError, match=r"C4: the summary lacks fdncnn-ne_arch-s50, dncnn-wne-s10; .*replicate collect"
    ):
        line(params, SimpleNamespace(**{**vars(summary), "curves": curves}), "C4")


@pytest.mark.parametrize(("claim", "section", "names"), [
    ("C7", "filters", "filters.fig05"), ("C8", "errors", "errors.swinir"), ("C15", "samplers", "samplers.denoising"),
])  # fmt: skip
def test_missing_analyses_are_an_error_with_their_names(study, claim, section, names):
    params, summary = study
    with pytest.raises(CollectError, match=names):
        line(params, SimpleNamespace(**{**vars(summary), section: pd.DataFrame()}), claim)


def test_commands_name_the_stages_of_the_profile(study):
    params, summary = study
    assert line(params, summary, "C5").command == "dvc repro -s evaluate@{swinir,restormer} collect tables"
    other = params.model_copy(update={"params_file": "profiles/x/params.yaml"})
    command = line(other, summary, "C7").command
    assert command == " ".join(
        ["dvc repro -s", *(f"profiles/x/dvc.yaml:{stage}" for stage in ("filters@fig05", "collect", "tables"))]
    )


# --- the tests themselves ---------------------------------------------------------------------------------


LOW, HIGH, INSIDE = {"at_least": 0.5}, {"at_most": 1.05}, {"at_least": -0.5, "at_most": 0.5}
ABOVE, BELOW = {"above": 0}, {"below": 0}


@pytest.mark.parametrize(
    ("bounds", "low", "high", "holds"),
    [
        (LOW, 0.5, 1.5, True), (LOW, 0.4, 1.5, None), (LOW, 0.1, 0.4, False), (LOW, NAN, NAN, None),
        (HIGH, 0.5, 1.05, True), (HIGH, 0.5, 1.06, None), (HIGH, 1.5, 2.5, False),
        (ABOVE, 0.01, 0.2, True), (ABOVE, 0.0, 0.2, None), (ABOVE, -0.2, 0.0, False),
        (BELOW, -0.2, -0.01, True), (BELOW, -0.2, 0.0, None), (BELOW, 0.0, 0.2, False),
        (INSIDE, -0.5, 0.5, True), (INSIDE, -0.6, 0.5, None), (INSIDE, 0.6, 0.8, False), (INSIDE, -0.8, -0.6, False),
        (INSIDE, NAN, NAN, None),
    ],
)  # fmt: skip
def test_an_interval_decides_only_when_all_of_it_is_on_one_side(bounds, low, high, holds):
    assert judged("", (low + high) / 2, low, high, **bounds).holds is holds


def test_a_quantity_without_an_interval_decides_by_its_margin():
    assert measured("", 1.0, 0.0).holds is True and measured("", 1.0, -1e-9).holds is False


def _outcome(*states: bool | None, is_partial: bool = False, empty: bool = False) -> Outcome:
    ends = {True: (1.0, 2.0), None: (-1.0, 1.0), False: (-2.0, -1.0)}
    tests = tuple(judged("", 0.0, *ends[state], at_least=0.0) for state in states)
    parts = (Part("a", tests, str), *([Part("b", (), str)] if empty else []))
    return Outcome(parts, "", is_partial=is_partial)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (_outcome(True, True), REPRODUCED), (_outcome(True, None), PARTLY), (_outcome(True, False), PARTLY),
        (_outcome(False, None), NOT), (_outcome(False, False), NOT), (_outcome(None, None), UNTESTED),
        (_outcome(), UNTESTED), (_outcome(True, is_partial=True), PARTLY), (_outcome(False, is_partial=True), NOT),
        (_outcome(True, empty=True), PARTLY), (_outcome(None, empty=True), UNTESTED),
    ],
)  # fmt: skip
def test_verdicts_from_tests(outcome, expected):
    assert verdict(outcome) == expected


def test_the_worst_test_is_the_one_that_fails_by_most():
    names = {"a": (1.0, 2.0), "b": (-0.2, 0.1), "c": (-3.0, -2.0), "d": (-4.0, 1.0)}
    tests = [judged(name, 0.0, *ends, at_least=0.0) for name, ends in names.items()]
    assert Part("", tuple(tests), str).worst.label == "c"
    assert Part("", tuple(test for test in tests if test.label != "c"), str).worst.label == "d"
