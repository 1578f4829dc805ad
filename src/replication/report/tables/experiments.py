r"""Macros for the numbers of the single experiments, beside those of replication.report.tables.numbers.

    \<Who>Gain<Experiment>Test<Place><Min|Max|Range>    dB over the bare network, over the runs of the experiment
    \<Who>Sampler<Operator><OnePass|Best|Final|Gap>      dB, means over images, inside a sampler (App. N)

Experiment: Colour, NoiseToNoise, RangeTrained (sigma from 0 to 55), Uniform, Laplace, Rayleigh, Jpeg (over its
qualities), Real. Who: Wne, Baseline; InputOnly and SoftNe, RangeTrained against the bare network with the usual
loss. Operator: Denoising, Inpainting, SuperResolution, Deblurring.
"""

from __future__ import annotations

import pandas as pd

from replication.claims import VERDICTS, claims
from replication.report.tables.latex import escape, fixed, interval, scientific, signed
from replication.report.tables.psnr import single_level
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published

PLACES = ("Lowest", "Matched", "Highest")
EXTREMES = ("Min", "Max", "Range")
_GAUSSIAN = {"colour": "Colour", "n2n": "NoiseToNoise"}
_NOISES = ("Uniform", "Laplace", "Rayleigh")
_CONTROLS = {"soft_ne": "SoftNe", "supervised": "RangeTrained"}  # by objective
_OPERATORS = {
    "none": "Denoising",
    "random_pixels": "Inpainting",
    "block_average": "SuperResolution",
    "blur": "Deblurring",
}
_STATES = {"one_pass_psnr": "OnePass", "best_psnr": "Best", "psnr": "Final", "gap": "Gap"}
_SAMPLED = {"wne": "Wne", "baseline": "Baseline"}
_SPREADS = ("WneErrorSpread", "BaselineErrorSpread", "WneErrorSpreadDifference")
_VERDICT_NAMES = dict(zip(VERDICTS, ("Reproduced", "Partly", "NotReproduced", "NotTested")))


def expected() -> list[str]:
    """Names that the text may use in every profile, whatever it reports."""
    swept = [f"WneGain{name}" for name in (*_GAUSSIAN.values(), *_NOISES)]
    names = [f"{name}Test{place}{end}" for name in swept for place in PLACES for end in EXTREMES]
    names += [f"InputOnlyGainTest{place}{end}" for place in PLACES for end in EXTREMES]
    for control in _CONTROLS.values():
        names += [f"{control}GainTestHighest", f"{control}GainTestHighestInterval", f"{control}Defect"]
    names += ["WneGainRangeTrainedTestLowestRange", "WneGainRangeTrainedTestHighestRange"]
    names += [f"WneGainJpeg{end}" for end in EXTREMES]
    names += ["WneGainReal", "WneGainRealInterval", "WneSsimGainReal", "StudyRealSet", "StudyRealImages"]
    names += ["WneFilterRhoMax", "WneFilterRowSumErrorMax", "BaselineFilterRhoMin", "BaselineFilterRhoMax"]
    names += [f"{name}{end}" for name in _SPREADS for end in EXTREMES]
    for operator in _OPERATORS.values():
        names += [f"{who}Sampler{operator}{state}" for who in _SAMPLED.values() for state in _STATES.values()]
        names += [f"WneSampler{operator}Gain", f"WneSampler{operator}GainInterval"]
    return names + ["StudyClaims", *[f"StudyClaims{name}" for name in _VERDICT_NAMES.values()]]


def experiments(params: Params, summary: Summary, published: Published) -> dict[str, str]:
    """Macro name -> LaTeX, of what the profile reports."""
    values: dict[str, str] = {}
    values |= _swept(summary)
    values |= _controls(summary)
    values |= _jpeg(summary)
    values |= _real(summary)
    values |= _filters(summary)
    values |= _errors(summary)
    values |= _samplers(summary)
    counts = pd.Series([claim.verdict for claim in claims(params, summary, published)]).value_counts()
    values["StudyClaims"] = str(counts.sum())
    return values | {f"StudyClaims{name}": str(counts.get(verdict, 0)) for verdict, name in _VERDICT_NAMES.items()}


def extremes(name: str, gains: list[float]) -> dict[str, str]:
    """<name>Min, <name>Max and <name>Range, "+0.10 to +0.30", in dB."""
    low, high = signed(min(gains)), signed(max(gains))
    return {f"{name}Min": low, f"{name}Max": high, f"{name}Range": low if low == high else f"{low} to {high}"}


def at_place(run: pd.DataFrame, place: str) -> pd.Series:
    """The row of one run at the lowest, the matched or the highest sigma_test."""
    sigma = {"Lowest": run["sigma_test"].min(), "Highest": run["sigma_test"].max()}
    if place == "Matched":
        sigma["Matched"] = float(run["sigma_train"].iloc[0])
    return run[run["sigma_test"] == sigma[place]].iloc[0]


