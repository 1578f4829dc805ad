"""Tables of runs: quality and defects with intervals over images, gains over the baseline, training.

Whatever the corruption, quality is a frame with the index (test_set, level, image), averaged over the noise
draws: the level is sigma_test, the quality of a JPEG file, or nothing for pairs of photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from replication.results.identity import baseline_of, identity
from replication.results.statistics import mean_interval
from replication.results.summary import CollectError, read_csv, read_json
from replication.study.params import Params, Statistics
from replication.study.paths import ProfilePaths

LOSS_BLOCKS = 200  # points of a loss curve; longer ones are averaged down to this
FINAL_PART = 0.1  # of the logged steps: over them the final loss is averaged

# What the evaluation of a run may have written: file -> (column of the level, inputs, metrics).
KINDS = {
    "psnr": (
        "sigma_test",
        ("input_psnr", "input_psnr_clipped", "input_ssim", "input_ssim_uniform"),
        ("psnr", "ssim", "ssim_uniform"),
    ),
    "jpeg": ("quality", ("input_psnr",), ("psnr", "ssim")),
    "real": (None, ("input_psnr", "input_ssim"), ("psnr", "ssim")),
}


@dataclass(frozen=True)
class RunResults:
    """What the training and the evaluation of one run wrote; `quality` kind -> rows, see KINDS."""

    training: dict
    loss: pd.DataFrame
    defect: pd.DataFrame
    quality: dict[str, pd.DataFrame]


def kinds_of(params: Params, name: str) -> tuple[str, ...]:
    """The quality files that the evaluation of a run writes."""
    task = params.tasks[params.runs[name].task]
    return ("real",) if task.noise == "real" else ("psnr", "jpeg") if task.jpeg else ("psnr",)


def read_run(params: Params, paths: ProfilePaths, name: str) -> RunResults:
    folder = paths.evaluated(params, name)
    return RunResults(
        training=read_json(paths.training / f"{name}.json") | read_json(paths.cost / f"{name}.json"),
        loss=read_csv(paths.training / f"{name}.csv"),
        defect=read_csv(folder / "defect.csv"),
        quality={kind: read_csv(folder / f"{kind}.csv") for kind in kinds_of(params, name)},
    )


def image_means(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Means over the noise draws, with the index (test_set, level, image).."""
    column, inputs, metrics = KINDS[kind]
    level = rows[column].round(6) if column else 0.0
    return rows.assign(level=level).groupby(["test_set", "level", "image"], sort=True)[[*inputs, *metrics]].mean()


def quality_table(params: Params, results: dict[str, RunResults], kind: str, gains: bool) -> pd.DataFrame:
    """Mean quality of every run of a kind at every level; `n` images. Test sets in the order of the task.

    `gains`: with the gain over the baseline where there is one.
    """
    rows = []
    for name, test_set, frame in _frames(params, results, kind):
        inputs = frame[list(KINDS[kind][1])].groupby("level").mean()
        columns = [_over_images(frame[metric], params.statistics) for metric in KINDS[kind][2]]
        if gains and (baseline := baseline_of(params, name)):
            columns += _gains(params, results, kind, baseline, test_set, frame)
        head = _head(params, name, test_set, kind)
        rows += [_row(head, kind, level, frame, columns) | inputs.loc[level].to_dict() for level in inputs.index]
    return pd.DataFrame(rows, columns=None if rows else _columns(params, kind))


def paired_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Gain over the baseline of the same family at every sigma_test: mean over images of the difference."""
    rows = []
    for name, test_set, frame in _frames(params, results, "psnr"):
        baseline = baseline_of(params, name)
        if baseline is None:
            continue
        columns = _gains(params, results, "psnr", baseline, test_set, frame)
        head = _head(params, name, test_set, "psnr") | {"baseline": baseline}
        rows += [_row(head, "psnr", level, frame, columns) for level in columns[0]]
    return pd.DataFrame(rows)


def unleaked_table(params: Params, results: dict[str, RunResults], leakage: pd.DataFrame) -> pd.DataFrame:
    """PSNR at matched noise on all images, and without those found in the run's own training set.

    Only runs with such images have rows; `n` and `n_unleaked` count the images.
    """
    rows = []
    for name, test_set, frame in _frames(params, results, "psnr"):
        run = params.runs[name]
        found = leakage[(leakage["train_set"] == run.train_set) & (leakage["test_set"] == test_set)]
        leaked = set(found.loc[found["leaked"].astype(bool), "image"])
        if leaked and isinstance(run.sigma, (int, float)):
            psnr = frame["psnr"].xs(round(float(run.sigma), 6), level="level")
            rest = psnr[~psnr.index.isin(leaked)]
            counts = {"n": len(psnr), "psnr": psnr.mean(), "n_unleaked": len(rest), "psnr_unleaked": rest.mean()}
            rows.append(_head(params, name, test_set, "psnr") | counts)
    columns = [*_head(params, next(iter(params.runs)), "", "psnr"), "n", "psnr", "n_unleaked", "psnr_unleaked"]
    return pd.DataFrame(rows, columns=columns)


def defect_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Equivariance defects over all the images and noise levels of defect.csv; `n` of them."""
    rows = []
    for name, result in results.items():
        row = identity(params, name) | {"n": len(result.defect)}
        for form in ("paper", "sharp"):
            row |= {f"{form}_median": result.defect[form].median(), f"{form}_max": result.defect[form].max()}
        rows.append(row)
    return pd.DataFrame(rows)


