"""Time of one training iteration and of inference, variant against variant (Tables 2, 5 and 6).

Variants take turns within each repetition, in a rotating order, so that a slow moment of the machine
hits all of them; the raw samples are kept, and the ratios are taken repetition by repetition.
NOTE: the published harness times the variants one after the other and keeps the means (App. B.1).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pandas as pd
import torch
from torch import nn

from replication.study.environment import environment
from replication.study.params import Params, TimedFamily
from replication.study.paths import ProfilePaths
from replication.study.rng import torch_generator
from wne.console import progress
from wne.devices import device_name
from wne.files import replacing_folder
from wne.models import create_denoiser


def time_all(params: Params, paths: ProfilePaths) -> None:
    """Writes results/<profile>/timing: samples.csv, one row a sample, and environment.json.

    Times on the CPU, and on the GPU as well where there is one, each at its own input shape.
    """
    devices = [torch.device("cpu")] + ([torch.device("cuda")] if torch.cuda.is_available() else [])
    samples = []
    for device in devices:
        for key, family in params.timing.families.items():
            samples += _time_family(params, key, family, device)
    facts = {**environment(devices[0]), "devices": {d.type: device_name(d) for d in devices}}
    with replacing_folder(paths.timing) as folder:
        pd.DataFrame(samples).to_csv(folder / "samples.csv", index=False, float_format="%.6f")
        (folder / "environment.json").write_text(json.dumps(facts, indent=1) + "\n")


def _time_family(params: Params, key: str, family: TimedFamily, device: torch.device) -> list[dict[str, object]]:
    shape = family.cuda_shape if device.type == "cuda" else family.cpu_shape
    spec = params.models[family.model]
    models = {
        variant: create_denoiser(spec.backbone, variant, channels=shape[1], **spec.size).to(
            device, memory_format=torch.channels_last
        )
        for variant in family.variants
    }
    y = torch.rand(shape, generator=torch_generator("timing")).to(device, memory_format=torch.channels_last)
    timing, rows = params.timing, []
    dimensions = dict(zip(("batch", "channels", "height", "width"), shape))
    for mode, step in (("training", _training_step), ("inference", _inference_step)):
        for repetition in progress(range(-timing.warmup, timing.repetitions), f"{key} {mode} on {device.type}"):
            turn = repetition % len(family.variants)
            for variant in family.variants[turn:] + family.variants[:turn]:
                models[variant].train(mode == "training")
                seconds = _seconds(step, models[variant], y)
                if repetition >= 0:
                    rows.append(
                        {"device": device.type, "family": key, "variant": variant, "mode": mode}
                        | {"repetition": repetition, "seconds": seconds, **dimensions}
                    )
    return rows


def _training_step(model: nn.Module, y: torch.Tensor) -> None:
    """Forward, loss and backward, as in Table 2; no optimizer, whose time does not depend on the variant."""
    model.zero_grad(set_to_none=True)
    (model(y) - y).square().mean().backward()


@torch.no_grad()
def _inference_step(model: nn.Module, y: torch.Tensor) -> None:
    model(y)


def _seconds(step: Callable[[nn.Module, torch.Tensor], None], model: nn.Module, y: torch.Tensor) -> float:
    _wait(y.device)
    start = time.perf_counter()
    step(model, y)
    _wait(y.device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
