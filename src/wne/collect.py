"""From the files of single runs to tidy tables of all runs, with intervals: results/<profile>/summary/.

| table | one row for each | holds |
|---|---|---|
| curves.csv | run, test set, sigma_test | mean PSNR and SSIM over images, with intervals |
| paired.csv | run with a baseline, test set, sigma_test | mean difference to it on the same images and noise |
| defects.csv | run | median and largest equivariance defect |
| training.csv, loss.csv | run; run and block of steps | size, cost and final loss; the loss curve |
| timing.csv | device, family, mode, variant | median seconds, median paired ratio to the baseline |
| leakage.csv | test image, training set | the part of it found in the training set |
| difficulty.csv | training set, quantity, sigma, place | numbers of `wne difficulty`: see wne.difficulty |
| unleaked.csv | run, test set with such images | PSNR at matched noise with and without them |
| source.json | | fingerprint of each run, and the hash of all that was read |

The runs come from params.yaml, never from a listing of the folder: a removed run leaves files behind.
Unless all of them are there, current and whole, nothing is written.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from wne.files import replacing_folder
from wne.params import Params, Run, Statistics
from wne.paths import ProfilePaths
from wne.statistics import mean_interval, median_interval

LOSS_BLOCKS = 200  # points of a loss curve; longer ones are averaged down to this
FINAL_PART = 0.1  # of the logged steps: over them the final loss is averaged
_MODES = ("training", "inference")


class CollectError(ValueError):
    """Results are missing, stale or incomplete: one line that names them and the command to run."""


class RunResults(NamedTuple):
    """What the training and the evaluation of one run wrote."""

    training: dict
    loss: pd.DataFrame
    psnr: pd.DataFrame
    defect: pd.DataFrame


def collect(params: Params, paths: ProfilePaths) -> None:
    """Writes the summary of a profile (the tables above).

    Raises:
        CollectError: a run is missing, was made with other parameters, or its noise sweep has gaps.
    """
    _refuse_missing(params, paths)
    results = {name: _read_run(paths, name) for name in params.runs}
    _refuse_gaps(params, {name: result.psnr for name, result in results.items()})
    means = {name: image_means(result.psnr) for name, result in results.items()}
    leakage = leakage_table(params, paths)
    tables = {
        "curves": curve_table(params, means),
        "paired": paired_table(params, means),
        "unleaked": unleaked_table(params, means, leakage),
        "defects": defect_table(params, results),
        "training": training_table(params, results),
        "loss": loss_table(results),
        "timing": timing_table(params, _read_csv(paths.timing / "samples.csv")),
        "leakage": leakage,
        "difficulty": difficulty_table(params, paths),
    }
    source = {
        "profile": params.profile,
        "inputs": _hash_files(_input_files(params, paths), paths.results),
        "runs": {name: params.fingerprint(name) for name in params.runs},
        "timing": _read_json(paths.timing / "environment.json"),
    }
    with replacing_folder(paths.summary) as folder:
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, float_format="%.7g")
        (folder / "source.json").write_text(json.dumps(source, indent=1) + "\n")


# --- what must be there -------------------------------------------------------------------------------


def _refuse_missing(params: Params, paths: ProfilePaths) -> None:
    """One error with everything that is missing or stale, each with its command."""
    remake = "wne train RUN && wne evaluate RUN"
    commands = {
        "not trained": remake,
        "trained with other parameters": remake,
        "not evaluated": "wne evaluate RUN",
        "evaluated with other parameters": "wne evaluate RUN",
        "not timed": "wne timing",
        "not audited": "wne audit TRAIN_SET",
        "difficulty not measured": "wne difficulty TRAIN_SET",
    }
    found: dict[str, list[str]] = {}
    for name in params.runs:
        if problem := _problem_of_run(params, paths, name):
            found.setdefault(problem, []).append(name)
    if not ((paths.timing / "samples.csv").is_file() and (paths.timing / "environment.json").is_file()):
        found["not timed"] = list(params.timing.families)
    unaudited = [name for name in params.leakage if not _leakage_file(paths, name).is_file()]
    if unaudited:
        found["not audited"] = unaudited
    unmeasured = [name for name in params.difficulty if not _difficulty_file(paths, name).is_file()]
    if unmeasured:
        found["difficulty not measured"] = unmeasured
    if found:
        parts = [f"{problem}: {', '.join(names)} ({commands[problem]})" for problem, names in found.items()]
        raise CollectError(f"{paths.results}: {'; '.join(parts)}; all of it: dvc repro")


def _problem_of_run(params: Params, paths: ProfilePaths, name: str) -> str | None:
    training, evaluation = paths.training, paths.evaluation / name
    if not ((training / f"{name}.csv").is_file() and (training / f"{name}.json").is_file()):
        return "not trained"
    if _read_json(training / f"{name}.json").get("fingerprint") != params.fingerprint(name):
        return "trained with other parameters"
    if not all((evaluation / file).is_file() for file in ("psnr.csv", "defect.csv", "run.json")):
        return "not evaluated"
    if _read_json(evaluation / "run.json").get("fingerprint") != params.fingerprint(name):
        return "evaluated with other parameters"
    return None


def _refuse_gaps(params: Params, sweeps: dict[str, pd.DataFrame]) -> None:
    """Every run has every (image, draw, sigma_test) of its test sets, once, and all runs the same images."""
    images: dict[str, set[str]] = {}
    for psnr in sweeps.values():
        for test_set, rows in psnr.groupby("test_set"):
            images.setdefault(test_set, set()).update(rows["image"])
    for name, psnr in sweeps.items():
        remedy = f"evaluate it again: wne evaluate {name}"
        task = params.tasks[params.runs[name].task]
        wanted = {
            (test_set, task.noise, image, draw, sigma)
            for test_set in task.test_sets
            for image in images.get(test_set, {"any image"})
            for draw in range(params.test_sets[test_set].draws)
            for sigma in sweep_sigmas(params, params.runs[name], test_set)
        }
        cells = list(zip(psnr["test_set"], psnr["noise"], psnr["image"], psnr["draw"], psnr["sigma_test"].round(6)))
        if missing := sorted(wanted - set(cells)):
            raise CollectError(
                f"{name}: {len(missing)} of {len(wanted)} rows of the noise sweep are missing, "
                f"the first: {_cell(missing[0])}; {remedy}"
            )
        if surplus := sorted(set(cells) - wanted):
            raise CollectError(
                f"{name}: {len(surplus)} rows are not in params, the first: {_cell(surplus[0])}; {remedy}"
            )
        if len(cells) > len(wanted):
            raise CollectError(f"{name}: {len(cells) - len(wanted)} rows of the noise sweep are there twice; {remedy}")
        if not np.isfinite(psnr[["input_psnr", "input_psnr_clipped", "psnr", "ssim"]].to_numpy()).all():
            raise CollectError(f"{name}: psnr.csv has values that are not finite; {remedy}")


def sweep_sigmas(params: Params, run: Run, test_set: str) -> list[float]:
    """The sigma_test of a run, 8-bit units: those of the test set and the one it was trained at."""
    own = {float(run.sigma)} if isinstance(run.sigma, (int, float)) else set()
    return sorted({round(float(sigma), 6) for sigma in params.test_sets[test_set].sigmas} | own)


def _cell(cell: tuple) -> str:
    test_set, noise, image, draw, sigma = cell
    return f"{test_set}/{image}, {noise}, draw {draw}, sigma {sigma:g}"


# --- tables -------------------------------------------------------------------------------------------


def sigma_text(run: Run) -> str:
    """sigma_train for tables and labels: "25", "0-55" for a range, "real" for sensor noise."""
    if run.sigma is None:
        return "real"
    return "-".join(f"{sigma:g}" for sigma in dict.fromkeys(run.sigma_range))


def identity(params: Params, name: str) -> dict[str, object]:
    """The columns that say which run a row belongs to."""
    run = params.runs[name]
    task = params.tasks[run.task]
    return {
        "run": name, "group": run.group, "task": run.task, "objective": task.objective, "channels": task.channels,
        "model": run.model, "backbone": params.models[run.model].backbone, "variant": run.variant,
        "sigma_train": sigma_text(run), "recipe": run.recipe, "train_set": run.train_set, "seed": run.seed,
    }  # fmt: skip


def image_means(psnr: pd.DataFrame) -> pd.DataFrame:
    """Means over the noise draws: one row for each (test_set, noise, sigma_test, image), in that order."""
    keys = ["test_set", "noise", "sigma_test", "image"]
    return psnr.assign(sigma_test=psnr["sigma_test"].round(6)).drop(columns="draw").groupby(keys, sort=True).mean()


def curve_table(params: Params, means: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean over images of every run at every sigma_test; `n` images. Test sets in the order of the task."""
    rows = []
    for name, run in params.runs.items():
        for test_set in params.tasks[run.task].test_sets:
            for noise, part in means[name].loc[test_set].groupby("noise"):
                part = part.droplevel("noise")
                head = identity(params, name) | {"test_set": test_set, "noise": noise}
                quality = {metric: _over_images(part[metric], params.statistics) for metric in ("psnr", "ssim")}
                inputs = part[["input_psnr", "input_psnr_clipped"]].groupby("sigma_test").mean()
                rows += [
                    head | {"sigma_test": sigma, "n": part.index.get_level_values("image").nunique()}
                    | inputs.loc[sigma].to_dict() | quality["psnr"][sigma] | quality["ssim"][sigma]
                    for sigma in inputs.index
                ]  # fmt: skip
    return pd.DataFrame(rows)


