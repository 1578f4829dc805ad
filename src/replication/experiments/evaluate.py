"""Evaluation of one run, on test sets that every run shares. Always float32.

Synthetic noise, on a blurred or downsampled image where the run says so, goes through the sweep of sigma_test; pairs
of photographs and JPEG files are taken as they are.
The noisy input is not clipped; the denoised image is, to [0, 1], before PSNR and SSIM. On pairs it is rounded to
8 bits as well (App. M of the paper).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from replication.data.degradations import Degradation, degraded_array
from replication.data.metrics import psnr, ssim, ssim_uniform
from replication.data.noise import TestImage, central_crop, load_test_set, unit_intensity
from replication.experiments.trained import load_run
from replication.study.params import Distribution, Example, Params, Run, Task
from replication.study.paths import ProfilePaths
from replication.study.rng import torch_generator
from wne.console import progress
from wne.equivariance import equivariance_defect, sample_affine
from wne.files import replacing_folder

Denoise = Callable[[np.ndarray], np.ndarray]


def _psnr_clipped(image: np.ndarray, clean: np.ndarray) -> float:
    return psnr(np.clip(image, 0, 1), clean)


Metrics = dict[str, Callable[[np.ndarray, np.ndarray], float]]
# Table -> the metrics of the input and of the output. Their columns are "input_<metric>" and "<metric>".
METRICS: dict[str, tuple[Metrics, Metrics]] = {
    "psnr": (
        {"psnr": psnr, "psnr_clipped": _psnr_clipped, "ssim": ssim, "ssim_uniform": ssim_uniform},
        {"psnr": psnr, "ssim": ssim, "ssim_uniform": ssim_uniform},
    ),
    "jpeg": ({"psnr": psnr}, {"psnr": psnr, "ssim": ssim}),
    "real": ({"psnr": psnr, "ssim": ssim}, {"psnr": psnr, "ssim": ssim}),
}

InputScores = dict[tuple[object, ...], dict[str, float]]
Tables = dict[str, list[dict[str, object]]]  # table -> its rows


class Case(NamedTuple):
    """One input of a test image.

    table: the key of METRICS where its scores go. keys: what identifies its row there.
    sigma: 8-bit units; NaN where the noise is not synthetic. noisy: (C, H, W) float32.
    has_defect: whether the equivariance defect is measured on it, for the images chosen for that.
    """

    table: str
    keys: dict[str, object]
    sigma: float
    noisy: np.ndarray
    has_defect: bool


def evaluate(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Evaluates a group, or one run: results/<profile>/evaluation/<group>/<run>/.

    Raises:
        ParameterError: no group and no run has that name.
        CheckpointError: a run is not trained, or trained with other parameters; runs before it are kept.
        FileNotFoundError: a test set is missing.
    """
    input_scores: InputScores = {}  # the runs of a group see the same inputs
    for run in params.runs_of(name) if name in params.groups else [name]:
        evaluate_run(params, run, paths, device, input_scores)


def evaluate_run(
    params: Params, name: str, paths: ProfilePaths, device: torch.device, input_scores: InputScores | None = None
) -> None:
    """Writes the folder of one run: its tables, the example pictures, and run.json, the last of them.

    psnr.csv: one row for each test image, draw and sigma_test. jpeg.csv, of tasks that say so: for each image of
    the first test set and quality. real.csv, in place of psnr.csv on pairs: for each image. defect.csv: for each
    of the first images of the first test set and sigma_test, draw 0 (empty on pairs).
    `input_scores` keeps the scores of the inputs from one run to the next.
    """
    model = load_run(paths, params, name, device)
    tables = score_tables(params, name, model, paths, device, {} if input_scores is None else input_scores)
    with replacing_folder(paths.evaluated(params, name)) as folder:
        write_tables(folder, tables)
        for key, example in params.examples.items():
            if name in example.runs:
                _write_example(folder, key, example, params, params.run(name), paths, numpy_denoiser(model, device))
        (folder / "run.json").write_text(json.dumps({"run": name, "fingerprint": params.fingerprint(name)}) + "\n")


def score_tables(
    params: Params, name: str, model: nn.Module, paths: ProfilePaths, device: torch.device, input_scores: InputScores
) -> Tables:
    """The rows of the tables of a run, by table: its task's test sets through `model`; see `evaluate_run`."""
    task, denoise = params.tasks[params.run(name).task], numpy_denoiser(model, device)
    tables: Tables = {"real" if task.objective == "paired" else "psnr": [], "defect": []}
    if task.jpeg:
        tables["jpeg"] = []
    for test_set in task.test_sets:
        is_first = test_set == task.test_sets[0]
        for index, image in enumerate(progress(list(load_test_set(paths, test_set)), f"{name} on {test_set}")):
            _check_channels(image, task.channels, test_set)
            for case in cases(params, name, task, test_set, image, with_jpeg=task.jpeg and is_first):
                denoised = denoise(case.noisy)
                row = case.keys | score(case, denoised, image.clean_unit(), input_scores)
                tables[case.table].append(row)
                if case.has_defect and is_first and index < params.test_sets[test_set].defects:
                    row = {"test_set": test_set, "image": image.name, "sigma_test": case.sigma}
                    tables["defect"].append(row | _defect(model, device, case.noisy, denoised, test_set, image.name))
    return tables


