"""Training of one run: resumable to the last bit, because each step draws from its own random stream.

minimize  mean |f(x + sigma n) - x|^p,   p = 2 (mse, Eq. 9 of the paper) or 1 (l1)

or, on pairs of a noisy and a clean photograph, mean |f(y) - x|^p (App. M).
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from replication.data.images import load_pairs, load_set
from replication.data.patches import PatchSampler
from replication.experiments.optimizers import optimizers
from replication.study.environment import environment
from replication.study.params import Distribution, Params, Recipe, Run, Task
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import stream_key, torch_generator
from wne.checkpoints import save_checkpoint
from wne.console import progress, say
from wne.devices import backbone_dtype
from wne.files import replacing, write_text
from wne.models import create_denoiser

WARM_UP = 0.05  # share of the steps in which one_cycle climbs to its largest rate


class TrainingError(RuntimeError):
    """Training cannot go on; one line says why."""


@dataclass
class Curve:
    """The training curve so far, and the loss summed since its last row."""

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0  # of training, over all sessions
    loss_sum: float = 0.0
    loss_count: int = 0


def train(
    params: Params, name: str, paths: ProfilePaths, device: torch.device, max_seconds: float | None = None
) -> bool:
    """Trains a run from its last state, or from scratch. Returns whether it is finished.

    Writes checkpoints/<profile>/<group>/<run>.safetensors; under results/<profile>/training <run>.csv (step, loss,
    learning_rate) and <run>.json (configuration); and results/<profile>/cost/<run>.json (seconds, hardware, date),
    apart because every training has another. Until then a state to resume from, every `state_every` steps and when
    `max_seconds` are over. A state of other parameters is dropped.

    Raises:
        TrainingError: the loss is not finite, or the saved state is damaged.
    """
    run = params.run(name)
    task, recipe = params.tasks[run.task], params.recipes[run.recipe]
    sampler = PatchSampler(_training_images(paths.root / IMAGES, run, task), recipe.patch, device)
    model = _fresh_model(params, run, task).to(device, memory_format=torch.channels_last).train()
    chosen = optimizers(model, recipe.optimizer, recipe.lr, channels=task.channels)
    fingerprint = params.fingerprint(name)
    state_file = paths.states / f"{name}.pt"
    first, curve = _resume(state_file, fingerprint, recipe.steps, model, chosen)

    # Compilation costs a minute or more: it pays on a GPU, and not in the short schedules of a CPU.
    network = torch.compile(model) if device.type == "cuda" else model
    dtype = backbone_dtype(params.precision, device)
    row_every = max(1, recipe.steps // 100)
    start = time.perf_counter() - curve.seconds
    session_end = time.perf_counter() + (max_seconds if max_seconds is not None else math.inf)
    bar = progress(range(first, recipe.steps), name, initial=first, total=recipe.steps)
    for step in bar:
        rate = learning_rate(recipe, step)
        for group in (group for optimizer in chosen for group in optimizer.param_groups):
            group["lr"] = rate
        generator = torch_generator("training", params.seed, run.seed, step, device=device)
        # Layers that draw numbers (stochastic depth) take them from torch's own stream.
        torch.manual_seed(stream_key("layers", params.seed, run.seed, step))
        clean = sampler.sample(recipe.batch, generator)
        noisy, target = training_pair(clean, run, task, generator)
        with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
            denoised = network(noisy.contiguous(memory_format=torch.channels_last))
        error = denoised.float() - target
        loss = error.square().mean() if recipe.loss == "mse" else error.abs().mean()
        model.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in chosen:
            optimizer.step()

        curve.loss_sum, curve.loss_count = curve.loss_sum + loss.detach(), curve.loss_count + 1
        done = step + 1
        if done % row_every == 0 or done == recipe.steps:
            _add_row(curve, name, done, rate)
            bar.set_postfix(loss=f"{curve.rows[-1]['loss']:.2e}", refresh=False)
        out_of_time = time.perf_counter() > session_end and done < recipe.steps
        if out_of_time or (done % params.state_every == 0 and done < recipe.steps):
            curve.seconds = time.perf_counter() - start
            _save_state(state_file, fingerprint, model, chosen, done, curve)
        if out_of_time:
            bar.close()
            return False

    curve.seconds = time.perf_counter() - start
    _write_results(params, name, paths, model, curve, device, dtype)
    state_file.unlink(missing_ok=True)
    return True


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of a step, counted from 0."""
    if recipe.schedule == "constant":
        return recipe.lr
    if recipe.schedule == "halving":
        return recipe.lr * 0.5 ** (step // recipe.halve_every)
    if recipe.schedule == "cosine":
        return recipe.lr_end + (recipe.lr - recipe.lr_end) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
    warm_up = max(1, round(WARM_UP * recipe.steps))
    if step < warm_up:
        return recipe.lr * (step + 1) / warm_up
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, recipe.steps - warm_up)))


