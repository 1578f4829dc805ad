"""The sampler of App. N over the images of a test set (Tables 11 and 12), as estimates.

| quantity | |
|---|---|
| converged, unfinished, diverged | images, by outcome: see replication.experiments.sampler |
| lost | images that do not converge, or end more than LOSS below their best state |
| one_pass_psnr | after one call of the denoiser, on y_0; dB |
| best_psnr, best_step | the best state of a trajectory |
| psnr, ssim, steps | the result, and the updates it took |
| gap, change | final less best PSNR, <= 0; final less one-pass PSNR |

The run "observed" has psnr and ssim of what was measured of the images, or of the noisy image where nothing was.
"""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import estimates, facts, joined
from replication.results.files import CollectError, read_csv
from replication.results.identity import baseline_of
from replication.study.params import Params
from replication.study.paths import ProfilePaths

OBSERVED = "observed"
LOSS = 3.0  # dB
_OUTCOMES = ["converged", "unfinished", "diverged"]
_QUANTITIES = ["one_pass_psnr", "best_psnr", "psnr", "ssim", "best_step", "steps", "gap", "change"]
_GAINS = ["psnr", "ssim"]


def sampler_estimates(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The rows of all reported items, in the order of params.

    Raises:
        CollectError: the runs of an item do not have the same images.
    """
    parts = []
    for item, spec in params.reported("samplers").items():
        place = {"kind": "samplers", "item": item, "corruption": spec.operator, "test_set": spec.test_set}
        rows = read_csv(paths.analysis("samplers", item) / "table.csv")
        rows = rows.assign(gap=rows["psnr"] - rows["best_psnr"], change=rows["psnr"] - rows["one_pass_psnr"])
        runs = {run: rows[rows["run"] == run].assign(level=0.0).set_index(["level", "image"]) for run in spec.runs}
        first = runs[spec.runs[0]]
        if first.empty or not all(set(table.index) == set(first.index) for table in runs.values()):
            raise CollectError(
                f"samplers {item}: the runs do not have the same images; make it again: replicate samplers {item}"
            )
        seen = first[["observed_psnr", "observed_ssim"]].set_axis(_GAINS, axis=1)
        parts.append(estimates(seen, params.statistics, run=OBSERVED, **place))
        for run, table in runs.items():
            counts = {outcome: (table["outcome"] == outcome).sum() for outcome in _OUTCOMES}
            counts["lost"] = ((table["outcome"] != "converged") | (table["gap"] < -LOSS)).sum()
            parts.append(facts(pd.DataFrame(counts, index=[0.0]), n=len(table), run=run, **place))
            parts.append(estimates(table[_QUANTITIES], params.statistics, run=run, **place))
            baseline = baseline_of(params, run)
            if baseline in runs:
                gain = table[_GAINS] - runs[baseline][_GAINS]
                parts.append(estimates(gain, params.statistics, run=run, against=baseline, **place))
    return joined(parts)
