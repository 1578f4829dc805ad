"""WNE minus NE-arch on one backbone, for FDnCNN-WNE with parts of NE-arch and with larger training patches."""

from __future__ import annotations

import pandas as pd

from replication.results.summary import Summary, of_group, on_first_set, single_level
from replication.study.params import Params

GROUP, MAIN = "ne-parts", "fdncnn"  # and the group of FDnCNN-WNE without them

_PARTS = {  # keyword of FDnCNN -> what it adds
    "padding": "reflect padding",
    "activation": "SortPool",
    "mixing": "mixing scalar",
    "initialization": "sum-1 start",
}


def gaps_by_part(params: Params, summary: Summary) -> pd.DataFrame:
    """Rows of WNE runs and each sigma_test, on the first test set: the columns of `contrasts` and

    change: "" for FDnCNN-WNE itself, else what it has of NE-arch, or the side of the training patches of both variants
    parts: how many parts it has

    FDnCNN-WNE comes first, at the levels that the group has; psnr_gain is PSNR(WNE) - PSNR(NE-arch) in dB.
    """
    rows = single_level(on_first_set(summary.contrasts))
    rows = rows[(rows["against_variant"] == "ne_arch") & (rows["variant"] == "wne")]
    own, main = of_group(rows, GROUP), of_group(rows, MAIN)
    main = main[main["sigma_train"].isin(own["sigma_train"])]
    patch = {name: params.recipes[params.runs[name].recipe].patch for name in [*main["run"], *own["run"]]}
    usual = set(main["run"].map(patch))
    found = pd.concat([main, own], ignore_index=True)
    parts = [[_PARTS[key] for key in params.models[model].size if key in _PARTS] for model in found["model"]]
    larger = [patch[name] if patch[name] not in usual else None for name in found["run"]]
    changes = [
        f"patches of {side} pixels" if side else "all of these" if len(of) == len(_PARTS) else ", ".join(of)
        for of, side in zip(parts, larger)
    ]
    return found.assign(change=changes, parts=list(map(len, parts)))
