"""summary/filters.csv: the rows of replication.experiments.filters, one for each item, run, sigma_test and pixel."""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import joined
from replication.results.files import read_csv
from replication.results.identity import IDENTITY, identities
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_COLUMNS = ["item", *IDENTITY, "sigma_test", "row", "column", "row_sum", "psnr", "rho", "row_sum_error_max"]


def filters_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """`item`, the identity columns of the run, and the columns of table.csv, in the order of params."""
    parts = []
    for item, spec in params.reported("filters").items():
        table = read_csv(paths.analysis("filters", item) / "table.csv")
        parts.append(identities(params, spec.runs).assign(item=item).merge(table, on="run"))
    return joined(parts, _COLUMNS)
