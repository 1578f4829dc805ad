"""Numbers of single experiments: gains over the baseline, defects, times, samplers, and the comparisons of our own.

    \\<Rows>Test<Place>Range                              dB over the baseline, over sigma_train or the runs of Rows
    \\<Rows>Test<Place>[Interval]                         the same of a single run or comparison
    \\<Who>Defect<Backbone><Min|Max>                      eps_NE: smallest median, largest value
    \\<Who>Ratio<Backbone><Cpu|Gpu><Training|Inference>   times the baseline
    \\<Who><Flops|Bytes|Operations|Bound><Backbone><Training|Inference>   counted: times the baseline's; Bound: of the time
                                                          on the first of `cards`
    \\<Who>Sampler<Operator><State>                       dB, means over images, inside a sampler (App. N)
    \\Length<Gap><Place><Shortest|Longest>                dB, mean over seeds, of WNE less NE-arch or the baseline

Rows: a key of _ROWS. Place of sigma_test: Lowest, Matched, Highest. All on the first test set of the task.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pandas as pd

from replication.report.cells import escape, fixed, interval, scientific, signed
from replication.report.numbers.rows import span, where
from replication.report.numbers.study import Number, Value
from replication.report.source import Source
from replication.results.length import GROUP, gaps_by_steps
from replication.results.readers import ablations, design_recipes, recipe_labels, smallest_windows
from replication.results.summary import PLACES, Summary, at_place, first_runs, on_first_set, single_level
from replication.study import labels

_WHO = {"Wne": "wne", "Baseline": "baseline", "SeArch": "se_arch", "NeArch": "ne_arch"}
_BACKBONES = {name.capitalize(): name for name in labels.BACKBONES}
_OPERATORS = {
    "Denoising": "none", "Inpainting": "random_pixels", "SuperResolution": "block_average", "Deblurring": "blur",
}  # fmt: skip
_COUNTED = {"Flops": "flops", "Bytes": "bytes", "Operations": "operations", "Bound": "seconds"}
_NOISES = ("uniform", "laplace", "rayleigh")
_STATES = {"OnePass": "one_pass_psnr", "Best": "best_psnr", "Final": "psnr", "Gap": "gap"}
_GAIN = ["psnr_gain", "psnr_gain_low", "psnr_gain_high"]

Rows = Callable[[Summary], pd.DataFrame]


def _first_sets(table: pd.DataFrame, variant: str = "wne") -> pd.DataFrame:
    """The rows of a variant on the first test set of each run's task."""
    return where(on_first_set(table), variant=variant)


def _control_runs(summary: Summary) -> pd.DataFrame:
    """Defects of the baselines that were trained otherwise."""
    return where(summary.defects, group="training-controls", variant="baseline")


def _trained_otherwise(objective: str, summary: Summary) -> pd.DataFrame:
    """Over the baseline with the usual loss at the one level of the soft-NE run."""
    runs, levels = _control_runs(summary), summary.training.set_index("run")["sigma_train"]
    gains = _first_sets(summary.contrasts, "baseline")
    gains = gains[gains["run"].isin(where(runs, objective=objective)["run"])]
    return gains[gains["against"].map(levels).isin(where(runs, objective="soft_ne")["sigma_train"])]


def _control(denoiser: str) -> Rows:
    """The first item of `controls`."""
    return lambda s: where(s.controls, item=s.controls["item"].iloc[0], denoiser=denoiser)


def _beside_controls(summary: Summary) -> pd.DataFrame:
    """WNE over the run that the first item of `controls` starts from."""
    return where(
        _first_sets(summary.paired), baseline=summary.controls["run"].iloc[0], group=summary.controls["group"].iloc[0]
    )


