"""The study in a few numbers, for `dvc metrics show` and `dvc metrics diff`: results/<profile>/metrics.json."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd

from replication.results.summary import Summary, read_summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import write_text


def metrics(summary: Summary, verdicts: list[str]) -> dict[str, object]:
    """Claims by verdict; PSNR(WNE) - PSNR(baseline) in dB by experiment and sigma_train; the largest eps_NE of WNE.

    "matched": at sigma_test = sigma_train; "highest": at the highest sigma_test; both on the first test set.
    """
    defects = summary.defects
    return {
        "claims": dict(Counter(verdicts)),
        "gain_dB": _gains(summary.paired[summary.paired["variant"] == "wne"]),
        "largest_defect_of_wne": float(f"{defects.loc[defects['variant'] == 'wne', 'paper_max'].max():.3g}"),
    }


def _gains(paired: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (group, run), rows in paired.groupby(["group", "run"], sort=False):
        rows = rows[rows["test_set"] == rows["test_set"].iloc[0]].set_index("sigma_test")["psnr_gain"]
        trained = paired.loc[paired["run"] == run, "sigma_train"].iloc[0]
        gains = {"highest": round(float(rows[rows.index.max()]), 3)}
        if trained.replace(".", "").isdigit():
            gains["matched"] = round(float(rows[float(trained)]), 3)
        found.setdefault(group, {})[run] = gains
    return found


def write_metrics(params: Params, paths: ProfilePaths) -> None:
    """From the summary and claims.csv."""
    verdicts = pd.read_csv(paths.results / "claims.csv")["verdict"].to_list()
    found = metrics(read_summary(params, paths), verdicts)
    write_text(paths.results / "metrics.json", json.dumps(found, indent=1) + "\n")
