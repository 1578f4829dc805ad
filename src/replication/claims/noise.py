"""Claims on PSNR and SSIM at matched and mismatched noise: C3, C4, C5, C10, C12, C13, C14, C16."""

from __future__ import annotations

import pandas as pd

from replication.claims.ledger import (
    PARTLY,
    REPRODUCED,
    Outcome,
    Part,
    Rule,
    above,
    at_least,
    below,
    measured,
    stages,
    within,
)
from replication.claims.select import cells, counted, decibel, gain, on_first_set, single_level, wrapped
from replication.results.summary import Summary
from replication.study.labels import test_set_label
from replication.study.params import Params
from replication.study.published import Published, is_papers_real_set

LOSS = 0.15  # dB, C3: "within about 0.15 dB"
GAIN = 1.0  # dB above the training noise that counts as holding where the baseline collapses
LIKENESS = 0.5  # dB, C4: the same curve as NE-arch
FAR_BELOW = 25.0  # sigma_train from which the lowest test noise is far below
REAL_LOSS = 0.1  # dB, C14
AGREEMENT, SOME_AGREEMENT = 0.95, 0.75  # C12

_GAINS = ("psnr_gain", "ssim_gain")
_AWGN = ("cnn", "swinir", "fdncnn", "restormer", "colour")


def _matched(paired: pd.DataFrame, *groups: str) -> Part:
    tests = [at_least(name, *gain(row), -LOSS) for name, row in cells(wrapped(paired, *groups), "matched")]
    return Part("matched noise, WNE - baseline", tuple(tests), decibel, "dB")


def _off_level(paired: pd.DataFrame, *groups: str) -> tuple[Part, Part]:
    """Gain over the baseline above the training noise, by GAIN, and far below it, by anything."""
    rows = wrapped(paired, *groups)
    high = [at_least(name, *gain(row), GAIN) for name, row in cells(rows, "highest") if _off(row)]
    low = [above(name, *gain(row)) for name, row in cells(rows, "lowest") if _off(row) and _from_high(row)]
    return (
        Part("highest noise, WNE - baseline", tuple(high), decibel, "dB"),
        Part("lowest noise, WNE - baseline", tuple(low), decibel, "dB"),
    )


def _off(row: pd.Series) -> bool:
    return row["sigma_test"] != float(row["sigma_train"])


def _from_high(row: pd.Series) -> bool:
    return float(row["sigma_train"]) >= FAR_BELOW


def matched_noise(params: Params, summary: Summary) -> Outcome:
    part = _matched(summary.paired, *_AWGN)
    return Outcome((part,), counted(wrapped(summary.paired, *_AWGN)))


def cnn_mismatch(params: Params, summary: Summary) -> Outcome:
    contrasts = wrapped(summary.contrasts, "cnn")
    arch, scale = (contrasts[contrasts["against_variant"] == variant] for variant in ("ne_arch", "se_arch"))
    alike = [
        within(f"{name}, {place} noise", *gain(row), LIKENESS)
        for place in ("lowest", "highest")
        for name, row in cells(arch, place)
        if _off(row)
    ]
    better = [above(name, *gain(row)) for name, row in cells(scale, "lowest") if _off(row) and _from_high(row)]
    parts = (
        *_off_level(summary.paired, "cnn"),
        Part("WNE - NE-arch", tuple(alike), decibel, "dB"),
        Part("lowest noise, WNE - SE-arch", tuple(better), decibel, "dB"),
    )
    return Outcome(parts, counted(wrapped(summary.paired, "cnn")))


def transformer_mismatch(params: Params, summary: Summary) -> Outcome:
    groups = ("swinir", "restormer")
    return Outcome(_off_level(summary.paired, *groups), counted(wrapped(summary.paired, *groups)))


def input_only(params: Params, summary: Summary) -> Outcome:
    rows = summary.contrasts
    rows = rows[(rows["group"] == "input-only") & (rows["variant"] == "wne_input")]
    rows = on_first_set(single_level(rows[rows["against_variant"] == "baseline"]))
    tests = [below(name, *gain(row)) for name, row in cells(rows, "matched")]
    return Outcome((Part("matched noise, IN - baseline", tuple(tests), decibel, "dB"),), counted(rows))