def _effect(effect: str, summary: Summary) -> pd.DataFrame:
    """The first ablation: means over the other factor; of both, the second recipe in place of the first."""
    table = ablations(summary)[0].rename(columns=dict(zip(("value", "low", "high"), _GAIN)))
    recipes = design_recipes(table)
    both = {"recipe": recipes[-1], "against": recipes[0]}
    chosen = {"wrapper": {"recipe": "mean"}, "recipe": {"variant": "mean"}, "both": both}[effect]
    return where(table, effect=effect, **chosen)


def _main(variant: str, backbone: str) -> Rows:
    return lambda s: where(first_runs(s.paired), variant=variant, backbone=backbone)


def _noise(noise: str) -> Rows:
    return lambda s: where(_first_sets(s.paired), noise=noise)


def _noise_against_ne_arch(noise: str) -> Rows:
    return lambda s: where(_first_sets(s.contrasts), noise=noise, against_variant="ne_arch")


_ROWS: dict[str, Rows] = {
    **{f"{who}Gain{name}": _main(_WHO[who], backbone) for who in _WHO for name, backbone in _BACKBONES.items()},
    "WneGainColour": lambda s: single_level(where(_first_sets(s.paired), group="colour")),
    **{f"WneGain{noise.capitalize()}": _noise(noise) for noise in _NOISES},
    **{f"WneNeArchGain{noise.capitalize()}": _noise_against_ne_arch(noise) for noise in _NOISES},
    "InputOnlyGain": lambda s: where(_first_sets(s.contrasts, "wne_input"), against_variant="baseline"),
    "WneNeArchGain": lambda s: where(_first_sets(s.contrasts), group="cnn", against_variant="ne_arch"),
    "FdncnnWneNeArchGain": lambda s: where(_first_sets(s.contrasts), group="fdncnn", against_variant="ne_arch"),
    "WneSeArchGain": lambda s: where(_first_sets(s.contrasts), group="cnn", against_variant="se_arch"),
    "SoftNeGain": partial(_trained_otherwise, "soft_ne"),
    "RangeTrainedGain": partial(_trained_otherwise, "supervised"),
    "RangeTrainedWneGain": lambda s: where(_first_sets(s.paired), group="training-controls"),
    "WneBesideControlsGain": _beside_controls,
    "OracleGain": _control("oracle"),
    "WrappedAtTestGain": _control("wrapped_at_test"),
    "WrappedAtTestRescaledGain": _control("wrapped_at_test_rescaled"),
    "WrappedTvGain": lambda s: _control("tv")(s).query("against == 'alone'"),
    **{f"Recipe{effect.capitalize()}": partial(_effect, effect) for effect in ("wrapper", "recipe", "both")},
    "WindowGain": smallest_windows,
}
# Of rows that a profile may lack.
_TABLES = {
    "Recipe": "recipe",
    "Oracle": "controls",
    "Wrapped": "controls",
    "WneBeside": "controls",
    "Window": "windows",
}


def _gain(name: str, place: str, form: str, source: Source) -> Value:
    needed = [table for start, table in _TABLES.items() if name.startswith(start)]
    if any(getattr(source.summary, table).empty for table in needed):
        return None
    rows = _ROWS[name](source.summary)
    rows = at_place(rows if "run" in rows else rows.assign(run="all"), place)  # an ablation compares means over runs
    if form == "Range":
        return span(rows.groupby("run")["psnr_gain"].first(), signed)
    return _mean_or_interval(rows.iloc[0], form) if len(rows) else None


def _mean_or_interval(row: pd.Series, form: str) -> Value:
    return interval(*row[_GAIN[1:]]) if form == "Interval" else signed(row["psnr_gain"])


def _defect(who: str, backbone: str, end: str, source: Source) -> Value:
    rows = where(source.summary.defects, backbone=_BACKBONES[backbone], variant=_WHO[who])
    if end == "Min":  # as in C1: the training controls are to have a smaller one
        rows = rows[rows["group"] != "training-controls"]
    values = rows["paper_median" if end == "Min" else "paper_max"]
    return scientific(values.agg(end.lower())) if len(values) else None


