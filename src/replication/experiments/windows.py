"""WNE networks with the statistics of windows in place of those of the whole image: beyond the paper.

    f_w(y) = std_k g((y - mean_k 1) / std_k) + mean_k 1     on cell C_k,     mean_k, std_k: of y on window W_k

Training takes mean and std over patches, testing over whole images. f_w is the trained network, tested with the
statistics of w x w windows instead, and no other change: g sees the whole image each time, so no border is added
and its surroundings stay. f_w is normalization equivariant, as f is, and it is f where a window covers the image.

The cells are tiles that do not overlap: they divide the central square of `scored` pixels evenly, each at most w wide,
and W_k has the centre of C_k. Sliding windows would put each pixel in the middle of its own, but in training a pixel lies
anywhere in its patch; and averaging the results of overlapping windows would gain by itself. PSNR is that of the central
square, for the whole image's statistics too.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import torch

from replication.data.metrics import psnr
from replication.data.noise import load_test_set
from replication.experiments.analysis import analysis_folder
from replication.experiments.evaluate import noisy_image, numpy_denoiser
from replication.experiments.trained import load_run
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.console import progress
from wne.moments import instance_statistics
from wne.wrapper import NormalizationEquivariant

Span = tuple[int, int]  # start and end in pixels
WHOLE = 0  # in the place of a window's side: the statistics of the whole image


@torch.inference_mode()
def windowed(
    model: NormalizationEquivariant, noisy: np.ndarray, window: int, scored: int, device: torch.device
) -> np.ndarray:
    """f_w on the central square: (C, H, W) float32, not constant on any window, to (C, s, s) with s <= `scored`."""
    y, rows = torch.from_numpy(noisy)[None].to(device, memory_format=torch.channels_last), []
    for down, top in cells(y.shape[2], window, scored):
        row = []
        for across, left in cells(y.shape[3], window, scored):
            _, mean, std = instance_statistics(y[..., slice(*top), slice(*left)])
            made = std * model.backbone((y - mean) / std) + mean
            row.append(made[0, :, slice(*down), slice(*across)])
        rows.append(torch.cat(row, dim=2))
    return torch.cat(rows, dim=1).cpu().numpy()


def central(size: int, scored: int) -> Span:
    """The central `scored` pixels of an axis of `size`, or all of them."""
    side = min(size, scored)
    return (size - side) // 2, (size - side) // 2 + side


def central_square(image: np.ndarray, scored: int) -> np.ndarray:
    """(C, H, W) to (C, s, s)."""
    return image[:, *(slice(*central(size, scored)) for size in image.shape[1:])]


def cells(size: int, window: int, scored: int) -> list[tuple[Span, Span]]:
    """(cell, window) along an axis of `size` pixels. A window that would leave the image moves inside."""
    start, end = central(size, scored)
    edges = np.linspace(start, end, -(-(end - start) // window) + 1).round().astype(int).tolist()
    side, spans = min(window, size), []
    for low, high in pairwise(edges):
        first = min(max((low + high - side) // 2, 0), size - side)
        spans.append(((low, high), (first, first + side)))
    return spans


def run_levels(params: Params, run: str, test_set: str) -> list[float]:
    """The lowest sigma_test, sigma_train where it is one number, and the highest sigma_test; 8-bit units."""
    sweep, sigma = params.sweep(run, test_set), params.runs[run].sigma
    return sorted({sweep[0], sweep[-1]} | ({float(sigma)} if isinstance(sigma, (int, float)) else set()))


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/windows/<name>/scores.csv: run, image, sigma_test, window (0: whole image), psnr in dB.

    The first noise draw of the first images.

    Raises:
        ValueError: a run is not WNE, is tested on real noise, or not on that test set.
        CheckpointError: a run is not trained, or trained with other parameters.
    """
    spec, rows = params.windows[name], []
    images = list(load_test_set(paths, spec.test_set))[: spec.images]
    for run in spec.runs:
        _refuse_unsuitable(params, name, run)
        model, noise = load_run(paths, params, run, device), params.tasks[params.runs[run].task].noise
        whole = numpy_denoiser(model, device)
        for image in progress(images, f"windows {run}"):
            clean = central_square(image.clean_unit(), spec.scored)
            for sigma in run_levels(params, run, spec.test_set):
                noisy = noisy_image(image, noise, 0, sigma)
                denoised = {WHOLE: central_square(whole(noisy), spec.scored)}
                denoised |= {window: windowed(model, noisy, window, spec.scored, device) for window in spec.windows}
                keys = {"run": run, "image": image.name, "sigma_test": sigma}
                rows += [
                    keys | {"window": window, "psnr": psnr(np.clip(output, 0, 1), clean)}
                    for window, output in denoised.items()
                ]
    with analysis_folder(params, paths, "windows", name) as folder:
        pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False, float_format="%.5f")


def _refuse_unsuitable(params: Params, name: str, run: str) -> None:
    task, test_set = params.tasks[params.runs[run].task], params.windows[name].test_set
    if params.runs[run].variant != "wne" or task.noise == "real":
        raise ValueError(f"windows.{name}: {run} is not a WNE run tested on synthetic noise; name one that is")
    if test_set not in task.test_sets:
        raise ValueError(f"windows.{name}: {run} is not tested on {test_set}; name one of {', '.join(task.test_sets)}")
