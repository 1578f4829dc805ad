"""Training of one run: resumable to the last bit, because each step draws from its own random stream.

minimize  mean |f(x + sigma n) - x|^p,   p = 2 (mse, Eq. 9 of the paper) or 1 (l1)

or, on pairs of a noisy and a clean photograph, mean |f(y) - x|^p (App. M).
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from replication.data.degradations import degraded
from replication.data.images import load_pairs, load_set
from replication.data.patches import PatchSampler
from replication.experiments.compiled import compiled_network
from replication.experiments.optimizers import optimizers
from replication.experiments.parallel import ALONE, Processes
from replication.experiments.states import Curve, TrainingError, resume, row_every, save_state
from replication.study.environment import environment
from replication.study.params import Distribution, Params, Recipe, Run, Task
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import stream_key, torch_generator
from wne.checkpoints import save_checkpoint
from wne.console import progress
from wne.devices import backbone_dtype
from wne.files import replacing, write_text
from wne.models import create_denoiser

WARM_UP = 0.05  # share of the steps in which one_cycle climbs to its largest rate


class Steps:
    """The steps of a run: the network, its optimizers, and the images that it is trained on.

    Called with a step, counted from 0, it takes it and gives the loss of this process's part of the batch, on the device.
    Nothing in it waits for the device.

    Raises:
        TrainingError: the batch has no equal part for each process, or a layer that cannot work on parts.
    """

    def __init__(
        self,
        params: Params,
        name: str,
        images: list[np.ndarray],
        device: torch.device,
        processes: Processes = ALONE,
        compiles: bool = True,
    ):
        self.params, self.run, self.device, self.processes = params, params.run(name), device, processes
        self.task, self.recipe = params.tasks[self.run.task], params.recipes[self.run.recipe]
        processes.check_batch(self.recipe.batch, self.run.recipe)
        self.sampler = PatchSampler(images, self.recipe.patch, device)
        model = _fresh_model(params, self.run, self.task)
        processes.synchronize(model)
        self.model = model.to(device, memory_format=torch.channels_last).train()
        self.chosen = optimizers(self.model, self.recipe.optimizer, self.recipe.lr, channels=self.task.channels)
        self.dtype = backbone_dtype(params.precision, device)
        network = self.model
        # Compilation costs a minute or more: it pays on a GPU, and not in the short schedules of a CPU.
        if device.type == "cuda" and compiles:
            shape = (self.recipe.batch // processes.count, self.task.channels, self.recipe.patch, self.recipe.patch)
            network = compiled_network(self.model, shape, device, self.dtype, processes)
        self.is_compiled = network is not self.model
        self.network = processes.averaged(network, device)

    def __call__(self, step: int) -> Tensor:
        rate = learning_rate(self.recipe, step)
        for group in (group for optimizer in self.chosen for group in optimizer.param_groups):
            group["lr"] = rate
        generator = torch_generator("training", self.params.seed, self.run.seed, step, device=self.device)
        # Layers that draw numbers (stochastic depth) take them from torch's own stream.
        torch.manual_seed(stream_key("layers", self.params.seed, self.run.seed, step))
        clean = self.sampler.sample(self.recipe.batch, generator)
        noisy, target = map(self.processes.part, training_pair(clean, self.run, self.task, generator))
        self.model.zero_grad(set_to_none=True)  # before the forward pass: a CUDA graph takes their memory
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            denoised = self.network(noisy.contiguous(memory_format=torch.channels_last))
        error = denoised.float() - target
        loss = error.square().mean() if self.recipe.loss == "mse" else error.abs().mean()
        loss.backward()
        for optimizer in self.chosen:
            optimizer.step()
        return loss.detach()


def train(
    params: Params,
    name: str,
    paths: ProfilePaths,
    device: torch.device,
    max_seconds: float | None = None,
    processes: Processes = ALONE,
) -> bool:
    """Trains a run from its last state, or from scratch. Returns whether it is finished.

    Writes checkpoints/<profile>/<group>/<run>.safetensors; under results/<profile>/training <run>.csv (step, loss,
    learning_rate) and <run>.json (configuration); and results/<profile>/cost/<run>.json (seconds, hardware, date),
    apart because every training has another. Until then a state to resume from, every `state_every` steps and when
    `max_seconds` are over. A state of other parameters is dropped.

    Several processes (`parallel.joined`) call it together, and the first one writes.

    Raises:
        TrainingError: the loss is not finite, or the saved state is damaged; or the processes cannot share the run.
    """
    run = params.run(name)
    images = _training_images(paths.root / IMAGES, run, params.tasks[run.task])
    steps, total = Steps(params, name, images, device, processes), params.recipes[run.recipe].steps
    fingerprint, state_file = params.fingerprint(name), paths.states / f"{name}.pt"
    first, curve = resume(state_file, fingerprint, total, steps.model, steps.chosen, processes.say)
    if not processes.all_hold(processes.as_first(first) == first):
        raise TrainingError(f"{state_file}: not the same for all processes; they need one folder of states")

    start = time.perf_counter() - curve.seconds
    session_end = time.perf_counter() + (max_seconds if max_seconds is not None else math.inf)
    bar = progress(range(first, total), name, initial=first, total=total, disable=not processes.is_first)
    for step in bar:
        loss = steps(step)
        curve.loss_sum, curve.loss_count = curve.loss_sum + loss, curve.loss_count + 1
        done = step + 1
        if done % row_every(total) == 0 or done == total:
            _add_row(curve, name, done, learning_rate(steps.recipe, step), processes)
            bar.set_postfix(loss=f"{curve.rows[-1]['loss']:.2e}", refresh=False)
        out_of_time = time.perf_counter() > session_end and done < total
        if max_seconds is not None:
            out_of_time = bool(processes.as_first(out_of_time))
        if out_of_time or (done % params.state_every == 0 and done < total):
            curve.seconds, curve.loss_sum = time.perf_counter() - start, processes.mean(curve.loss_sum)
            if processes.is_first:
                save_state(state_file, fingerprint, steps.model, steps.chosen, done, curve)
        if out_of_time:
            bar.close()
            return False

    curve.seconds = time.perf_counter() - start
    if processes.is_first:
        _write_results(params, name, paths, steps, curve)
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

    supervised: D x + sigma n and x, D the degradation of the run. n2n: two noisy copies of x (App. N).
    soft_ne: the supervised pair under a random y -> alpha y + mu 1, alpha and mu from U(0, 1), one pair an image (App. D).
    `sigma` is fixed or uniform over the run's range, one value an image.
    paired: `clean` has 2 C channels, the noisy photograph and the clean one, and nothing is drawn (App. M).
    """
    if task.objective == "paired":
        return clean.chunk(2, dim=1)
    low, high = run.sigma_range
    batch = (clean.shape[0], 1, 1, 1)
    unit = torch.rand(batch, generator=generator, device=clean.device)
    sigma = (low + (high - low) * unit) / 255
    noisy = degraded(clean, run.degradation) + sigma * _training_noise(task.noise, clean, generator)
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


