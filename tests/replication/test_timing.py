"""Timing keeps raw, interleaved samples and says what they were taken on."""

from __future__ import annotations

import json

import pandas as pd

from replication.experiments.timing import time_all
from tiny_profile import tiny_profile


def test_all_variants_are_timed_in_turn(tmp_path):
    params, paths = tiny_profile(tmp_path)
    time_all(params, paths)
    samples = pd.read_csv(paths.timing / "samples.csv")
    cpu = samples[samples["device"] == "cpu"]
    counts = cpu.groupby(["family", "variant", "mode"]).size()
    assert set(counts) == {params.timing.repetitions}
    assert set(counts.loc["fdncnn"].index.get_level_values("variant")) == {"baseline", "wne", "se_arch", "ne_arch"}
    assert (samples["seconds"] > 0).all()
    # Interleaved: within a repetition each variant comes once, and the order rotates.
    training = cpu[(cpu["family"] == "fdncnn") & (cpu["mode"] == "training")]
    orders = [tuple(part["variant"]) for _, part in training.groupby("repetition")]
    assert all(len(set(order)) == 4 for order in orders) and len(set(orders)) == len(orders)
    facts = json.loads((paths.timing / "environment.json").read_text())
    assert facts["devices"]["cpu"] and facts["threads"] >= 1 and "torch" in facts["versions"]
