"""Claims on time, on the difficulty Delta in normalized coordinates, and on reuse in a sampler: C6, C8, C9, C15."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from replication.claims.ledger import Rule
from replication.claims.parts import Outcome, Part, compared, counted, judged, measured, percent, rows_of
from replication.results.summary import Summary, covered
from replication.study.labels import backbone_label, variant_label
from replication.study.params import Params
from replication.study.published import Published

FREE = 1.05  # times the baseline's time that count as no overhead
SLOWER = 1.3  # times the baseline's time that NE-arch takes at least
COLLAPSE = 1.0  # dB between the curves of different sigma, at the same Delta
OVERLAP = 0.5  # share of the patches at the higher noise whose difficulty was seen at the lower one
STABLE = 0.5  # dB that the stopped trajectory may lie below its best state
_PAPERS = ("none", "random_pixels")  # operators: denoising (Table 11), inpainting (Table 12)


def _plain(value: float) -> str:
    return f"{value:.2f}"


def overhead(params: Params, summary: Summary) -> Outcome:
    """On the GPU; without one the CPU's ratios are told, and decide nothing."""
    timing = summary.timing
    cuda = timing[timing["device"] == "cuda"]
    if cuda.empty:
        return Outcome((), _repetitions(timing), note=f"no GPU; on the CPU, not judged: {_told(timing)}")
    parts = []
    for variant, bound in (("wne", {"at_most": FREE}), ("ne_arch", {"at_least": SLOWER})):
        name, rows = f"GPU, {variant_label(variant)} / baseline", rows_of(cuda[cuda["variant"] == variant])
        cells = ((f"{backbone_label(row['backbone'])} {row['mode']}", row) for row in rows)
        parts.append(compared(name, cells, of="ratio", style=_plain, unit="", **bound))
    return Outcome(tuple(parts), _repetitions(cuda))


def _told(timing: pd.DataFrame) -> str:
    """WNE 0.94 to 1.03, NE-arch 1.32 to 1.76"""
    known = timing[timing["variant"].isin(["wne", "ne_arch"])].dropna(subset="ratio")
    ratios = known.groupby("variant")["ratio"].agg(["min", "max"]).sort_index(ascending=False)
    return ", ".join(f"{variant_label(row.Index)} {row.min:.2f} to {row.max:.2f}" for row in ratios.itertuples())


def _repetitions(timing: pd.DataFrame) -> str:
    return f"{timing['n'].max()} repetitions"


def collapse(params: Params, summary: Summary) -> Outcome:
    rows = summary.errors[summary.errors["variant"] == "wne"]
    rows = rows.rename(columns={"low": "value_low", "high": "value_high"})
    spread, difference = (
        [(f"{row['item']}, sigma {row['sigma_train']}", row) for row in rows_of(rows[rows["quantity"] == quantity])]
        for quantity in ("spread", "spread_difference")
    )
    parts = (
        compared("spread over sigma, WNE", spread, at_most=COLLAPSE, of="value", style=_plain),
        compared("spread, WNE - baseline", difference, of="value", below=0),
    )
    return Outcome(parts, f"{max(int(row['n']) for _, row in spread)} patches at each sigma" if spread else "")


def overlap(params: Params, summary: Summary) -> Outcome:
    table = summary.difficulty
    if table.empty:
        return Outcome((), "", note="no training set was measured")
    wide = norm.ppf(0.5 + 0.5 * params.statistics.confidence)
    seen, asymmetric = [], []
    for train_set in table["train_set"].unique():
        share, error = covered(table, train_set), wide * covered(table, train_set, "coverage_error")
        for low, high in combinations(sorted(share.index), 2):
            name = f"{train_set}, sigmas {low:g} and {high:g}"
            up, half = share.loc[low, high], error.loc[low, high]
            seen.append(judged(name, up, up - half, up + half, at_least=OVERLAP))
            more, half = up - share.loc[high, low], float(np.hypot(half, error.loc[high, low]))
            asymmetric.append(judged(name, more, more - half, more + half, above=0))
    names = ("overlap m(high;low)", "m(high;low) - m(low;high)")
    parts = tuple(Part(name, tuple(tests), percent) for name, tests in zip(names, (seen, asymmetric)))
    sets = table[["train_set", "patches"]].drop_duplicates()
    return Outcome(parts, ", ".join(f"{row.patches:,} patches ({row.train_set})" for row in sets.itertuples()))


