"""The claim on denoisers that are used again inside a sampler: C15."""

from __future__ import annotations

import pandas as pd

from replication.claims.ledger import Outcome, Part, Rule, above, at_least, measured, stages
from replication.claims.select import counted, decibel, gain
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.published import Published

STABLE = 0.5  # dB that the stopped trajectory may lie below its best state
_PAPERS = ("none", "random_pixels")  # operators: denoising (Table 11), inpainting (Table 12)


def reuse(params: Params, summary: Summary) -> Outcome:
    rows = summary.samplers
    rows = rows[(rows["variant"] == "wne") & rows["operator"].isin(_PAPERS)]
    stopped = rows[rows["operator"] == "none"]
    stable = [at_least(row["item"], row["gap"], row["gap_low"], row["gap_high"], -STABLE) for row in _rows(stopped)]
    better = [above(row["item"], *gain(row)) for row in _rows(rows)]
    finite = [measured(row["item"], row["diverged"], -row["diverged"]) for row in _rows(rows)]
    parts = (
        Part("final - best of WNE, denoising", tuple(stable), decibel, "dB"),
        Part("final, WNE - baseline", tuple(better), decibel, "dB"),
        Part("diverged images of WNE", tuple(finite), lambda value: f"{value:.0f}"),
    )
    return Outcome(parts, counted(rows))


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _printed(published: Published) -> str:
    gap = published.value(("Table 11",), "WNE-N2N", "final - best")
    rows = (("Table 11", "final"), ("Table 12", "final PSNR"))
    final = [[published.value((table,), f"{who}-N2N", column) for who in ("WNE", "Baseline")] for table, column in rows]
    gains = ", ".join(f"{wne - bare:+.2f}" for wne, bare in final)
    return f"{gap:+.2f} dB; {gains} dB"


RULES = (
    Rule(
        id="C15",
        statement="A Noise2Noise denoiser trained at one sigma can be reused in samplers when wrapped",
        where="Fig. 16, 17, Tables 11, 12",
        rule=f"Residual-stopped denoising: the interval of final - best PSNR of WNE lies at or above -{STABLE} dB. "
        f"Denoising and random inpainting: that of PSNR(WNE) - PSNR(baseline), both final, lies above 0, and no image "
        f"of WNE diverges.",
        groups=("n2n",),
        sections=("samplers",),
        command=stages("samplers"),
        evidence=("table11", "table12", "fig16", "fig17"),
        paper=_printed,
        decide=reuse,
    ),
)