def _defect_of_control(objective: str, source: Source) -> Value:
    medians = where(_control_runs(source.summary), objective=objective)["paper_median"]
    return scientific(medians.iloc[-1]) if len(medians) else None


def _ratio(who: str, backbone: str, device: str, mode: str, source: Source) -> Value:
    ratios = source.summary.timing.set_index(["variant", "backbone", "device", "mode"])["ratio"]
    ratio = ratios.get((_WHO[who], _BACKBONES[backbone], {"Cpu": "cpu", "Gpu": "cuda"}[device], mode.lower()))
    return None if pd.isna(ratio) else fixed(ratio)


def _counted(who: str, quantity: str, backbone: str, mode: str, source: Source) -> Value:
    counts = source.summary.counts
    rows = where(counts, backbone=_BACKBONES[backbone], mode=mode.lower(), card=next(iter(source.params.cards)))
    rows = rows.set_index("variant")[_COUNTED[quantity]]
    if not {"baseline", _WHO[who]} <= set(rows.index):
        return None
    return fixed(rows[_WHO[who]] / rows["baseline"], 3 if quantity in ("Flops", "Bytes") else 2)


def _sampled(who: str, operator: str, state: str, source: Source) -> Value:
    rows = source.summary.samplers
    rows = rows if rows.empty else where(rows, variant=_WHO[who], operator=_OPERATORS[operator])
    if rows.empty:
        return None
    row = rows.iloc[0]
    if state in _STATES:
        return (signed if state == "Gap" else fixed)(row[_STATES[state]])
    return _mean_or_interval(row, state.removeprefix("Gain"))


def _lowest_psnr(summary: Summary, column: str = "psnr", **run: str) -> float | None:
    """PSNR, or that of the input, at the lowest sigma_test; of the first run that is described."""
    rows = where(single_level(on_first_set(summary.curves)), **run)
    return None if rows.empty else at_place(rows, "lowest").iloc[0][column]


def _over_input(source: Source) -> Value:
    """DnCNN-WNE trained at 25, less its input, at the lowest noise."""
    run = {"group": "cnn", "variant": "wne", "sigma_train": "25"}
    ours = _lowest_psnr(source.summary, **run)
    return None if ours is None else signed(ours - _lowest_psnr(source.summary, "input_psnr", **run))


def _papers_over_input(source: Source) -> Value:
    lowest = source.published.curve("Figure 3", "wne", 25).iloc[-1]
    return signed(lowest["output_psnr"] - lowest["input_psnr"])


def _soft_ne_over_wne(source: Source) -> Value:
    """SwinIR trained with soft-NE, less the wrapped SwinIR of the same sigma_train, at the lowest noise."""
    runs = where(source.summary.training, objective="soft_ne")
    if runs.empty:
        return None
    same = {"backbone": runs["backbone"].iloc[0], "sigma_train": runs["sigma_train"].iloc[0]}
    soft, wne = (_lowest_psnr(source.summary, **same, **run) for run in (
        {"objective": "soft_ne"}, {"objective": "supervised", "variant": "wne"},
    ))  # fmt: skip
    return signed(soft - wne)


def _by_length(of: Callable[[pd.Series], Value], end: str, place: str, against: str, source: Source) -> Value:
    """Applies `of` to the gap (mean over seeds) after the shortest or longest training; None where there are not two."""
    if not source.params.is_reported(GROUP):
        return None
    gaps = gaps_by_steps(source.params, source.summary)
    rows = where(gaps, backbone="dncnn", place=place, against_variant=against)
    gaps = rows.groupby("steps")["psnr_gain"].mean()
    return of(gaps.iloc[[0 if end == "Shortest" else -1]]) if len(gaps) > 1 else None


def _real(of: Callable[[pd.Series], Value], source: Source) -> Value:
    rows = _first_sets(source.summary.real) if len(source.summary.real) else source.summary.real
    return of(rows.iloc[0]) if len(rows) else None


