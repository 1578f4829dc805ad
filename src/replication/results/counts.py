"""Counted operations in sums, and the least time that a GPU can take for them (roofline).

    time >= sum over operations of max(FLOPs / peak, bytes / bandwidth) + launch

A lower bound for each operation alone, with peak and bandwidth of a data sheet: nothing stays in a cache and nothing is
fused. NOTE: a launch that overlaps with the operations before it costs less than is added here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.files import CollectError, read_csv
from replication.study.params import Card, Params
from replication.study.paths import ProfilePaths


def counts_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """A row for each family, variant, mode and card: flops, bytes, operations; seconds, and their ratio to the baseline's.

    `ratio` is NaN for a family without a baseline.
    """
    rows = []
    for key, family in params.timing.families.items():
        counted = read_csv(paths.counts / f"{key}.csv")
        shape = dict(zip(("batch", "channels", "height", "width"), family.cuda_shape))
        has_shape = (counted[list(shape)] == pd.Series(shape)).all(axis=None)
        if list(counted["variant"].unique()) != family.variants or not has_shape:
            raise CollectError(f"counts of {key} do not match params; count again: replicate counts")
        same = {"family": key, "backbone": params.models[family.model].backbone}
        for (variant, mode), part in counted.groupby(["variant", "mode"], sort=False):
            sums = {name: (part["calls"] * part[name]).sum() for name in ("flops", "bytes")}
            made = same | {"variant": variant, "mode": mode} | sums | {"operations": part["calls"].sum()}
            for name, card in params.cards.items():
                rows.append(made | {"card": name, "seconds": roofline(part, card)} | shape)
    table = pd.DataFrame(rows)
    place = ["family", "mode", "card"]
    baseline = table[table["variant"] == "baseline"].set_index(place)["seconds"]
    table["ratio"] = table["seconds"] / baseline.reindex(pd.MultiIndex.from_frame(table[place])).to_numpy()
    return table


def roofline(counted: pd.DataFrame, card: Card) -> float:
    """Seconds at least, of the rows of counts/<family>.csv."""
    least = np.maximum(counted["flops"] / (1e12 * card.teraflops), counted["bytes"] / (1e12 * card.terabytes))
    return float((counted["calls"] * (least + 1e-6 * card.launch)).sum())
