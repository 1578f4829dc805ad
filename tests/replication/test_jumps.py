"""What counts as a jump of the loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.jumps import jumps, largest_jump


def test_a_jump_is_measured_against_the_smallest_loss_so_far():
    losses = np.array([8.0, 4.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 3.0, 5.0, 1.5])
    assert largest_jump(losses) == (5.0, 12)


def test_the_start_of_a_training_is_no_jump():
    assert largest_jump(np.array([1.0, 9.0, *np.linspace(0.9, 0.1, 58)]))[0] < 1


def test_a_curve_of_one_row_has_no_jump():
    assert jumps(pd.DataFrame([{"run": "a", "step": 1, "loss": 1.0}])) == {}


def test_only_the_runs_that_jump_are_named():
    calm, jumping = np.linspace(10, 1, 100), np.linspace(10, 1, 100)
    jumping[60] = 40.0
    rows = [{"run": run, "step": 12 * (i + 1), "loss": loss}
            for run, losses in (("a", calm), ("b", jumping)) for i, loss in enumerate(losses)]  # fmt: skip
    found = jumps(pd.DataFrame(rows))
    assert list(found) == ["b"] and found["b"][1] == 12 * 61
    assert abs(found["b"][0] - 40 / calm[59]) < 1e-12
