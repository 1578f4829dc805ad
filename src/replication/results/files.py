"""Reading the files of results."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

# Names stay text: an image called "01" must not become the number 1, nor one called "NA" a gap.
_TEXT = ("run", "baseline", "against", "test_set", "image", "noise", "corruption", "sigma_train", "train_image",
         "recipe", "item", "denoiser", "seed")  # fmt: skip


class CollectError(ValueError):
    """Results are missing, stale or incomplete: one line that names them and the command to run."""


def read_csv(path: Path) -> pd.DataFrame:
    """A results file; empty cells are gaps, and nothing else is."""
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        raise CollectError(f"{path}: empty; make it again with: dvc repro") from None
    except FileNotFoundError:
        raise CollectError(f"{path}: missing; make it with: dvc repro") from None


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError:
        raise CollectError(f"{path}: not valid JSON; make it again with: dvc repro") from None