def _add_row(curve: Curve, name: str, step: int, rate: float, processes: Processes) -> None:
    loss = processes.mean(curve.loss_sum) / curve.loss_count
    if not math.isfinite(loss):
        raise TrainingError(
            f"run {name}: the loss is {loss} at step {step}; lower the recipe's lr, or use precision: float32"
        )
    curve.rows.append({"step": step, "loss": loss, "learning_rate": rate})
    curve.loss_sum, curve.loss_count = 0.0, 0


def _write_results(params: Params, name: str, paths: ProfilePaths, steps: Steps, curve: Curve) -> None:
    config, fingerprint = params.describe(name), params.fingerprint(name)
    save_checkpoint(paths.checkpoint(params, name), steps.model, config, fingerprint)
    with replacing(paths.training / f"{name}.csv") as temporary:
        pd.DataFrame(curve.rows).to_csv(temporary, index=False, float_format="%.6g")
    facts = {
        "run": name,
        "fingerprint": fingerprint,
        "config": config,
        "parameters": sum(p.numel() for p in steps.model.parameters()),
        "steps": steps.recipe.steps,
        "backbone_dtype": str(steps.dtype).removeprefix("torch."),
    }
    write_text(paths.training / f"{name}.json", json.dumps(facts, indent=1) + "\n")
    cost = {"run": name, "seconds": round(curve.seconds, 1), **environment(steps.device)}
    if steps.processes.count > 1:
        cost["processes"] = steps.processes.count
    write_text(paths.cost / f"{name}.json", json.dumps(cost, indent=1) + "\n")
