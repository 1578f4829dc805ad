"""One trial of a training recipe: published-size network, BSD400, sigma 25, mean squared error, scored on validation."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from replication.data.metrics import psnr
from replication.data.noise import TestImage
from replication.data.patches import PatchSampler
from replication.experiments.evaluate import noisy_image
from replication.experiments.optimizers import optimizers
from replication.study.rng import stream_key, torch_generator
from wne.devices import backbone_dtype
from wne.models import create_denoiser

SIGMA = 25  # 8-bit units, of the training
SIGMAS = (25, 5, 100)  # of the validation
CPU = torch.device("cpu")
CHUNK = 4  # validation images in one forward pass
FEW = 8  # validation images for SwinIR, which takes as long for them as DnCNN for all

SIZES: dict[str, dict[str, object]] = {  # as published
    "dncnn": {"depth": 20, "width": 64},
    "fdncnn": {"depth": 20, "width": 64, "residual": True},
    "swinir": {"depths": [6, 6, 6, 6], "embed_dim": 60, "heads": 6, "window": 8, "mlp_ratio": 2.0, "patch_norm": True},
}


@dataclass(frozen=True)
class Trial:
    """What is trained and how. Rates are the largest of the schedule.

    change: what sets the recipe apart, in words. variant: "<backbone>-<variant>".
    rate: of `optimizer`; rest_rate: Adam's for the parameters that Muon leaves. momentum, nesterov, weight_decay: Muon's.
    batch, patch: images and their side in pixels; in the first `small` of the steps half the side, four times the images.
    schedule: after a linear warm-up over `warm_up` of the steps, a "cosine" or "linear" decay to zero, or "constant".
    average: weight of the past in the exponential average of the weights that is scored; 0 scores the last weights.
    clip: largest norm of the gradient.
    """

    change: str
    variant: str = "dncnn-wne"
    optimizer: str = "adam"
    rate: float = 2e-3
    rest_rate: float = 2e-3
    steps: int = 200
    batch: int = 16
    patch: int = 48
    seed: int = 0
    schedule: str = "cosine"
    warm_up: float = 0.05
    momentum: float = 0.95
    nesterov: bool = True
    weight_decay: float = 0.0
    average: float = 0.0
    clip: float = math.inf
    small: float = 0.0
    initialization: str = "near_identity"


def schedule_factor(trial: Trial, step: int) -> float:
    """Rate of a step, counted from 0, as a share of the largest one."""
    warm_up = round(trial.warm_up * trial.steps)
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, trial.steps - warm_up)
    return {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}[trial.schedule]


def fresh_model(trial: Trial) -> nn.Module:
    backbone, variant = trial.variant.split("-")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_key("recipe", "initialization", trial.seed))
        model = create_denoiser(backbone, variant, **SIZES[backbone], initialization=trial.initialization)
    return model.to(memory_format=torch.channels_last)


def train(trial: Trial, images: Sequence[np.ndarray], precision: str = "bfloat16") -> tuple[nn.Module | None, float]:
    """The trained network, or None when its loss is not finite, and the seconds of its training.

    Everything but the backbone's hidden layers is float32: statistics, last convolution, loss.
    """
    model = fresh_model(trial).train()
    muon = {"momentum": trial.momentum, "nesterov": trial.nesterov, "weight_decay": trial.weight_decay}
    chosen = optimizers(model, trial.optimizer, trial.rate, channels=1, rest_rate=trial.rest_rate, **muon)
    average = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(trial.average), use_buffers=True)
        if trial.average
        else None
    )
    dtype = backbone_dtype(precision, CPU)
    whole, half = PatchSampler(images, trial.patch), PatchSampler(images, trial.patch // 2)
    start = time.perf_counter()
    for step in range(trial.steps):
        factor = schedule_factor(trial, step)
        for optimizer in chosen:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor
        generator = torch_generator("recipe", "training", trial.seed, step)
        is_small = step < trial.small * trial.steps
        clean = half.sample(4 * trial.batch, generator) if is_small else whole.sample(trial.batch, generator)
        noisy = clean + SIGMA / 255 * torch.randn(clean.shape, generator=generator)
        with torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32):
            denoised = model(noisy.contiguous(memory_format=torch.channels_last))
        loss = (denoised.float() - clean).square().mean()
        if not math.isfinite(loss.item()):
            return None, time.perf_counter() - start
        model.zero_grad(set_to_none=True)
        loss.backward()
        if trial.clip < math.inf:
            nn.utils.clip_grad_norm_(model.parameters(), trial.clip)
        for optimizer in chosen:
            optimizer.step()
        if average is not None:
            average.update_parameters(model)
    return (model if average is None else average.module), time.perf_counter() - start


@torch.inference_mode()
def validation_psnr(model: nn.Module, images: Sequence[TestImage], sigma: float) -> float:
    """PSNR in dB, the mean over images of one size; NaN when an output is not finite. Float32."""
    model.eval()
    clean = [image.clean_unit() for image in images]
    noisy = torch.from_numpy(np.stack([noisy_image(image, "gaussian", 0, sigma) for image in images]))
    denoised = torch.cat([model(part.contiguous(memory_format=torch.channels_last)) for part in noisy.split(CHUNK)])
    if not denoised.isfinite().all():
        return math.nan
    return float(np.mean([psnr(d, c) for d, c in zip(denoised.clamp(0, 1).numpy(), clean)]))


def row(trial: Trial, training: Sequence[np.ndarray], validation: Sequence[TestImage]) -> dict[str, object]:
    """The row of recipe.csv. `seconds`: of the training; `load`: processes that wanted a core, mean of a minute."""
    model, seconds = train(trial, training)
    load = os.getloadavg()[0]
    validation = validation[: FEW if trial.variant.startswith("swinir") else None]
    scores = {s: math.nan if model is None else validation_psnr(model, validation, s) for s in SIGMAS}
    facts = {key: getattr(trial, key) for key in ("change", "variant", "optimizer", "rate", "steps", "batch", "patch")}
    facts |= {"seed": trial.seed, "seconds": f"{seconds:.1f}", "load": f"{load:.1f}"}
    return facts | {f"psnr_{sigma}": f"{score:.3f}" for sigma, score in scores.items()}
