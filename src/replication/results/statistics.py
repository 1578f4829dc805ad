"""Bootstrap intervals. Images are the units that are drawn again, and seeds where there are several; noise draws of
one image are averaged first.

Two tables that resample the same number of units draw the same units, so that intervals of two runs on
the same images differ by the runs alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

from replication.study.params import Statistics
from replication.study.rng import uniform_field


class Estimate(NamedTuple):
    """A statistic and its confidence interval, arrays of one value for each column of the data."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def resampled_units(n: int, statistics: Statistics, purpose: str = "bootstrap") -> np.ndarray:
    """(resamples, n) indices in [0, n), drawn with replacement, the same for each call with the same n."""
    uniform = uniform_field((statistics.resamples, n), purpose, statistics.seed, n)
    return np.floor(uniform * n).astype(np.intp)


@lru_cache(maxsize=16)
def _resampled_counts(n: int, statistics: Statistics, purpose: str = "bootstrap") -> np.ndarray:
    """(resamples, n): how often each unit was drawn."""
    return np.apply_along_axis(np.bincount, 1, resampled_units(n, statistics, purpose), minlength=n)


def tail_probability(n: int, confidence: float) -> float:
    """Percentile at which the interval of a mean of n units ends, Phi(-sqrt(n / (n - 1)) t_{n-1}).

    The "expanded" percentile interval of Hesterberg (2015, Eq. 10): a plain one is too narrow for the few
    images of a test set, by sqrt((n - 1) / n) and by the difference of Student's t and the normal law.
    """
    quantile = t.ppf(0.5 + 0.5 * confidence, n - 1)
    return float(norm.cdf(-np.sqrt(n / (n - 1)) * quantile))


def mean_interval(values: np.ndarray, statistics: Statistics) -> Estimate:
    """Mean over images, and over seeds where there are several, with its bootstrap interval.

        mean* = sum_s sum_i w_s v_i x_si / (S n),   w ~ multinomial(S), v ~ multinomial(n), independent

    Every image is tested with every seed, so both are drawn again (the "pigeonhole bootstrap" of Owen, 2007). This
    takes the variance of seeds, of images and of the two together into account, the last of them more than once: the
    interval is conservative. Its ends are expanded for the number of images; not for that of seeds, of which three
    say little: for them it is a lower bound.

    Args:
        values: (n, k) or (S, n, k): S seeds, n images, k quantities. The interval is NaN for n = 1: one image says
            nothing about the next. For one seed and up to four images it is Student's, mean +- t_{n-1} s / sqrt(n): no
            resample is as rare as the percentile, which would give the smallest and the largest image.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values if values.ndim == 3 else values[None]
    seeds, n, k = values.shape
    mean = values[0].mean(axis=0) if seeds == 1 else values.mean(axis=(0, 1))
    if n == 1:
        return Estimate(mean, np.full(k, np.nan), np.full(k, np.nan))
    tail = tail_probability(n, statistics.confidence)
    if seeds == 1 and tail < float(n) ** -n:
        half = t.ppf(0.5 + 0.5 * statistics.confidence, n - 1) * values[0].std(axis=0, ddof=1) / np.sqrt(n)
        return Estimate(mean, mean - half, mean + half)
    counts = _resampled_counts(n, statistics)  # one product instead of a huge gather
    weights = _resampled_counts(seeds, statistics, "seeds")
    means = sum(weights[:, s, None] * (counts @ values[s]) for s in range(seeds)) / (seeds * n)
    low, high = np.quantile(means, [tail, 1.0 - tail], axis=0)
    return Estimate(mean, low, high)


def median_interval(values: np.ndarray, statistics: Statistics) -> Estimate:
    """Median of (n,) values with its percentile bootstrap interval; for timing, where outliers are common."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) == 1:
        return Estimate(values[0], np.float64(np.nan), np.float64(np.nan))
    medians = np.median(values[resampled_units(len(values), statistics)], axis=1)
    tail = 0.5 * (1.0 - statistics.confidence)
    low, high = np.quantile(medians, [tail, 1.0 - tail])
    return Estimate(np.median(values), low, high)