def ssim_agrees(params: Params, summary: Summary) -> Outcome:
    rows = wrapped(summary.paired, "cnn", "swinir")
    signs = pd.DataFrame(
        {metric: (rows[f"{metric}_low"] > 0).astype(int) - (rows[f"{metric}_high"] < 0) for metric in _GAINS}
    )
    decided = signs[(signs != 0).all(axis=1)]
    if decided.empty:
        return Outcome((), f"0 of {len(rows)} comparisons")
    share = float((decided[_GAINS[0]] == decided[_GAINS[1]]).mean())
    enough = share >= AGREEMENT
    test = measured("both intervals exclude 0", share, share - (AGREEMENT if enough else SOME_AGREEMENT))
    part = Part("same sign of both gains", (test,), lambda value: f"{100 * value:.0f} %")
    count = f"{len(decided)} of {len(rows)} comparisons are decided"
    return Outcome((part,), count, at_most=REPRODUCED if enough else PARTLY)


def colour(params: Params, summary: Summary) -> Outcome:
    parts = (_matched(summary.paired, "colour"), *_off_level(summary.paired, "colour"))
    return Outcome(parts, counted(wrapped(summary.paired, "colour")))


def real_noise(params: Params, summary: Summary) -> Outcome:
    rows = summary.real
    rows = on_first_set(rows[(rows["group"] == "real-noise") & (rows["variant"] == "wne")])
    tests = [at_least(test_set_label(row["test_set"]), *gain(row), -REAL_LOSS) for _, row in rows.iterrows()]
    part = Part("WNE - baseline", tuple(tests), decibel, "dB")
    if all(is_papers_real_set(name) for name in rows["test_set"]):
        return Outcome((part,), counted(rows))
    sets = ", ".join(test_set_label(name) for name in rows["test_set"].unique())
    return Outcome((part,), counted(rows), note=f"on a stand-in for SIDD, {sets}", at_most=PARTLY)


def other_noise(params: Params, summary: Summary) -> Outcome:
    rows = wrapped(summary.paired, "non-gaussian")
    high = [at_least(_named(row), *gain(row), GAIN) for _, row in cells(rows, "highest") if _off(row)]
    jpeg = summary.jpeg
    jpeg = on_first_set(jpeg[(jpeg["group"] == "non-gaussian") & (jpeg["variant"] == "wne")])
    files = [above(f"{row['backbone']}, quality {row['quality']:g}", *gain(row)) for _, row in jpeg.iterrows()]
    contrasts = wrapped(summary.contrasts, "non-gaussian")
    contrasts = contrasts[contrasts["against_variant"] == "ne_arch"]
    arch = [(row, gain(row)) for _, row in cells(contrasts, "lowest") if _off(row)]
    not_below = [at_least(_named(row), *values, -LOSS) for row, values in arch if row["noise"] != "rayleigh"]
    rayleigh = [below(_named(row), *values) for row, values in arch if row["noise"] == "rayleigh"]
    parts = (
        Part("highest noise, WNE - baseline", tuple(high), decibel, "dB"),
        Part("JPEG, WNE - baseline", tuple(files), decibel, "dB"),
        Part("lowest noise, WNE - NE-arch", tuple(not_below), decibel, "dB"),
        Part("the same for Rayleigh", tuple(rayleigh), decibel, "dB"),
    )
    return Outcome(parts, counted(rows))


def _named(row: pd.Series) -> str:
    """dncnn, laplace"""
    return f"{row['backbone']}, {row['noise']}"


def _largest_loss(published: Published) -> str:
    losses = [gain for table in ("Table 1", "Table 7", "Table 8", "Table 9") for gain in published.matched_gains(table)]
    return f"{min(losses):+.2f} to {max(losses):+.2f} dB"


def _colour_gains(published: Published) -> str:
    gains = published.matched_gains("Table 9")
    return f"{min(gains):+.2f} to {max(gains):+.2f} dB at matched noise; curves"


def _sidd(published: Published) -> str:
    values = [published.value(("Table 10",), f"SwinIR {v}", "SIDD validation PSNR") for v in ("WNE", "Baseline")]
    return f"{values[0] - values[1]:+.2f} dB"


