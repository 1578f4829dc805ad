"""The study in a few numbers, for `dvc metrics show` and `dvc metrics diff`: results/<profile>/metrics.json."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd

from replication.results.summary import Summary, on_first_set, read_summary, single_level
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import write_text


def metrics(summary: Summary, verdicts: list[str]) -> dict[str, object]:
    """Claims by verdict; the smallest PSNR(WNE) - PSNR(baseline) of each experiment, dB; the largest eps_NE of WNE.

    "matched": at sigma_test = sigma_train; "highest": at the highest sigma_test; both on the first test set of a run.
    """
    defects = summary.defects
    gains = on_first_set(single_level(summary.paired[summary.paired["variant"] == "wne"]))
    matched = gains[gains["sigma_test"] == gains["sigma_train"].astype(float)]
    highest = gains[gains["sigma_test"] == gains.groupby("run")["sigma_test"].transform("max")]
    places = {"matched": matched, "highest": highest}
    return {
        "claims": dict(Counter(verdicts)),
        "smallest_gain_dB": {
            place: rows.groupby("group", sort=False)["psnr_gain"].min().round(3).to_dict()
            for place, rows in places.items()
        },
        "largest_defect_of_wne": float(f"{defects.loc[defects['variant'] == 'wne', 'paper_max'].max():.3g}"),
    }


def write_metrics(params: Params, paths: ProfilePaths) -> None:
    """From the summary and claims.csv."""
    verdicts = pd.read_csv(paths.results / "claims.csv")["verdict"].to_list()
    found = metrics(read_summary(params, paths), verdicts)
    write_text(paths.results / "metrics.json", json.dumps(found, indent=1) + "\n")
