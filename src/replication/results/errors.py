"""summary/errors.csv: mean normalized error Q in bins of difficulty Delta, and how far its curves collapse.

    spread^2 = sum_j w_j v_j / sum_j w_j,        v_j = var_s(Qbar_sj) - mean_s(u_sj / n_sj)

Bin j has the mean Qbar_sj and the variance u_sj of n_sj patches at sigma_test = s. var_s is the unbiased
variance over the sigmas that count in the bin: at least MINIMUM patches, and the bin's centre inside the
central 95 % of Delta at that sigma. Bins with two such sigmas or more enter, with the weight
w_j = sum_s n_sj. The second term of v_j is the scatter that means of n_sj patches have even if all sigmas
follow one curve; so the spread estimates 0 dB where Q depends on Delta alone (but for the width of the bins),
and a sum below 0 counts as 0.

Intervals: bootstrap over patches, the same for all sigmas and runs, not over images. Resampled means scatter
about means that scatter already, so the second term is taken off twice in a resampled table. NaN: curves that
share no bin have no spread, and samples so small that a resampled table has no such bin have no interval.

The null models of replication.experiments.errors are rows with the variant "null" and their name in place of the run.
They show what a small spread is worth: that of the identity is 0 but for the width of the bins. So each run is compared
with them, Q_run - Q_null, the mean over all sigmas and patches.

`quantity` says what the columns hold, after `item` and the identity of the run:

| quantity | sigma_test | delta | n | value | std | low, high | counted |
|---|---|---|---|---|---|---|---|
| curve | sigma | centre of a bin | patches in it | mean Q, dB | of Q, dB | | whether it enters the spread |
| range | sigma | | patches | median of Delta | | central 95 % of Delta | |
| spread | | | patches | spread, dB | | interval | |
| spread_difference | | | patches | spread less that of `baseline`, dB | | interval | |
| null_gain | | | patches | mean Q less that of the null model `baseline`, dB | | interval | |
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from replication.results.estimates import joined
from replication.results.files import CollectError, read_csv
from replication.results.identity import IDENTITY, baseline_of, identity
from replication.results.statistics import mean_interval, resampled_units, tail_probability
from replication.study.labels import NULL_MODELS
from replication.study.params import Errors, Params, Statistics
from replication.study.paths import ProfilePaths

MINIMUM = 5  # patches of a bin at one sigma for its mean to count
NULL = "null"  # the variant of null models
CENTRAL = (0.025, 0.975)  # probabilities at the ends of the central 95 %
_COLUMNS = ["quantity", "baseline", "sigma_test", "delta", "n", "value", "std", "low", "high", "counted"]
_CHUNK = 200  # resampled tables at a time


class Cells(NamedTuple):
    """Moments of Q by sigma and bin, arrays (..., sigmas, bins): patches, mean and unbiased variance.

    NaN: the mean of no patch, and the variance of less than two.
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


class Spread(NamedTuple):
    """Terms of spread^2 in dB^2: the variance of means between sigmas, and its part due to few patches."""

    between: np.ndarray
    sampling: np.ndarray


def bin_of(delta: np.ndarray, d: int, bins: int) -> np.ndarray:
    """Index of the bin: equal bins between 0 and 1.1 sqrt(d), the last one takes what lies above."""
    return np.minimum((delta / (1.1 * np.sqrt(d)) * bins).astype(int), bins - 1)


def bin_centres(d: int, bins: int) -> np.ndarray:
    return (np.arange(bins) + 0.5) * 1.1 * np.sqrt(d) / bins


def cells_of(index: np.ndarray, quality: np.ndarray, bins: int, multiplicity: np.ndarray | None = None) -> Cells:
    """Moments of `quality` (sigmas, patches) in the bins `index` of the same shape.

    `multiplicity` (..., patches): how often each patch counts, once where left out.
    """
    weight = np.ones(index.shape[1]) if multiplicity is None else multiplicity
    members = (index[:, :, None] == np.arange(bins)).astype(float)  # (sigmas, patches, bins)
    n, first, second = (
        np.stack([weight @ (member * values[:, None] ** power) for member, values in zip(members, quality)], axis=-2)
        for power in range(3)
    )
    mean = np.divide(first, n, where=n > 0, out=np.full_like(first, np.nan))
    squares = np.maximum(second - first * np.nan_to_num(mean), 0)  # of the deviations from the mean
    return Cells(n, mean, np.divide(squares, n - 1, where=n > 1, out=np.full_like(squares, np.nan)))


def spread_of(cells: Cells, counted: np.ndarray) -> Spread:
    """The two terms of spread^2, without the bins of `counted` (sigmas, bins) that have less than two sigmas.

    NaN where no bin is left.
    """
    used = counted & (cells.n > 1)  # resampling may leave less
    n, mean, variance = (np.where(used, values, 0) for values in cells)
    sigmas = used.sum(axis=-2)
    divisor = np.maximum(sigmas, 2)  # a number that does no harm for the bins without weight
    weight = np.where(sigmas > 1, n.sum(axis=-2), 0)
    total = np.where((total := weight.sum(axis=-1)) > 0, total, np.nan)
    centre = mean.sum(axis=-2, keepdims=True) / divisor[..., None, :]
    between = (np.where(used, mean - centre, 0) ** 2).sum(axis=-2) / (divisor - 1)
    sampling = (variance / np.maximum(n, 1)).sum(axis=-2) / divisor
    return Spread((weight * between).sum(axis=-1) / total, (weight * sampling).sum(axis=-1) / total)