def _ablation(of: Callable[[Source, pd.DataFrame], Value]) -> Number:
    return lambda s: None if s.summary.recipe.empty else of(s, ablations(s.summary)[0])


def _recipe(place: int) -> Number:
    return _ablation(lambda s, rows: escape(recipe_labels(s.params, rows)[design_recipes(rows)[place]]))


def _seed_deviation(source: Source, rows: pd.DataFrame) -> Value:
    deviations = rows.loc[rows["effect"] == "seed_sd", "value"]
    return fixed(deviations.max()) if len(deviations) else None


_FORMS, _ENDS = ("", "Interval", "Range"), ("Min", "Max")
_SAMPLED = (*_STATES, "Gain", "GainInterval")
_MODES, _LENGTHS = ("Training", "Inference"), ("Shortest", "Longest")
_GAPS = {"WneGain": "baseline", "NeArchGap": "ne_arch"}
EFFECTS: dict[str, Number] = {
    **{
        f"{name}Test{place.capitalize()}{form}": partial(_gain, name, place, form)
        for name, place, form in product(_ROWS, PLACES, _FORMS)
    },
    **{f"{w}Defect{b}{end}": partial(_defect, w, b, end) for w, b, end in product(_WHO, _BACKBONES, _ENDS)},
    **{
        f"{w}Ratio{b}{d}{m}": partial(_ratio, w, b, d, m)
        for w, b, d, m in product(_WHO, _BACKBONES, ("Cpu", "Gpu"), _MODES)
    },
    **{f"{w}{q}{b}{m}": partial(_counted, w, q, b, m) for w, q, b, m in product(_WHO, _COUNTED, _BACKBONES, _MODES)},
    **{f"{w}Sampler{o}{state}": partial(_sampled, w, o, state) for w, o, state in product(_WHO, _OPERATORS, _SAMPLED)},
    **{
        f"Length{gap}{place.capitalize()}{end}": partial(
            _by_length, lambda gap: signed(gap.iloc[0]), end, place, against
        )
        for (gap, against), place, end in product(_GAPS.items(), PLACES, _LENGTHS)
    },
    **{
        f"LengthSteps{gap}{end}": partial(_by_length, lambda gap: f"{gap.index[0]:,}", end, "matched", against)
        for (gap, against), end in product(_GAPS.items(), _LENGTHS)
    },
    "SoftNeDefect": partial(_defect_of_control, "soft_ne"),
    "RangeTrainedDefect": partial(_defect_of_control, "supervised"),
    "WneOverInputLowest": _over_input,
    "PaperWneOverInputLowest": _papers_over_input,
    "SoftNeOverWneLowest": _soft_ne_over_wne,
    "WneGainJpegRange": lambda s: span(where(s.summary.jpeg, variant="wne")["psnr_gain"], signed),
    "PaperMatchedGainRange": lambda s: span(s.published.matched_gains("Table 1"), signed),
    "WneGainReal": partial(_real, lambda row: signed(row["psnr_gain"])),
    "WneGainRealInterval": partial(_real, lambda row: _mean_or_interval(row, "Interval")),
    "WneSsimGainReal": partial(_real, lambda row: signed(row["ssim_gain"], 4)),
    "StudyRealSet": partial(_real, lambda row: escape(labels.test_set_label(row["test_set"]))),
    "StudyRealImages": partial(_real, lambda row: row["n"]),
    "RecipeBackbone": _ablation(lambda s, rows: labels.backbone_label(s.params.models[rows["model"].iloc[0]].backbone)),
    "RecipeSigma": _ablation(lambda s, rows: rows["sigma_train"].iloc[0]),
    "RecipeSeeds": _ablation(lambda s, rows: rows["n_seeds"].iloc[0]),
    "RecipeFirst": _recipe(0),
    "RecipeSecond": _recipe(-1),
    "RecipeSeedDeviationMax": _ablation(_seed_deviation),
}
