"""Claims on PSNR and SSIM at matched and mismatched noise: C3, C4, C5, C10, C12, C13, C14, C16."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from replication.claims.ledger import Rule
from replication.claims.paper import PaperSummary
from replication.claims.parts import Bounds, Outcome, Part, compared, counted, decibel, rows_of
from replication.results.summary import Summary, at_place, matched, on_first_set, single_level
from replication.study.labels import backbone_label, test_set_label
from replication.study.params import Params
from replication.study.published import Published, is_papers_real_set

ALIKE = 0.3  # dB, C3, C13: wide enough for every number of the paper's own tables
LOSS = 0.15  # dB, C16: half of ALIKE, as "closely matches" says more than C3
GAIN = 1.0  # dB above the training noise that counts as holding where the baseline collapses
LIKENESS = 0.5  # dB, C4: the same curve as NE-arch
FAR_BELOW = 25.0  # sigma_train from which the lowest test noise is far below
REAL_LOSS = 0.1  # dB, C14
LEARNED = 0.5  # dB over its input that a baseline must gain to be compared with, C14
JPEG_FROM = 20  # quality, C16: below it WNE lies below the baseline in Fig. 20 and 21

_AWGN = ("cnn", "swinir", "fdncnn", "restormer", "colour")
_POSITIVE, _NEGATIVE = Bounds(lower=0.0, strict=True), Bounds(upper=0.0, strict=True)
_GAIN, _ALIKE, _LIKE = Bounds(lower=GAIN), Bounds(-ALIKE, ALIKE), Bounds(-LIKENESS, LIKENESS)


def _of(table: pd.DataFrame, *groups: str, variant: str = "wne", against: str | None = None) -> pd.DataFrame:
    """Runs of these groups that were trained at a single level, on the first test set of their task."""
    rows = table[table["group"].isin(groups) & (table["variant"] == variant)]
    rows = single_level(rows)
    return on_first_set(rows if against is None else rows[rows["against_variant"] == against])


def _level(row: pd.Series) -> str:
    colour = ", colour" if row["group"] == "colour" else ""
    return f"{backbone_label(row['backbone'])}{colour}, sigma {row['sigma_train']}"


def _noise(row: pd.Series) -> str:
    return f"{backbone_label(row['backbone'])}, {row['noise']}"


def _cells(
    table: pd.DataFrame, place: str, floor: float = 0.0, label: Callable[[pd.Series], str] = _level
) -> Iterator[tuple[str, pd.Series]]:
    """(label, row) at the "lowest", the "matched" or the "highest" sigma_test of every run in the table.

    The runs trained at `floor` or above; not those whose lowest or highest sigma_test is the matched one.
    """
    for row in rows_of(at_place(table, place)):
        own = float(row["sigma_train"])
        if own >= floor and (place == "matched" or row["sigma_test"] != own):
            yield label(row), row


def _matched(paired: pd.DataFrame, *groups: str) -> Part:
    """WNE against its baseline at sigma_test = sigma_train, on every test set; labels name all but a run's first."""
    rows = paired[paired["group"].isin(groups) & (paired["variant"] == "wne")]
    first, rows = rows.drop_duplicates("run").set_index("run")["test_set"], matched(rows)

    def label(row: pd.Series) -> str:
        is_first = row["test_set"] == first[row["run"]]
        return _level(row) if is_first else f"{_level(row)}, {test_set_label(row['test_set'])}"

    return compared("matched noise, WNE - baseline", ((label(row), row) for row in rows_of(rows)), _ALIKE)


def _off_level(rows: pd.DataFrame) -> tuple[Part, Part]:
    """Gain over the baseline above the training noise, by GAIN, and far below it, by anything."""
    return (
        compared("highest noise, WNE - baseline", _cells(rows, "highest"), _GAIN),
        compared("lowest noise, WNE - baseline", _cells(rows, "lowest", FAR_BELOW), _POSITIVE),
    )


def matched_noise(params: Params, summary: Summary) -> Outcome:
    part = _matched(summary.paired, *_AWGN)
    rows = summary.paired[summary.paired["group"].isin(_AWGN)]
    return Outcome((part,), counted(rows))


def cnn_mismatch(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "cnn")

    def to_ne_arch(group: str) -> list[tuple[str, pd.Series]]:
        table = _of(summary.contrasts, group, against="ne_arch")
        return [(f"{name}, {end} noise", row) for end in ("lowest", "highest") for name, row in _cells(table, end)]

    se_arch = _of(summary.contrasts, "cnn", against="se_arch")
    parts = (
        *_off_level(rows),
        compared("DnCNN-WNE - NE-arch", to_ne_arch("cnn"), _LIKE),
        compared("FDnCNN-WNE - NE-arch", to_ne_arch("fdncnn"), _LIKE),
        compared("lowest noise, WNE - SE-arch", _cells(se_arch, "lowest", FAR_BELOW), _POSITIVE),
        compared("highest noise, WNE - SE-arch", _cells(se_arch, "highest"), Bounds(lower=-LIKENESS)),
    )
    return Outcome(parts, counted(rows))