def reuse(params: Params, summary: Summary) -> Outcome:
    rows = summary.samplers
    rows = rows[(rows["variant"] == "wne") & rows["operator"].isin(_PAPERS)]
    cells = [(row["item"], row) for row in rows_of(rows)]
    stopped = [(item, row) for item, row in cells if row["operator"] == "none"]
    finite = tuple(measured(item, row["diverged"], -row["diverged"]) for item, row in cells)
    parts = (
        compared("final - best of WNE, denoising", stopped, at_least=-STABLE, of="gap"),
        compared("final, WNE - baseline", cells, above=0),
        Part("diverged images of WNE", finite, lambda value: f"{value:.0f}"),
    )
    return Outcome(parts, counted(rows))


def _printed_times(published: Published) -> str:
    def values(*keys: tuple[str, str]) -> str:
        found = [published.time_ratio(*key, "cuda", mode) for key in keys for mode in ("training", "inference")]
        return f"{min(found):.2f} to {max(found):.2f}"

    return f"GPU: WNE {values(('fdncnn', 'wne'), ('swinir', 'wne'))}, NE-arch {values(('fdncnn', 'ne_arch'))}"


def _printed_coverage(published: Published) -> str:
    up, down = published.coverage(10, 50), published.coverage(50, 10)
    return f"m(50;10) = {up:.0f} %, m(10;50) = {down:.0f} %"


def _printed_sampler(published: Published) -> str:
    gap = published.value(("Table 11",), "WNE-N2N", "final - best")
    rows = (("Table 11", "final"), ("Table 12", "final PSNR"))
    final = [[published.value((table,), f"{who}-N2N", column) for who in ("WNE", "Baseline")] for table, column in rows]
    return f"{gap:+.2f} dB; {', '.join(f'{wne - baseline:+.2f}' for wne, baseline in final)} dB"


RULES = (
    Rule(
        id="C6",
        statement="WNE has no measurable overhead on the GPU; NE-arch costs 1.5 to 1.9 times the baseline's time",
        where="Tables 2, 5, 6",
        rule=f"On a GPU, training step and inference of every timed family: the interval of the median paired ratio of "
        f"WNE to its baseline lies at or below {FREE}, that of NE-arch at or above {SLOWER}. Without a GPU the CPU's "
        f"ratios are told and decide nothing.",
        stage="timing",
        evidence=("table02", "table05", "table06"),
        paper=_printed_times,
        decide=overhead,
    ),
    Rule(
        id="C8",
        statement="Normalized error is a function of the difficulty Delta alone (curves collapse over sigma), less so "
        "for the baseline",
        where="Fig. 6, 11",
        rule=f"Spread of the mean normalized error Q between test noise levels at the same Delta, in the central 95 % "
        f"of Delta (replication.results.errors), for every analysed sigma_train. WNE: interval at or below {COLLAPSE:g} dB. "
        f"WNE - baseline: interval below 0. Intervals over patches.",
        groups=("swinir",),
        section="errors",
        evidence=("fig06", "fig11"),
        decide=collapse,
    ),
    Rule(
        id="C9",
        statement="The difficulties of different sigma overlap, asymmetrically",
        where="Fig. 7, Table 3",
        rule=f"For every training set and every pair of noise levels low < high: the coverage m(high;low) is at least "
        f"{100 * OVERLAP:.0f} %, and m(high;low) - m(low;high) is above 0, with normal intervals from the standard "
        f"error of the choice of patches. No model is needed.",
        stage="difficulty",
        evidence=("fig07", "table03"),
        paper=_printed_coverage,
        decide=overlap,
    ),
    Rule(
        id="C15",
        statement="A Noise2Noise denoiser trained at one sigma can be reused in samplers when wrapped",
        where="Fig. 16, 17, Tables 11, 12",
        rule=f"Residual-stopped denoising: the interval of final - best PSNR of WNE lies at or above -{STABLE} dB. "
        f"Denoising and random inpainting: that of PSNR(WNE) - PSNR(baseline), both final, lies above 0, and no image "
        f"of WNE diverges.",
        groups=("n2n",),
        section="samplers",
        evidence=("table11", "table12", "fig16", "fig17"),
        paper=_printed_sampler,
        decide=reuse,
    ),
)
