"""PSNR by contrast and brightness as estimates (`replication.experiments.exposure`): the sweep stands for the corruption.

The level is the contrast a, or in the sweep of the brightness b, where 0 is the empty level.
"""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import difference, estimates, joined
from replication.results.files import CollectError, read_csv
from replication.results.identity import baseline_of
from replication.study.params import Degradation, Exposure, Params
from replication.study.paths import ProfilePaths

SWEEPS = {"scaled": 1.0, "fixed": 1.0, "brightness": 0.0}  # -> where the exposure is that of training
_KEYS = ["level", "image"]


def denoising(params: Params) -> dict[str, Exposure]:
    """The reported items whose networks denoise."""
    items = params.reported("exposure").items()
    return {name: item for name, item in items if degradation_of(params, item) == "none"}


def restoration(params: Params) -> dict[str, Exposure]:
    """The reported items whose networks deblur or raise the resolution as well."""
    items = params.reported("exposure").items()
    return {name: item for name, item in items if degradation_of(params, item) != "none"}


def degradation_of(params: Params, item: Exposure) -> Degradation:
    return params.runs[item.runs[0]].degradation


def exposure_estimates(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """PSNR of every run of the reported items at every point, and its gain over its baseline where the item has that."""
    parts = []
    for item, spec in params.reported("exposure").items():
        scores = read_csv(paths.analysis("exposure", item) / "scores.csv")
        scores["level"] = scores["a"].where(scores["sweep"] != "brightness", scores["b"])
        for (run, sweep), rows in scores.groupby(["run", "sweep"], sort=False):
            place = {"kind": "exposure", "item": item, "run": run, "test_set": spec.test_set, "corruption": sweep}
            values = rows.set_index(_KEYS)[["psnr", "input_psnr"]]
            parts.append(estimates(values, params.statistics, **place))
            if (against := baseline_of(params, run)) in spec.runs:
                theirs = scores[(scores["run"] == against) & (scores["sweep"] == sweep)].set_index(_KEYS)[["psnr"]]
                gain = difference(values[["psnr"]], theirs, f"exposure.{item}: {run} and {against}")
                parts.append(estimates(gain, params.statistics, against=against, **place))
    return joined(parts)


def swept(table: pd.DataFrame, item: str, sweep: str) -> pd.DataFrame:
    """The rows of `Summary.exposure` of an item in one sweep, by rising place: the contrast or the brightness.

    Raises:
        CollectError: there are none.
    """
    rows = table[(table["item"] == item) & (table["sweep"] == sweep)]
    if rows.empty:
        raise CollectError(f"the summary has no {sweep} sweep of exposure {item}; make it with: replicate collect")
    return rows.sort_values("place", kind="stable")
