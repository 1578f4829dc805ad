"""summary/filters.csv: the rows of replication.experiments.filters, one for each item, run, sigma_test and pixel."""

from __future__ import annotations

import pandas as pd

from replication.results.identity import identity
from replication.results.summary import read_csv
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_COLUMNS = ["item", "run", "group", "variant", "sigma_train", "sigma_test", "row", "column", "row_sum", "psnr", "rho"]


def filters_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """`item`, the identity columns of the run, and the columns of table.csv, in the order of params."""
    parts = []
    for item, spec in params.reported("filters").items():
        runs = pd.DataFrame([{"item": item} | identity(params, run) for run in spec.runs])
        parts.append(runs.merge(read_csv(paths.analysis("filters", item) / "table.csv"), on="run"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS)
