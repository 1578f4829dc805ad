"""Numbers of the study: what was run, on what, for how long, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from replication.claims import VERDICTS
from replication.claims.ledger import NOT_TESTED, reduced_outcomes
from replication.report.cells import Cell, count, escape, fixed, signed
from replication.report.families import of_groups, sweep_ends
from replication.report.numbers.rows import span
from replication.report.source import Source
from replication.results.identity import baseline_of
from replication.results.jumps import jumps
from replication.results.summary import awgn, covered, first_runs, matched
from replication.study import labels
from replication.study.params import Params

Value = Cell | str | int | None  # a string is LaTeX; None: the profile lacks the experiment
Number = Callable[[Source], Value]
_CLAIMS = "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen"


def _verdict(index: int) -> Number:
    return lambda s: s.claims[index].decided


def _at_reduced_scale(source: Source) -> str:
    """7 hold, 2 are mixed, ..."""
    return _listed(reduced_outcomes(source.claims) or ["none"])


def _counted(verdict: str) -> Number:
    return lambda s: str([claim.verdict for claim in s.claims].count(verdict))


def _training(of: Callable[[pd.DataFrame], Value]) -> Number:
    return lambda s: of(s.summary.training)


def _main(of: Callable[[pd.DataFrame], Value]) -> Number:
    """The main experiments, on the first test set."""
    return lambda s: of(first_runs(s.summary.curves))


def _listed(items: list[str]) -> str:
    return escape(items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}")


def _recipe_note(params: Params) -> str:
    """Whether a difference between variants is one of the variant alone."""
    runs = params.reported_runs
    pairs = [(name, runs[name], runs[base]) for name in runs if (base := baseline_of(params, name))]
    traits = ("recipe", "train_set", "seed")
    apart = [name for name, run, base in pairs if any(getattr(run, t) != getattr(base, t) for t in traits)]
    if apart:
        return f"The baseline of {_listed(apart)} has another recipe, training set or seed."
    return "Every variant has the loss, schedule, training set and seed of its baseline."


def _optimizers(params: Params) -> str:
    """Muon or Adam: what the reported runs were trained by."""
    return " or ".join(
        dict.fromkeys(_OPTIMIZERS[params.recipes[run.recipe].optimizer] for run in params.reported_runs.values())
    )


def _seed_note(params: Params) -> str:
    seeds: dict[str, set[int]] = {}
    for run in params.reported_runs.values():
        seeds.setdefault(params.groups[run.group].title, set()).add(run.seed)
    several = [f"up to {len(found)} in ``{title}''" for title, found in seeds.items() if len(found) > 1]
    return (
        f"Seeds: {escape(', '.join(several))}, one in every other experiment." if several else "Each run has one seed."
    )


def _leaked(source: Source) -> list[str]:
    """Test images that a training set has, as set/image."""
    rows = source.summary.leakage
    rows = rows[rows["leaked"].astype(bool)] if len(rows) else rows
    return [f"{labels.test_set_label(row.test_set)}/{row.image}" for row in rows.itertuples()]


def _unleaked(end: str, source: Source) -> Value:
    """By how much the mean PSNR at matched noise changes without what is in the training set, over the rows of the table."""
    rows = of_groups(awgn(source.summary.unleaked), "cnn", "swinir")
    change = (rows["psnr_unleaked"] - rows["psnr"]).dropna()
    return signed(change.agg(end)) if len(change) else None


def _beside_the_paper(end: str, source: Source) -> Value:
    """PSNR here minus PSNR in Table 1, over the cells that both have."""
    rows, tables = matched(of_groups(source.summary.curves, "cnn", "swinir")), ("Table 1",)
    places = rows[["backbone", "variant", "test_set", "sigma_train"]].itertuples(index=False)
    printed = pd.array([source.published.matched_psnr(*place, tables) for place in places], dtype=float)
    apart = (rows["psnr"] - printed).dropna()
    return signed(apart.agg(end)) if len(apart) else None


def _difficulty(of: Callable[[pd.DataFrame], Value], every_set: bool = False) -> Number:
    """The first training set whose difficulty was measured, or all of them."""

    def value(source: Source) -> Value:
        rows = source.summary.difficulty
        return None if rows.empty else of(rows if every_set else rows[rows["train_set"] == rows["train_set"].iloc[0]])

    return value


def _largest(rows: pd.DataFrame, quantity: str) -> Value:
    return fixed(100 * rows.loc[rows["quantity"] == quantity, "value"].max(), 1)


def _contrast(rows: pd.DataFrame, known: str, at: float, asked: str) -> float:
    contrast = rows[rows["quantity"] == "contrast"]
    return float(np.interp(at, contrast[known], contrast[asked]))


def _coverage(trained: str, tested: str, papers: bool, source: Source) -> Value:
    """In percent; the ends of the levels are min and max."""
    rows = source.summary.difficulty
    if rows.empty:
        return None
    matrix = covered(rows, rows["train_set"].iloc[0])
    place = getattr(matrix.index, trained)(), getattr(matrix.index, tested)()
    share = source.published.coverage(*place) if papers else 100 * matrix.loc[place]
    return None if share is None else fixed(share, 0)


def _jumps(source: Source) -> Value:
    """run (5.9 times, at step 348), ..."""
    found = jumps(source.summary.loss).items()
    items = [f"{run} ({ratio:.1f} times, at step {step})" for run, (ratio, step) in found]
    return _listed(items) if items else None


_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "muon": "Muon (with Adam for the outer layers)"}
FACTS: dict[str, Number] = {
    **{f"VerdictC{number}": _verdict(index) for index, number in enumerate(_CLAIMS.split())},
    "StudyClaims": lambda s: len(s.claims),
    **dict(
        zip(map("StudyClaims{}".format, ("Reproduced", "Refuted", "Reduced", "NotTested")), map(_counted, VERDICTS))
    ),
    "StudyReducedOutcomes": _at_reduced_scale,
    "StudyUntested": lambda s: ", ".join(c.rule.id for c in s.claims if c.verdict == NOT_TESTED) or "none",
    "StudyUnreported": lambda s: escape("; ".join(g.title for g in s.params.groups.values() if not g.report) or "none"),
    "StudyProfile": lambda s: escape(s.params.profile),
    "StudyRuns": lambda s: len(s.params.reported_runs),
    "StudyConfidence": lambda s: f"{100 * s.params.statistics.confidence:g}",
    "StudyResamples": lambda s: s.params.statistics.resamples,
    "StudyTimingRepetitions": lambda s: s.params.timing.repetitions,
    "StudyTimingDevices": lambda s: _listed(list(s.summary.source["timing"]["devices"].values())),
    "StudyRecipeNote": lambda s: _recipe_note(s.params),
    "StudySeedNote": lambda s: _seed_note(s.params),
    "StudyTrainSets": _training(lambda t: escape(", ".join(t["train_set"].unique()))),
    "StudySteps": _training(lambda t: span(t["steps"], count)),
    "StudyParameters": _training(lambda t: span(t["parameters"], count)),
    "StudyTrainingMinutes": _training(lambda t: fixed(t["seconds"].sum() / 60, 0)),
    "StudyTrainingHours": _training(lambda t: fixed(t["seconds"].sum() / 3600, 1)),
    "StudyTrainingDevices": _training(lambda t: _listed(list(t["device"].unique()))),
    "StudyDate": _training(lambda t: escape(t["date"].max())),
    "StudyPrecision": _training(lambda t: " or ".join(t["backbone_dtype"].unique())),
    "StudyLossJumps": _jumps,
    "StudyOptimizers": lambda s: _optimizers(s.params),
    "StudyThreads": _training(lambda t: " or ".join(f"{n:g}" for n in sorted(t["threads"].dropna().unique()))),
    "StudyTestSet": _main(lambda t: escape(labels.test_set_label(t["test_set"].iloc[0]))),
    "StudyTestImages": _main(lambda t: t["n"].iloc[0]),
    "StudyTestDraws": lambda s: s.params.test_sets[first_runs(s.summary.curves)["test_set"].iloc[0]].draws,
    "StudySigmaTrains": _main(lambda t: _listed(sorted(t["sigma_train"].unique(), key=float))),
    "StudySigmaLowest": _main(lambda t: f"{sweep_ends(t)[0]:g}"),
    "StudySigmaHighest": _main(lambda t: f"{sweep_ends(t)[1]:g}"),
    "StudyAuditedImages": lambda s: len(s.summary.leakage),
    "StudyLeakedImages": lambda s: len(_leaked(s)),
    "StudyLeakedNames": lambda s: escape(", ".join(dict.fromkeys(_leaked(s))) or "none"),
    "StudyUnleakedChangeMin": partial(_unleaked, "min"),
    "StudyUnleakedChangeMax": partial(_unleaked, "max"),
    "StudyMatchedDifferenceMin": partial(_beside_the_paper, "min"),
    "StudyMatchedDifferenceMax": partial(_beside_the_paper, "max"),
    "StudyDifficultySet": _difficulty(lambda t: escape(t["train_set"].iloc[0])),
    "StudyDifficultyPatches": _difficulty(lambda t: span(t["patches"], count), every_set=True),
    "StudyDifficultyPatch": _difficulty(lambda t: t["patch"].iloc[0]),
    "StudyDifficultyApproximationError": _difficulty(lambda t: _largest(t, "error")),  # root mean square, Eq. 22
    "StudyDifficultySigmaLowest": _difficulty(lambda t: f"{t['sigma'].min():g}"),
    "StudyDifficultySigmaHighest": _difficulty(lambda t: f"{t['sigma'].max():g}"),
    "StudyCoverageErrorMax": _difficulty(lambda t: _largest(t, "coverage_error"), every_set=True),
    "StudyContrastMedian": _difficulty(lambda t: fixed(_contrast(t, "at", 0.5, "value"), 1)),  # 8-bit units
    "StudyContrastBelowLowest": _difficulty(lambda t: fixed(100 * _contrast(t, "value", t["sigma"].min(), "at"), 0)),
    "StudyCoverageUpward": partial(_coverage, "min", "max", False),
    "StudyCoverageDownward": partial(_coverage, "max", "min", False),
    "PaperCoverageUpward": partial(_coverage, "min", "max", True),
    "PaperCoverageDownward": partial(_coverage, "max", "min", True),
}
