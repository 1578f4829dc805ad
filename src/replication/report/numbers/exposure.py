"""Numbers of the exposures that differ from that of training: a sweep of the contrast with noise that scales (Scaled) or
does not (Fixed), or of the brightness. dB on the scale of the clean image; the first denoising item of a backbone.

    \\Exposure<Who><Backbone><Sweep>Loss           mean PSNR at the exposure of training, less the lowest of the sweep
    \\Exposure<Who><Backbone><Sweep>Change         largest absolute difference from the former, three digits
    \\ExposureGain<Backbone><Sweep><Place>[Interval]   WNE - baseline at the Lowest or Highest contrast or brightness
    \\Exposure<Contrast|Brightness><Lowest|Highest>   for formulas
    \\Tasks<Who><Sweep>Range          range over the networks for other tasks: of Change for Wne, of Loss for Baseline
    \\TasksGainRange                  WNE - baseline at the exposure of training, range over the same networks
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pandas as pd

from replication.report.cells import escape, fixed, interval, signed
from replication.report.numbers.study import Number, Value
from replication.report.source import Source
from replication.results.exposure import SWEEPS, denoising, restoration, swept
from replication.study import labels
from replication.study.params import Exposure

_WHO = {"Wne": "wne", "Baseline": "baseline"}
_BACKBONES = {name.capitalize(): name for name in labels.BACKBONES}
_SWEEPS = {sweep.capitalize(): sweep for sweep in SWEEPS}
_PLACES, _ENDS = {"Lowest": 0, "Highest": -1}, ("", "Interval")


def _run(source: Source, variant: str, backbone: str, sweep: str) -> pd.DataFrame:
    """The rows of the first run of that variant and backbone, by rising contrast or brightness; none where there is none."""
    table = source.summary.exposure
    table = table[table["item"].isin(list(denoising(source.params)))]
    table = table[(table["variant"] == variant) & (table["backbone"] == backbone)]
    if table.empty:
        return table
    rows = swept(table, table["item"].iloc[0], sweep)
    return rows[rows["run"] == table["run"].iloc[0]]


def _apart(of: Callable[[pd.Series], Value], variant: str, backbone: str, sweep: str, source: Source) -> Value:
    """Applies `of` to the mean PSNR at each place of a sweep, less that at the exposure of training."""
    rows = _run(source, variant, backbone, sweep)
    if rows.empty:
        return None
    psnr = rows.set_index("place")["psnr"]
    return of(psnr - psnr[SWEEPS[sweep]])


def _gain(backbone: str, sweep: str, place: int, form: str, source: Source) -> Value:
    rows = _run(source, "wne", backbone, sweep)
    if rows.empty:
        return None
    row = rows.iloc[place]
    return interval(row["psnr_gain_low"], row["psnr_gain_high"]) if form else signed(row["psnr_gain"])


def _first(of: Callable[[Exposure], Value]) -> Number:
    """The number that `of` makes of the first item of the section; None where there is none."""

    def value(source: Source) -> Value:
        items = list(denoising(source.params).values())
        return of(items[0]) if items else None

    return value


def _tasks(
    of: Callable[[pd.DataFrame, float], float], variant: str, sweep: str, text: Callable, source: Source
) -> Value:
    """The range over the networks for other tasks of what `of` makes of a sweep and the exposure of training."""
    table = source.summary.exposure
    table = table[table["item"].isin(list(restoration(source.params))) & (table["variant"] == variant)]
    table = table[table["sweep"] == sweep]
    values = [of(rows.set_index("place"), SWEEPS[sweep]) for _, rows in table.groupby("run", sort=False)]
    return " to ".join(dict.fromkeys(text(end) for end in (min(values), max(values)))) if values else None


def _change(rows: pd.DataFrame, training: float) -> float:
    return (rows["psnr"] - rows.loc[training, "psnr"]).abs().max()


def _loss(rows: pd.DataFrame, training: float) -> float:
    return rows.loc[training, "psnr"] - rows["psnr"].min()


_FORMS: dict[str, Callable[[pd.Series], Value]] = {
    "Loss": lambda apart: fixed(abs(apart.min())),  # at most 0: the training exposure is one of them
    "Change": lambda apart: fixed(apart.abs().max(), 3),
}
EXPOSURE: dict[str, Number] = {
    **{
        f"Exposure{w}{b}{s}{form}": partial(_apart, _FORMS[form], _WHO[w], _BACKBONES[b], _SWEEPS[s])
        for w, b, s, form in product(_WHO, _BACKBONES, _SWEEPS, _FORMS)
    },
    **{
        f"ExposureGain{b}{s}{p}{form}": partial(_gain, _BACKBONES[b], _SWEEPS[s], _PLACES[p], form)
        for b, s, p, form in product(_BACKBONES, _SWEEPS, _PLACES, _ENDS)
    },
    **{
        f"Tasks{w}{s}Range": partial(_tasks, of, _WHO[w], _SWEEPS[s], lambda end, digits=digits: f"{end:.{digits}f}")
        for (w, of, digits), s in product((("Wne", _change, 3), ("Baseline", _loss, 1)), _SWEEPS)
    },
    "TasksGainRange": partial(
        _tasks, lambda rows, at: rows.loc[at, "psnr_gain"], "wne", "scaled", lambda end: signed(end).latex
    ),
    "ExposureImages": _first(lambda item: item.images),
    "ExposureSet": _first(lambda item: escape(labels.test_set_label(item.test_set))),
    "ExposureSigma": _first(lambda item: f"{item.sigma:g}"),
    "ExposureContrastLowest": _first(lambda item: f"{min(item.contrasts):g}"),
    "ExposureContrastHighest": _first(lambda item: f"{max(item.contrasts):g}"),
    "ExposureBrightnessLowest": _first(lambda item: f"{min(item.brightnesses):g}"),
    "ExposureBrightnessHighest": _first(lambda item: f"{max(item.brightnesses):g}"),
}
