"""A tiny profile with made-up results of every stage, for the tests of collecting and rendering."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from replication.results.summary import Summary, fingerprints, summary_of
from replication.study.params import ANALYSES, Params, load_params
from replication.study.paths import ProfilePaths

REPOSITORY = Path(__file__).resolve().parent.parent
IMAGES = ("01", "02", "camera_1", "NA")


def make_params(folder: Path, **replaced: object) -> Params:
    """A profile `tiny`: three DnCNN-like and two SwinIR runs at sigma 25; sections can be replaced."""
    raw = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    runs = {
        name: run
        for name, run in raw["runs"].items()
        if run["group"] in ("cnn", "swinir") and run["sigma"] == 25 and run["variant"] != "se_arch"
    }  # dncnn baseline and wne, fdncnn ne_arch, swinir baseline and wne
    raw |= {"profile": "tiny", "runs": runs, "statistics": {"confidence": 0.95, "resamples": 400, "seed": 0}}
    common = {"channels": 1, "crop": None, "noises": ["gaussian"], "qualities": [], "defects": 2}
    raw["test_sets"] = {
        "set12": {"images": "set12", "draws": 2, "sigmas": [5, 25, 100], **common},
        "photos_b": {"images": "photos_b", "draws": 1, "sigmas": [10, 50], **common},
    }
    raw["tasks"] = {"awgn": {**raw["tasks"]["awgn"], "test_sets": ["set12", "photos_b"]}}
    used = {run["group"] for run in runs.values()}
    raw["groups"] = {name: group for name, group in raw["groups"].items() if name in used}
    raw |= {section: {} for section in ANALYSES}
    raw["leakage"] = {"embedded-train": ["set12"]}
    pair = ["swinir-baseline-s25", "swinir-wne-s25"]
    raw["examples"] = {"fig02": {"test_set": "set12", "image": "01", "sigma": 90, "size": 32, "runs": pair}}
    raw["timing"]["repetitions"] = 4
    raw |= replaced
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(raw, sort_keys=False))
    return load_params(file)


def write_results(params: Params, root: Path, devices: tuple[str, ...] = ("cpu",)) -> ProfilePaths:
    """All that the stages before `collect` write, and the paper's numbers."""
    paths = ProfilePaths(params.profile, root)
    (root / "data").mkdir(parents=True, exist_ok=True)
    for file in (*REPOSITORY.glob("data/paper_*.csv"), REPOSITORY / "data/former_rules.csv"):
        (root / "data" / file.name).write_bytes(file.read_bytes())
    for name in params.runs:
        write_training(params, name, paths)
        write_evaluation(params, name, paths)
    write_timing(params, paths, devices)
    write_counts(params, paths)
    for train_set, test_sets in params.leakage.items():
        paths.leakage.mkdir(parents=True, exist_ok=True)
        rows = [
            {"test_set": test_set, "image": image, "train_set": train_set, "train_image": "t_1", "row": 3, "column": 4}
            | {"matched_fraction": 1.0 if image == "02" else 0.01, "leaked": image == "02"}
            for test_set in test_sets
            for image in IMAGES
        ]
        pd.DataFrame(rows).to_csv(paths.leakage / f"{train_set}.csv", index=False)
    for train_set in params.difficulty:
        write_difficulty(params, train_set, paths)
    return paths


def made_up_coverage(sigma_train: float, sigma_test: float) -> float:
    """95 % on the diagonal, less away from it, and more upward than downward, as in the paper's Table 3."""
    ratio = sigma_test / sigma_train
    return 0.95 * (ratio**-0.05 if ratio >= 1 else ratio)


