"""Claims on the difficulty Delta in normalized coordinates: C8 and C9."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from replication.claims.ledger import Outcome, Part, Rule, Test, above, at_least, at_most, below, stages
from replication.claims.select import decibel
from replication.results.summary import Summary, covered
from replication.study.params import Params
from replication.study.published import Published

COLLAPSE = 1.0  # dB between the curves of different sigma, at the same Delta
OVERLAP = 0.5  # share of the patches at the higher noise whose difficulty was seen at the lower one


def collapse(params: Params, summary: Summary) -> Outcome:
    rows = summary.errors
    wne = rows[rows["variant"] == "wne"]
    spread = wne[wne["quantity"] == "spread"]
    difference = wne[wne["quantity"] == "spread_difference"]
    small = [at_most(_named(row), row["value"], row["low"], row["high"], COLLAPSE) for _, row in spread.iterrows()]
    less = [below(_named(row), row["value"], row["low"], row["high"]) for _, row in difference.iterrows()]
    parts = (
        Part("spread over sigma, WNE", tuple(small), lambda value: f"{value:.2f}", "dB"),
        Part("spread, WNE - baseline", tuple(less), decibel, "dB"),
    )
    return Outcome(parts, f"{int(spread['n'].max())} patches at each sigma" if len(spread) else "")


def _named(row: pd.Series) -> str:
    return f"{row['item']}, sigma {row['sigma_train']}"


def overlap(params: Params, summary: Summary) -> Outcome:
    table = summary.difficulty
    if table.empty:
        return Outcome((), "", note="no training set was measured")
    wide = norm.ppf(0.5 + 0.5 * params.statistics.confidence)
    seen, asymmetric = [], []
    for train_set in table["train_set"].unique():
        share, error = covered(table, train_set), covered(table, train_set, "coverage_error")
        for low, high in _pairs(share):
            name = f"{train_set}, sigmas {low:g} and {high:g}"
            up, down = share.loc[low, high], share.loc[high, low]
            half = wide * error.loc[low, high]
            seen.append(at_least(name, up, up - half, up + half, OVERLAP))
            half = wide * float(np.hypot(error.loc[low, high], error.loc[high, low]))
            asymmetric.append(above(name, up - down, up - down - half, up - down + half))
    parts = (_part("overlap m(high;low)", seen), _part("m(high;low) - m(low;high)", asymmetric))
    sets = table[["train_set", "patches"]].drop_duplicates()
    return Outcome(parts, ", ".join(f"{row.patches:,} patches ({row.train_set})" for row in sets.itertuples()))


def _pairs(share: pd.DataFrame) -> list[tuple[float, float]]:
    """(lower sigma, higher sigma), all of them."""
    levels = sorted(share.index)
    return [(low, high) for i, low in enumerate(levels) for high in levels[i + 1 :]]


def _part(name: str, tests: list[Test]) -> Part:
    return Part(name, tuple(tests), lambda value: f"{100 * value:.0f} %")


def _printed(published: Published) -> str:
    up, down = published.coverage(10, 50), published.coverage(50, 10)
    return f"m(50;10) = {up:.0f} %, m(10;50) = {down:.0f} %"


RULES = (
    Rule(
        id="C8",
        statement="Normalized error is a function of the difficulty Delta alone (curves collapse over sigma), less so "
        "for the baseline",
        where="Fig. 6, 11",
        rule=f"Spread of the mean normalized error Q between test noise levels at the same Delta, in the central 95 % "
        f"of Delta (replication.results.errors), for every analysed sigma_train. WNE: interval at or below {COLLAPSE:g} dB. "
        f"WNE - baseline: interval below 0. Intervals over patches.",
        groups=("swinir",),
        sections=("errors",),
        command=stages("errors"),
        evidence=("fig06", "fig11"),
        paper=None,
        decide=collapse,
    ),
    Rule(
        id="C9",
        statement="The difficulties of different sigma overlap, asymmetrically",
        where="Fig. 7, Table 3",
        rule=f"For every training set and every pair of noise levels low < high: the coverage m(high;low) is at least "
        f"{100 * OVERLAP:.0f} %, and m(high;low) - m(low;high) is above 0, with normal intervals from the standard "
        f"error of the choice of patches. No model is needed.",
        groups=(),
        sections=(),
        command=stages("difficulty"),
        evidence=("fig07", "table03"),
        paper=_printed,
        decide=overlap,
    ),
)
