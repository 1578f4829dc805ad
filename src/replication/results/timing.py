"""Median times and their ratios to the baseline measured beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.statistics import median_interval
from replication.results.summary import CollectError
from replication.study.params import Params

_MODES = ("training", "inference")


def timing_table(params: Params, samples: pd.DataFrame) -> pd.DataFrame:
    """Median seconds, and the median over repetitions of seconds / seconds of the baseline beside it.

    `ratio` is NaN for a family without a baseline. Devices: those that were measured.
    """
    rows = []
    for device in samples["device"].unique():
        for family in params.timing.families:
            for mode in _MODES:
                rows += _timing_rows(params, samples, device, family, mode)
    return pd.DataFrame(rows)


def _timing_rows(params: Params, samples: pd.DataFrame, device: str, family: str, mode: str) -> list[dict]:
    spec = params.timing.families[family]
    shape = spec.cuda_shape if device == "cuda" else spec.cpu_shape
    part = samples[(samples["device"] == device) & (samples["family"] == family) & (samples["mode"] == mode)]
    seconds = part.pivot(index="repetition", columns="variant", values="seconds")
    measured = {tuple(row) for row in part[["batch", "channels", "height", "width"]].to_numpy()}
    wanted_shape, wanted = {tuple(shape)}, (set(spec.variants), params.timing.repetitions)
    if measured != wanted_shape or wanted != (set(seconds), len(seconds)) or seconds.isna().any(axis=None):
        raise CollectError(
            f"timing of {family}, {mode} on {device}: the samples do not match params; time again: replicate timing"
        )
    rows = []
    for variant in spec.variants:
        row = {"device": device, "family": family, "backbone": params.models[spec.model].backbone}
        row |= {"variant": variant, "mode": mode, "n": len(seconds)}
        row |= {"median_seconds": seconds[variant].median(), "ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan}
        if "baseline" in seconds:
            ratio = median_interval((seconds[variant] / seconds["baseline"]).to_numpy(), params.statistics)
            row |= {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high}
        row |= {"batch": shape[0], "channels": shape[1], "height": shape[2], "width": shape[3]}
        rows.append(row)
    return rows