def _swept(summary: Summary) -> dict[str, str]:
    values = {}
    paired = first_sets(summary.paired)
    wne = paired[paired["variant"] == "wne"]
    for group, name in _GAUSSIAN.items():
        values |= _places(f"WneGain{name}", single_level(wne[wne["group"] == group]))
    for noise in _NOISES:
        values |= _places(f"WneGain{noise}", wne[wne["noise"] == noise.lower()])
    alone = summary.contrasts[summary.contrasts["against_variant"] == "baseline"]
    values |= _places("InputOnlyGain", first_sets(alone[alone["variant"] == "wne_input"]))
    trained = wne[(wne["group"] == "training-controls")]
    trained = trained.drop(single_level(trained).index)
    return values | _places("WneGainRangeTrained", trained, ("Lowest", "Highest"))


def _places(name: str, rows: pd.DataFrame, places: tuple[str, ...] = PLACES) -> dict[str, str]:
    if rows.empty:
        return {}
    values = {}
    for place in places:
        gains = [at_place(run, place)["psnr_gain"] for _, run in rows.groupby("run", sort=False)]
        values |= extremes(f"{name}Test{place}", gains)
    return values


def first_sets(table: pd.DataFrame) -> pd.DataFrame:
    """Of every run, the rows on the first test set of its task."""
    return table.merge(table.drop_duplicates("run")[["run", "test_set"]], on=["run", "test_set"])


def _controls(summary: Summary) -> dict[str, str]:
    """Defect of the two bare controls, and their gain at the highest noise over the bare run trained at the level of
    the soft-NE run."""
    values = {}
    bare = summary.defects
    bare = bare[(bare["group"] == "training-controls") & (bare["variant"] == "baseline")]
    soft = set(bare.loc[bare["objective"] == "soft_ne", "sigma_train"])
    for run in bare.itertuples():
        name = _CONTROLS[run.objective]
        values[f"{name}Defect"] = scientific(run.paper_median)
        rows = first_sets(summary.contrasts[summary.contrasts["run"] == run.run])
        level = rows["against"].map(summary.training.set_index("run")["sigma_train"])
        rows = rows[level.isin(soft)]
        if len(rows):
            row = at_place(rows, "Highest")
            values[f"{name}GainTestHighest"] = signed(row["psnr_gain"])
            values[f"{name}GainTestHighestInterval"] = interval(row["psnr_gain_low"], row["psnr_gain_high"])
    return values


def _jpeg(summary: Summary) -> dict[str, str]:
    rows = summary.jpeg
    rows = rows[rows["variant"] == "wne"]
    return extremes("WneGainJpeg", list(rows["psnr_gain"])) if len(rows) else {}


def _real(summary: Summary) -> dict[str, str]:
    rows = first_sets(summary.real)
    rows = rows[rows["variant"] == "wne"]
    if rows.empty:
        return {}
    row = rows.iloc[0]
    return {
        "WneGainReal": signed(row["psnr_gain"]),
        "WneGainRealInterval": interval(row["psnr_gain_low"], row["psnr_gain_high"]),
        "WneSsimGainReal": signed(row["ssim_gain"], 4),
        "StudyRealSet": escape(labels.test_set_label(row["test_set"])),
        "StudyRealImages": str(row["n"]),
    }


def _filters(summary: Summary) -> dict[str, str]:
    rows = summary.filters
    if rows.empty:
        return {}
    wne, bare = (rows[rows["variant"] == variant] for variant in ("wne", "baseline"))
    return {
        "WneFilterRhoMax": scientific(wne["rho"].max()),
        "WneFilterRowSumErrorMax": scientific(wne["row_sum_error_max"].max()),
        "BaselineFilterRhoMin": fixed(bare["rho"].min(), 3),
        "BaselineFilterRhoMax": fixed(bare["rho"].max(), 3),
    }


def _errors(summary: Summary) -> dict[str, str]:
    """Spread over sigma_test of the normalized error at equal difficulty, dB, over the runs; see replication.results.errors."""
    rows = summary.errors
    if rows.empty:
        return {}
    values = {}
    spread, difference = (rows[rows["quantity"] == quantity] for quantity in ("spread", "spread_difference"))
    for name, part in zip(_SPREADS, (spread[spread["variant"] == "wne"], spread[spread["variant"] == "baseline"])):
        low, high = fixed(part["value"].min()), fixed(part["value"].max())
        values |= {f"{name}Min": low, f"{name}Max": high, f"{name}Range": low if low == high else f"{low} to {high}"}
    return values | extremes(_SPREADS[2], list(difference["value"]))


def _samplers(summary: Summary) -> dict[str, str]:
    """The first item of every operator."""
    rows = summary.samplers
    if rows.empty:
        return {}
    values = {}
    for row in rows[rows["variant"].isin(_SAMPLED)].drop_duplicates(["operator", "variant"]).to_dict("records"):
        name = f"{_SAMPLED[row['variant']]}Sampler{_OPERATORS[row['operator']]}"
        for column, state in _STATES.items():
            values[name + state] = signed(row[column]) if column == "gap" else fixed(row[column])
        if row["variant"] == "wne":
            values[f"{name}Gain"] = signed(row["psnr_gain"])
            values[f"{name}GainInterval"] = interval(row["psnr_gain_low"], row["psnr_gain_high"])
    return values