RULES = (
    Rule(
        id="C3",
        statement="At matched noise WNE is within about 0.15 dB of its baseline",
        where="Tables 1, 7, 8, 9",
        rule=f"For every WNE run trained at one level, on the first test set at sigma_test = sigma_train: the "
        f"interval of PSNR(WNE) - PSNR(baseline) lies at or above -{LOSS} dB.",
        groups=_AWGN,
        sections=(),
        command=stages("evaluate", *_AWGN),
        evidence=("table01", "table07", "table08", "table09"),
        paper=_largest_loss,
        decide=matched_noise,
    ),
    Rule(
        id="C4",
        statement="Off the training noise WNE holds where the CNN baseline collapses; it matches NE-arch, and beats "
        "SE-arch from high to low noise",
        where="Fig. 3, 10",
        rule=f"First test set. At the highest sigma_test: the interval of the gain over the baseline lies at or above "
        f"{GAIN:g} dB for every sigma_train. At the lowest, for sigma_train >= {FAR_BELOW:g}: above 0. At both ends: "
        f"the interval of WNE - NE-arch lies inside +-{LIKENESS} dB. At the lowest, for sigma_train >= "
        f"{FAR_BELOW:g}: that of WNE - SE-arch lies above 0.",
        groups=("cnn",),
        sections=(),
        command=stages("evaluate", "cnn"),
        evidence=("fig03", "mismatch"),
        paper=None,
        decide=cnn_mismatch,
    ),
    Rule(
        id="C5",
        statement="The same on transformers: SwinIR and Restormer",
        where="Fig. 4, 14",
        rule=f"As the first two parts of C4: gain at the highest sigma_test at or above {GAIN:g} dB for every "
        f"sigma_train, and above 0 at the lowest for sigma_train >= {FAR_BELOW:g}, both with the whole interval.",
        groups=("swinir", "restormer"),
        sections=(),
        command=stages("evaluate", "swinir", "restormer"),
        evidence=("fig04", "fig14", "mismatch"),
        paper=None,
        decide=transformer_mismatch,
    ),
    Rule(
        id="C10",
        statement="Normalizing the input alone (IN) fails even at matched noise",
        where="Fig. 18, 19",
        rule="At sigma_test = sigma_train, against the bare network of the same model, data and recipe: the interval "
        "of PSNR(IN) - PSNR(baseline) lies below 0.",
        groups=("input-only", "cnn"),
        sections=(),
        command=stages("evaluate", "input-only", "cnn"),
        evidence=("fig18", "fig19"),
        paper=None,
        decide=input_only,
    ),
    Rule(
        id="C12",
        statement="SSIM tells the same story as PSNR",
        where="Fig. 12, 13",
        rule=f"Over all WNE runs and sigma_test whose gains in PSNR and in SSIM both have an interval that excludes "
        f"0: the two have the same sign in {100 * AGREEMENT:.0f} % of them (partly: in "
        f"{100 * SOME_AGREEMENT:.0f} %).",
        groups=("cnn", "swinir"),
        sections=(),
        command=stages("evaluate", "cnn", "swinir"),
        evidence=("fig12", "fig13"),
        paper=None,
        decide=ssim_agrees,
    ),
    Rule(
        id="C13",
        statement="Colour, with joint statistics: the same pattern",
        where="Fig. 15, Table 9",
        rule=f"The rules of C3 (-{LOSS} dB at matched noise) and of C5 (gain of {GAIN:g} dB at the highest sigma_test, "
        f"above 0 at the lowest for sigma_train >= {FAR_BELOW:g}) on the colour runs.",
        groups=("colour",),
        sections=(),
        command=stages("evaluate", "colour"),
        evidence=("table09", "fig15"),
        paper=_colour_gains,
        decide=colour,
    ),
    Rule(
        id="C14",
        statement="Real sensor noise: no loss",
        where="Table 10",
        rule=f"The interval of PSNR(WNE) - PSNR(baseline) on the pairs of photographs lies at or above -{REAL_LOSS} "
        f"dB. On any other test set than SIDD's: partly at most.",
        groups=("real-noise",),
        sections=(),
        command=stages("evaluate", "real-noise"),
        evidence=("table10",),
        paper=_sidd,
        decide=real_noise,
    ),
    Rule(
        id="C16",
        statement="Uniform, Laplace and Rayleigh noise and JPEG: WNE improves on the baseline; Rayleigh is the one "
        "case below NE-arch",
        where="Fig. 20, 21",
        rule=f"At the highest sigma_test of each noise and backbone: gain over the baseline at or above {GAIN:g} dB. "
        f"JPEG, by the runs trained on uniform noise: above 0 at every quality. At the lowest sigma_test, WNE - "
        f"NE-arch: at or above -{LOSS} dB for uniform and Laplace, below 0 for Rayleigh. The whole interval each "
        f"time.",
        groups=("non-gaussian",),
        sections=(),
        command=stages("evaluate", "non-gaussian"),
        evidence=("fig20", "fig21", "mismatch_other"),
        paper=None,
        decide=other_noise,
    ),
)
