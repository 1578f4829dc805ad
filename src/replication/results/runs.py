"""Trained runs: what they wrote, their quality and defects as estimates, and the facts of their training.

Quality is a table with the index (test_set, level, image), averaged over the noise draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from replication.results.contrasts import contrast_pairs
from replication.results.estimates import difference, estimates, facts, joined
from replication.results.files import read_csv, read_json
from replication.results.identity import baseline_of, identity
from replication.study.params import Params, Run
from replication.study.paths import ProfilePaths

LOSS_BLOCKS = 200  # points of a loss curve; longer ones are averaged down to this
FINAL_PART = 0.1  # of the logged steps: over them the final loss is averaged
GAINS = ["psnr", "ssim"]  # compared between runs


# A file that an evaluation may write -> the column of the level (none for pairs of photographs), and the scores.
_INPUTS = ["input_psnr", "input_psnr_clipped", "input_ssim", "input_ssim_uniform"]
KINDS: dict[str, tuple[str | None, list[str]]] = {
    "psnr": ("sigma_test", ["psnr", "ssim", "ssim_uniform", *_INPUTS]),
    "jpeg": ("quality", ["psnr", "ssim", "input_psnr"]),
    "real": (None, ["psnr", "ssim", "input_psnr", "input_ssim"]),
}


@dataclass(frozen=True)
class RunResults:
    """What the training and the evaluation of one run wrote; `quality` kind -> rows, see KINDS."""

    training: dict
    cost: dict
    loss: pd.DataFrame
    defect: pd.DataFrame
    quality: dict[str, pd.DataFrame]


def kinds_of(params: Params, name: str) -> tuple[str, ...]:
    """The quality files that the evaluation of a run writes."""
    task = params.tasks[params.runs[name].task]
    return ("real",) if task.noise == "real" else ("psnr", "jpeg") if task.jpeg else ("psnr",)


def run_files(params: Params, paths: ProfilePaths, name: str) -> tuple[list[Path], list[Path]]:
    """What the training and what the evaluation of a run writes; the last one has the fingerprint."""
    evaluation = [*(f"{kind}.csv" for kind in kinds_of(params, name)), "defect.csv", "run.json"]
    return (
        [paths.cost / f"{name}.json", paths.training / f"{name}.csv", paths.training / f"{name}.json"],
        [paths.evaluated(params, name) / file for file in evaluation],
    )


def read_run(params: Params, paths: ProfilePaths, name: str) -> RunResults:
    (cost, loss, training), (*quality, defect, _) = run_files(params, paths, name)
    tables = {file.stem: read_csv(file) for file in quality}
    return RunResults(read_json(training), read_json(cost), read_csv(loss), read_csv(defect), tables)


def image_means(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Means over the noise draws, with the index (test_set, level, image)."""
    column, scores = KINDS[kind]
    level = rows[column].astype(float).round(6) if column else 0.0
    scores = [score for score in scores if score in rows]
    return rows.assign(level=level).groupby(["test_set", "level", "image"])[scores].mean()


def run_estimates(params: Params, results: dict[str, RunResults], leakage: pd.DataFrame | None = None) -> pd.DataFrame:
    """Quality, also without leaked images, gain over the baseline and over other runs, and defects of every run.

    Raises:
        CollectError: the images of two runs that are compared differ.
    """
    means = {(name, kind): image_means(rows, kind) for name in results for kind, rows in results[name].quality.items()}
    parts = []
    for (name, kind), table in means.items():
        baseline = baseline_of(params, name)
        for place, values in _by_test_set(params, name, kind, table):
            parts.append(estimates(values, params.statistics, kind="quality", **place))
            if baseline in results:
                theirs = means[baseline, kind].loc[place["test_set"], GAINS]
                gain = difference(values[GAINS], theirs, f"{name} and {baseline}")
                parts.append(estimates(gain, params.statistics, kind="gain", against=baseline, **place))
            if leakage is not None and kind == "psnr":
                parts += _unleaked(params.runs[name], values["psnr"], leakage, place)
    for name, result in results.items():
        parts += _defects(params, name, result.defect)
    for name, against in contrast_pairs(params, list(results)):
        other = means[against, "psnr"]
        for place, values in _by_test_set(params, name, "psnr", means[name, "psnr"]):
            if place["test_set"] in other.index.get_level_values("test_set"):
                gain = (values[GAINS] - other.loc[place["test_set"], GAINS]).dropna()  # the levels that both have
                parts.append(estimates(gain, params.statistics, kind="contrast", against=against, **place))
    return joined(parts)