def write_tables(folder: Path, tables: Tables) -> None:
    for table, rows in tables.items():
        digits = "%.6g" if table == "defect" else "%.5f"
        pd.DataFrame(rows).to_csv(folder / f"{table}.csv", index=False, float_format=digits)


def numpy_denoiser(model: nn.Module, device: torch.device) -> Denoise:
    """The model as a function of one (C, H, W) float32 array."""

    @torch.inference_mode()
    def denoise(noisy: np.ndarray) -> np.ndarray:
        return model(_batch_of_one(noisy, device))[0].float().cpu().numpy()

    return denoise


def cases(
    params: Params, name: str, task: Task, test_set: str, image: TestImage, with_jpeg: bool = False
) -> Iterator[Case]:
    """The inputs of one test image for a run: its sweep and, when asked for, the JPEG files; or the real noise."""
    keys: dict[str, object] = {"test_set": test_set, "image": image.name}
    if task.objective == "paired":
        if image.noisy is None:
            raise ValueError(f"{test_set} has no pairs of photographs, which run {name} is tested on")
        yield Case("real", keys, float("nan"), unit_intensity(image.noisy), has_defect=True)
        return
    for draw in range(params.test_sets[test_set].draws):
        for sigma in params.sweep(name, test_set):
            swept = {"test_set": test_set, "noise": task.noise, "image": image.name, "draw": draw, "sigma_test": sigma}
            noisy = noisy_image(image, task.noise, draw, sigma, params.runs[name].degradation)
            yield Case("psnr", swept, sigma, noisy, has_defect=draw == 0)
    if with_jpeg:
        for quality, pixels in image.jpeg.items():
            yield Case("jpeg", keys | {"quality": quality}, float("nan"), unit_intensity(pixels), has_defect=False)


def noisy_image(
    image: TestImage, noise: Distribution, draw: int, sigma_8bit: float, degradation: Degradation = "none"
) -> np.ndarray:
    """D clean + sigma * field, (C, H, W) float32, not clipped."""
    observed = degraded_array(image.clean_unit(), degradation)
    return observed + np.float32(sigma_8bit / 255) * image.field_unit(noise, draw)


def score(case: Case, denoised: np.ndarray, clean: np.ndarray, input_scores: InputScores) -> dict[str, float]:
    """The columns of METRICS for one case: PSNR in dB and SSIM. `denoised`, `clean`: (C, H, W), the output not clipped.

    The scores of the input are computed once and kept in `input_scores`.
    """
    of_input, of_output = METRICS[case.table]
    key = (case.table, *case.keys.values())
    if key not in input_scores:
        input_scores[key] = {f"input_{name}": metric(case.noisy, clean) for name, metric in of_input.items()}
    denoised = np.clip(denoised, 0, 1)
    if case.table == "real":
        denoised = np.rint(denoised * 255) / np.float32(255)
    return input_scores[key] | {name: metric(denoised, clean) for name, metric in of_output.items()}


def _defect(
    model: nn.Module, device: torch.device, noisy: np.ndarray, denoised: np.ndarray, test_set: str, image: str
) -> dict[str, float]:
    a, b = sample_affine(1, torch_generator("defect", test_set, image))
    y, of_y = _batch_of_one(noisy, device), torch.from_numpy(denoised)[None].to(device)

    def f(batch: Tensor) -> Tensor:
        return of_y if batch is y else model(batch)  # f(y) is known: one forward pass instead of two

    defect = equivariance_defect(f, y, a, b)
    return {"a": a.item(), "b": b.item(), "paper": defect.paper.item(), "sharp": defect.sharp.item()}


def _batch_of_one(image: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(image)[None].to(device, memory_format=torch.channels_last)


def _write_example(
    folder: Path, key: str, example: Example, params: Params, run: Run, paths: ProfilePaths, denoise: Denoise
) -> None:
    """The clean, noisy and denoised picture, and the same scene at the training noise (Fig. 2)."""
    noise = params.tasks[run.task].noise
    if noise == "real":
        raise ValueError(f"examples.{key}: has a sigma, but its runs are tested on real noise; remove them")
    image = next((i for i in load_test_set(paths, example.test_set) if i.name == example.image), None)
    if image is None:
        raise ValueError(f"examples.{key}: {example.test_set} has no image called {example.image!r}")
    clean, noisy = image.clean_unit(), noisy_image(image, noise, 0, example.sigma)
    denoised = denoise(noisy)
    pictures = {f"{key}-clean": clean, f"{key}-noisy": noisy, key: denoised}
    facts: dict[str, object] = {"sigma_test": example.sigma, "sigma_train": run.sigma}
    if isinstance(run.sigma, (int, float)):
        pictures[f"{key}-noisy-training"] = noisy_image(image, noise, 0, run.sigma)
    for picture_name, picture in pictures.items():
        _save_picture(folder / f"{picture_name}.png", picture, example.size)
    facts |= {"input_psnr": psnr(noisy, clean), "psnr": _psnr_clipped(denoised, clean)}
    (folder / f"{key}.json").write_text(json.dumps(facts) + "\n")


def _save_picture(path: Path, image: np.ndarray, size: int) -> None:
    pixels = np.rint(np.clip(central_crop(np.moveaxis(image, 0, -1), size), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)


def _check_channels(image: TestImage, channels: int, test_set: str) -> None:
    if image.clean.shape[2] != channels:
        raise ValueError(f"{test_set}/{image.name} has {image.clean.shape[2]} channels, the task has {channels}")
