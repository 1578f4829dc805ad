"""What was found out about the image sets without any model: leakage and difficulty."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from replication.results.summary import CollectError, read_csv
from replication.study.params import Params
from replication.study.paths import ProfilePaths


def leakage_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The test images of every audited training set, in the order of params."""
    parts = []
    for train_set, test_sets in params.leakage.items():
        audit = read_csv(leakage_file(paths, train_set))
        for test_set in test_sets:
            part = audit[(audit["train_set"] == train_set) & (audit["test_set"] == test_set)]
            if part.empty:
                raise CollectError(f"the audit of {train_set} lacks {test_set}; run: replicate audit {train_set}")
            parts.append(part)
    columns = ["test_set", "image", "train_set", "train_image", "matched_fraction", "row", "column", "leaked"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def difficulty_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The difficulty of every training set measured, in the order of params."""
    parts = []
    for train_set, spec in params.difficulty.items():
        table = read_csv(difficulty_file(paths, train_set))
        made_with = (set(table["train_set"]), set(table["patches"]), set(table["patch"]), set(table["sigma"].dropna()))
        if made_with != ({train_set}, {spec.patches}, {spec.patch}, set(spec.sigmas)):
            raise CollectError(
                f"the difficulty of {train_set} was measured with other parameters; run: replicate difficulty {train_set}"
            )
        parts.append(table)
    columns = ["train_set", "patches", "patch", "quantity", "sigma", "at", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def leakage_file(paths: ProfilePaths, train_set: str) -> Path:
    return paths.leakage / f"{train_set}.csv"


def difficulty_file(paths: ProfilePaths, train_set: str) -> Path:
    return paths.difficulty / f"{train_set}.csv"
