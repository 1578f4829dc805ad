"""Beyond the paper: inputs of another contrast and brightness than those of training, in numbers."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from replication.report.cells import Cell, fixed, heading, with_interval
from replication.report.families import setting
from replication.report.source import Source
from replication.report.table import Row, Table
from replication.results.exposure import SWEEPS, denoising, restoration, swept
from replication.study import labels

_A, _B, _SIGMA = Cell("$a$", "a"), Cell("$b$", "b"), Cell(r"$\sigma$", "sigma")
_NOISE = {"scaled": Cell(r"$a\sigma$", "a sigma"), "fixed": _SIGMA, "brightness": _SIGMA}


def exposure(source: Source) -> list[Table]:
    """A block for each WNE denoiser and its baseline: PSNR at the exposure of training, and at both ends of each sweep."""
    return _blocks(source, denoising(source.params))


def exposure_tasks(source: Source) -> list[Table]:
    """The same for deblurring and super-resolution."""
    return _blocks(source, restoration(source.params))


def _blocks(source: Source, items: Iterable[str]) -> list[Table]:
    table = source.summary.exposure
    table = table[table["item"].isin(list(items))]
    wrapped = table[(table["variant"] == "wne") & table["against"].notna()][["item", "run"]].drop_duplicates()
    head = ["noise", _A, _B, "input", labels.variant_label("baseline"), labels.variant_label("wne"), "WNE - Baseline"]
    return [Table("c" * len(head), [head], [_block(source, item, run, len(head)) for item, run in wrapped.to_numpy()])]


def _block(source: Source, item: str, name: str, columns: int) -> list[Row]:
    run, spec = source.params.runs[name], source.params.exposure[item]
    network = labels.backbone_label(source.params.models[run.model].backbone)
    if run.degradation != "none":
        network += f" {labels.DEGRADATIONS[run.degradation]}"
    rows: list[Row] = [
        [heading(columns, setting(network, f"{run.sigma:g}", spec.test_set, spec.images), emphasized=False)]
    ]
    for sweep, training in SWEEPS.items():
        table = swept(source.summary.exposure, item, sweep)
        wne = table[table["run"] == name].set_index("place")
        baseline = table[table["run"] == wne["against"].iloc[0]].set_index("place")
        places = [wne.index.min(), wne.index.max()]
        for place in [training, *places] if sweep == "scaled" else places:
            rows.append(_row(sweep, place, baseline.loc[place], wne.loc[place]))
    return rows


def _row(sweep: str, place: float, baseline: pd.Series, wne: pd.Series) -> Row:
    a, b = (1.0, place) if sweep == "brightness" else (place, 0.0)
    gain = with_interval(*wne[["psnr_gain", "psnr_gain_low", "psnr_gain_high"]])
    return [_NOISE[sweep], f"{a:g}", f"{b:g}", *map(fixed, (wne["input_psnr"], baseline["psnr"], wne["psnr"])), gain]
