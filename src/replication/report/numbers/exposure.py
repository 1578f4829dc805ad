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

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import product

import pandas as pd

from replication.report.cells import Cell, escape, fixed, interval, signed
from replication.report.numbers.rows import span, where
from replication.report.numbers.study import Number, Value
from replication.report.source import Source
from replication.results.exposure import SWEEPS, denoising, restoration
from replication.study import labels
from replication.study.params import Exposure

_WHO = {"Wne": "wne", "Baseline": "baseline"}
_BACKBONES = {name.capitalize(): name for name in labels.BACKBONES}
_SWEEPS = {sweep.capitalize(): sweep for sweep in SWEEPS}
_PLACES, _ENDS = {"Lowest": 0, "Highest": -1}, ("", "Interval")


def _curves(source: Source, items: Iterable[str], sweep: str, **values: str) -> list[pd.DataFrame]:
    """The rows of each run in one sweep, indexed by the contrast or the brightness, which rises."""
    table = where(source.summary.exposure, sweep=sweep, **values)
    table = table[table["item"].isin(list(items))].sort_values("place", kind="stable").set_index("place")
    return [rows for _, rows in table.groupby("run", sort=False)]


def _of_backbone(
    of: Callable[[pd.DataFrame, float], Cell], backbone: str, variant: str, sweep: str, source: Source
) -> Value:
    """What `of` makes of the curve of a denoiser and of the place at which the exposure is that of training."""
    curves = _curves(source, denoising(source.params), sweep, variant=variant, backbone=backbone)
    return of(curves[0], SWEEPS[sweep]) if curves else None


def _of_tasks(
    of: Callable[[pd.DataFrame, float], float], style: Callable[[float], Cell], variant: str, sweep: str, source: Source
) -> Value:
    """The range of the same over the networks for other tasks."""
    curves = _curves(source, restoration(source.params), sweep, variant=variant)
    return span((of(curve, SWEEPS[sweep]) for curve in curves), style)


def _loss(curve: pd.DataFrame, training: float) -> float:
    return curve.loc[training, "psnr"] - curve["psnr"].min()


def _change(curve: pd.DataFrame, training: float) -> float:
    return (curve["psnr"] - curve.loc[training, "psnr"]).abs().max()


def _at_most(change: float) -> Cell:
    """Rounded up to three digits."""
    return fixed(math.ceil(1000 * change) / 1000, 3)


def _gain(place: int, form: str) -> Callable[[pd.DataFrame, float], Cell]:
    def value(curve: pd.DataFrame, training: float) -> Cell:
        row = curve.iloc[place]
        return interval(row["psnr_gain_low"], row["psnr_gain_high"]) if form else signed(row["psnr_gain"])

    return value


def _first(of: Callable[[Exposure], Value]) -> Number:
    """The number that `of` makes of the first item of the section; None where there is none."""

    def value(source: Source) -> Value:
        items = list(denoising(source.params).values())
        return of(items[0]) if items else None

    return value


_FORMS: dict[str, Callable[[pd.DataFrame, float], Cell]] = {
    "Loss": lambda curve, training: fixed(_loss(curve, training)),
    "Change": lambda curve, training: _at_most(_change(curve, training)),
}
EXPOSURE: dict[str, Number] = {
    **{
        f"Exposure{w}{b}{s}{form}": partial(_of_backbone, _FORMS[form], _BACKBONES[b], _WHO[w], _SWEEPS[s])
        for w, b, s, form in product(_WHO, _BACKBONES, _SWEEPS, _FORMS)
    },
    **{
        f"ExposureGain{b}{s}{p}{form}": partial(_of_backbone, _gain(_PLACES[p], form), _BACKBONES[b], "wne", _SWEEPS[s])
        for b, s, p, form in product(_BACKBONES, _SWEEPS, _PLACES, _ENDS)
    },
    **{
        f"Tasks{w}{s}Range": partial(_of_tasks, of, partial(fixed, digits=digits), _WHO[w], _SWEEPS[s])
        for (w, of, digits), s in product((("Wne", _change, 3), ("Baseline", _loss, 1)), _SWEEPS)
    },
    "TasksGainRange": partial(_of_tasks, lambda curve, at: curve.loc[at, "psnr_gain"], signed, "wne", "scaled"),
    "ExposureImages": _first(lambda item: item.images),
    "ExposureSet": _first(lambda item: escape(labels.test_set_label(item.test_set))),
    "ExposureSigma": _first(lambda item: f"{item.sigma:g}"),
    "ExposureContrastLowest": _first(lambda item: f"{min(item.contrasts):g}"),
    "ExposureContrastHighest": _first(lambda item: f"{max(item.contrasts):g}"),
    "ExposureBrightnessLowest": _first(lambda item: f"{min(item.brightnesses):g}"),
    "ExposureBrightnessHighest": _first(lambda item: f"{max(item.brightnesses):g}"),
}
