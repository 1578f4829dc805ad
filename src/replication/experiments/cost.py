"""What the training of a profile costs, from counted FLOPs and bytes: an estimate, nothing is run.

    hours of a run = steps / 3600 * max(FLOPs / (share peak), bytes / bandwidth)

of forward, loss and backward on the recipe's batch, as `counting` counts them. Peak and bandwidth are those of a card's data
sheet; `share`, how much of the peak is reached, is an assumption. Bytes are those of float32 with nothing fused: bfloat16 and
a compiler save more than half of them. FLOPs alone would say that sorting, softmax, normalizing and copying cost nothing.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable

import pandas as pd
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from replication.experiments.counting import counted
from replication.study.params import Card, Params
from wne.models import create_denoiser


def cost_of_runs(params: Params, card: Card, share: float) -> pd.DataFrame:
    """run, group, steps, flops of all steps, arithmetic_hours, memory_hours and hours, the longer of the two.

    A row for each run of a profile, in the order of the file.
    """
    known: dict[str, tuple[float, float]] = {}
    rows = []
    for name, run in params.runs.items():
        steps, kind = params.recipes[run.recipe].steps, _kind(params, name)
        if kind not in known:
            known[kind] = step_cost(params, name)
        flops, moved = (steps * each for each in known[kind])
        arithmetic = flops / (3600 * share * 1e12 * card.teraflops)
        memory = moved / (3600 * 1e12 * card.terabytes)
        row = {"run": name, "group": run.group, "steps": steps, "flops": flops, "arithmetic_hours": arithmetic}
        rows.append(row | {"memory_hours": memory, "hours": max(arithmetic, memory)})
    return pd.DataFrame(rows)


def step_cost(params: Params, name: str) -> tuple[float, float]:
    """FLOPs of one training step of a run, and the bytes that its operations read and write in float32, with nothing fused."""
    run = params.run(name)
    spec, recipe, channels = params.models[run.model], params.recipes[run.recipe], params.tasks[run.task].channels
    model = create_denoiser(spec.backbone, run.variant, channels=channels, **spec.size)
    model = model.to(memory_format=torch.channels_last).train()
    with FakeTensorMode(allow_non_fake_inputs=True):
        y = torch.empty(recipe.batch, channels, recipe.patch, recipe.patch).to(memory_format=torch.channels_last)
        table = counted(_step, model, y)
    return float((table["calls"] * table["flops"]).sum()), float((table["calls"] * table["bytes"]).sum())


def hours_on(gpus: int, hours: Iterable[float]) -> float:
    """Until the last run is done, one run a GPU at a time, the longest first."""
    busy = [0.0] * gpus
    for run in sorted(hours, reverse=True):
        heapq.heapreplace(busy, busy[0] + run)
    return max(busy)


def _step(model: nn.Module, y: Tensor) -> None:
    (model(y) - y).square().mean().backward()


def _kind(params: Params, name: str) -> str:
    """What the cost of a step depends on."""
    facts, run = params.describe(name), params.run(name)
    recipe = params.recipes[run.recipe]
    channels = params.tasks[run.task].channels
    return json.dumps([facts["model"], run.variant, channels, recipe.batch, recipe.patch], sort_keys=True)
