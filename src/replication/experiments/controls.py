"""How much of the wrapper's gain is mere scale matching, and what it does to denoisers that are not trained.

f0 is a baseline trained at sigma_train alone, sigma the noise level of the input y, m = mean(y), z = T_NE(y):

    oracle                     f(y) = m + r (f0(m + (y - m) / r) - m),   r = sigma / sigma_train
    oracle_about_zero          f(y) = r f0(y / r)
    wrapped_at_test            f(y) = m + std(y) f0(z)                                               (Eq. 7)
    wrapped_at_test_rescaled   f(y) = m + std(y) (f0(m' + s z) - m') / s
    tv, nlm, wavelet           told sigma_train and no other level, alone and in the wrapper: replication.experiments.classical

An oracle is told the true sigma and brings the noise to sigma_train by the contrast alone; at sigma_train it is f0.
About its mean an image keeps its brightness; about 0 it keeps its black. Which of them is better depends on
network, images and level, so both are reported.
The forms wrapped at test time are exactly NE without having been trained so. The first gives f0 inputs of mean 0
and deviation 1, which it never saw. The second brings them to the mean m' and deviation s of a typical input of
its training: it is the oracle with sigma / sigma_train guessed as std(y) / s, and with the brightness of m'.
m' and s are taken from the noisy test images at sigma_train; no clean image is used.

Written for each item: table.csv, one row for each denoiser, image, draw and sigma_test (8-bit units), with PSNR
in dB and SSIM of the output clipped to [0, 1], and PSNR of the input and of the clipped input; and defect.csv, the
equivariance defects of `wne.equivariance` on the first images of the test set, draw 0. There an oracle is told
a sigma for a y + b 1, which is the level of that input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from replication.data.metrics import psnr, ssim
from replication.data.noise import load_test_set
from replication.experiments.analysis import analysis_folder
from replication.experiments.classical import Denoise, classical_denoiser, wrapped_classical
from replication.experiments.evaluate import noisy_image, numpy_denoiser
from replication.experiments.trained import load_run
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.rng import torch_generator
from wne.console import progress
from wne.equivariance import Defect, equivariance_defect, sample_affine
from wne.wrapper import NormalizationEquivariant


class TypicalInput(NamedTuple):
    """Mean of the means and geometric mean of the standard deviations of noisy images, in [0, 1]."""

    mean: float
    std: float


class Control(NamedTuple):
    """A denoiser without training of its own. `at` gives it for inputs with noise of sigma, in [0, 1]."""

    denoiser: str
    is_wrapped: bool
    at: Callable[[float], Denoise]


class InTrainingRange(nn.Module):
    """z -> (f0(m + s z) - m) / s: brings normalized inputs (B, C, H, W) to the range that f0 was trained on."""

    def __init__(self, backbone: nn.Module, typical: TypicalInput):
        super().__init__()
        self.backbone, self.typical = backbone, typical

    def forward(self, z: Tensor) -> Tensor:
        mean, std = self.typical
        return (self.backbone(mean + std * z) - mean) / std


def oracle(denoise: Denoise, ratio: float, about_mean: bool = True) -> Denoise:
    """`denoise` on inputs whose contrast is divided by ratio = sigma / sigma_train, about their mean or about 0.

    (C, H, W) floating point to the same; `denoise` itself for a ratio of 1.
    """

    def rescaled(noisy: np.ndarray) -> np.ndarray:
        if ratio == 1:
            return denoise(noisy)
        factor = noisy.dtype.type(ratio)
        centre = noisy.mean(dtype=np.float64).astype(noisy.dtype) if about_mean else noisy.dtype.type(0)
        return centre + factor * (denoise(centre + (noisy - centre) / factor) - centre)

    return rescaled


def typical_input(images: Sequence[np.ndarray]) -> TypicalInput:
    """Mean and contrast of noisy images (C, H, W).

    The geometric mean of the contrasts, because a contrast matters by its ratio to the noise.
    """
    means, stds = [image.mean(dtype=np.float64) for image in images], [image.std(dtype=np.float64) for image in images]
    return TypicalInput(float(np.mean(means)), float(np.exp(np.mean(np.log(stds)))))


def controls(
    model: nn.Module, sigma_train: float, typical: TypicalInput, classical: Sequence[str], device: torch.device
) -> Iterator[Control]:
    """All denoisers of the head of this module; `sigma_train` in [0, 1], `classical` the kinds of replication.experiments.classical."""
    trained = numpy_denoiser(model, device)
    yield Control("oracle", False, lambda sigma: oracle(trained, sigma / sigma_train))
    yield Control("oracle_about_zero", False, lambda sigma: oracle(trained, sigma / sigma_train, about_mean=False))
    for name, backbone in {
        "wrapped_at_test": model,
        "wrapped_at_test_rescaled": InTrainingRange(model, typical),
    }.items():
        yield _blind(name, True, numpy_denoiser(NormalizationEquivariant(backbone).eval(), device))
    for kind in classical:
        yield _blind(kind, False, classical_denoiser(kind, sigma_train))
        yield _blind(kind, True, wrapped_classical(kind, sigma_train, typical.std))


def _blind(name: str, is_wrapped: bool, denoise: Denoise) -> Control:
    return Control(name, is_wrapped, lambda sigma: denoise)


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/controls/<item>/: table.csv and defect.csv.

    Raises:
        ValueError: the run is no baseline, not trained at one noise level, or not tested on that test set.
        CheckpointError: the run is not trained, or trained with other parameters.
        FileNotFoundError: the test set is missing.
    """
    _refuse_unsuitable(params, name)
    item = params.controls[name]
    run, spec = params.runs[item.run], params.test_sets[item.test_set]
    noise = params.tasks[run.task].noise
    images = list(load_test_set(paths, item.test_set))
    typical = typical_input([noisy_image(image, noise, 0, run.sigma) for image in images])
    model = load_run(paths, params, item.run, device)
    denoisers = list(controls(model, run.sigma / 255, typical, item.classical, device))
    quality, defects = [], []
    for index, image in enumerate(progress(images, f"controls {name}")):
        for sigma, draw in product(params.sweep(item.run, item.test_set), range(spec.draws)):
            keys = {"test_set": item.test_set, "noise": noise, "image": image.name, "sigma_test": sigma}
            noisy = noisy_image(image, noise, draw, sigma)
            outputs = [control.at(sigma / 255)(noisy) for control in denoisers]
            quality += [keys | {"draw": draw} | row for row in _quality(denoisers, outputs, noisy, image.clean_unit())]
            if draw == 0 and index < spec.defects:
                a, b = sample_affine(1, torch_generator("defect", item.test_set, image.name))
                defects += [keys | row for row in _defects(denoisers, outputs, noisy, sigma / 255, a, b)]
    with analysis_folder(params, paths, "controls", name) as folder:
        pd.DataFrame(quality).to_csv(folder / "table.csv", index=False, float_format="%.5f")
        pd.DataFrame(defects).to_csv(folder / "defect.csv", index=False, float_format="%.6g")


