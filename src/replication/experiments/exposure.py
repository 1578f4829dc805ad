"""Inputs of another exposure than that of training, contrast a and brightness b: beyond the paper.

    y = a D x + b 1 + s n,       s = a sigma (the noise scales with the exposure)  or  s = sigma (it does not)
    x^ = (f(y) - b 1) / a,       PSNR(min(max(x^, 0), 1), x)

x is a clean image in [0, 1], n its unit noise, D the degradation of the runs: D x = x for a denoiser
(replication.data.degradations). So every output is scored on the scale of x, wherever a and b have put its input.

Under NE and with noise that scales, y = a (D x + sigma n) + b 1 and x^ = f(D x + sigma n) for every a and b. With noise
that does not, x^ = f(D x + (sigma / a) n): for such an f a change of the contrast is then one of the noise level, while any other
network still meets the noise of its training, in an image of another contrast. At a = 1 both noises are the same. Whoever knows
a and b can map the input back before f, and needs no NE where the noise scales. Inputs are neither
clipped nor rounded, as a camera would do.

Written for each item: scores.csv, one row for each image, run and point of a sweep, with the PSNR of the output and of the
input (mapped back, not clipped) in dB,

| sweep | a | b | s |
|---|---|---|---|
| scaled | contrasts | 0 | a sigma |
| fixed | contrasts | 0 | sigma |
| brightness | 1 | brightnesses | sigma |

and, of the first image with noise that scales, pictures.csv with the PSNR of each run at each of the `pictures`, <run>-<place>.png
with the clipped x^, and input-<place>.png with y clipped to [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from replication.data.degradations import degraded_array
from replication.data.metrics import psnr
from replication.data.noise import TestImage, load_test_set
from replication.experiments.analysis import analysis_folder
from replication.experiments.evaluate import Denoise, numpy_denoiser
from replication.experiments.trained import load_run
from replication.study.params import Degradation, Distribution, Exposure, Params
from replication.study.paths import ProfilePaths
from wne.console import progress


def exposed(content: np.ndarray, field: np.ndarray, sigma: float, a: float, b: float, scaled: bool) -> np.ndarray:
    """y = a content + b + s field, with s = a sigma if `scaled`, else sigma.

    content: (C, H, W) float32 in [0, 1], D x; field: the same shape, unit deviation; sigma in [0, 1].
    """
    a, b, s = np.float32(a), np.float32(b), np.float32(a * sigma if scaled else sigma)
    return a * content + b + s * field


def mapped_back(image: np.ndarray, a: float, b: float) -> np.ndarray:
    """(image - b) / a, the scale of x; not clipped."""
    return (image - np.float32(b)) / np.float32(a)


def points(spec: Exposure) -> Iterator[tuple[str, float, float]]:
    """(sweep, a, b) of every row that scores.csv has for one image and run."""
    yield from (("scaled", a, 0.0) for a in spec.contrasts)
    yield from (("fixed", a, 0.0) for a in spec.contrasts)
    yield from (("brightness", 1.0, b) for b in spec.brightnesses)


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/exposure/<item>/, as said at the head of this module.

    Raises:
        ValueError: the test set has fewer images.
        CheckpointError: a run is not trained, or trained with other parameters.
        FileNotFoundError: the test set is missing.
    """
    spec = params.exposure[name]
    first = params.runs[spec.runs[0]]  # all runs have one task and one degradation
    noise, degradation = params.tasks[first.task].noise, first.degradation
    images = list(islice(load_test_set(paths, spec.test_set), spec.images))
    if len(images) < spec.images:
        raise ValueError(f"exposure.{name}: {spec.test_set} has {len(images)} images, not {spec.images}; ask for fewer")
    denoisers = {run: numpy_denoiser(load_run(paths, params, run, device), device) for run in spec.runs}
    rows = [
        row
        for image in progress(images, f"exposure {name}")
        for row in _scores(spec, noise, degradation, image, denoisers)
    ]
    with analysis_folder(params, paths, "exposure", name) as folder:
        pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False, float_format="%.5f")
        pictures = _write_pictures(folder, spec, noise, degradation, images[0], denoisers)
        pd.DataFrame(pictures, columns=["run", "place", "a", "b", "psnr"]).to_csv(
            folder / "pictures.csv", index=False, float_format="%.5f"
        )


def _scores(
    spec: Exposure, noise: Distribution, degradation: Degradation, image: TestImage, denoisers: dict[str, Denoise]
) -> Iterator[dict[str, object]]:
    clean, field = image.clean_unit(), image.field_unit(noise, draw=0)
    observed = degraded_array(clean, degradation)
    for sweep, a, b in points(spec):
        y = exposed(observed, field, spec.sigma / 255, a, b, scaled=sweep == "scaled")
        place = {"image": image.name, "sweep": sweep, "a": a, "b": b, "input_psnr": psnr(mapped_back(y, a, b), clean)}
        for run, denoise in denoisers.items():
            yield {"run": run} | place | {"psnr": psnr(np.clip(mapped_back(denoise(y), a, b), 0, 1), clean)}


def _write_pictures(
    folder: Path,
    spec: Exposure,
    noise: Distribution,
    degradation: Degradation,
    image: TestImage,
    denoisers: dict[str, Denoise],
) -> list[dict[str, object]]:
    clean, field, rows = image.clean_unit(), image.field_unit(noise, draw=0), []
    observed = degraded_array(clean, degradation)
    for place, (a, b) in enumerate(spec.pictures):
        y = exposed(observed, field, spec.sigma / 255, a, b, scaled=True)
        _save(folder / f"input-{place}.png", np.clip(y, 0, 1))
        for run, denoise in denoisers.items():
            restored = np.clip(mapped_back(denoise(y), a, b), 0, 1)
            _save(folder / f"{run}-{place}.png", restored)
            rows.append({"run": run, "place": place, "a": a, "b": b, "psnr": psnr(restored, clean)})
    return rows


def _save(path: Path, image: np.ndarray) -> None:
    """(C, H, W) in [0, 1] with 8 bits."""
    pixels = np.rint(np.moveaxis(image, 0, -1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
