r"""Macros for the argument of the report: verdicts, what was run and what was not, and the comparisons beyond the paper.

    \VerdictC<Number>                                    the verdict of a claim, in words
    \Recipe<Wrapper|Recipe|Both>Test<Place>[Interval]    dB: effects of the crossing of wrapper and recipe
    \<Oracle|WrappedAtTest>GainTest<Place>[Interval]     dB over the bare network, of the controls without training
    \Wne<Ne|Se>ArchGainTest<Place><Min|Max|Range>        dB of WNE over the architectural variants, over sigma_train

The first crossing and the first item of `controls`, on their first test set.
"""

from __future__ import annotations

import pandas as pd

from replication.claims import claims
from replication.claims.ledger import NOT_TESTED
from replication.report.tables.experiments import EXTREMES, PLACES, at_place, extremes, first_sets
from replication.report.tables.latex import escape, fixed, interval, signed
from replication.results.readers import crossed_recipes, crossings, recipe_labels
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published

_CLAIMS = (
    "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Thirteen",
    "Fourteen", "Fifteen", "Sixteen", "Seventeen",
)  # fmt: skip
_CROSSED = ("Wrapper", "Recipe", "Both")
_CONTROLS = {"oracle": "Oracle", "wrapped_at_test": "WrappedAtTest"}
_ARCHITECTURES = {"ne_arch": "WneNeArch", "se_arch": "WneSeArch"}


def expected_of_prose() -> list[str]:
    """Names that the text may use in every profile, whatever it reports."""
    names = [f"VerdictC{number}" for number in _CLAIMS]
    names += [
        "StudyUnreported",
        "StudyUntested",
        "StudyTrainingHours",
        "StudyPrecision",
        "StudyThreads",
        "StudyParameters",
        "StudySeedNote",
    ]
    names += [f"PaperMatchedGain{end}" for end in EXTREMES] + ["StudyMatchedDifferenceMin", "StudyMatchedDifferenceMax"]
    names += ["StudyUnleakedChangeMin", "StudyUnleakedChangeMax", "StudyLeakedNames"]
    names += [f"Recipe{effect}Test{place}{end}" for effect in _CROSSED for place in PLACES for end in ("", "Interval")]
    names += ["RecipeBackbone", "RecipeSigma", "RecipeSeeds", "RecipeSeedDeviationMax", "RecipeFirst", "RecipeSecond"]
    names += [f"{c}GainTest{place}{end}" for c in _CONTROLS.values() for place in PLACES for end in ("", "Interval")]
    return names + [f"{a}GainTest{place}{end}" for a in _ARCHITECTURES.values() for place in PLACES for end in EXTREMES]


def prose_numbers(params: Params, summary: Summary, published: Published) -> dict[str, str]:
    """Macro name -> LaTeX, of what the profile reports."""
    ledger = claims(params, summary, published)
    values = {f"VerdictC{number}": claim.verdict for number, claim in zip(_CLAIMS, ledger)}
    values["StudyUntested"] = ", ".join(claim.id for claim in ledger if claim.verdict == NOT_TESTED) or "none"
    unreported = [group.title for group in params.groups.values() if not group.report]
    values["StudyUnreported"] = escape("; ".join(unreported) or "none")
    values |= _training(params, summary) | _beside_the_paper(summary, published) | _unleaked(summary)
    return values | _crossing(params, summary) | _controls(summary) | _architectures(summary)


def _training(params: Params, summary: Summary) -> dict[str, str]:
    table = summary.training
    seeds = {
        run.group: {r.seed for r in params.reported_runs.values() if r.group == run.group}
        for run in params.reported_runs.values()
    }
    several = {group: len(found) for group, found in seeds.items() if len(found) > 1}
    if several:
        parts = [f"{params.groups[group].title} has {count} seeds" for group, count in several.items()]
        note = f"{escape('; '.join(parts))}; every other run has one."
    else:
        note = "Each run has one seed."
    sizes = [f"{count:,}".replace(",", r"\,") for count in (table["parameters"].min(), table["parameters"].max())]
    return {
        "StudyTrainingHours": fixed(table["seconds"].sum() / 3600, 1),
        "StudyPrecision": " or ".join(table["backbone_dtype"].unique()),
        "StudyThreads": " or ".join(f"{count:g}" for count in sorted(table["threads"].dropna().unique())),
        "StudyParameters": " to ".join(dict.fromkeys(sizes)),
        "StudySeedNote": note,
    }


