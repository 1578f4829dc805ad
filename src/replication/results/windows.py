"""PSNR with the statistics of windows as estimates, beside the whole image's (`replication.experiments.windows`)."""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import difference, estimates, joined
from replication.results.files import read_csv
from replication.study.params import Params
from replication.study.paths import ProfilePaths

AGAINST = "whole image"


def window_estimates(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """PSNR of every run and window of the reported items, and its difference to the whole image's statistics."""
    parts = []
    for item, spec in params.reported("windows").items():
        scores = read_csv(paths.analysis("windows", item) / "scores.csv").rename(columns={"sigma_test": "level"})
        for run, rows in scores.groupby("run", sort=False):
            place = {"kind": "windows", "item": item, "run": run, "test_set": spec.test_set}
            place["corruption"] = params.tasks[params.runs[run].task].noise
            made = {
                window: part.set_index(["level", "image"])[["psnr"]]
                for window, part in rows.groupby("window", sort=False)
            }
            for window, values in made.items():
                parts.append(estimates(values, params.statistics, window=window, **place))
                if window:
                    gain = difference(values, made[0], f"windows.{item}: {run}, window {window} and the whole image")
                    parts.append(estimates(gain, params.statistics, window=window, against=AGAINST, **place))
    return joined(parts)
