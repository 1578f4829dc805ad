"""The gaps between WNE and other variants against the length of training: the runs of the group `training-length`."""

from __future__ import annotations

import pandas as pd

from replication.results.summary import PLACES, CollectError, Summary, at_place, on_first_set, single_level
from replication.study.params import Params

GROUP = "training-length"
MAIN = {"dncnn": "cnn", "fdncnn": "fdncnn"}  # backbone of WNE -> the group whose runs are one length more


def gaps_by_steps(params: Params, summary: Summary) -> pd.DataFrame:
    """Rows of WNE runs, with PSNR(WNE) - PSNR(baseline, SE-arch or NE-arch) in dB and its interval.

    Columns: backbone (of WNE), steps (of both; a pair of unequal steps is left out), seed, sigma_train, against_variant,
    place ("lowest", "matched" or "highest" noise), sigma_test, psnr_gain, psnr_gain_low, psnr_gain_high. On the first
    test set, by rising steps; backbones and sigma_train that the group has.

    Raises:
        CollectError: the group has no WNE run.
    """
    gains = summary.paired.assign(against_variant="baseline").rename(columns={"baseline": "against"})
    tables = [gains, summary.contrasts[summary.contrasts["against_variant"].isin(("se_arch", "ne_arch"))]]
    rows = pd.concat([single_level(on_first_set(table)) for table in tables], ignore_index=True)
    rows = rows[(rows["variant"] == "wne") & rows["group"].isin((GROUP, *MAIN.values()))]
    known = rows.loc[rows["group"] == GROUP, ["backbone", "sigma_train"]].drop_duplicates()
    if known.empty:
        raise CollectError(f"{params.params_file}: the group {GROUP} has no WNE run with a baseline; add them")
    rows = rows.merge(known)
    steps = training_steps(params)
    rows["steps"] = rows["run"].map(steps)
    rows = rows[rows["steps"] == rows["against"].map(steps)]
    found = pd.concat([at_place(rows, place).assign(place=place) for place in PLACES])
    columns = ["backbone", "steps", "seed", "sigma_train", "against_variant", "place", "sigma_test", "psnr_gain",
               "psnr_gain_low", "psnr_gain_high"]  # fmt: skip
    return found.sort_values(["place", "steps"], kind="stable")[columns].reset_index(drop=True)


def training_steps(params: Params) -> dict[str, int]:
    """The steps that each run is trained for."""
    return {name: params.recipes[run.recipe].steps for name, run in params.runs.items()}