def _by_test_set(
    params: Params, name: str, kind: str, means: pd.DataFrame
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Keys, and the table with the index (level, image), of each test set of the task that has results."""
    task = params.tasks[params.runs[name].task]
    corruption = "jpeg" if kind == "jpeg" else task.noise
    for test_set in task.test_sets:
        if test_set in means.index.get_level_values("test_set"):
            yield {"run": name, "test_set": test_set, "corruption": corruption}, means.loc[test_set]


def _unleaked(run: Run, psnr: pd.Series, leakage: pd.DataFrame, place: dict[str, str]) -> Iterator[pd.DataFrame]:
    """PSNR at matched noise without the images found in the run's own training set, where there are any."""
    same = (leakage["train_set"] == run.train_set) & (leakage["test_set"] == place["test_set"])
    leaked = leakage.loc[same & leakage["leaked"].astype(bool), "image"]
    if len(leaked) and isinstance(run.sigma, (int, float)):
        at_level = psnr[psnr.index.get_level_values("level") == round(float(run.sigma), 6)]
        rest = at_level[~at_level.index.get_level_values("image").isin(leaked)]
        mean = pd.DataFrame({"psnr": rest.mean()}, index=at_level.index.unique("level"))
        yield facts(mean, n=len(rest), kind="unleaked", **place)


def _defects(params: Params, name: str, rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Median and largest over all images and levels, and the means at each sigma_test."""
    forms = ["paper", "sharp"]
    extremes = {f"{form}_{of}": rows[form].agg(of) for form in forms if len(rows) for of in ("median", "max")}
    yield facts(pd.DataFrame(extremes, index=[0.0]), n=len(rows), kind="defect", run=name)
    for test_set, part in rows.groupby("test_set", sort=False) if len(rows) else ():
        level = part["sigma_test"].round(6).fillna(0.0)  # pairs of photographs have none
        means = part.assign(level=level).groupby(["level", "image"])[forms].mean()
        made = estimates(means, params.statistics, kind="defect", run=name, test_set=test_set)
        # The defects of three images span a power of ten: an interval of their mean would reach below 0.
        ends = means.groupby("level").agg(["min", "max"])
        places = zip(made["level"].fillna(0.0), made["quantity"])
        yield made.assign(**dict(zip(("low", "high"), zip(*(ends.loc[place] for place in places)))))


def training_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Identity and size of each run; `final_loss` is the mean over the last tenth of the logged steps.

    `backbone_dtype` is what the backbone computed in, which the hardware decides as well as the profile.
    """
    rows = []
    for name, result in results.items():
        keys = ("parameters", "steps", "backbone_dtype")
        last = result.loss["loss"].tail(max(1, round(FINAL_PART * len(result.loss))))
        rows.append(identity(params, name) | {k: result.training[k] for k in keys} | {"final_loss": last.mean()})
    return pd.DataFrame(rows)


def cost_table(results: dict[str, RunResults]) -> pd.DataFrame:
    """What each training took, and on which machine."""
    keys = ("run", "seconds", "device", "threads", "date")
    return pd.DataFrame([{key: result.cost[key] for key in keys} for result in results.values()])


def loss_table(results: dict[str, RunResults]) -> pd.DataFrame:
    """Loss curves, averaged over blocks of consecutive rows where there are more than LOSS_BLOCKS."""
    parts = []
    for name, result in results.items():
        block = np.arange(len(result.loss)) * LOSS_BLOCKS // max(len(result.loss), LOSS_BLOCKS)
        curve = result.loss[["step", "loss", "learning_rate"]].groupby(block).mean()
        curve.insert(0, "run", name)
        parts.append(curve)
    return pd.concat(parts, ignore_index=True)