def _beside_the_paper(summary: Summary, published: Published) -> dict[str, str]:
    """Gains at matched noise in Table 1, and PSNR here minus PSNR there, over the cells that both have."""
    values = extremes("PaperMatchedGain", published.matched_gains("Table 1"))
    rows = summary.curves[summary.curves["group"].isin(["cnn", "swinir"])]
    rows = rows[rows["sigma_test"] == pd.to_numeric(rows["sigma_train"], errors="coerce")]
    apart = []
    for row in rows.itertuples():
        printed = published.matched_psnr(row.backbone, row.variant, row.test_set, row.sigma_train, ("Table 1",))
        apart += [] if printed is None else [row.psnr - printed]
    if apart:
        values |= {"StudyMatchedDifferenceMin": signed(min(apart)), "StudyMatchedDifferenceMax": signed(max(apart))}
    return values


def _unleaked(summary: Summary) -> dict[str, str]:
    """By how much the mean PSNR at matched noise changes without the images that are in the training set."""
    leaked = summary.leakage[summary.leakage["leaked"].astype(bool)] if len(summary.leakage) else summary.leakage
    names = [f"{labels.test_set_label(row.test_set)}/{row.image}" for row in leaked.itertuples()]
    values = {"StudyLeakedNames": escape(", ".join(dict.fromkeys(names)) or "none")}
    change = (summary.unleaked["psnr_unleaked"] - summary.unleaked["psnr"]).dropna()
    if len(change):
        values |= {"StudyUnleakedChangeMin": signed(change.min()), "StudyUnleakedChangeMax": signed(change.max())}
    return values


def _crossing(params: Params, summary: Summary) -> dict[str, str]:
    if summary.recipe.empty:
        return {}
    rows = crossings(summary)[0]
    first, *_, last = crossed_recipes(rows)
    named, head = recipe_labels(params, rows), rows.iloc[0]
    effects = {
        "Wrapper": (rows["effect"] == "wrapper") & (rows["recipe"] == "mean"),
        "Recipe": (rows["effect"] == "recipe") & (rows["variant"] == "mean"),
        "Both": (rows["effect"] == "both") & (rows["recipe"] == last) & (rows["against"] == first),
    }
    values = {
        "RecipeBackbone": labels.backbone_label(params.models[head["model"]].backbone),
        "RecipeSigma": head["sigma_train"], "RecipeSeeds": str(head["n_seeds"]),
        "RecipeFirst": escape(named[first]), "RecipeSecond": escape(named[last]),
    }  # fmt: skip
    spread = rows.loc[rows["effect"] == "seed_sd", "value"]
    if len(spread):
        values["RecipeSeedDeviationMax"] = fixed(spread.max())
    for effect, chosen in effects.items():
        for place in PLACES:
            cell = at_place(rows[chosen], place)
            values[f"Recipe{effect}Test{place}"] = signed(cell["value"])
            values[f"Recipe{effect}Test{place}Interval"] = interval(cell["low"], cell["high"])
    return values


def _controls(summary: Summary) -> dict[str, str]:
    values = {}
    table = summary.controls
    for denoiser, name in _CONTROLS.items():
        rows = table[table["denoiser"] == denoiser] if len(table) else table
        if rows.empty:
            continue
        rows = rows[rows["item"] == rows["item"].iloc[0]]
        for place in PLACES:
            cell = at_place(rows, place)
            values[f"{name}GainTest{place}"] = signed(cell["psnr_gain"])
            values[f"{name}GainTest{place}Interval"] = interval(cell["psnr_gain_low"], cell["psnr_gain_high"])
    return values


def _architectures(summary: Summary) -> dict[str, str]:
    """Of the core group."""
    values = {}
    table = first_sets(summary.contrasts[summary.contrasts["group"] == "cnn"])
    for variant, name in _ARCHITECTURES.items():
        rows = table[(table["variant"] == "wne") & (table["against_variant"] == variant)]
        for place in PLACES if len(rows) else ():
            gains = [at_place(run, place)["psnr_gain"] for _, run in rows.groupby("run", sort=False)]
            values |= extremes(f"{name}GainTest{place}", gains)
    return values