def paired_table(params: Params, means: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Gain over the baseline of the same family: mean over images of the difference on equal inputs."""
    rows = []
    for name, run in params.runs.items():
        baseline = baseline_of(params, name)
        if baseline is None:
            continue
        for test_set in params.tasks[run.task].test_sets:
            difference = (means[name] - means[baseline]).loc[test_set]
            for noise, part in difference.groupby("noise"):
                part = part.droplevel("noise")
                head = identity(params, name) | {"baseline": baseline, "test_set": test_set, "noise": noise}
                gains = {m: _over_images(part[m].rename(f"{m}_gain"), params.statistics) for m in ("psnr", "ssim")}
                n = part.index.get_level_values("image").nunique()
                rows += [
                    head | {"sigma_test": sigma, "n": n} | gains["psnr"][sigma] | gains["ssim"][sigma]
                    for sigma in gains["psnr"]
                ]
    return pd.DataFrame(rows)


def unleaked_table(params: Params, means: dict[str, pd.DataFrame], leakage: pd.DataFrame) -> pd.DataFrame:
    """PSNR at matched noise on all images, and without those found in the run's own training set.

    Only runs with such images have rows; `n` and `n_unleaked` count the images.
    """
    columns = ["n", "psnr", "n_unleaked", "psnr_unleaked"]
    rows = []
    for name, run in params.runs.items():
        noise = params.tasks[run.task].noise
        for test_set in params.tasks[run.task].test_sets if isinstance(run.sigma, (int, float)) else []:
            found = leakage[(leakage["train_set"] == run.train_set) & (leakage["test_set"] == test_set)]
            leaked = set(found.loc[found["leaked"].astype(bool), "image"])
            psnr = (
                means[name].loc[test_set]["psnr"].xs(round(float(run.sigma), 6), level="sigma_test").droplevel("noise")
            )
            rest = psnr[~psnr.index.isin(leaked)]
            if leaked:
                counts = {"n": len(psnr), "psnr": psnr.mean(), "n_unleaked": len(rest), "psnr_unleaked": rest.mean()}
                rows.append(identity(params, name) | {"test_set": test_set, "noise": noise} | counts)
    return pd.DataFrame(rows, columns=[*identity(params, next(iter(params.runs))), "test_set", "noise", *columns])


def _over_images(values: pd.Series, statistics: Statistics) -> dict[float, dict[str, float]]:
    """sigma_test -> mean and interval over images, named after the series; values indexed by both."""
    matrix = values.unstack("sigma_test")  # (images, sigmas)
    if matrix.isna().any(axis=None):
        raise CollectError(f"{values.name}: the images of two runs differ; evaluate both again")
    estimate = mean_interval(matrix.to_numpy(), statistics)
    name = values.name
    return {
        sigma: {name: value, f"{name}_low": low, f"{name}_high": high}
        for sigma, value, low, high in zip(matrix.columns, *estimate)
    }


def baseline_of(params: Params, name: str) -> str | None:
    """The run to compare with: variant `baseline` of the same group, task and sigma_train.

    Where a group has several, the one that shares most of model, seed, recipe and training set, in this
    order of weight. So the architectural variants of FDnCNN meet the DnCNN baseline in the core group, as
    in Table 1, and the FDnCNN baseline where there is one.
    """
    run = params.runs[name]
    if run.variant == "baseline":
        return None
    candidates = [
        key
        for key, other in params.runs.items()
        if other.variant == "baseline" and (other.group, other.task, other.sigma) == (run.group, run.task, run.sigma)
    ]
    traits = ("model", "seed", "recipe", "train_set")
    return max(
        candidates,
        key=lambda key: [getattr(params.runs[key], trait) == getattr(run, trait) for trait in traits],
        default=None,
    )


def defect_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Equivariance defects over the images and noise levels of defect.csv; `n` of them."""
    rows = []
    for name, result in results.items():
        defect = result.defect
        row = identity(params, name) | {"n": len(defect)}
        for form in ("paper", "sharp"):
            row |= {f"{form}_median": defect[form].median(), f"{form}_max": defect[form].max()}
        rows.append(row)
    return pd.DataFrame(rows)


def training_table(params: Params, results: dict[str, RunResults]) -> pd.DataFrame:
    """Size and cost of each run; `final_loss` is the mean over the last tenth of the logged steps."""
    rows = []
    for name, (training, loss, _, _) in results.items():
        facts = {key: training[key] for key in ("parameters", "steps", "seconds", "device", "threads", "date")}
        last = loss["loss"].tail(max(1, round(FINAL_PART * len(loss))))
        rows.append(identity(params, name) | facts | {"final_loss": last.mean()})
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


def timing_table(params: Params, samples: pd.DataFrame) -> pd.DataFrame:
    """Median seconds, and the median over repetitions of seconds / seconds of the baseline beside it.

    `ratio` is NaN for a family without a baseline. Devices: those that were measured.
    """
    rows = []
    for device in samples["device"].unique():
        for family in params.timing.families:
            for mode in _MODES:
                rows += _timing_rows(params, samples, device, family, mode)
    return pd.DataFrame(rows)


def _timing_rows(params: Params, samples: pd.DataFrame, device: str, family: str, mode: str) -> list[dict]:
    spec = params.timing.families[family]
    shape = spec.cuda_shape if device == "cuda" else spec.cpu_shape
    part = samples[(samples["device"] == device) & (samples["family"] == family) & (samples["mode"] == mode)]
    seconds = part.pivot(index="repetition", columns="variant", values="seconds")
    measured = {tuple(row) for row in part[["batch", "channels", "height", "width"]].to_numpy()}
    wanted_shape, wanted = {tuple(shape)}, (set(spec.variants), params.timing.repetitions)
    if measured != wanted_shape or wanted != (set(seconds), len(seconds)) or seconds.isna().any(axis=None):
        raise CollectError(
            f"timing of {family}, {mode} on {device}: the samples do not match params; time again: wne timing"
        )
    rows = []
    for variant in spec.variants:
        row = {"device": device, "family": family, "backbone": params.models[spec.model].backbone}
        row |= {"variant": variant, "mode": mode, "n": len(seconds)}
        row |= {"median_seconds": seconds[variant].median(), "ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan}
        if "baseline" in seconds:
            ratio = median_interval((seconds[variant] / seconds["baseline"]).to_numpy(), params.statistics)
            row |= {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high}
        row |= {"batch": shape[0], "channels": shape[1], "height": shape[2], "width": shape[3]}
        rows.append(row)
    return rows


def leakage_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The test images of every audited training set, in the order of params."""
    parts = []
    for train_set, test_sets in params.leakage.items():
        audit = _read_csv(_leakage_file(paths, train_set))
        for test_set in test_sets:
            part = audit[(audit["train_set"] == train_set) & (audit["test_set"] == test_set)]
            if part.empty:
                raise CollectError(f"the audit of {train_set} lacks {test_set}; run: wne audit {train_set}")
            parts.append(part)
    columns = ["test_set", "image", "train_set", "train_image", "matched_fraction", "row", "column", "leaked"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def difficulty_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """The difficulty of every training set measured, in the order of params."""
    parts = []
    for train_set, spec in params.difficulty.items():
        table = _read_csv(_difficulty_file(paths, train_set))
        made_with = (set(table["train_set"]), set(table["patches"]), set(table["patch"]), set(table["sigma"].dropna()))
        if made_with != ({train_set}, {spec.patches}, {spec.patch}, set(spec.sigmas)):
            raise CollectError(
                f"the difficulty of {train_set} was measured with other parameters; run: wne difficulty {train_set}"
            )
        parts.append(table)
    columns = ["train_set", "patches", "patch", "quantity", "sigma", "at", "value"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


# --- reading ------------------------------------------------------------------------------------------


def _leakage_file(paths: ProfilePaths, train_set: str) -> Path:
    return paths.leakage / f"{train_set}.csv"


def _difficulty_file(paths: ProfilePaths, train_set: str) -> Path:
    return paths.difficulty / f"{train_set}.csv"


def _input_files(params: Params, paths: ProfilePaths) -> list[Path]:
    files = [paths.timing / "samples.csv", paths.timing / "environment.json"]
    for name in params.runs:
        files += [paths.training / f"{name}.csv", paths.training / f"{name}.json"]
        files += [paths.evaluation / name / file for file in ("psnr.csv", "defect.csv", "run.json")]
    files += [_leakage_file(paths, train_set) for train_set in params.leakage]
    return files + [_difficulty_file(paths, train_set) for train_set in params.difficulty]


def _hash_files(files: list[Path], root: Path) -> str:
    """Hash of names and contents, so that a table can say which results it was made from."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _read_run(paths: ProfilePaths, name: str) -> RunResults:
    return RunResults(
        training=_read_json(paths.training / f"{name}.json"),
        loss=_read_csv(paths.training / f"{name}.csv"),
        psnr=_read_csv(paths.evaluation / name / "psnr.csv"),
        defect=_read_csv(paths.evaluation / name / "defect.csv"),
    )


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        # Names stay text: an image called "01" must not become the number 1, nor one called "NA" a gap.
        names = {key: str for key in ("run", "test_set", "image", "noise", "sigma_train", "train_image")}
        return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])
    except pd.errors.EmptyDataError:
        raise CollectError(f"{path}: empty; make it again") from None


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError:
        raise CollectError(f"{path}: not valid JSON; make it again") from None


