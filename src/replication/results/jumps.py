"""Trainings whose loss jumps: it rises far above its smallest value so far, after the first twentieth of the steps."""

from __future__ import annotations

import numpy as np
import pandas as pd

JUMP = 3.0  # times the smallest value so far; means over a hundredth of the steps vary by about 2
SETTLED = 0.05  # of the training, in which a loss falls from its start


def largest_jump(losses: np.ndarray, settled: float = SETTLED) -> tuple[float, int]:
    """max over t of L(t) / min over s < t of L(s) and its t, after a share `settled`. `losses`: (n,) with n > 1, equally spaced."""
    ratios = losses[1:] / np.minimum.accumulate(losses)[:-1]
    first = max(1, round(settled * len(losses)))
    best = first + int(ratios[first - 1 :].argmax())
    return float(ratios[best - 1]), best


def jumps(curves: pd.DataFrame) -> dict[str, tuple[float, int]]:
    """run -> the largest jump and its step, of the runs that have one. `curves`: run, step, loss."""
    found = {}
    for run, rows in curves.groupby("run", sort=False):
        if len(rows) < 2:
            continue
        ratio, place = largest_jump(rows["loss"].to_numpy())
        if ratio > JUMP:
            found[run] = (ratio, int(rows["step"].iloc[place]))
    return found