def _refuse_unsuitable(params: Params, name: str) -> None:
    item = params.controls[name]
    run = params.runs[item.run]
    if run.variant != "baseline" or not isinstance(run.sigma, (int, float)):
        raise ValueError(f"controls.{name}: {item.run} is not a baseline trained at one sigma; name one that is")
    if item.test_set not in (known := params.tasks[run.task].test_sets):
        raise ValueError(
            f"controls.{name}: {item.run} is not tested on {item.test_set}; name one of {', '.join(known)}"
        )


def _quality(
    denoisers: Sequence[Control], outputs: Sequence[np.ndarray], noisy: np.ndarray, clean: np.ndarray
) -> Iterator[dict[str, object]]:
    inputs = {"input_psnr": psnr(noisy, clean), "input_psnr_clipped": psnr(np.clip(noisy, 0, 1), clean)}
    for control, output in zip(denoisers, outputs):
        denoised = np.clip(output, 0, 1)
        scores = {"psnr": psnr(denoised, clean), "ssim": ssim(denoised, clean)}
        yield {"denoiser": control.denoiser, "wrapped": control.is_wrapped} | inputs | scores


def _defects(
    denoisers: Sequence[Control], outputs: Sequence[np.ndarray], noisy: np.ndarray, sigma: float, a: Tensor, b: Tensor
) -> Iterator[dict[str, object]]:
    for control, output in zip(denoisers, outputs):
        defect = control_defect(control, sigma, noisy, output, a, b)
        sizes = {"a": a.item(), "b": b.item(), "paper": defect.paper.item(), "sharp": defect.sharp.item()}
        yield {"denoiser": control.denoiser, "wrapped": control.is_wrapped} | sizes


def control_defect(
    control: Control, sigma: float, noisy: np.ndarray, denoised: np.ndarray, a: Tensor, b: Tensor
) -> Defect:
    """The equivariance defect at `noisy` (C, H, W), noise of level sigma in [0, 1], which `denoised` is made from."""
    y = torch.from_numpy(noisy)[None]
    contrast = noisy.std(dtype=np.float64)

    def f(batch: Tensor) -> Tensor:
        if batch is y:
            return torch.from_numpy(denoised)[None]
        image = batch[0].numpy()
        level = sigma * float(image.std(dtype=np.float64) / contrast)  # a sigma: the noise of a y + b 1
        return torch.from_numpy(control.at(level)(image))[None]

    return equivariance_defect(f, y, a, b)