def training_pair(clean: Tensor, run: Run, task: Task, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What the network sees and what it should give back, both (B, C, P, P), not clipped.

    supervised: x + sigma n and x. n2n: two noisy copies of x (App. N). soft_ne: the supervised pair under a
    random y -> alpha y + mu 1, alpha and mu from U(0, 1), one pair an image (App. D).
    `sigma` is fixed or uniform over the run's range, one value an image.
    paired: `clean` has 2 C channels, the noisy photograph and the clean one, and nothing is drawn (App. M).
    """
    if task.objective == "paired":
        return clean.chunk(2, dim=1)
    low, high = run.sigma_range
    batch = (clean.shape[0], 1, 1, 1)
    unit = torch.rand(batch, generator=generator, device=clean.device)
    sigma = (low + (high - low) * unit) / 255
    noisy = clean + sigma * _training_noise(task.noise, clean, generator)
    if task.objective == "n2n":
        return noisy, clean + sigma * _training_noise(task.noise, clean, generator)
    if task.objective == "soft_ne":
        alpha, mu = torch.rand(2, *batch, generator=generator, device=clean.device)
        return alpha * noisy + mu, alpha * clean + mu
    return noisy, clean


def _training_noise(distribution: Distribution, like: Tensor, generator: torch.Generator) -> Tensor:
    """Unit-variance noise on the device: the laws of `noise.unit_noise`, in float32 and without storing."""
    if distribution == "gaussian":
        return torch.randn(like.shape, generator=generator, device=like.device)
    uniform = torch.rand(like.shape, generator=generator, device=like.device).clamp_min(2.0**-25)
    if distribution == "uniform":
        return math.sqrt(12) * (uniform - 0.5)
    if distribution == "laplace":
        centred = (uniform - 0.5) * (1 - 2.0**-23)  # keeps log1p finite at the ends
        return -centred.sign() * torch.log1p(-2 * centred.abs()) / math.sqrt(2)
    if distribution == "rayleigh":
        return (-2 * uniform.log()).sqrt() / math.sqrt(2 - math.pi / 2)
    raise TrainingError(f"there is no synthetic noise called {distribution!r}")


def _training_images(root: Path, run: Run, task: Task) -> list[np.ndarray]:
    """(H, W, C) uint8 each; of pairs (H, W, 2 C), noisy before clean, so that both are cropped and turned alike."""
    if task.objective == "paired":
        if task.channels != 3:
            raise TrainingError(f"task {run.task} has {task.channels} channels, but pairs of photographs have 3")
        return [np.concatenate((noisy, clean), axis=2) for _, noisy, clean in load_pairs(root, run.train_set)]
    return [pixels for _, pixels in load_set(root, run.train_set, task.channels)]


def _fresh_model(params: Params, run: Run, task: Task) -> nn.Module:
    """Initialized from the run's seeds alone; variants of one backbone start from the same weights."""
    spec = params.models[run.model]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_key("initialization", params.seed, run.seed))
        return create_denoiser(spec.backbone, run.variant, channels=task.channels, **spec.size)


def _add_row(curve: Curve, name: str, step: int, rate: float) -> None:
    loss = float(curve.loss_sum) / curve.loss_count
    if not math.isfinite(loss):
        raise TrainingError(
            f"run {name}: the loss is {loss} at step {step}; lower the recipe's lr, or use precision: float32"
        )
    curve.rows.append({"step": step, "loss": loss, "learning_rate": rate})
    curve.loss_sum, curve.loss_count = 0.0, 0


def _save_state(
    path: Path, fingerprint: str, model: nn.Module, chosen: list[Optimizer], step: int, curve: Curve
) -> None:
    state = {
        "fingerprint": fingerprint,
        "step": step,
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in chosen],
        "rows": curve.rows,
        "seconds": curve.seconds,
        "loss_sum": float(curve.loss_sum),
        "loss_count": curve.loss_count,
    }
    with replacing(path) as temporary:
        torch.save(state, temporary)


def _resume(path: Path, fingerprint: str, steps: int, model: nn.Module, chosen: list[Optimizer]) -> tuple[int, Curve]:
    """The step to go on from and the curve up to it; (0, an empty curve) without a usable state."""
    if not path.exists():
        return 0, Curve()
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["fingerprint"] != fingerprint:
            say(f"{path}: was made with other parameters; training from the start")
            return 0, Curve()
        step, curve = state["step"], Curve(state["rows"], state["seconds"], state["loss_sum"], state["loss_count"])
        if type(step) is not int or not 0 < step < steps:
            raise ValueError(f"step {step} of {steps}")
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(chosen, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(f"{path}: damaged training state ({reason}); delete it to train from the start") from None
    say(f"{path}: resuming at step {step}")
    return step, curve


def _write_results(
    params: Params,
    name: str,
    paths: ProfilePaths,
    model: nn.Module,
    curve: Curve,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    config, fingerprint = params.describe(name), params.fingerprint(name)
    save_checkpoint(paths.checkpoint(params, name), model, config, fingerprint)
    with replacing(paths.training / f"{name}.csv") as temporary:
        pd.DataFrame(curve.rows).to_csv(temporary, index=False, float_format="%.6g")
    facts = {
        "run": name,
        "fingerprint": fingerprint,
        "config": config,
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": params.recipes[params.runs[name].recipe].steps,
        "backbone_dtype": str(dtype).removeprefix("torch."),
    }
    write_text(paths.training / f"{name}.json", json.dumps(facts, indent=1) + "\n")
    cost = {"run": name, "seconds": round(curve.seconds, 1), **environment(device)}
    write_text(paths.cost / f"{name}.json", json.dumps(cost, indent=1) + "\n")
