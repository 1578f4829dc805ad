"""Median times and their ratios to the baseline measured beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.files import CollectError, read_csv
from replication.results.statistics import median_interval
from replication.study.params import Params
from replication.study.paths import ProfilePaths


def timing_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """Median seconds, and the median over repetitions of seconds / seconds of the baseline beside it.

    `ratio` is NaN for a family without a baseline. Devices: those that were measured.
    """
    samples = read_csv(paths.timing / "samples.csv")
    rows = []
    for device in samples["device"].unique():
        for family in params.timing.families:
            for mode in ("training", "inference"):
                place = {"device": device, "family": family, "mode": mode}
                part = samples[(samples[list(place)] == pd.Series(place)).all(axis=1)]
                rows += _rows(params, part, **place)
    return pd.DataFrame(rows)


def _rows(params: Params, samples: pd.DataFrame, device: str, family: str, mode: str) -> list[dict]:
    spec = params.timing.families[family]
    shape = dict(zip(("batch", "channels", "height", "width"), spec.cuda_shape if device == "cuda" else spec.cpu_shape))
    seconds = samples.pivot(index="repetition", columns="variant", values="seconds")
    is_whole = set(seconds) == set(spec.variants) and len(seconds) == params.timing.repetitions
    if not is_whole or seconds.isna().any(axis=None) or (samples[list(shape)] != pd.Series(shape)).any(axis=None):
        raise CollectError(
            f"timing of {family}, {mode} on {device}: the samples do not match params; time again: replicate timing"
        )
    rows = []
    for variant in spec.variants:
        row = {"device": device, "family": family, "backbone": params.models[spec.model].backbone}
        row |= {"variant": variant, "mode": mode, "n": len(seconds), "median_seconds": seconds[variant].median()}
        ratio = (np.nan, np.nan, np.nan)
        if "baseline" in seconds:
            ratio = median_interval((seconds[variant] / seconds["baseline"]).to_numpy(), params.statistics)
        rows.append(row | dict(zip(("ratio", "ratio_low", "ratio_high"), ratio)) | shape)
    return rows