@dataclass(frozen=True)
class Summary:
    """The tables of a profile as `collect` wrote them; see the head of this module."""

    curves: pd.DataFrame
    paired: pd.DataFrame
    defects: pd.DataFrame
    training: pd.DataFrame
    loss: pd.DataFrame
    timing: pd.DataFrame
    leakage: pd.DataFrame
    unleaked: pd.DataFrame
    difficulty: pd.DataFrame
    source: dict


def read_summary(params: Params, paths: ProfilePaths) -> Summary:
    """The collected tables, checked against params again: `dvc repro -s figures` skips `collect`.

    Raises:
        CollectError: the summary is missing, or lacks the current version of a run.
    """
    if not (paths.summary / "source.json").is_file():
        raise CollectError(f"{paths.summary}: no summary of {', '.join(params.runs)}; make it with: wne collect")
    source = _read_json(paths.summary / "source.json")
    stale = [name for name in params.runs if source["runs"].get(name) != params.fingerprint(name)]
    if stale:
        raise CollectError(
            f"{paths.summary}: lacks the current version of {', '.join(stale)}; make it with: wne collect"
        )
    surplus = [name for name in source["runs"] if name not in params.runs]
    if surplus:
        raise CollectError(
            f"{paths.summary}: has runs that params lacks, {', '.join(surplus)}; make it with: wne collect"
        )
    names = ("curves", "paired", "defects", "training", "loss", "timing", "leakage", "unleaked", "difficulty")
    return Summary(**{name: _read_csv(paths.summary / f"{name}.csv") for name in names}, source=source)


