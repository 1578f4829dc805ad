"""Numbers of the study: what was run, on what, for how long, and the verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.claims import VERDICTS
from replication.claims.ledger import NOT_TESTED
from replication.report.cells import count, escape, fixed, signed
from replication.report.families import sweep_ends
from replication.report.numbers.rules import Source, Value, number
from replication.results.identity import baseline_of
from replication.results.summary import covered, first_runs
from replication.study import labels
from replication.study.params import Params

_COUNTED = dict(zip(("Reproduced", "Partly", "NotReproduced", "NotTested"), VERDICTS))
_NUMBERS = [
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
    "Thirteen",
    "Fourteen",
    "Fifteen",
    "Sixteen",
    "Seventeen",
]


@number(rf"VerdictC({'|'.join(_NUMBERS)})")
def _verdict(source: Source, claim: str) -> Value:
    return source.claims[_NUMBERS.index(claim)].verdict


@number("StudyClaims(Reproduced|Partly|NotReproduced|NotTested)?")
def _claims(source: Source, verdict: str | None) -> Value:
    return str(sum(claim.verdict == _COUNTED.get(verdict, claim.verdict) for claim in source.claims))


@number("Study(Untested|Unreported)")
def _left_out(source: Source, what: str) -> Value:
    if what == "Untested":
        return ", ".join(claim.id for claim in source.claims if claim.verdict == NOT_TESTED) or "none"
    return escape("; ".join(group.title for group in source.params.groups.values() if not group.report) or "none")


@number("Study(Profile|Runs|Confidence|Resamples|TimingRepetitions|TimingDevices|RecipeNote|SeedNote)")
def _parameters(source: Source, fact: str) -> Value:
    params = source.params
    return {
        "Profile": escape(params.profile),
        "Runs": len(params.reported_runs),
        "Confidence": f"{100 * params.statistics.confidence:g}",
        "Resamples": params.statistics.resamples,
        "TimingRepetitions": params.timing.repetitions,
        "TimingDevices": escape(_listed(list(source.summary.source["timing"]["devices"].values()))),
        "RecipeNote": _recipe_note(params),
        "SeedNote": _seed_note(params),
    }[fact]


def _recipe_note(params: Params) -> str:
    """Whether a difference between variants is one of the variant alone."""
    runs = params.reported_runs
    pairs = [(runs[name], runs[base]) for name in runs if (base := baseline_of(params, name))]
    traits = ("recipe", "train_set", "seed")
    apart = sum(any(getattr(run, t) != getattr(base, t) for t in traits) for run, base in pairs)
    if apart:
        return f"{apart} of {len(pairs)} runs differ from their baseline in recipe, training set or seed as well."
    return "Every variant has the loss, schedule, training set and seed of its baseline."


def _seed_note(params: Params) -> str:
    seeds: dict[str, set[int]] = {}
    for run in params.reported_runs.values():
        seeds.setdefault(run.group, set()).add(run.seed)
    several = [
        f"{params.groups[group].title} has {len(found)} seeds" for group, found in seeds.items() if len(found) > 1
    ]
    return f"{escape('; '.join(several))}; every other run has one." if several else "Each run has one seed."


@number("Study(TrainSets|Steps|TrainingMinutes|TrainingHours|TrainingDevices|Date|Precision|Threads|Parameters)")
def _training(source: Source, fact: str) -> Value:
    table = source.summary.training
    seconds = table["seconds"].sum()
    return {
        "TrainSets": escape(", ".join(table["train_set"].unique())),
        "Steps": _range(table["steps"]),
        "TrainingMinutes": fixed(seconds / 60, 0),
        "TrainingHours": fixed(seconds / 3600, 1),
        "TrainingDevices": escape(_listed(list(table["device"].unique()))),
        "Date": escape(table["date"].max()),
        "Precision": " or ".join(table["backbone_dtype"].unique()),
        "Threads": " or ".join(f"{threads:g}" for threads in sorted(table["threads"].dropna().unique())),
        "Parameters": _range(table["parameters"]),
    }[fact]


@number("Study(TestSet|TestImages|TestDraws|SigmaTrains|SigmaLowest|SigmaHighest)")
def _test_set(source: Source, fact: str) -> Value:
    """The first test set of the main experiments."""
    main = first_runs(source.summary.curves)
    test_set = main["test_set"].iloc[0]
    lowest, highest = sweep_ends(main)
    return {
        "TestSet": escape(labels.test_set_label(test_set)),
        "TestImages": main["n"].iloc[0],
        "TestDraws": source.params.test_sets[test_set].draws,
        "SigmaTrains": _listed(sorted(main["sigma_train"].unique(), key=float)),
        "SigmaLowest": f"{lowest:g}",
        "SigmaHighest": f"{highest:g}",
    }[fact]


@number("Study(AuditedImages|LeakedImages|LeakedNames)")
def _leakage(source: Source, fact: str) -> Value:
    audited = source.summary.leakage
    leaked = audited[audited["leaked"].astype(bool)] if len(audited) else audited
    names = [f"{labels.test_set_label(row.test_set)}/{row.image}" for row in leaked.itertuples()]
    return {
        "AuditedImages": len(audited),
        "LeakedImages": len(leaked),
        "LeakedNames": escape(", ".join(dict.fromkeys(names)) or "none"),
    }[fact]


@number("StudyUnleakedChange(Min|Max)")
def _unleaked(source: Source, end: str) -> Value:
    """By how much the mean PSNR at matched noise changes without the images that are in the training set."""
    change = (source.summary.unleaked["psnr_unleaked"] - source.summary.unleaked["psnr"]).dropna()
    return signed(change.agg(end.lower())) if len(change) else None


@number("StudyMatchedDifference(Min|Max)")
def _beside_the_paper(source: Source, end: str) -> Value:
    """PSNR here minus PSNR in Table 1, over the cells that both have."""
    rows = source.summary.curves[source.summary.curves["group"].isin(["cnn", "swinir"])]
    rows = rows[rows["sigma_test"] == pd.to_numeric(rows["sigma_train"], errors="coerce")]
    printed = [
        source.published.matched_psnr(row.backbone, row.variant, row.test_set, row.sigma_train, ("Table 1",))
        for row in rows.itertuples()
    ]
    apart = (rows["psnr"] - pd.array(printed, dtype=float)).dropna()
    return signed(apart.agg(end.lower())) if len(apart) else None


_DIFFICULTY = (
    "Difficulty(?:Set|Patches|Patch|ApproximationError|SigmaLowest|SigmaHighest)|CoverageErrorMax|"
    "Contrast(?:Median|BelowLowest)"
)


@number(f"Study({_DIFFICULTY})")
def _difficulty(source: Source, fact: str) -> Value:
    """The first training set measured: the largest root mean square error of Eq. 22 over sigma, and the contrast of
    the patches (8-bit units). The number of patches and the largest standard error of a coverage: over all sets."""
    table = source.summary.difficulty
    if table.empty:
        return None
    errors = table.loc[table["quantity"] == "coverage_error", "value"]
    first = table[table["train_set"] == table["train_set"].iloc[0]]
    low, high = first["sigma"].min(), first["sigma"].max()
    contrast = first[first["quantity"] == "contrast"]
    return {
        "DifficultySet": escape(first["train_set"].iloc[0]),
        "DifficultyPatches": _range(table["patches"]),
        "DifficultyPatch": first["patch"].iloc[0],
        "DifficultyApproximationError": fixed(100 * first.loc[first["quantity"] == "error", "value"].max(), 1),
        "DifficultySigmaLowest": f"{low:g}",
        "DifficultySigmaHighest": f"{high:g}",
        "CoverageErrorMax": fixed(100 * errors.max(), 1),
        "ContrastMedian": fixed(np.interp(0.5, contrast["at"], contrast["value"]), 1),
        "ContrastBelowLowest": fixed(100 * np.interp(low, contrast["value"], contrast["at"]), 0),
    }[fact]


@number("(Study|Paper)Coverage(Upward|Downward)")
def _coverage(source: Source, who: str, way: str) -> Value:
    """In percent, from the lowest sigma to the highest or back."""
    table = source.summary.difficulty
    if table.empty:
        return None
    matrix = covered(table, table["train_set"].iloc[0])
    trained, tested = (matrix.index[-1], matrix.index[0])[:: 1 if way == "Upward" else -1]
    if who == "Study":
        return fixed(100 * matrix.loc[trained, tested], 0)
    printed = source.published.coverage(trained, tested)
    return None if printed is None else fixed(printed, 0)


def _range(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys(count(value).latex for value in (values.min(), values.max())))


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
