"""What was found out about image sets without any model: leakage and difficulty."""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import joined
from replication.results.files import CollectError, read_csv
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_LEAKAGE = ["test_set", "image", "train_set", "train_image", "matched_fraction", "row", "column", "leaked"]
_DIFFICULTY = ["train_set", "patches", "patch", "quantity", "sigma", "at", "value"]


def leakage_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The test images of every audited training set, in the order of params."""
    parts = []
    for train_set, test_sets in params.leakage.items():
        audit = read_csv(paths.leakage / f"{train_set}.csv")
        for test_set in test_sets:
            part = audit[(audit["train_set"] == train_set) & (audit["test_set"] == test_set)]
            if part.empty:
                raise CollectError(f"leakage {train_set}: the audit lacks {test_set}; run: replicate audit {train_set}")
            parts.append(part)
    return joined(parts, _LEAKAGE)


def difficulty_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The difficulty of every training set measured, in the order of params."""
    parts = []
    for train_set, spec in params.difficulty.items():
        table = read_csv(paths.difficulty / f"{train_set}.csv")
        made_with = (set(table["train_set"]), set(table["patches"]), set(table["patch"]), set(table["sigma"].dropna()))
        if made_with != ({train_set}, {spec.patches}, {spec.patch}, set(spec.sigmas)):
            raise CollectError(
                f"difficulty {train_set}: measured with other parameters; run: replicate difficulty {train_set}"
            )
        parts.append(table)
    return joined(parts, _DIFFICULTY)
