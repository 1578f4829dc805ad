"""Numbers of single experiments: gains over the baseline, defects, times, samplers, and the comparisons of our own.

    \\<Who>Gain<What>Test<Place>Range                     dB over the baseline, over sigma_train or the runs of What
    \\<Who>Defect<Backbone><Min|Max>                      eps_NE: smallest median, largest value
    \\<Who>Ratio<Backbone><Cpu|Gpu><Training|Inference>   times the baseline
    \\<Who>Sampler<Operator><State>                       dB, means over images, inside a sampler (App. N)
    \\Recipe<Wrapper|Recipe|Both>Test<Place>[Interval]    dB: effects in the 2 x 2 factorial ablation
    \\<Oracle|WrappedAtTest>GainTest<Place>[Interval]     dB over the baseline, of the controls without training

Who: Wne, Baseline, SeArch, NeArch. What: a backbone, a noise, Colour. Place of sigma_test: Lowest, Matched, Highest.
All on the first test set of the task.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from replication.report.cells import escape, fixed, interval, scientific, signed
from replication.report.families import of_groups, single_level
from replication.report.numbers.rules import Source, Value, number
from replication.results.readers import crossed_recipes, crossings, recipe_labels
from replication.results.summary import Summary, first_runs
from replication.study import labels

_WHO = {"Wne": "wne", "Baseline": "baseline", "SeArch": "se_arch", "NeArch": "ne_arch"}
_PLACE = "(Lowest|Matched|Highest)"
_BACKBONE = "(Dncnn|Swinir|Fdncnn|Restormer)"
_OBJECTIVES = {"SoftNe": "soft_ne", "RangeTrained": "supervised"}  # of the controls trained otherwise
_OPERATORS = {
    "Denoising": "none", "Inpainting": "random_pixels", "SuperResolution": "block_average", "Deblurring": "blur",
}  # fmt: skip
_STATES = {"OnePass": "one_pass_psnr", "Best": "best_psnr", "Final": "psnr"}


def first_sets(table: pd.DataFrame) -> pd.DataFrame:
    """For each run, its rows on the first test set of its task."""
    return table.merge(table.drop_duplicates("run")[["run", "test_set"]], on=["run", "test_set"])


def _at(run: pd.DataFrame, place: str) -> pd.Series:
    """The row of one run at the lowest, the matched or the highest sigma_test."""
    tested = run["sigma_test"]
    sigma = float(run["sigma_train"].iloc[0]) if place == "Matched" else tested.agg({"L": "min", "H": "max"}[place[0]])
    return run[tested == sigma].iloc[0]


def _range(gains: Iterable[float]) -> Value:
    """+0.10 to +0.30, in dB."""
    values = list(gains)
    return " to ".join(dict.fromkeys(signed(end).latex for end in (min(values), max(values)))) if values else None


def _range_at(rows: pd.DataFrame, place: str) -> Value:
    return _range(_at(run, place)["psnr_gain"] for _, run in rows.groupby("run", sort=False))


def _mean_or_interval(row: pd.Series, mean: str, is_interval: object, digits: int = 2) -> Value:
    ends = ("low", "high") if mean == "value" else (f"{mean}_low", f"{mean}_high")
    return interval(*row[list(ends)]) if is_interval else signed(row[mean], digits)


@number(f"(Wne|SeArch|NeArch)Gain{_BACKBONE}Test{_PLACE}Range")
def _gain(source: Source, who: str, backbone: str, place: str) -> Value:
    rows = first_runs(source.summary.paired)
    return _range_at(rows[(rows["variant"] == _WHO[who]) & (rows["backbone"] == backbone.lower())], place)


@number(f"WneGain(Colour|NoiseToNoise)Test{_PLACE}Range")
def _gain_of_group(source: Source, group: str, place: str) -> Value:
    rows = of_groups(_wne(source.summary.paired), {"Colour": "colour", "NoiseToNoise": "n2n"}[group])
    return _range_at(single_level(rows), place)


@number(f"WneGain(Uniform|Laplace|Rayleigh)Test{_PLACE}Range")
def _gain_by_noise(source: Source, noise: str, place: str) -> Value:
    rows = _wne(source.summary.paired)
    return _range_at(rows[rows["noise"] == noise.lower()], place)


@number(f"InputOnlyGainTest{_PLACE}Range")
def _gain_of_input_only(source: Source, place: str) -> Value:
    rows = first_sets(source.summary.contrasts)
    return _range_at(rows[(rows["variant"] == "wne_input") & (rows["against_variant"] == "baseline")], place)


@number(f"Wne(Ne|Se)ArchGainTest{_PLACE}Range")
def _gain_over_architectures(source: Source, form: str, place: str) -> Value:
    """WNE minus the architectural variant, in the core group."""
    rows = of_groups(_wne(source.summary.contrasts), "cnn")
    return _range_at(rows[rows["against_variant"] == f"{form.lower()}_arch"], place)


@number("WneGainJpegRange")
def _gain_on_jpeg(source: Source) -> Value:
    rows = source.summary.jpeg
    return _range(rows.loc[rows["variant"] == "wne", "psnr_gain"])


@number("PaperMatchedGainRange")
def _papers_gain(source: Source) -> Value:
    return _range(source.published.matched_gains("Table 1"))


def _wne(table: pd.DataFrame) -> pd.DataFrame:
    rows = first_sets(table)
    return rows[rows["variant"] == "wne"]


@number("(SoftNe|RangeTrained)(?:(Defect)|GainTestHighest(Interval)?)")
def _trained_otherwise(source: Source, control: str, defect: str | None, is_interval: str | None) -> Value:
    """Gain over the baseline of the usual loss at the one level of the soft-NE run; median of eps_NE."""
    rows = of_groups(source.summary.defects, "training-controls")
    rows = rows[rows["variant"] == "baseline"]
    run = rows[rows["objective"] == _OBJECTIVES[control]].iloc[-1:]
    if run.empty or defect:
        return scientific(run["paper_median"].iloc[0]) if len(run) else None
    gains = first_sets(source.summary.contrasts[source.summary.contrasts["run"] == run["run"].iloc[0]])
    levels = gains["against"].map(source.summary.training.set_index("run")["sigma_train"])
    gains = gains[levels.isin(rows.loc[rows["objective"] == "soft_ne", "sigma_train"])]
    return _mean_or_interval(_at(gains, "Highest"), "psnr_gain", is_interval) if len(gains) else None


@number("(?:Wne(?:(Ssim)?GainReal(Interval)?)|StudyReal(Set|Images))")
def _real(source: Source, ssim: str | None, is_interval: str | None, fact: str | None) -> Value:
    rows = _wne(source.summary.real) if len(source.summary.real) else source.summary.real
    if rows.empty:
        return None
    row = rows.iloc[0]
    if fact:
        return escape(labels.test_set_label(row["test_set"])) if fact == "Set" else row["n"]
    return _mean_or_interval(row, "ssim_gain" if ssim else "psnr_gain", is_interval, 4 if ssim else 2)


@number(f"(Wne|Baseline|SeArch|NeArch)Defect{_BACKBONE}(Min|Max)")
def _defect(source: Source, who: str, backbone: str, end: str) -> Value:
    rows = source.summary.defects
    rows = rows[(rows["backbone"] == backbone.lower()) & (rows["variant"] == _WHO[who])]
    values = rows["paper_median" if end == "Min" else "paper_max"]
    return scientific(values.agg(end.lower())) if len(values) else None


@number("(Wne|SeArch|NeArch)Ratio(Fdncnn|Swinir)(Cpu|Gpu)(Training|Inference)")
def _ratio(source: Source, who: str, backbone: str, device: str, mode: str) -> Value:
    rows = source.summary.timing.set_index(["variant", "backbone", "device", "mode"])["ratio"]
    ratio = rows.get((_WHO[who], backbone.lower(), {"Cpu": "cpu", "Gpu": "cuda"}[device], mode.lower()))
    return None if pd.isna(ratio) else fixed(ratio)


@number("(Wne|Baseline)Sampler(Denoising|Inpainting|SuperResolution|Deblurring)(OnePass|Best|Final|Gap)")
def _sampled(source: Source, who: str, operator: str, state: str) -> Value:
    row = _sampler(source.summary, who, operator)
    if row is None:
        return None
    return signed(row["gap"]) if state == "Gap" else fixed(row[_STATES[state]])


@number("(Wne)Sampler(Denoising|Inpainting|SuperResolution|Deblurring)Gain(Interval)?")
def _sampler_gain(source: Source, who: str, operator: str, is_interval: str | None) -> Value:
    row = _sampler(source.summary, who, operator)
    return None if row is None else _mean_or_interval(row, "psnr_gain", is_interval)


def _sampler(summary: Summary, who: str, operator: str) -> pd.Series | None:
    """The first item with this operator."""
    rows = summary.samplers
    if rows.empty:
        return None
    rows = rows[(rows["variant"] == _WHO[who]) & (rows["operator"] == _OPERATORS[operator])]
    return rows.iloc[0] if len(rows) else None


@number("Recipe(Backbone|Sigma|Seeds|First|Second|SeedDeviationMax)")
def _ablation(source: Source, fact: str) -> Value:
    """The first ablation."""
    if source.summary.recipe.empty:
        return None
    rows = crossings(source.summary)[0]
    first, *_, last = crossed_recipes(rows)
    named, head = recipe_labels(source.params, rows), rows.iloc[0]
    deviations = rows.loc[rows["effect"] == "seed_sd", "value"]
    return {
        "Backbone": labels.backbone_label(source.params.models[head["model"]].backbone),
        "Sigma": head["sigma_train"],
        "Seeds": head["n_seeds"],
        "First": escape(named[first]),
        "Second": escape(named[last]),
        "SeedDeviationMax": fixed(deviations.max()) if len(deviations) else None,
    }[fact]


@number(f"Recipe(Wrapper|Recipe|Both)Test{_PLACE}(Interval)?")
def _effect(source: Source, effect: str, place: str, is_interval: str | None) -> Value:
    """Means over the other factor; of both, the second recipe in place of the first."""
    if source.summary.recipe.empty:
        return None
    rows = crossings(source.summary)[0]
    first, *_, last = crossed_recipes(rows)
    chosen = {
        "Wrapper": rows["recipe"] == "mean",
        "Recipe": rows["variant"] == "mean",
        "Both": (rows["recipe"] == last) & (rows["against"] == first),
    }[effect]
    return _mean_or_interval(_at(rows[(rows["effect"] == effect.lower()) & chosen], place), "value", is_interval)


@number(f"(Oracle|WrappedAtTest)GainTest{_PLACE}(Interval)?")
def _control(source: Source, control: str, place: str, is_interval: str | None) -> Value:
    """The first item of `controls`."""
    rows = source.summary.controls
    if rows.empty:
        return None
    rows = rows[rows["denoiser"] == {"Oracle": "oracle", "WrappedAtTest": "wrapped_at_test"}[control]]
    rows = rows[rows["item"] == rows["item"].iloc[0]]
    return _mean_or_interval(_at(rows, place), "psnr_gain", is_interval)