def transformer_mismatch(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "swinir", "restormer")
    return Outcome(_off_level(rows), counted(rows))


def input_only(params: Params, summary: Summary) -> Outcome:
    curves = _of(summary.curves, "input-only", variant="wne_input")
    for end in ("", "_low", "_high"):
        curves[f"gain{end}"] = curves[f"psnr{end}"] - curves["input_psnr"]
    rows = _of(summary.contrasts, "input-only", variant="wne_input", against="baseline")
    parts = (
        compared("matched noise, IN - noisy input", _cells(curves, "matched"), _NEGATIVE, of="gain"),
        compared("matched noise, IN - baseline", _cells(rows, "matched"), _NEGATIVE),
    )
    return Outcome(parts, counted(rows))


def ssim_agrees(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "cnn", "swinir")

    def ssim(name: str, place: str, floor: float = 0.0) -> Part:
        return compared(name, _cells(rows, place, floor), _POSITIVE, of="ssim_gain", unit="")

    parts = (
        ssim("SSIM, highest noise, WNE - baseline", "highest"),
        ssim("SSIM, lowest noise, WNE - baseline", "lowest", FAR_BELOW),
    )
    return Outcome(parts, counted(rows))


def colour(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "colour")
    return Outcome((_matched(summary.paired, "colour"), *_off_level(rows)), counted(rows))


def real_noise(params: Params, summary: Summary) -> Outcome:
    """No comparison where the baseline has learned nothing."""
    rows = summary.real
    rows = on_first_set(rows[rows["group"] == "real-noise"])
    wne, baseline = (rows[rows["variant"] == variant] for variant in ("wne", "baseline"))
    others = [test_set_label(name) for name in wne["test_set"].unique() if not is_papers_real_set(name)]
    learned = (baseline["psnr"] - baseline["input_psnr"]).min()
    notes = [f"on a stand-in for SIDD, {', '.join(others)}"] if others else []
    if learned < LEARNED:
        notes.append(f"the baseline gains {decibel(learned)} dB over its input: it has learned nothing to compare with")
        return Outcome((), counted(wne), note="; ".join(notes), is_reduced=bool(others))
    cells = ((test_set_label(row["test_set"]), row) for row in rows_of(wne))
    part = compared("WNE - baseline", cells, Bounds(lower=-REAL_LOSS))
    return Outcome((part,), counted(wne), note="; ".join(notes), is_reduced=bool(others))


def other_noise(params: Params, summary: Summary) -> Outcome:
    rows = _of(summary.paired, "non-gaussian")
    jpeg = summary.jpeg
    jpeg = on_first_set(jpeg[(jpeg["group"] == "non-gaussian") & (jpeg["variant"] == "wne")])
    files = (
        (f"{backbone_label(row['backbone'])}, quality {row['quality']:g}", row)
        for row in rows_of(jpeg[jpeg["quality"] >= JPEG_FROM])
    )
    ne_arch, se_arch = (_of(summary.contrasts, "non-gaussian", against=arch) for arch in ("ne_arch", "se_arch"))
    rayleigh = ne_arch["noise"] == "rayleigh"
    centred, others = ne_arch[~rayleigh], se_arch[se_arch["noise"] != "rayleigh"]
    low = Bounds(lower=-LOSS)
    parts = (
        compared("highest noise, WNE - baseline", _cells(rows, "highest", label=_noise), _GAIN),
        compared(f"JPEG from quality {JPEG_FROM}, WNE - baseline", files, _POSITIVE),
        compared("lowest noise, WNE - NE-arch", _cells(centred, "lowest", label=_noise), low),
        compared("highest noise, WNE - NE-arch", _cells(centred, "highest", label=_noise), low),
        compared("lowest noise, WNE - NE-arch, Rayleigh", _cells(ne_arch[rayleigh], "lowest", label=_noise), _NEGATIVE),
        compared("lowest noise, WNE - SE-arch", _cells(others, "lowest", label=_noise), _POSITIVE),
    )
    return Outcome(parts, counted(rows))


def _low_quality(published: Published) -> str:
    """The losses at the qualities that the rule leaves out."""
    jpeg = PaperSummary(published).jpeg
    rows = jpeg[(jpeg["backbone"] == "dncnn") & (jpeg["quality"] < JPEG_FROM)]
    losses = ", ".join(f"{row.psnr_gain:+.2f} dB at {row.quality:g}" for row in rows.itertuples())
    return f"the paper calls the gain on JPEG files consistent; in Fig. 20 it is {losses}"


