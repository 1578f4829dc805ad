"""Controls beyond the paper: oracles, the wrapper at test time, classical denoisers (`replication.experiments.controls`)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replication.results.identity import identity
from replication.results.statistics import mean_interval
from replication.results.summary import CollectError, read_csv
from replication.study.params import Params, Statistics
from replication.study.paths import ProfilePaths

_INPUTS = ["input_psnr", "input_psnr_clipped"]
_ENDS = ("", "_low", "_high")
_DEFECTS = ["paper_median", "sharp_median", "paper_max", "sharp_max"]


def controls_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """One row for each item, denoiser, form and sigma_test (8-bit units).

    Columns: item; the identity of the trained bare run (its variant is not that of the denoiser); denoiser,
    wrapped (bool), test_set, noise, sigma_test, n images; input_psnr and input_psnr_clipped; psnr in dB and ssim,
    each with _low and _high; against and psnr_gain, with _low and _high: the mean difference to the bare form of a
    classical denoiser ("bare"), or to the run itself (its name), on the same images and noise; and paper_median,
    sharp_median, paper_max and sharp_max, the equivariance defects over the images they are measured on. A bare
    classical denoiser has no gain.

    Raises:
        CollectError: the run was evaluated on other images or levels than the item.
    """
    rows = []
    for item, spec in params.reported("controls").items():
        folder = paths.analysis("controls", item)
        table, defects = read_csv(folder / "table.csv"), read_csv(folder / "defect.csv")
        trained = read_csv(paths.evaluated(params, spec.run) / "psnr.csv")
        trained = _over_draws(trained[trained["test_set"] == spec.test_set])["psnr"]
        forms = {key: _over_draws(part) for key, part in table.groupby(["denoiser", "wrapped"], sort=False)}
        inputs = next(iter(forms.values()))[_INPUTS].groupby("sigma_test").mean()
        sizes = defects.groupby(["denoiser", "wrapped", "sigma_test"])[["paper", "sharp"]].agg(["median", "max"])
        sizes.columns = ["_".join(column) for column in sizes.columns]
        for (denoiser, is_wrapped), frame in forms.items():
            columns = [_over_images(frame[metric], metric, params.statistics) for metric in ("psnr", "ssim")]
            against, reference = _reference(forms, denoiser, is_wrapped, spec.run, trained)
            if against:
                gain = _difference(frame["psnr"], reference, f"controls.{item}: {denoiser} and {against}")
                columns.append(_over_images(gain, "psnr_gain", params.statistics))
            head = {"item": item, **identity(params, spec.run), "denoiser": denoiser, "wrapped": is_wrapped}
            head |= {"test_set": spec.test_set, "noise": params.tasks[params.runs[spec.run].task].noise}
            for sigma in inputs.index:
                row = head | {"sigma_test": sigma, "n": len(frame.xs(sigma, level="sigma_test"))}
                row |= inputs.loc[sigma].to_dict() | {"against": against}
                for values in columns:
                    row |= values[sigma]
                rows.append(row | sizes.loc[denoiser, is_wrapped, sigma].to_dict())
    return pd.DataFrame(rows, columns=_columns(params))


def _over_draws(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over the noise draws, with the index (sigma_test, image)."""
    rounded = rows.assign(sigma_test=rows["sigma_test"].astype(float).round(6))
    metrics = [name for name in (*_INPUTS, "psnr", "ssim") if name in rows]
    return rounded.groupby(["sigma_test", "image"])[metrics].mean()


def _reference(
    forms: dict[tuple[str, bool], pd.DataFrame], denoiser: str, is_wrapped: bool, run: str, trained: pd.Series
) -> tuple[str | None, pd.Series | None]:
    """What a form is compared with: its name and its values; nothing for a bare classical denoiser."""
    if (denoiser, not is_wrapped) not in forms:
        return run, trained
    return ("bare", forms[denoiser, False]["psnr"]) if is_wrapped else (None, None)


def _difference(values: pd.Series, reference: pd.Series, what: str) -> pd.Series:
    difference = values - reference
    if difference.isna().any():
        raise CollectError(f"{what} were tested on other images or levels; make both again: dvc repro")
    return difference


def _over_images(values: pd.Series, name: str, statistics: Statistics) -> dict[float, dict[str, float]]:
    """sigma_test -> mean and interval over images of values with the index (sigma_test, image)."""
    matrix = values.unstack("sigma_test")
    estimate = np.stack(mean_interval(matrix.to_numpy(), statistics))
    return {
        sigma: {f"{name}{end}": value for end, value in zip(_ENDS, column)}
        for sigma, column in zip(matrix.columns, estimate.T)
    }


def _columns(params: Params) -> list[str]:
    with_interval = {name: [f"{name}{end}" for end in _ENDS] for name in ("psnr", "ssim", "psnr_gain")}
    head = ["item", *identity(params, next(iter(params.runs))), "denoiser", "wrapped", "test_set", "noise"]
    quality = [*_INPUTS, *with_interval["psnr"], *with_interval["ssim"], "against", *with_interval["psnr_gain"]]
    return [*head, "sigma_test", "n", *quality, *_DEFECTS]
