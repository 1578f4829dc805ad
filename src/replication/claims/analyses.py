"""Claims on time, on the difficulty Delta in normalized coordinates, and on reuse in a sampler: C6, C8, C9, C15."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from replication.claims.ledger import Rule
from replication.claims.parts import (
    Bounds,
    Outcome,
    Part,
    compared,
    count,
    counted,
    judged,
    percent,
    rows_of,
    without_interval,
)
from replication.results.summary import Summary, covered
from replication.study.labels import NULL_MODELS, backbone_label, variant_label
from replication.study.params import Params
from replication.study.published import Published

FREE = {"cuda": 1.05, "cpu": 1.15}  # times the baseline's time that count as no overhead; the paper has 1.00 and 1.12
SLOWER = 1.3  # times the baseline's time that NE-arch takes at least
COLLAPSE = 1.0  # dB between the curves of different sigma, at the same Delta
OVERLAP = 0.5  # share of the patches at the higher noise whose difficulty was seen at the lower one
STABLE = 0.5  # dB that the stopped trajectory may lie below its best state
LOST = 0.1  # share of the images that may end unfinished, or 3 dB below their best state
_PAPERS = ("none", "random_pixels")  # operators: denoising (Table 11), inpainting (Table 12)
_DEVICES = {"cuda": "GPU", "cpu": "CPU"}


def _plain(value: float) -> str:
    return f"{value:.2f}"


def overhead(params: Params, summary: Summary) -> Outcome:
    """On the GPU where there is one, and on the CPU."""
    timing = summary.timing.dropna(subset="ratio")
    parts = []
    for device in (device for device in _DEVICES if (timing["device"] == device).any()):
        for variant, bounds in (("wne", Bounds(upper=FREE[device])), ("ne_arch", Bounds(lower=SLOWER))):
            rows = rows_of(timing[(timing["device"] == device) & (timing["variant"] == variant)])
            cells = ((f"{backbone_label(row['backbone'])} {row['mode']}", row) for row in rows)
            name = f"{_DEVICES[device]} time, {variant_label(variant)} / baseline"
            parts.append(compared(name, cells, bounds, of="ratio", style=_plain, unit=""))
    has_gpu = (timing["device"] == "cuda").any()
    return Outcome(
        tuple(parts), f"{timing['n'].max()} repetitions", note="" if has_gpu else "no GPU", is_reduced=not has_gpu
    )


def collapse(params: Params, summary: Summary) -> Outcome:
    rows = summary.errors[summary.errors["variant"] == "wne"]
    rows = rows.rename(columns={"low": "value_low", "high": "value_high"})

    def cells(quantity: str) -> list[tuple[str, pd.Series]]:
        found = rows_of(rows[rows["quantity"] == quantity])
        return [(f"{backbone_label(row['backbone'])}, sigma {row['sigma_train']}", row) for row in found]

    spread, difference, gain = map(cells, ("spread", "spread_difference", "null_gain"))
    gain = [(f"{label}, {NULL_MODELS[row['baseline']].lower()}", row) for label, row in gain]
    parts = (
        compared("spread over sigma, WNE", spread, Bounds(upper=COLLAPSE), of="value", style=_plain),
        compared("spread, WNE - baseline", difference, Bounds(upper=0.0, strict=True), of="value"),
        compared("Q, WNE - null model", gain, Bounds(lower=0.0, strict=True), of="value"),
    )
    return Outcome(parts, f"{max(int(row['n']) for _, row in spread)} patches at each sigma" if spread else "")


def overlap(params: Params, summary: Summary) -> Outcome:
    """On the training set of the CNN family."""
    table, training = summary.difficulty, summary.training
    train_set = training.loc[training["group"] == "cnn", "train_set"].iloc[0]
    table = table[table["train_set"] == train_set]
    if table.empty:
        return Outcome((), "", note=f"the difficulty of {train_set} was not measured")
    wide = norm.ppf(0.5 + 0.5 * params.statistics.confidence)
    share, error = covered(table, train_set), wide * covered(table, train_set, "coverage_error")
    seen, asymmetric = [], []
    enough, positive = Bounds(lower=OVERLAP), Bounds(lower=0.0, strict=True)
    for low, high in combinations(sorted(share.index), 2):
        name = f"sigmas {low:g} and {high:g}"
        up, half = share.loc[low, high], error.loc[low, high]
        seen.append(judged(name, up, up - half, up + half, enough))
        more, half = up - share.loc[high, low], float(np.hypot(half, error.loc[high, low]))
        asymmetric.append(judged(name, more, more - half, more + half, positive))
    parts = (
        Part("coverage m(high; low)", tuple(seen), enough, percent),
        Part("m(high; low) - m(low; high)", tuple(asymmetric), positive, percent),
    )
    return Outcome(parts, f"{table['patches'].iloc[0]:,} patches ({train_set})", is_reduced=train_set != "grey8694")


def reuse(params: Params, summary: Summary) -> Outcome:
    rows = summary.samplers
    rows = rows[rows["variant"] == "wne"]
    cells = [(row["item"], row) for row in rows_of(rows)]
    stopped = [(item, row) for item, row in cells if row["operator"] == "none"]
    papers = [(item, row) for item, row in cells if row["operator"] in _PAPERS]
    shares = rows.assign(share=rows["lost"] / rows["n"])
    parts = (
        compared("denoising, final - best state, WNE", stopped, Bounds(lower=-STABLE), of="gap"),
        compared("final, WNE - baseline", papers, Bounds(lower=0.0, strict=True)),
        without_interval("images lost by WNE", shares, "share", Bounds(upper=LOST), lambda row: row["item"], percent),
    )
    lost = ", ".join(f"{item} {count(row['lost'])} of {row['n']}" for item, row in cells if row["lost"] >= 0)
    return Outcome(parts, counted(rows), note=lost and f"images lost: {lost}")


def _stated_slowdown(published: Published) -> str:
    ratios = [published.time_ratio("fdncnn", "ne_arch", "cuda", mode) for mode in ("training", "inference")]
    return f"the paper's abstract says up to 1.6 times for NE-arch; its tables have up to {max(filter(None, ratios)):.2f} on the GPU"


RULES = (
    Rule(
        id="C6",
        title="WNE adds no measurable time, NE-arch 50 to 90 %",
        fixed="2026-11-26",
        statement="WNE has no measurable overhead on the GPU; NE-arch costs 1.5 to 1.9 times the baseline's time",
        where="Tables 2, 5, 6",
        rule=f"Training step and inference of every timed family: the interval of the median paired ratio of WNE to its "
        f"baseline lies at or below {FREE['cuda']} on a GPU and {FREE['cpu']} on a CPU, that of NE-arch at or above "
        f"{SLOWER}. At reduced scale only without a GPU.",
        stage="timing",
        evidence=("table02", "table05", "table06"),
        decide=overhead,
        finding=_stated_slowdown,
    ),
    Rule(
        id="C8",
        title="Normalized error depends on the difficulty alone",
        fixed="2026-11-26",
        statement="Normalized error is a function of the difficulty Delta alone (curves collapse over sigma), less so "
        "for the baseline",
        where="Fig. 6, 11",
        rule=f"Spread of the mean normalized error Q between test noise levels at the same Delta, in the central 95 % "
        f"of Delta (replication.results.errors), for every analysed sigma_train. WNE: interval at or below {COLLAPSE:g} dB. "
        f"WNE - baseline: interval below 0. The identity and a blur, which remove little noise, collapse as well: Q of "
        f"WNE less that of each, the mean over test noise and patches, has its interval above 0. Intervals over patches.",
        groups=("swinir",),
        section="errors",
        evidence=("fig06", "fig11"),
        decide=collapse,
    ),
    Rule(
        id="C9",
        title="Difficulties at different noise levels overlap, asymmetrically",
        fixed="2026-11-26",
        statement="The difficulties of different sigma overlap, asymmetrically",
        where="Fig. 7, Table 3",
        rule=f"Training set of the CNN family, every pair of noise levels low < high: the coverage m(high; low) is at least "
        f"{100 * OVERLAP:.0f} %, and m(high; low) - m(low; high) is above 0, with normal intervals from the standard "
        f"error of the choice of patches. No model is needed.",
        stage="difficulty",
        evidence=("fig07", "table03"),
        decide=overlap,
    ),
    Rule(
        id="C15",
        title="One Noise2Noise denoiser, wrapped, works inside samplers",
        fixed="2026-11-26",
        statement="A Noise2Noise denoiser trained at one sigma can be reused in samplers when wrapped",
        where="Fig. 16, 17, Tables 11, 12",
        rule=f"Residual-stopped denoising: the interval of final - best PSNR of WNE lies at or above -{STABLE} dB. "
        f"Denoising and random inpainting: that of PSNR(WNE) - PSNR(baseline), both final, lies above 0. Denoising and "
        f"the three inverse problems: at most {100 * LOST:.0f} % of the images are lost, which is to end unfinished or "
        f"more than 3 dB below their best state.",
        groups=("n2n",),
        section="samplers",
        evidence=("table11", "table12", "fig16", "fig17"),
        decide=reuse,
    ),
)
