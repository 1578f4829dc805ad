"""Made-up results of every experiment and analysis of the default profile, in the form of a summary."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from replication.results.identity import identity
from replication.study.labels import NULL_MODELS
from replication.study.params import Params
from synthetic_results import default_summary


def whole_summary(folder: Path) -> tuple[Params, SimpleNamespace]:
    """The tables of a Summary, with those columns of the analyses that the claims and the macros read."""
    params, _, summary = default_summary(folder)
    tables = vars(summary) | {"filters": _filters(params), "errors": _errors(params), "samplers": _samplers(params)}
    return params, SimpleNamespace(**{name: table.copy() for name, table in tables.items()})


def _filters(params: Params) -> pd.DataFrame:
    rows = []
    for item, spec in params.filters.items():
        for run in spec.runs:
            exact = params.runs[run].variant == "wne"
            numbers = {"rho": 1e-13, "row_sum_error_max": 1e-12} if exact else {"rho": 0.2, "row_sum_error_max": 0.3}
            for sigma in spec.sigmas:
                rows.append({"item": item} | identity(params, run) | {"sigma_test": sigma} | numbers)
    return pd.DataFrame(rows)


def _errors(params: Params) -> pd.DataFrame:
    rows = []
    for item, spec in params.errors.items():
        for run in spec.runs:
            head = {"item": item} | identity(params, run) | {"n": 200}
            for null in NULL_MODELS:
                rows.append(head | {"quantity": "null_gain", "baseline": null, "value": 3.0, "low": 2.5, "high": 3.5})
            if params.runs[run].variant == "wne":
                rows.append(head | {"quantity": "spread", "value": 0.3, "low": 0.1, "high": 0.5})
                rows.append(head | {"quantity": "spread_difference", "value": -1.0, "low": -1.5, "high": -0.5})
            else:
                rows.append(head | {"quantity": "spread", "value": 1.3, "low": 1.1, "high": 1.5})
        for null, spread in zip(NULL_MODELS, (0.1, 1.4)):  # the first collapses, the second does not
            head = {"item": item, "run": null, "variant": "null", "n": 200}
            rows.append(head | {"quantity": "spread", "value": spread, "low": spread - 0.1, "high": spread + 0.1})
    return pd.DataFrame(rows)


def _samplers(params: Params) -> pd.DataFrame:
    rows = []
    for item, spec in params.samplers.items():
        for run in spec.runs:
            head = {"item": item, "operator": spec.operator, "test_set": spec.test_set} | identity(params, run)
            row = head | {"n": 6, "diverged": 0, "lost": 0, "gap": -0.1, "gap_low": -0.2, "gap_high": 0.0}
            row |= {"one_pass_psnr": 29.0, "best_psnr": 30.1, "psnr": 30.0}
            row |= {"psnr_gain": 5.0, "psnr_gain_low": 4.0, "psnr_gain_high": 6.0}
            rows.append(row)
    return pd.DataFrame(rows)
