"""The long table of estimates, summary/estimates.csv: a row for each mean over images, with its interval.

| column | holds |
|---|---|
| kind | quality, gain, contrast, defect, unleaked; controls, exposure, samplers, windows: the analyses of these names |
| item | of an analysis |
| run | the run; "observed" for the input of a sampler |
| denoiser, wrapped | of `controls`: a denoiser without training, and whether it is in the wrapper |
| window | of `windows`: side in pixels of the windows of mean and std, 0 for the whole image |
| test_set, corruption | distribution of the noise, "real", "jpeg", the operator of a sampler, or the sweep of `exposure` |
| level | sigma_test in 8-bit units, the quality of JPEG files, contrast or brightness; empty where there is none, or 0 |
| against | what is subtracted on the same images and noise: a run; "alone", the denoiser of `controls` unwrapped; "whole image", the run of `windows` with the statistics of that |
| quantity | psnr (dB), ssim, input_psnr, paper and sharp (equivariance defects), ... |
| n | images; noise draws of one image are averaged first |
| value, low, high | the mean and its interval (of `defect` the smallest and the largest image); the ends are empty for counts, medians and maxima, and for n = 1 but in `defect` |
| std | over images |

training.csv says what each run is. `replication.results.views` picks from the table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from replication.results.files import CollectError
from replication.results.statistics import mean_interval
from replication.study.params import Statistics

COLUMNS = ["kind", "item", "run", "denoiser", "wrapped", "window", "test_set", "corruption", "level", "against",
           "quantity", "n", "value", "std", "low", "high"]  # fmt: skip
ENDS = {"value": "", "std": "_std", "low": "_low", "high": "_high"}  # column -> how its name ends in a wide table


def mean_rows(values: Sequence[pd.DataFrame], statistics: Statistics) -> pd.DataFrame:
    """n, value, low and high of each column: its mean over images (rows), and over seeds where there are several.

    Args:
        values: for each seed a table of the same images and columns.
    """
    columns = values[0].columns
    estimate = mean_interval(np.array([table.to_numpy(np.float64) for table in values]), statistics)
    return pd.DataFrame({"n": len(values[0])} | estimate._asdict(), index=columns)


def estimates(values: pd.DataFrame, statistics: Statistics, **keys: object) -> pd.DataFrame:
    """Rows of the long table; without an interval where the quantity is one of the noisy input.

    Args:
        values: a column for each quantity, and the index (level, image); the level 0.0 stands for none.
        keys: what the other columns hold.
    """
    inputs = [name for name in values if name.startswith("input_")]
    matrix = values.drop(columns=inputs).unstack("level")  # (image) x (quantity, level)
    rows = mean_rows([matrix], statistics).assign(std=matrix.std(ddof=1))
    rows = _rows(rows.rename_axis(["quantity", "level"]).reset_index(), keys)
    if not inputs:
        return rows
    return joined([rows, facts(values[inputs].groupby("level").mean(), n=len(matrix), **keys)])


def facts(values: pd.DataFrame, n: int, **keys: object) -> pd.DataFrame:
    """Rows without an interval: counts, medians, maxima. A column for each quantity, and the index level."""
    rows = values.rename_axis(index="level", columns="quantity").stack(future_stack=True).rename("value").reset_index()
    return _rows(rows.assign(n=n), keys)


def difference(ours: pd.DataFrame, theirs: pd.DataFrame, names: str) -> pd.DataFrame:
    """Image by image.

    Raises:
        CollectError: the images or levels are not the same; `names` are those of the two.
    """
    made = ours - theirs
    if made.isna().any(axis=None):
        raise CollectError(f"{names} were tested on other images or levels; make both again: dvc repro")
    return made


def _rows(rows: pd.DataFrame, keys: dict[str, object]) -> pd.DataFrame:
    return rows.assign(level=rows["level"].where(rows["level"] != 0), **keys).reindex(columns=COLUMNS)


def joined(parts: Sequence[pd.DataFrame], columns: Sequence[str] = tuple(COLUMNS)) -> pd.DataFrame:
    """One table; with these columns where it has no rows."""
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))


def wide(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """One row for each combination of keys, in the order of the table; a column for each quantity and its ends.

    psnr, psnr_std, psnr_low, psnr_high; psnr_gain and so on where it is a difference. `n` and `against`: the first.
    """
    at = pd.factorize(rows.groupby(keys, sort=False, dropna=False).ngroup())[0]
    names = rows["quantity"] + np.where(rows["against"].notna(), "_gain", "")
    cells = rows.assign(at=at, name=names).pivot(index="at", columns="name", values=list(ENDS))
    cells.columns = [name + ENDS[end] for end, name in cells.columns]
    heads = rows[keys][~pd.Series(at, rows.index).duplicated()].reset_index(drop=True)
    firsts = rows.groupby(at)[[name for name in ("n", "against") if name not in keys]].first()
    return heads.join(firsts).join(cells)