def write_difficulty(params: Params, train_set: str, paths: ProfilePaths) -> None:
    """Ten bins with as many patches at any sigma; half the patches have less contrast than 40 of 255."""
    spec = params.difficulty[train_set]
    rows = []
    for sigma in spec.sigmas:
        for quantity in ("histogram", "approximation"):
            rows += [(quantity, sigma, spec.patch / 10 * bin, spec.patches // 10) for bin in range(10)]
        rows.append(("error", sigma, np.nan, 0.012))
        rows += [("quantile", sigma, p, spec.patch * p) for p in (0.025, 0.5, 0.975)]
        for quantity, scale in (("coverage", 1.0), ("coverage_error", 0.01)):
            rows += [(quantity, sigma, test, scale * made_up_coverage(sigma, test)) for test in spec.sigmas]
    rows += [("contrast", np.nan, p, 80 * p) for p in (0, 0.25, 0.5, 0.75, 1)]
    table = pd.DataFrame(rows, columns=["quantity", "sigma", "at", "value"])
    table = table.assign(train_set=train_set, patches=spec.patches, patch=spec.patch)
    paths.difficulty.mkdir(parents=True, exist_ok=True)
    table.to_csv(paths.difficulty / f"{train_set}.csv", index=False)


def write_training(params: Params, name: str, paths: ProfilePaths) -> None:
    paths.training.mkdir(parents=True, exist_ok=True)
    step = np.arange(10, 810, 10)
    curve = {"step": step, "loss": 0.02 / np.sqrt(step), "learning_rate": 1e-3}
    pd.DataFrame(curve).to_csv(paths.training / f"{name}.csv", index=False)
    facts = {"run": name, "fingerprint": params.fingerprint(name), "config": params.describe(name)}
    facts |= {"parameters": 56_000, "steps": 800, "backbone_dtype": "bfloat16"}
    (paths.training / f"{name}.json").write_text(json.dumps(facts))
    cost = {"run": name, "seconds": 81.5, "device": "Some CPU @ 2.00 GHz_x", "threads": 2}
    cost |= {"versions": {"torch": "2.0"}, "date": "2026-01-02"}
    paths.cost.mkdir(parents=True, exist_ok=True)
    (paths.cost / f"{name}.json").write_text(json.dumps(cost))


def made_up_psnr(variant: str, sigma_train: float, sigma_test: float) -> float:
    """dB, with the shape of the paper's curves: flat below the training noise, a collapse of the baseline above."""
    clean_level = 38.0 - 3.4 * np.log2(max(sigma_test, 1) / 5)
    floor = 38.0 - 3.4 * np.log2(sigma_train / 5)
    if variant == "baseline":
        excess = max(0.0, np.log2(sigma_test / sigma_train))
        return min(clean_level, floor) - 5.5 * min(excess, 1.0) - 1.0 * excess
    losses = {"se_arch": 0.75, "ne_arch": 0.28, "wne": 0.25}
    low = max(0.0, np.log2(sigma_train / sigma_test))
    return clean_level - losses.get(variant, 0.4) * low**2


def write_evaluation(params: Params, name: str, paths: ProfilePaths) -> None:
    run, folder = params.runs[name], paths.evaluated(params, name)
    folder.mkdir(parents=True, exist_ok=True)
    task, defects = params.tasks[run.task], []
    for kind, rows in made_up_quality(params, name).items():
        pd.DataFrame(rows).to_csv(folder / f"{kind}.csv", index=False, float_format="%.5f")
    for sigma in params.sweep(name, task.test_sets[0]) or [np.nan]:
        for index, image in enumerate(IMAGES[: params.test_sets[task.test_sets[0]].defects]):
            size = 1e-7 if run.variant in ("wne", "ne_arch") else 0.1
            defects.append({"test_set": task.test_sets[0], "image": image, "sigma_test": sigma, "a": 1.0, "b": 0.1})
            defects[-1] |= {"paper": size * (1 + index), "sharp": 3 * size * (1 + index)}
    pd.DataFrame(defects).to_csv(folder / "defect.csv", index=False, float_format="%.4e")
    (folder / "run.json").write_text(json.dumps({"run": name, "fingerprint": params.fingerprint(name)}))
    for key, example in params.examples.items():
        if name in example.runs:
            ramp = np.linspace(0, 255, example.size).astype(np.uint8)[None].repeat(example.size, 0)
            for picture in (key, f"{key}-noisy", f"{key}-clean", f"{key}-noisy-training"):
                Image.fromarray(ramp).save(folder / f"{picture}.png")
            facts = {"psnr": 12.5, "input_psnr": 9.0, "sigma_test": example.sigma, "sigma_train": run.sigma}
            (folder / f"{key}.json").write_text(json.dumps(facts))


def made_up_quality(params: Params, name: str) -> dict[str, list[dict]]:
    """The rows of psnr.csv, jpeg.csv or real.csv of a run; images differ by 1.2 dB, draws by 0.01 dB."""
    run = params.runs[name]
    task = params.tasks[run.task]
    train = float(np.mean(run.sigma_range)) if run.sigma is not None else 25.0
    rows: dict[str, list[dict]] = {}
    for test_set in task.test_sets:
        spec = params.test_sets[test_set]
        for index, image in enumerate(IMAGES):
            head = {"test_set": test_set, "image": image}
            offset = 1.2 * (index - 1.5)
            if task.noise == "real":
                psnr = 34.0 + 0.05 * (run.variant == "wne") + offset
                real = {"input_psnr": 27.0 + offset, "input_ssim": 0.6, "psnr": psnr, "ssim": psnr / 40}
                rows.setdefault("real", []).append(head | real)
                continue
            for draw in range(spec.draws):
                for sigma in params.sweep(name, test_set):
                    noisy = -20 * np.log10(sigma / 255)
                    psnr = made_up_psnr(run.variant, train, sigma) + offset + 0.01 * draw
                    row = head | {"noise": task.noise, "draw": draw, "sigma_test": sigma, "input_psnr": noisy}
                    row |= {"input_psnr_clipped": noisy + sigma / 45, "input_ssim": noisy / 45}
                    row |= {
                        "input_ssim_uniform": noisy / 50,
                        "psnr": psnr,
                        "ssim": psnr / 40,
                        "ssim_uniform": psnr / 42,
                    }
                    rows.setdefault("psnr", []).append(row)
            for quality in spec.qualities if task.jpeg and test_set == task.test_sets[0] else []:
                noisy = 24 + quality / 10 + offset
                psnr = noisy + (0.4 if run.variant != "baseline" else 0.1)
                row = {"quality": quality, "input_psnr": noisy, "psnr": psnr, "ssim": psnr / 40}
                rows.setdefault("jpeg", []).append(head | row)
    return rows


def default_summary(folder: Path) -> tuple[Params, ProfilePaths, Summary]:
    """Made-up results of every run of the default profile, collected; the analyses' tables are empty."""
    params, made, summary = _default_summary()
    shutil.copytree(made.name, folder, dirs_exist_ok=True)
    return params, ProfilePaths(params.profile, folder), deepcopy(summary)


@cache
def _default_summary() -> tuple[Params, TemporaryDirectory, Summary]:
    """Three seconds: once in each process, and copied for each who changes it."""
    from replication.results.profile import tables

    params, folder = load_params(REPOSITORY / "params.yaml"), TemporaryDirectory()
    params = params.model_copy(update={"statistics": params.statistics.model_copy(update={"resamples": 100})})
    paths = write_results(params, Path(folder.name))
    files = tables(params.model_copy(update={key: {} for key in ANALYSES}), paths)
    source = {"inputs": "made-up", "fingerprints": fingerprints(params), "timing": {"devices": {"cpu": "Some CPU"}}}
    return params, folder, summary_of(files, source)


def write_timing(params: Params, paths: ProfilePaths, devices: tuple[str, ...]) -> None:
    """The wrapper takes 1.02 times the baseline's time, the architectural variants 1.7 times, in each repetition."""
    paths.timing.mkdir(parents=True, exist_ok=True)
    rows = []
    for device in devices:
        for key, family in params.timing.families.items():
            shape = family.cuda_shape if device == "cuda" else family.cpu_shape
            for mode in ("training", "inference"):
                for repetition in range(params.timing.repetitions):
                    for variant in family.variants:
                        seconds = {"baseline": 1.0, "wne": 1.02}.get(variant, 1.7) * 0.1 * (1 + repetition)
                        row = {"device": device, "family": key, "variant": variant, "mode": mode, "seconds": seconds}
                        row |= dict(zip(("batch", "channels", "height", "width"), shape))
                        rows.append(row | {"repetition": repetition})
    pd.DataFrame(rows).to_csv(paths.timing / "samples.csv", index=False)
    facts = {"devices": {d: f"Some {d.upper()}" for d in devices}, "threads": 2, "versions": {}, "date": "2026-01-02"}
    (paths.timing / "environment.json").write_text(json.dumps(facts))


def write_counts(params: Params, paths: ProfilePaths) -> None:
    """One operation that computes and one that moves data; the wrapper adds one of the second, NE-arch twenty."""
    paths.counts.mkdir(parents=True, exist_ok=True)
    for key, family in params.timing.families.items():
        rows = []
        for variant in family.variants:
            for mode in ("training", "inference"):
                moves = {"baseline": 20, "wne": 21}.get(variant, 40)
                same = {"variant": variant, "mode": mode}
                same |= dict(zip(("batch", "channels", "height", "width"), family.cuda_shape))
                rows.append({"operation": "convolution", "flops": 10**10, "bytes": 10**8, "calls": 20} | same)
                rows.append({"operation": "add", "flops": 0, "bytes": 10**8, "calls": moves} | same)
        pd.DataFrame(rows).to_csv(paths.counts / f"{key}.csv", index=False)