RULES = (
    Rule(
        id="C3",
        title="At matched noise WNE is close to its baseline",
        statement="At matched noise WNE is close to its baseline",
        where="Tables 1, 7, 8, 9",
        rule=f"For every WNE run trained at one level and every test set that has sigma_test = sigma_train: the interval of "
        f"PSNR(WNE) - PSNR(baseline) lies within +-{ALIKE} dB. The paper says close and gives no bound; this one admits "
        f"every difference in its tables. A network that is better by more than the bound fails too.",
        fixed="2026-11-28",
        groups=_AWGN,
        evidence=("table01", "table07", "table08", "table09"),
        decide=matched_noise,
    ),
    Rule(
        id="C4",
        title="Off the training noise WNE beats CNN baselines and matches NE-arch",
        statement="Off the training noise WNE holds where the CNN baseline collapses; it matches NE-arch, beats SE-arch "
        "from high to low noise and is comparable to it from low to high",
        where="Fig. 3, 10",
        rule=f"First test set. At the highest sigma_test: the interval of the gain over the baseline lies at or above "
        f"{GAIN:g} dB for every sigma_train. At the lowest, for sigma_train >= {FAR_BELOW:g}: above 0. At both ends, "
        f"for DnCNN-WNE (Fig. 3) and FDnCNN-WNE (Fig. 10): that of WNE - NE-arch lies within +-{LIKENESS} dB. At the "
        f"lowest, for sigma_train >= {FAR_BELOW:g}: that of WNE - SE-arch lies above 0; at the highest: at or above "
        f"-{LIKENESS} dB.",
        fixed="2026-11-28",
        groups=("cnn", "fdncnn"),
        variants=("baseline", "wne", "se_arch", "ne_arch"),
        evidence=("fig03", "fig10", "mismatch"),
        decide=cnn_mismatch,
    ),
    Rule(
        id="C5",
        title="Off the training noise WNE beats transformer baselines",
        statement="The same on transformers: SwinIR and Restormer",
        where="Fig. 4, 14",
        rule=f"As the first two parts of C4: gain at the highest sigma_test at or above {GAIN:g} dB for every "
        f"sigma_train, and above 0 at the lowest for sigma_train >= {FAR_BELOW:g}, both with the whole interval.",
        fixed="2026-11-23",
        groups=("swinir", "restormer"),
        evidence=("fig04", "fig14", "mismatch"),
        decide=transformer_mismatch,
    ),
    Rule(
        id="C10",
        title="Normalizing the input alone fails, even at matched noise",
        statement="Normalizing the input alone (IN) fails even at matched noise",
        where="Fig. 18, 19",
        rule="At sigma_test = sigma_train IN makes the image worse: the interval of PSNR(IN) lies below the PSNR of the "
        "noisy input, and that of PSNR(IN) - PSNR(baseline), with the same model, data and recipe, below 0.",
        fixed="2026-11-26",
        groups=("input-only", "cnn"),
        evidence=("fig18", "fig19"),
        decide=input_only,
    ),
    Rule(
        id="C12",
        title="SSIM tells the same story as PSNR",
        statement="SSIM tells the same story as PSNR",
        where="Fig. 12, 13",
        rule=f"The first two parts of C4 in SSIM, for the CNN family and SwinIR: the interval of SSIM(WNE) - "
        f"SSIM(baseline) lies above 0 at the highest sigma_test for every sigma_train, and at the lowest for "
        f"sigma_train >= {FAR_BELOW:g}.",
        fixed="2026-11-26",
        groups=("cnn", "swinir"),
        evidence=("fig12", "fig13"),
        decide=ssim_agrees,
    ),
    Rule(
        id="C13",
        title="The same pattern on colour images",
        statement="Colour, with joint statistics: the same pattern",
        where="Fig. 15, Table 9",
        rule=f"The rules of C3 (within +-{ALIKE} dB at matched noise, on every test set) and of C5 (gain of {GAIN:g} dB at the highest "
        f"sigma_test, above 0 at the lowest for sigma_train >= {FAR_BELOW:g}) on the colour runs.",
        fixed="2026-11-28",
        groups=("colour",),
        evidence=("table09", "fig15"),
        decide=colour,
    ),
    Rule(
        id="C14",
        title="No loss on real sensor noise",
        statement="Real sensor noise: no loss",
        where="Table 10",
        rule=f"The interval of PSNR(WNE) - PSNR(baseline) on the pairs of photographs lies at or above -{REAL_LOSS} "
        f"dB. Not tested where the baseline gains less than {LEARNED} dB over its input; at reduced scale only on any "
        f"other test set than SIDD's.",
        fixed="2026-11-26",
        groups=("real-noise",),
        evidence=("table10",),
        decide=real_noise,
    ),
    Rule(
        id="C16",
        title="The same on uniform, Laplace and Rayleigh noise, and JPEG",
        statement="Uniform, Laplace and Rayleigh noise and JPEG: WNE improves on the baseline; it matches NE-arch but for "
        "Rayleigh, and beats SE-arch",
        where="Fig. 20, 21",
        rule=f"At the highest sigma_test of each noise and backbone: gain over the baseline at or above {GAIN:g} dB. "
        f"JPEG, by the runs trained on uniform noise: above 0 at every quality from {JPEG_FROM}. WNE - NE-arch: at or "
        f"above -{LOSS} dB at the lowest and the highest sigma_test for uniform and Laplace, below 0 at the lowest for "
        f"Rayleigh. WNE - SE-arch, uniform and Laplace: above 0 at the lowest. The whole interval each time.",
        fixed="2026-11-28",
        groups=("non-gaussian",),
        backbones=("dncnn", "swinir"),
        evidence=("fig20", "fig21", "mismatch_other"),
        decide=other_noise,
        finding=_low_quality,
    ),
)
