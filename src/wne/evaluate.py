"""Evaluation of one run over the noise sweep, on benches that every run shares. Always float32.

The noisy input is not clipped; the denoised image is, to [0, 1], before PSNR and SSIM.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from wne.checkpoints import load_run
from wne.equivariance import equivariance_defect, sample_affine
from wne.files import replacing_folder
from wne.metrics import psnr, ssim
from wne.noise import BenchImage, central_crop, load_bench
from wne.params import Distribution, Example, Params, Run
from wne.paths import ProfilePaths
from wne.report import progress
from wne.rng import torch_generator

Denoise = Callable[[np.ndarray], np.ndarray]


def evaluate(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/evaluation/<run>/: psnr.csv, defect.csv, run.json and the example pictures.

    psnr.csv: one row for each test image, draw and sigma_test. defect.csv: one row for each image of the
    first test set at the lowest and highest sigma_test and at sigma_train.

    Raises:
        CheckpointError: the run is not trained, or trained with other parameters.
        FileNotFoundError: a test bench is missing.
    """
    run = params.run(name)
    task = params.tasks[run.task]
    model = load_run(paths.checkpoints / f"{name}.safetensors", params, name, device)
    denoise = numpy_denoiser(model, device)
    quality, defects = [], []
    for test_set in task.test_sets:
        sigmas = sweep(params, run, test_set)
        for image in progress(list(load_bench(paths, test_set)), f"{name} on {test_set}"):
            _check_channels(image, task.channels, test_set)
            quality += [
                {"test_set": test_set, "noise": task.noise, "image": image.name, "draw": draw, "sigma_test": sigma}
                | image_quality(denoise, image, task.noise, draw, sigma)
                for draw in range(params.test_sets[test_set].draws)
                for sigma in sigmas
            ]
            if test_set == task.test_sets[0]:
                defects += _defects(model, device, image, task.noise, run, sigmas, test_set)
    with replacing_folder(paths.evaluation / name) as folder:
        pd.DataFrame(quality).to_csv(folder / "psnr.csv", index=False, float_format="%.5f")
        pd.DataFrame(defects).to_csv(folder / "defect.csv", index=False, float_format="%.4e")
        (folder / "run.json").write_text(json.dumps({"run": name, "fingerprint": params.fingerprint(name)}) + "\n")
        for key, example in params.examples.items():
            if name in example.runs:
                _write_example(folder, key, example, params, run, paths, denoise)


def sweep(params: Params, run: Run, test_set: str) -> list[float]:
    """The noise levels a run is tested at, in 8-bit units: the test set's, and its own training level."""
    own = {run.sigma} if isinstance(run.sigma, (int, float)) else set()
    return sorted({float(sigma) for sigma in params.test_sets[test_set].sigmas} | {float(s) for s in own})


def numpy_denoiser(model: nn.Module, device: torch.device) -> Denoise:
    """The model as a function of one (C, H, W) float32 array."""

    @torch.inference_mode()
    def denoise(noisy: np.ndarray) -> np.ndarray:
        batch = torch.from_numpy(noisy)[None].to(device, memory_format=torch.channels_last)
        return model(batch)[0].float().cpu().numpy()

    return denoise


def image_quality(
    denoise: Denoise, image: BenchImage, noise: Distribution, draw: int, sigma_8bit: float
) -> dict[str, float]:
    """PSNR in dB of the input, of the clipped input and of the clipped output, and the output's SSIM."""
    clean = image.clean_unit()
    noisy = clean + np.float32(sigma_8bit / 255) * image.field_unit(noise, draw)
    denoised = np.clip(denoise(noisy), 0, 1)
    return {
        "input_psnr": psnr(noisy, clean),
        "input_psnr_clipped": psnr(np.clip(noisy, 0, 1), clean),
        "psnr": psnr(denoised, clean),
        "ssim": ssim(denoised, clean),
    }


def _defects(
    model: nn.Module,
    device: torch.device,
    image: BenchImage,
    noise: Distribution,
    run: Run,
    sigmas: list[float],
    test_set: str,
) -> list[dict[str, object]]:
    rows = []
    own = [float(run.sigma)] if isinstance(run.sigma, (int, float)) else []
    for sigma in sorted({sigmas[0], sigmas[-1], *own}):
        a, b = sample_affine(1, torch_generator("defect", test_set, image.name))
        noisy = image.clean_unit() + np.float32(sigma / 255) * image.field_unit(noise, 0)
        batch = torch.from_numpy(noisy)[None].to(device, memory_format=torch.channels_last)
        defect = equivariance_defect(model, batch, a, b)
        rows.append(
            {"test_set": test_set, "image": image.name, "sigma_test": sigma, "a": a.item(), "b": b.item()}
            | {"paper": defect.paper.item(), "sharp": defect.sharp.item()}
        )
    return rows


def _write_example(
    folder: Path, key: str, example: Example, params: Params, run: Run, paths: ProfilePaths, denoise: Denoise
) -> None:
    """The clean, noisy and denoised picture, and the same scene at the training noise (Fig. 2)."""
    noise = params.tasks[run.task].noise
    image = next((i for i in load_bench(paths, example.test_set) if i.name == example.image), None)
    if image is None:
        raise ValueError(f"examples.{key}: {example.test_set} has no image called {example.image!r}")
    clean, field = image.clean_unit(), image.field_unit(noise, 0)
    noisy = clean + np.float32(example.sigma / 255) * field
    denoised = denoise(noisy)
    pictures = {f"{key}-clean": clean, f"{key}-noisy": noisy, key: denoised}
    facts: dict[str, object] = {"sigma_test": example.sigma, "sigma_train": run.sigma}
    if isinstance(run.sigma, (int, float)):
        pictures[f"{key}-noisy-training"] = clean + np.float32(run.sigma / 255) * field
    for picture_name, picture in pictures.items():
        _save_picture(folder / f"{picture_name}.png", picture, example.size)
    facts |= {"input_psnr": psnr(noisy, clean), "psnr": psnr(np.clip(denoised, 0, 1), clean)}
    (folder / f"{key}.json").write_text(json.dumps(facts) + "\n")


def _save_picture(path: Path, image: np.ndarray, size: int) -> None:
    pixels = np.rint(np.clip(central_crop(np.moveaxis(image, 0, -1), size), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)


def _check_channels(image: BenchImage, channels: int, test_set: str) -> None:
    if image.clean.shape[2] != channels:
        raise ValueError(f"{test_set}/{image.name} has {image.clean.shape[2]} channels, the task has {channels}")