def defect_level_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Equivariance defects at every sigma_test (none for real noise): means over images with intervals."""
    rows = []
    for name, result in results.items():
        for test_set, part in result.defect.groupby("test_set", sort=False):
            level = part["sigma_test"].round(6).fillna(0.0)  # pairs of photographs have none
            frame = part.assign(level=level).groupby(["level", "image"])[["paper", "sharp"]].mean()
            columns = [_over_images(frame[form], params.statistics) for form in ("paper", "sharp")]
            for sigma in columns[0]:
                head = identity(params, name) | {"test_set": test_set, "sigma_test": sigma or np.nan}
                rows.append(head | {"n": part["image"].nunique()} | columns[0][sigma] | columns[1][sigma])
    return pd.DataFrame(rows)


def training_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Size and cost of each run; `final_loss` is the mean over the last tenth of the logged steps.

    `backbone_dtype` is what the backbone computed in, which the hardware decides as well as the profile.
    """
    rows = []
    for name, result in results.items():
        keys = ("parameters", "steps", "seconds", "device", "threads", "backbone_dtype", "date")
        last = result.loss["loss"].tail(max(1, round(FINAL_PART * len(result.loss))))
        rows.append(identity(params, name) | {k: result.training[k] for k in keys} | {"final_loss": last.mean()})
    return pd.DataFrame(rows)


def loss_table(results: dict[str, RunResults]) -> pd.DataFrame:
    """Loss curves, averaged over blocks of consecutive rows where there are more than LOSS_BLOCKS."""
    parts = []
    for name, result in results.items():
        block = np.arange(len(result.loss)) * LOSS_BLOCKS // max(len(result.loss), LOSS_BLOCKS)
        curve = result.loss[["step", "loss", "learning_rate"]].groupby(block).mean()
        curve.insert(0, "run", name)
        parts.append(curve)
    return pd.concat(parts, ignore_index=True)


def _frames(params: Params, results: dict[str, RunResults], kind: str) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """(run, test set, frame with the index (level, image)) for all runs that have this kind."""
    for name, result in results.items():
        if kind in result.quality:
            means = image_means(result.quality[kind], kind)
            for test_set in params.tasks[params.runs[name].task].test_sets:
                if test_set in means.index.get_level_values("test_set"):
                    yield name, test_set, means.loc[test_set]


def _gains(
    params: Params, results: dict[str, RunResults], kind: str, baseline: str, test_set: str, frame: pd.DataFrame
) -> list[dict[float, dict[str, float]]]:
    reference = image_means(results[baseline].quality[kind], kind).loc[test_set]
    metrics = [metric for metric in KINDS[kind][2] if metric != "ssim_uniform"]
    return [
        _over_images((frame[metric] - reference[metric]).rename(f"{metric}_gain"), params.statistics)
        for metric in metrics
    ]


def _head(params: Params, name: str, test_set: str, kind: str) -> dict[str, object]:
    task = params.tasks[params.runs[name].task]
    return identity(params, name) | {"test_set": test_set, "noise": "jpeg" if kind == "jpeg" else task.noise}


def _row(head: dict, kind: str, level: float, frame: pd.DataFrame, columns: list[dict]) -> dict[str, object]:
    named = {KINDS[kind][0]: level} if KINDS[kind][0] else {}
    row = head | named | {"n": frame.index.get_level_values("image").nunique()}
    for values in columns:
        row |= values[level]
    return row


def _columns(params: Params, kind: str) -> list[str]:
    """Of a table without rows, so that readers find their columns."""
    level, inputs, metrics = KINDS[kind]
    head = _head(params, next(iter(params.runs)), "", kind)
    ends = [f"{m}{end}" for m in (*metrics, "psnr_gain", "ssim_gain") for end in ("", "_low", "_high")]
    return [*head, *([level] if level else []), "n", *inputs, *ends]


def _over_images(values: pd.Series, statistics: Statistics) -> dict[float, dict[str, float]]:
    """Level -> mean and interval over images, named after the series; values indexed by (level, image)."""
    matrix = values.unstack("level")  # (images, levels)
    if matrix.isna().any(axis=None):
        raise CollectError(f"{values.name}: the images of two runs differ; evaluate both again")
    estimate = mean_interval(matrix.to_numpy(), statistics)
    name = values.name
    return {
        level: {name: value, f"{name}_low": low, f"{name}_high": high}
        for level, value, low, high in zip(matrix.columns, *estimate)
    }
