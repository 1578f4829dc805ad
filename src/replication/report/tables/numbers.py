"""The numbers of the report's text as LaTeX macros, so that none is typed by hand.

    \\<Variant><Quantity><Backbone>Train<Sigma>Test<Place>     \\WneGainDncnnTrainTwentyFiveTestHighest

Variant: Baseline, Wne, SeArch, NeArch. Quantity: Psnr (dB) or Gain (dB over the baseline, paired), with
"Interval" behind it for the interval. Place of sigma_test: Lowest, Matched, Highest. Without Train<Sigma>
and with Min, Max or Range behind it: over all sigma_train. All of them on the first test set of the task.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd

from replication.report.tables.experiments import EXTREMES, PLACES, at_place, expected, experiments, extremes
from replication.report.tables.latex import escape, fixed, interval, scientific, signed
from replication.report.tables.prose import expected_of_prose, prose_numbers
from replication.report.tables.psnr import sweep_ends
from replication.results.identity import baseline_of
from replication.results.summary import Summary, covered, first_runs
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published

MISSING = r"\StudyMissing"
_FAMILIES = (
    ("dncnn", "wne"), ("swinir", "wne"), ("fdncnn", "wne"), ("restormer", "wne"),
    ("fdncnn", "se_arch"), ("fdncnn", "ne_arch"),
)  # fmt: skip
_TRAINS = ("10", "25", "50")
_DEVICES = {"cpu": "Cpu", "cuda": "Gpu"}
_DIGITS = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"]
_TEENS = ["Ten", "Eleven", "Twelve", "Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"]
_TENS = ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"]


def numbers(params: Params, summary: Summary, published: Published) -> str:
    """A \\newcommand for each number. A number that this profile lacks prints as a bold n/a."""
    values: dict[str, str | None] = dict.fromkeys(expected_macros())
    values |= _study(params, summary)
    values |= _gains(summary)
    values |= _distances(summary)
    values |= _costs(summary)
    values |= _defects(summary)
    values |= _difficulty(summary, published)
    values |= experiments(params, summary, published)
    values |= prose_numbers(params, summary, published)
    values["PaperMatchedLossMax"] = fixed(published.largest_matched_loss())
    missing = sorted(name for name, value in values.items() if value is None)
    head = [f"% {line}".rstrip() for line in (__doc__ or "").splitlines()]
    note = f"Not measured in this profile, printed as n/a: {', '.join(missing) or 'none'}."
    head += textwrap.wrap(note, 110, initial_indent="% ", subsequent_indent="% ", break_on_hyphens=False)
    head.append(rf"\newcommand{{{MISSING}}}{{\textbf{{n/a}}}}")
    lines = [rf"\newcommand{{\{name}}}{{{value or MISSING}}}" for name, value in values.items()]
    return "\n".join(head + lines)


def expected_macros() -> list[str]:
    """Names that the text may use in every profile, whatever its runs."""
    names = ["WneNeArchDistanceMax", "WneNeArchDistanceMedian"]
    for backbone, variant in _FAMILIES:
        for place in PLACES:
            names += [f"{pascal(variant)}Gain{pascal(backbone)}Test{place}{end}" for end in EXTREMES]
            if variant == "wne":
                names += _train_macros(backbone, place)
        names += [f"{pascal(v)}Defect{pascal(backbone)}{end}" for v in (variant, "baseline") for end in ("Min", "Max")]
    names += [f"WneOverSeArchTestLowest{end}" for end in EXTREMES]
    for backbone, variant in (("fdncnn", "wne"), ("fdncnn", "ne_arch"), ("swinir", "wne")):
        for device in _DEVICES.values():
            ratio = f"{pascal(variant)}Ratio{pascal(backbone)}{device}"
            names += [f"{ratio}{mode}{end}" for mode in ("Training", "Inference") for end in ("", "Interval")]
    names += [
        f"StudyDifficulty{name}"
        for name in ("Set", "Patches", "Patch", "ApproximationError", "SigmaLowest", "SigmaHighest")
    ]
    names += [f"{who}Coverage{way}" for who in ("Study", "Paper") for way in ("Upward", "Downward")]
    names += ["StudyCoverageErrorMax", "StudyContrastMedian", "StudyContrastBelowLowest"]
    return list(dict.fromkeys(names + expected() + expected_of_prose()))


def _train_macros(backbone: str, place: str) -> list[str]:
    """For each sigma_train of the paper: PSNR of both, gain and interval."""
    names = []
    for sigma in _TRAINS:
        where = f"{pascal(backbone)}Train{spell(sigma)}Test{place}"
        names += [f"WneGain{where}", f"WneGain{where}Interval", f"WnePsnr{where}", f"BaselinePsnr{where}"]
    return names


def pascal(name: str) -> str:
    """ne_arch -> NeArch: macro names have letters only."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def spell(sigma: str) -> str:
    """25 -> TwentyFive, 100 -> Hundred, 7.5 -> SevenPointFive: macro names have no digits."""
    whole, _, decimals = f"{float(sigma):g}".partition(".")
    number = int(whole)
    if number >= 1000:
        raise ValueError(f"sigma = {sigma} is no noise level in 8-bit units")
    hundreds, rest = divmod(number, 100)
    text = ("" if hundreds == 1 else _DIGITS[hundreds]) + "Hundred" if hundreds else ""
    if rest >= 20:
        text += _TENS[rest // 10 - 2] + (_DIGITS[rest % 10] if rest % 10 else "")
    elif rest >= 10:
        text += _TEENS[rest - 10]
    elif rest or not hundreds:
        text += _DIGITS[rest]
    return text + ("Point" + "".join(_DIGITS[int(digit)] for digit in decimals) if decimals else "")


def _study(params: Params, summary: Summary) -> dict[str, str]:
    """What was run, on what, for how long."""
    main, training = first_runs(summary.curves), summary.training
    test_set = main["test_set"].iloc[0]
    lowest, highest = sweep_ends(main)
    levels = sorted(main["sigma_train"].unique(), key=float)
    steps = training["steps"]
    leaked = summary.leakage["leaked"].astype(bool) if len(summary.leakage) else pd.Series(dtype=bool)
    return {
        "StudyProfile": escape(params.profile),
        "StudyRuns": str(len(params.reported_runs)),
        "StudyTestSet": escape(labels.test_set_label(test_set)),
        "StudyTestImages": str(main["n"].iloc[0]),
        "StudyTestDraws": str(params.test_sets[test_set].draws),
        "StudyTrainSets": escape(", ".join(training["train_set"].unique())),
        "StudySigmaTrains": _listed(levels),
        "StudySigmaLowest": f"{lowest:g}",
        "StudySigmaHighest": f"{highest:g}",
        "StudyConfidence": f"{100 * params.statistics.confidence:g}",
        "StudyResamples": str(params.statistics.resamples),
        "StudySteps": _range(steps.min(), steps.max()),
        "StudyTrainingMinutes": f"{training['seconds'].sum() / 60:.0f}",
        "StudyTrainingDevices": escape(_listed(list(training["device"].unique()))),
        "StudyDate": escape(training["date"].max()),
        "StudyTimingRepetitions": str(params.timing.repetitions),
        "StudyTimingDevices": escape(_listed(list(summary.source["timing"]["devices"].values()))),
        "StudyRecipeNote": _recipe_note(params),
        "StudyLeakedImages": str(int(leaked.sum())),
        "StudyAuditedImages": str(len(leaked)),
    }


def _recipe_note(params: Params) -> str:
    """Whether a difference between variants is one of the variant alone."""
    runs = params.reported_runs
    pairs = [(runs[name], runs[base]) for name in runs if (base := baseline_of(params, name))]
    traits = ("recipe", "train_set", "seed")
    apart = sum(any(getattr(run, t) != getattr(base, t) for t in traits) for run, base in pairs)
    if apart:
        return f"{apart} of {len(pairs)} runs differ from their baseline in recipe, training set or seed as well."
    return "Every variant has the loss, schedule, training set and seed of its baseline."


def _gains(summary: Summary) -> dict[str, str]:
    """PSNR and gains at the ends of the sweep and at matched noise, and their extremes over sigma_train."""
    curves, paired = first_runs(summary.curves), first_runs(summary.paired)
    values = {}
    for (backbone, variant), rows in paired.groupby(["backbone", "variant"], sort=False):
        gain = f"{pascal(variant)}Gain{pascal(backbone)}"
        for place in PLACES:
            cells = [at_place(run, place) for _, run in rows.groupby("sigma_train", sort=False)]
            gains = [cell["psnr_gain"] for cell in cells]
            values |= extremes(f"{gain}Test{place}", gains)
            for cell in cells:
                name = f"{gain}Train{spell(cell['sigma_train'])}Test{place}"
                values[name] = signed(cell["psnr_gain"])
                values[f"{name}Interval"] = interval(cell["psnr_gain_low"], cell["psnr_gain_high"])
    for (backbone, variant, sigma), rows in curves.groupby(["backbone", "variant", "sigma_train"], sort=False):
        for place in PLACES:
            name = f"{pascal(variant)}Psnr{pascal(backbone)}Train{spell(sigma)}Test{place}"
            values[name] = fixed(at_place(rows, place)["psnr"])
    return values


def _distances(summary: Summary) -> dict[str, str]:
    """WNE against the architectural variants: |difference| to NE-arch over all cells, gain over SE-arch."""
    curves = first_runs(summary.curves)
    psnr = {}
    for key in (("dncnn", "wne"), ("fdncnn", "ne_arch"), ("fdncnn", "se_arch")):
        rows = curves[(curves["backbone"] == key[0]) & (curves["variant"] == key[1])]
        psnr[key[1]] = rows.set_index(["sigma_train", "sigma_test"])["psnr"]
    values = {}
    distance = (psnr["wne"] - psnr["ne_arch"]).abs().dropna()
    if len(distance):
        values |= {"WneNeArchDistanceMax": fixed(distance.max()), "WneNeArchDistanceMedian": fixed(distance.median())}
    lead = (psnr["wne"] - psnr["se_arch"]).dropna()
    if len(lead):
        lowest = lead[lead.index.get_level_values("sigma_test") == lead.index.get_level_values("sigma_test").min()]
        values |= extremes("WneOverSeArchTestLowest", list(lowest))
    return values


def _costs(summary: Summary) -> dict[str, str]:
    values = {}
    for cell in summary.timing[summary.timing["variant"] != "baseline"].itertuples():
        name = f"{pascal(cell.variant)}Ratio{pascal(cell.backbone)}{_DEVICES[cell.device]}{cell.mode.capitalize()}"
        if not np.isnan(cell.ratio):
            values[name] = fixed(cell.ratio)
            values[f"{name}Interval"] = interval(cell.ratio_low, cell.ratio_high)
    return values


def _defects(summary: Summary) -> dict[str, str]:
    """Over the runs of a family: the smallest median and the largest single value of eps_NE."""
    values = {}
    for (backbone, variant), rows in summary.defects.groupby(["backbone", "variant"], sort=False):
        name = f"{pascal(variant)}Defect{pascal(backbone)}"
        values |= {
            f"{name}Min": scientific(rows["paper_median"].min()),
            f"{name}Max": scientific(rows["paper_max"].max()),
        }
    return values


def _difficulty(summary: Summary, published: Published) -> dict[str, str]:
    """The first training set measured: coverage (percent) from the lowest sigma to the highest and back, the
    largest root mean square error of Eq. 22 over sigma, and the contrast of the patches (8-bit units).

    The number of patches and the largest standard error of a coverage: over all training sets.
    """
    if summary.difficulty.empty:
        return {}
    table = summary.difficulty[summary.difficulty["train_set"] == summary.difficulty["train_set"].iloc[0]]
    train_set, patch = table[["train_set", "patch"]].iloc[0]
    patches = summary.difficulty["patches"]
    matrix = covered(table, train_set)
    standard_error = summary.difficulty.loc[summary.difficulty["quantity"] == "coverage_error", "value"]
    high, low = matrix.index[0], matrix.index[-1]
    contrast = table[table["quantity"] == "contrast"]
    errors = table.loc[table["quantity"] == "error", "value"]
    values = {
        "StudyDifficultySet": escape(train_set),
        "StudyDifficultyPatches": _range(patches.min(), patches.max()),
        "StudyDifficultyPatch": str(patch),
        "StudyDifficultyApproximationError": fixed(100 * errors.max(), 1),
        "StudyDifficultySigmaLowest": f"{low:g}",
        "StudyDifficultySigmaHighest": f"{high:g}",
        "StudyCoverageUpward": fixed(100 * matrix.loc[low, high], 0),
        "StudyCoverageDownward": fixed(100 * matrix.loc[high, low], 0),
        "StudyCoverageErrorMax": fixed(100 * standard_error.max(), 1),
        "StudyContrastMedian": fixed(np.interp(0.5, contrast["at"], contrast["value"]), 1),
        "StudyContrastBelowLowest": fixed(100 * np.interp(low, contrast["value"], contrast["at"]), 0),
    }
    for way, printed in (("Upward", published.coverage(low, high)), ("Downward", published.coverage(high, low))):
        if printed is not None:
            values[f"PaperCoverage{way}"] = fixed(printed, 0)
    return values


def _range(low: float, high: float) -> str:
    low_text, high_text = (f"{value:,}".replace(",", r"\,") for value in (low, high))
    return low_text if low == high else f"{low_text} to {high_text}"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
