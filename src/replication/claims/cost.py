"""The claim on time: C6."""

from __future__ import annotations

import pandas as pd

from replication.claims.ledger import Outcome, Part, Rule, Test, at_least, at_most, stages
from replication.results.summary import Summary
from replication.study.labels import backbone_label, variant_label
from replication.study.params import Params
from replication.study.published import Published

FREE = 1.05  # times the baseline's time that count as no overhead
SLOWER = 1.3  # times the baseline's time that NE-arch takes at least


def overhead(params: Params, summary: Summary) -> Outcome:
    """On the GPU; without one the CPU's ratios are told, and decide nothing."""
    timing = summary.timing
    cuda = timing[timing["device"] == "cuda"]
    if cuda.empty:
        return Outcome((), _repetitions(timing), note=f"no GPU; on the CPU, not judged: {_told(timing)}")
    wne, arch = (cuda[cuda["variant"] == variant] for variant in ("wne", "ne_arch"))
    parts = (
        Part("GPU, WNE / baseline", tuple(_test(row, at_most, FREE) for _, row in wne.iterrows()), _ratio),
        Part("GPU, NE-arch / baseline", tuple(_test(row, at_least, SLOWER) for _, row in arch.iterrows()), _ratio),
    )
    return Outcome(parts, _repetitions(cuda))


def _test(row: pd.Series, compare, bound: float) -> Test:
    return compare(_named(row), row["ratio"], row["ratio_low"], row["ratio_high"], bound)


def _named(row: pd.Series) -> str:
    return f"{backbone_label(row['backbone'])} {row['mode']}"


def _told(timing: pd.DataFrame) -> str:
    """WNE 0.94 to 1.03, NE-arch 1.32 to 1.76"""
    made = []
    for variant in ("wne", "ne_arch"):
        ratios = timing.loc[timing["variant"] == variant, "ratio"].dropna()
        if len(ratios):
            made.append(f"{variant_label(variant)} {ratios.min():.2f} to {ratios.max():.2f}")
    return ", ".join(made)


def _repetitions(timing: pd.DataFrame) -> str:
    return f"{timing['n'].max()} repetitions"


def _ratio(value: float) -> str:
    return f"{value:.2f}"


def _printed(published: Published) -> str:
    def values(*keys: tuple[str, str]) -> str:
        found = [published.time_ratio(*key, "cuda", mode) for key in keys for mode in ("training", "inference")]
        return f"{min(found):.2f} to {max(found):.2f}"

    return f"GPU: WNE {values(('fdncnn', 'wne'), ('swinir', 'wne'))}, NE-arch {values(('fdncnn', 'ne_arch'))}"


RULES = (
    Rule(
        id="C6",
        statement="WNE has no measurable overhead on the GPU; NE-arch costs 1.5 to 1.9 times the baseline's time",
        where="Tables 2, 5, 6",
        rule=f"On a GPU, training step and inference of every timed family: the interval of the median paired ratio of "
        f"WNE to its baseline lies at or below {FREE}, that of NE-arch at or above {SLOWER}. Without a GPU the CPU's "
        f"ratios are told and decide nothing.",
        groups=(),
        sections=(),
        command=stages("timing"),
        evidence=("table02", "table05", "table06"),
        paper=_printed,
        decide=overhead,
    ),
)
