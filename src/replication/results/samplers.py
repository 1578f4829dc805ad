"""summary/samplers.csv: the sampler of App. N over the images of a test set (Tables 11 and 12).

One row for each item and run, and before them one with run = "observed" for what was measured of the images,
or for the noisy image where nothing was measured; that one has no identity but `group`, and psnr and ssim alone.
PSNR in dB; each quantity Q has its mean over images, the sample deviation Q_std, and the interval Q_low, Q_high.

| column | holds |
|---|---|
| item, operator, test_set, run and its identity | |
| n | images |
| converged, unfinished, diverged | of them, by outcome: see replication.experiments.sampler |
| one_pass_psnr | after one call of the denoiser, on y_0 |
| best_psnr, best_step | the best state of a trajectory |
| psnr, ssim, steps | the result, and the updates it took |
| gap, change | final less best PSNR, <= 0; final less one-pass PSNR |
| baseline, psnr_gain, ssim_gain | the run compared with, and the mean difference of the result on the same images |
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.identity import baseline_of, identity
from replication.results.statistics import mean_interval
from replication.results.summary import CollectError, read_csv
from replication.study.params import Params, Sampler, Statistics
from replication.study.paths import ProfilePaths

OBSERVED = "observed"
OUTCOMES = ("converged", "unfinished", "diverged")
_MEANS = ("one_pass_psnr", "best_psnr", "psnr", "ssim", "best_step", "steps", "gap", "change")
_GAINS = ("psnr", "ssim")


def samplers_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The rows of all reported items, in the order of params; see the head of this module.

    Raises:
        CollectError: the runs of an item do not have the same images.
    """
    rows = []
    for item, spec in params.reported("samplers").items():
        images = read_csv(paths.analysis("samplers", item) / "table.csv")
        head = {"item": item, "operator": spec.operator, "test_set": spec.test_set}
        rows += [head | row for row in item_rows(params, item, spec, images)]
    quantities = [f"{name}{end}" for name in _MEANS for end in ("", "_std", "_low", "_high")]
    gains = [f"{name}_gain{end}" for name in _GAINS for end in ("", "_low", "_high")]
    names = [*identity(params, next(iter(params.runs))), "n", *OUTCOMES, *quantities, "baseline", *gains]
    return pd.DataFrame(rows, columns=["item", "operator", "test_set", *names])


def item_rows(params: Params, item: str, spec: Sampler, images: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of an item from its table.csv, without the columns that say which item."""
    runs = {run: images[images["run"] == run].set_index("image").sort_index() for run in spec.runs}
    first = runs[spec.runs[0]]
    if first.empty or not all(first.index.equals(rows.index) for rows in runs.values()):
        raise CollectError(
            f"samplers {item}: the runs do not have the same images; make it again: replicate samplers {item}"
        )
    seen = first[["observed_psnr", "observed_ssim"]].set_axis(["psnr", "ssim"], axis=1)
    observed = {"run": OBSERVED, "group": spec.group, "n": len(first)} | _means(seen, params.statistics)
    rows = [observed]
    for run, table in runs.items():
        table = table.assign(gap=table["psnr"] - table["best_psnr"], change=table["psnr"] - table["one_pass_psnr"])
        row = identity(params, run) | {"n": len(table)}
        row |= {outcome: int((table["outcome"] == outcome).sum()) for outcome in OUTCOMES}
        row |= _means(table[list(_MEANS)], params.statistics)
        baseline = baseline_of(params, run)
        if baseline in runs:
            row |= {"baseline": baseline} | _gains(table, runs[baseline], params.statistics)
        rows.append(row)
    return rows


def _means(table: pd.DataFrame, statistics: Statistics) -> dict[str, float]:
    estimate = mean_interval(table.to_numpy(), statistics)
    spread = table.std(ddof=1)
    row = {}
    for name, value, low, high in zip(table.columns, *estimate):
        row |= {name: value, f"{name}_std": spread[name], f"{name}_low": low, f"{name}_high": high}
    return row


def _gains(table: pd.DataFrame, baseline: pd.DataFrame, statistics: Statistics) -> dict[str, float]:
    names = [f"{name}_gain" for name in _GAINS]
    difference = np.asarray(table[list(_GAINS)]) - np.asarray(baseline[list(_GAINS)])
    row = {}
    for name, value, low, high in zip(names, *mean_interval(difference, statistics)):
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return row
