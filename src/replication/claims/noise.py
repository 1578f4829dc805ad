"""Claims on PSNR and SSIM at matched and mismatched noise: C3, C4, C5, C10, C12, C13, C14, C16."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from replication.claims.ledger import Rule
from replication.claims.parts import Outcome, Part, compared, counted, measured, percent, rows_of
from replication.results.summary import Summary, on_first_set, single_level
from replication.study.labels import test_set_label
from replication.study.params import Params
from replication.study.published import Published, is_papers_real_set

LOSS = 0.15  # dB, C3: "within about 0.15 dB"
GAIN = 1.0  # dB above the training noise that counts as holding where the baseline collapses
LIKENESS = 0.5  # dB, C4: the same curve as NE-arch
FAR_BELOW = 25.0  # sigma_train from which the lowest test noise is far below
REAL_LOSS = 0.1  # dB, C14
AGREEMENT, SOME_AGREEMENT = 0.95, 0.75  # C12

_AWGN = ("cnn", "swinir", "fdncnn", "restormer", "colour")


def _of(table: pd.DataFrame, *groups: str, variant: str = "wne", against: str | None = None) -> pd.DataFrame:
    """Runs of these groups that were trained at a single level, on the first test set of their task."""
    rows = table[table["group"].isin(groups) & (table["variant"] == variant)]
    rows = single_level(rows)
    return on_first_set(rows if against is None else rows[rows["against_variant"] == against])


def _level(row: pd.Series) -> str:
    return f"{row['group']}, sigma {row['sigma_train']}"


def _noise(row: pd.Series) -> str:
    return f"{row['backbone']}, {row['noise']}"


def _cells(
    table: pd.DataFrame, place: str, floor: float = 0.0, label: Callable[[pd.Series], str] = _level
) -> Iterator[tuple[str, pd.Series]]:
    """(label, row) at the "lowest", the "matched" or the "highest" sigma_test of every run in the table.

    The runs trained at `floor` or above; not those whose lowest or highest sigma_test is the matched one.
    """
    for _, rows in table.groupby("run", sort=False):
        own, tested = float(rows["sigma_train"].iloc[0]), rows["sigma_test"]
        sigma = {"lowest": tested.min(), "matched": own, "highest": tested.max()}[place]
        if own >= floor and (place == "matched" or sigma != own):
            row = rows[tested == sigma].iloc[0]
            yield label(row), row


def _matched(rows: pd.DataFrame) -> Part:
    return compared("matched noise, WNE - baseline", _cells(rows, "matched"), at_least=-LOSS)


def _off_level(rows: pd.DataFrame) -> tuple[Part, Part]:
    """Gain over the baseline above the training noise, by GAIN, and far below it, by anything."""
    return (
        compared("highest noise, WNE - baseline", _cells(rows, "highest"), at_least=GAIN),
        compared("lowest noise, WNE - baseline", _cells(rows, "lowest", FAR_BELOW), above=0),
    )


def matched_noise(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, *_AWGN)
    return Outcome((_matched(rows),), counted(rows))


def cnn_mismatch(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "cnn")
    ne_arch, se_arch = (_of(summary.contrasts, "cnn", against=variant) for variant in ("ne_arch", "se_arch"))
    alike = [(f"{name}, {end} noise", row) for end in ("lowest", "highest") for name, row in _cells(ne_arch, end)]
    parts = (
        *_off_level(rows),
        compared("WNE - NE-arch", alike, at_least=-LIKENESS, at_most=LIKENESS),
        compared("lowest noise, WNE - SE-arch", _cells(se_arch, "lowest", FAR_BELOW), above=0),
    )
    return Outcome(parts, counted(rows))


def transformer_mismatch(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "swinir", "restormer")
    return Outcome(_off_level(rows), counted(rows))


def input_only(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.contrasts, "input-only", variant="wne_input", against="baseline")
    return Outcome((compared("matched noise, IN - baseline", _cells(rows, "matched"), below=0),), counted(rows))


def ssim_agrees(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "cnn", "swinir")
    psnr, ssim = (
        (rows[f"{metric}_gain_low"] > 0).astype(int) - (rows[f"{metric}_gain_high"] < 0) for metric in ("psnr", "ssim")
    )
    agree = (psnr == ssim)[(psnr != 0) & (ssim != 0)]
    if agree.empty:
        return Outcome((), f"0 of {len(rows)} comparisons")
    share = float(agree.mean())
    enough = share >= AGREEMENT
    test = measured("both intervals exclude 0", share, share - (AGREEMENT if enough else SOME_AGREEMENT))
    part = Part("same sign of both gains", (test,), percent)
    return Outcome((part,), f"{len(agree)} of {len(rows)} comparisons are decided", is_partial=not enough)


def colour(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "colour")
    return Outcome((_matched(rows), *_off_level(rows)), counted(rows))


def real_noise(params: Params, summary: Summary) -> Outcome:
    rows = summary.real
    rows = on_first_set(rows[(rows["group"] == "real-noise") & (rows["variant"] == "wne")])
    cells = ((test_set_label(row["test_set"]), row) for row in rows_of(rows))
    part = compared("WNE - baseline", cells, at_least=-REAL_LOSS)
    others = [test_set_label(name) for name in rows["test_set"].unique() if not is_papers_real_set(name)]
    note = f"on a stand-in for SIDD, {', '.join(others)}" if others else ""
    return Outcome((part,), counted(rows), note=note, is_partial=bool(others))


def other_noise(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "non-gaussian")
    jpeg = summary.jpeg
    jpeg = rows_of(on_first_set(jpeg[(jpeg["group"] == "non-gaussian") & (jpeg["variant"] == "wne")]))
    files = ((f"{row['backbone']}, quality {row['quality']:g}", row) for row in jpeg)
    ne_arch = _of(summary.contrasts, "non-gaussian", against="ne_arch")
    rayleigh = ne_arch["noise"] == "rayleigh"
    parts = (
        compared("highest noise, WNE - baseline", _cells(rows, "highest", label=_noise), at_least=GAIN),
        compared("JPEG, WNE - baseline", files, above=0),
        compared("lowest noise, WNE - NE-arch", _cells(ne_arch[~rayleigh], "lowest", label=_noise), at_least=-LOSS),
        compared("the same for Rayleigh", _cells(ne_arch[rayleigh], "lowest", label=_noise), below=0),
    )
    return Outcome(parts, counted(rows))


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
        evidence=("fig03", "mismatch"),
        decide=cnn_mismatch,
    ),
    Rule(
        id="C5",
        statement="The same on transformers: SwinIR and Restormer",
        where="Fig. 4, 14",
        rule=f"As the first two parts of C4: gain at the highest sigma_test at or above {GAIN:g} dB for every "
        f"sigma_train, and above 0 at the lowest for sigma_train >= {FAR_BELOW:g}, both with the whole interval.",
        groups=("swinir", "restormer"),
        evidence=("fig04", "fig14", "mismatch"),
        decide=transformer_mismatch,
    ),
    Rule(
        id="C10",
        statement="Normalizing the input alone (IN) fails even at matched noise",
        where="Fig. 18, 19",
        rule="At sigma_test = sigma_train, against the baseline of the same model, data and recipe: the interval "
        "of PSNR(IN) - PSNR(baseline) lies below 0.",
        groups=("input-only", "cnn"),
        evidence=("fig18", "fig19"),
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
        evidence=("fig12", "fig13"),
        decide=ssim_agrees,
    ),
    Rule(
        id="C13",
        statement="Colour, with joint statistics: the same pattern",
        where="Fig. 15, Table 9",
        rule=f"The rules of C3 (-{LOSS} dB at matched noise) and of C5 (gain of {GAIN:g} dB at the highest sigma_test, "
        f"above 0 at the lowest for sigma_train >= {FAR_BELOW:g}) on the colour runs.",
        groups=("colour",),
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
        evidence=("fig20", "fig21", "mismatch_other"),
        decide=other_noise,
    ),
)