def covered(difficulty: pd.DataFrame, train_set: str, quantity: str = "coverage") -> pd.DataFrame:
    """m(sigma_test; sigma_train) of a training set, in [0, 1], or its standard error ("coverage_error").

    A row for each sigma_train, a column for each sigma_test, both falling as in Table 3 of the paper.
    """
    rows = difficulty[(difficulty["train_set"] == train_set) & (difficulty["quantity"] == quantity)]
    matrix = rows.pivot(index="sigma", columns="at", values="value")
    return matrix.sort_index(ascending=False).sort_index(axis="columns", ascending=False)


def awgn(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of grey denoisers trained, with clean targets, at a single level of Gaussian noise."""
    single_noise = table["sigma_train"].str.fullmatch(r"[\d.]+")
    plain = (table["objective"] == "supervised") & (table["channels"] == 1) & (table["noise"] == "gaussian")
    return table[single_noise & plain]


def first_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Of `awgn`, one run for each (backbone, variant, sigma_train), on the first test set of its task.

    Of several (other recipes, other seeds) the first of params.yaml, where the main run stands first.
    """
    rows = awgn(table)
    runs = rows.drop_duplicates(["backbone", "variant", "sigma_train"])[["run", "test_set"]]
    return rows.merge(runs, on=["run", "test_set"])