class Sample:
    """The patches of one item, as matrices (sigmas, patches)."""

    def __init__(self, samples: pd.DataFrame, spec: Errors, channels: int):
        self.sigmas, self.bins, self.d = sorted(spec.sigmas), spec.bins, channels * spec.patch**2
        self.delta, *quality = (
            samples.pivot(index="sigma_test", columns="patch", values=column).sort_index().to_numpy()
            for column in ("delta", *spec.runs, *NULL_MODELS)
        )
        self.quality = dict(zip((*spec.runs, *NULL_MODELS), quality))
        self.patches = self.delta.shape[1]
        self.index = bin_of(self.delta, self.d, self.bins)
        self.low, self.high = np.quantile(self.delta, CENTRAL, axis=1)
        centres = bin_centres(self.d, self.bins)
        inside = (centres >= self.low[:, None]) & (centres <= self.high[:, None])
        n = np.stack([np.bincount(places, minlength=self.bins) for places in self.index])
        self.counted = inside & (n >= MINIMUM)

    def cells(self, run: str, multiplicity: np.ndarray | None = None) -> Cells:
        return cells_of(self.index, self.quality[run], self.bins, multiplicity)

    def spread(self, run: str) -> float:
        """Spread in dB, as at the head of this module."""
        return _root(*spread_of(self.cells(run), self.counted))

    def resampled_spreads(self, run: str, statistics: Statistics) -> np.ndarray:
        """(resamples,) spreads; two runs of an item are resampled alike."""
        sampling = spread_of(self.cells(run), self.counted).sampling
        units = resampled_units(self.patches, statistics)
        spreads = []
        for start in range(0, len(units), _CHUNK):
            counts = np.apply_along_axis(np.bincount, 1, units[start : start + _CHUNK], minlength=self.patches)
            spread = spread_of(self.cells(run, counts), self.counted)
            spreads.append(_root(spread.between, spread.sampling + sampling))
        return np.concatenate(spreads)


def _root(between: np.ndarray, sampling: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(between - sampling, 0))  # NaN stays


def errors_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The rows of all reported items, in the order of params; see the head of this module."""
    parts = []
    for item, spec in params.reported("errors").items():
        samples = read_csv(paths.analysis("errors", item) / "samples.csv")
        if not np.isfinite(samples.to_numpy()).all():
            raise CollectError(f"errors {item}: values that are not finite; make it again: replicate errors {item}")
        sample = Sample(samples, spec, params.tasks[params.runs[spec.runs[0]].task].channels)
        parts += [rows.assign(item=item) for rows in item_rows(params, spec, sample)]
    return joined(parts, [*IDENTITY, *_COLUMNS, "item"])


def item_rows(params: Params, spec: Errors, sample: Sample) -> list[pd.DataFrame]:
    """The rows of each run of an item, then of each null model."""
    resampled = {name: sample.resampled_spreads(name, params.statistics) for name in sample.quality}
    tail = tail_probability(sample.patches, params.statistics.confidence)

    def row(quantity: str, value: float, values: np.ndarray, **more: str) -> dict[str, object]:
        low, high = np.quantile(values, [tail, 1 - tail])
        return {"quantity": quantity, "n": sample.patches, "value": value, "low": low, "high": high} | more

    def null_gain(run: str, null: str) -> dict[str, object]:
        """Patches are drawn again, each with all its sigmas."""
        gains = (sample.quality[run] - sample.quality[null]).mean(axis=0)
        value, low, high = (float(end[0]) for end in mean_interval(gains[:, None], params.statistics))
        return {
            "quantity": "null_gain",
            "baseline": null,
            "n": sample.patches,
            "value": value,
            "low": low,
            "high": high,
        }

    parts = []
    for run in spec.runs:
        rows = [*_level_rows(sample, run), row("spread", sample.spread(run), resampled[run])]
        rows += [null_gain(run, null) for null in NULL_MODELS]
        if (baseline := baseline_of(params, run)) in spec.runs:
            value, values = sample.spread(run) - sample.spread(baseline), resampled[run] - resampled[baseline]
            rows.append(row("spread_difference", value, values, baseline=baseline))
        parts.append(pd.DataFrame(rows).reindex(columns=_COLUMNS).assign(**identity(params, run)))
    for null in NULL_MODELS:
        rows = [*_level_rows(sample, null), row("spread", sample.spread(null), resampled[null])]
        whose = dict.fromkeys(IDENTITY) | {"run": null, "group": spec.group, "variant": NULL}
        parts.append(pd.DataFrame(rows).reindex(columns=_COLUMNS).assign(**whose))
    return parts


def _level_rows(sample: Sample, run: str) -> list[dict[str, object]]:
    """Curve and range of every sigma_test."""
    cells, centres = sample.cells(run), bin_centres(sample.d, sample.bins)
    curves = [
        {"quantity": "curve", "sigma_test": sigma, "delta": centres[j], "n": int(cells.n[s, j])}
        | {"value": cells.mean[s, j], "std": np.sqrt(cells.variance[s, j]), "counted": bool(sample.counted[s, j])}
        for s, sigma in enumerate(sample.sigmas)
        for j in np.flatnonzero(cells.n[s])
    ]
    ranges = zip(sample.sigmas, np.median(sample.delta, axis=1), sample.low, sample.high)
    names = ("sigma_test", "value", "low", "high")
    return curves + [{"quantity": "range", "n": sample.patches} | dict(zip(names, values)) for values in ranges]
