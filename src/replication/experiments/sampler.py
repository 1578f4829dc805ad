"""One sampler for denoising and for linear inverse problems, from any denoiser D (App. N, Algorithm 1).

    u_t = (I - P)(D(y_{t-1}) - y_{t-1}) + x_c - P y_{t-1},     sigma_hat_t = ||u_t||_2 / sqrt(d)
    y_t = y_{t-1} + h_t u_t + gamma_t z_t,     z_t ~ N(0, I),     h_t = h_0 t / (1 + h_0 (t - 1))
    gamma_t^2 = ((1 - beta h_t)^2 - (1 - h_t)^2) sigma_hat_t^2
    result: x_c + (I - P) y

P is an orthogonal projector, x_c = P x what is observed of the image x. It stops before the first update with
sigma_hat <= sigma_L. State t is y_t: as many updates were made, and y_0 is the start. P = 0 and beta = 1 is
the residual-stopped denoising of App. N.1. Intensities and sigmas are in [0, 1] here, sigmas in 8-bit units
in params and in the files.

Files of an item, PSNR in dB. All images are clipped to [0, 1] before PSNR and SSIM, as everywhere, except the
noisy image that denoising starts from. PSNR along a trajectory is that of x_c + (I - P) y_t.

table.csv, one row for each run and image:

| column | meaning |
|---|---|
| outcome | converged: sigma_hat <= sigma_L; unfinished: not after the most steps; diverged: not finite any more |
| steps | updates made; of a diverged image, until its last finite state, which the results are those of |
| observed_psnr, observed_ssim | P x; without a measurement the noisy image y_0 |
| one_pass_psnr | x_c + (I - P) D(y_0) |
| psnr, ssim | the result |
| best_psnr, best_step | the best state, known only by the clean image |

trajectory.csv, some images and some states: run, image, step, psnr, sigma_hat, and `error`, ||y_t - x||_2 / sqrt(d),
which sigma_hat stands for. Pictures: <image>-clean.png, <image>-observed.png, <image>-<run>.png.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from replication.data.metrics import psnr, ssim
from replication.data.noise import TestImage, central_crop, load_test_set
from replication.experiments.analysis import analysis_folder
from replication.experiments.measurements import Projector, create_projector
from replication.experiments.trained import load_run
from replication.study.params import Params, Sampler
from replication.study.paths import ProfilePaths
from replication.study.rng import torch_generator
from wne.console import progress

Denoise = Callable[[Tensor], Tensor]
Outcome = Literal["converged", "unfinished", "diverged"]

CENTRE = 0.5  # of the start in what is not observed
_TRACED = 3  # images whose trajectory is written
_POINTS = 100  # of a trajectory, about
_BATCH_PIXELS = {"cpu": 2**12, "cuda": 2**19}  # sampled at a time; a CPU's caches hold no more


class Settings(NamedTuple):
    """sigma_L in [0, 1], h_0, beta, and the most updates."""

    sigma_stop: float
    h0: float
    beta: float
    steps: int


class State(NamedTuple):
    """State t of a batch of B images. Only where `active` is y new and the other entries have a meaning."""

    step: int
    y: Tensor  # (B, C, H, W), finite
    denoised: Tensor  # D(y)
    sigma: Tensor  # (B,) sigma_hat: of the update that would follow
    active: Tensor  # (B,) bool, on the CPU


class Trajectory(NamedTuple):
    """What became of one image; the lists have one value for each state, y_0 first."""

    outcome: Outcome
    restored: np.ndarray  # (C, H, W): x_c + (I - P) y of the last state, not clipped
    one_pass: np.ndarray  # x_c + (I - P) D(y_0)
    psnr: list[float]  # dB, of x_c + (I - P) y_t clipped to [0, 1]
    sigma: list[float]  # sigma_hat in [0, 1]; not finite in the last state of a diverged image
    error: list[float]  # ||y_t - x|| / sqrt(d) in [0, 1]

    @property
    def steps(self) -> int:
        """Updates made."""
        return len(self.psnr) - 1


def step_size(t: int, h0: float) -> float:
    """h_t of update t = 1, 2, ...: from h_0 to 1."""
    return h0 * t / (1 + h0 * (t - 1))


def noise_factor(h: float, beta: float) -> float:
    """gamma_t / sigma_hat_t: 0 for beta = 1, and the most noise for beta = 0."""
    return float(np.sqrt((1 - beta * h) ** 2 - (1 - h) ** 2))


def initial_state(measured: Tensor, project: Projector, sigma: float, generators: Sequence[torch.Generator]) -> Tensor:
    """y_0 = x_c + 0.5 (I - P) 1 + sigma z, (B, C, H, W), with one random stream for each image."""
    centre = torch.full_like(measured, CENTRE)
    return measured + centre - project(centre) + sigma * _gaussian(measured, range(len(measured)), generators)


@torch.inference_mode()
def iterate(
    denoise: Denoise,
    project: Projector,
    measured: Tensor,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
) -> Iterator[State]:
    """The states of Algorithm 1, from y_0 until no image is active any more.

    Args:
        denoise: (B, C, H, W) to the same shape, any B, each image for itself. Called with the active images.
        project: P, of all B images.
        measured: x_c, (B, C, H, W).
        start: y_0.
        generators: random streams on the CPU, one for each image: a batch gives what its images give alone.
    """
    y, active = start, torch.ones(len(start), dtype=torch.bool)
    root_d = y[0].numel() ** 0.5
    for step in range(settings.steps + 1):
        on = active.to(y.device)
        denoised = y.clone()
        denoised[on] = denoise(y[on]).to(y.dtype)
        residual = denoised - y
        u = residual - project(residual) + measured - project(y)
        sigma = torch.linalg.vector_norm(u.flatten(1), dim=1) / root_d
        yield State(step, y, denoised, sigma, active)
        active = active & (sigma.isfinite() & (sigma > settings.sigma_stop)).cpu()
        if step == settings.steps or not active.any():
            return
        h = step_size(step + 1, settings.h0)
        gamma = noise_factor(h, settings.beta) * sigma[:, None, None, None]
        moved = y + h * u
        if settings.beta < 1:
            moved = moved + gamma * _gaussian(y, active.nonzero().flatten().tolist(), generators)
        y = torch.where(active.to(y.device)[:, None, None, None], moved, y)


def sample(
    denoise: Denoise,
    project: Projector,
    measured: Tensor,
    start: Tensor,
    settings: Settings,
    generators: Sequence[torch.Generator],
    clean: Tensor,
) -> list[Trajectory]:
    """Algorithm 1 for each of B images; see `iterate`. `clean`, (B, C, H, W), serves PSNR and error alone."""
    count = len(start)
    target = clean.cpu().numpy()
    scores, sigmas, errors = ([[] for _ in range(count)] for _ in range(3))
    restored, one_pass = np.empty_like(target), np.empty_like(target)

    def complete(x: Tensor) -> np.ndarray:
        return (measured + x - project(x)).cpu().numpy()

    for state in iterate(denoise, project, measured, start, settings, generators):
        images = complete(state.y)
        distance = torch.linalg.vector_norm((state.y - clean).flatten(1), dim=1) / clean[0].numel() ** 0.5
        if state.step == 0:
            one_pass = complete(state.denoised)
        for i in state.active.nonzero().flatten().tolist():
            restored[i] = images[i]
            scores[i].append(psnr(np.clip(images[i], 0, 1), target[i]))
            sigmas[i].append(float(state.sigma[i]))
            errors[i].append(float(distance[i]))
    outcomes = [_outcome(sigma[-1], settings.sigma_stop) for sigma in sigmas]
    return [Trajectory(*parts) for parts in zip(outcomes, restored, one_pass, scores, sigmas, errors)]


def _outcome(sigma: float, sigma_stop: float) -> Outcome:
    if not np.isfinite(sigma):
        return "diverged"
    return "converged" if sigma <= sigma_stop else "unfinished"


def _gaussian(like: Tensor, images: Sequence[int], generators: Sequence[torch.Generator]) -> Tensor:
    """(B, C, H, W) standard normal in the images listed, 0 in the others."""
    noise = torch.zeros(like.shape, dtype=like.dtype)
    for i in images:
        noise[i] = torch.randn(like.shape[1:], generator=generators[i], dtype=like.dtype)
    return noise.to(like.device)


# --- the items of params.samplers ---------------------------------------------------------------------


class _Case(NamedTuple):
    """An image of the test set as the item crops it, (C, H, W) in [0, 1]; `noise` only for the operator none."""

    name: str
    clean: np.ndarray
    noise: np.ndarray | None


class _Problem(NamedTuple):
    """A batch of images of one size. `observed`: P x, or the noisy image."""

    cases: list[_Case]
    project: Projector
    clean: Tensor
    measured: Tensor
    start: Tensor
    observed: Tensor
    generators: list[torch.Generator]


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/samplers/<item>/, the files at the head of this module.

    Every run meets the same masks, starts and noise.

    Raises:
        CheckpointError: a run is not trained, or trained with other parameters.
        FileNotFoundError: the test set is missing.
        ValueError: `pictures` names an image that the test set lacks, or the operator does not take the amount.
    """
    spec = params.samplers[name]
    cases = [_crop(name, spec, image) for image in load_test_set(paths, spec.test_set)]
    unknown = set(spec.pictures) - {case.name for case in cases}
    if unknown:
        raise ValueError(f"samplers.{name}.pictures: {spec.test_set} has no image called {', '.join(sorted(unknown))}")
    traced = [*spec.pictures, *(case.name for case in cases if case.name not in spec.pictures)][:_TRACED]
    settings = Settings(spec.sigma_stop / 255, spec.h0, spec.beta, spec.steps)
    rows, points = [], []
    with analysis_folder(params, paths, "samplers", name) as folder:
        for run in spec.runs:
            model = load_run(paths, params, run, device)
            for batch in progress(
                _batches(cases, _BATCH_PIXELS["cpu" if device.type == "cpu" else "cuda"]), f"{name} with {run}"
            ):
                problem = _set_up(params.seed, name, spec, batch, device)
                for case, observed, trajectory in _solve(model, problem, settings):
                    rows.append({"run": run, "image": case.name} | _facts(case, observed, trajectory, spec))
                    if case.name in traced:
                        points.append(_trace(run, case.name, trajectory))
                    if case.name in spec.pictures:
                        pictures = {"clean": case.clean, "observed": observed, run: trajectory.restored}
                        for key, pixels in pictures.items():
                            _save_picture(folder / f"{case.name}-{key}.png", pixels)
        pd.DataFrame(rows).to_csv(folder / "table.csv", index=False, float_format="%.5f")
        pd.concat(points).to_csv(folder / "trajectory.csv", index=False, float_format="%.5g")


def _crop(name: str, spec: Sampler, image: TestImage) -> _Case:
    """The central crop; for blocks, as much of it from the upper left corner as they fill."""
    multiple = int(spec.amount) if spec.operator == "block_average" else 1

    def cut(pixels: np.ndarray) -> np.ndarray:
        pixels = np.moveaxis(central_crop(np.moveaxis(pixels, 0, -1), spec.crop), -1, 0)
        height, width = (side // multiple * multiple for side in pixels.shape[1:])
        return np.ascontiguousarray(pixels[:, :height, :width])

    noise = None
    if spec.operator == "none":
        if "gaussian" not in image.fields:
            raise ValueError(f"samplers.{name}: {spec.test_set} has no gaussian noise to start from; add it to noises")
        noise = cut(image.field_unit("gaussian", 0))
    return _Case(image.name, cut(image.clean_unit()), noise)


def _batches(cases: list[_Case], pixels: int) -> list[list[_Case]]:
    """Images of one size, as many as have that many pixels together; within a size their order is kept."""
    batches = []
    for shape, same in groupby(sorted(cases, key=lambda case: case.clean.shape), key=lambda case: case.clean.shape):
        images, size = list(same), max(1, pixels // (shape[1] * shape[2]))
        batches += [images[first : first + size] for first in range(0, len(images), size)]
    return batches


def _set_up(seed: int, name: str, spec: Sampler, cases: list[_Case], device: torch.device) -> _Problem:
    streams = [(seed, name, spec.test_set, case.name) for case in cases]
    generators = [torch_generator("sampler", *stream) for stream in streams]
    clean = torch.from_numpy(np.stack([case.clean for case in cases])).to(device)
    project = create_projector(spec.operator, spec.amount, *clean.shape[-2:], streams)
    measured = project(clean)
    if spec.operator == "none":
        noise = torch.from_numpy(np.stack([case.noise for case in cases])).to(device)
        start = observed = clean + spec.sigma_start / 255 * noise
    else:
        start, observed = initial_state(measured, project, spec.sigma_start / 255, generators), measured
    return _Problem(cases, project, clean, measured, start, observed, generators)


def _solve(model: Denoise, problem: _Problem, settings: Settings) -> Iterator[tuple[_Case, np.ndarray, Trajectory]]:
    """Each image with what was observed of it and its trajectory."""

    def denoise(y: Tensor) -> Tensor:
        return model(y.contiguous(memory_format=torch.channels_last))

    trajectories = sample(
        denoise, problem.project, problem.measured, problem.start, settings, problem.generators, problem.clean
    )
    return zip(problem.cases, problem.observed.cpu().numpy(), trajectories)


def _facts(case: _Case, observed: np.ndarray, trajectory: Trajectory, spec: Sampler) -> dict[str, object]:
    """A row of table.csv without its names."""
    seen, restored = np.clip(observed, 0, 1), np.clip(trajectory.restored, 0, 1)
    best = int(np.argmax(trajectory.psnr))
    # A denoiser that fails at once has no one-pass result; `outcome` says so, and the cell stays empty.
    one_pass = np.nan
    if np.isfinite(trajectory.one_pass).all():
        one_pass = psnr(np.clip(trajectory.one_pass, 0, 1), case.clean)
    return {
        "outcome": trajectory.outcome, "steps": trajectory.steps,
        "observed_psnr": psnr(observed if spec.operator == "none" else seen, case.clean),
        "observed_ssim": ssim(seen, case.clean), "one_pass_psnr": one_pass,
        "psnr": trajectory.psnr[-1], "ssim": ssim(restored, case.clean),
        "best_psnr": trajectory.psnr[best], "best_step": best,
    }  # fmt: skip


def _trace(run: str, image: str, trajectory: Trajectory) -> pd.DataFrame:
    """About _POINTS states of one trajectory, the first and the last among them; sigmas in 8-bit units."""
    steps = np.unique(np.rint(np.linspace(0, trajectory.steps, min(_POINTS, trajectory.steps) + 1)).astype(int))
    columns = {
        "psnr": np.array(trajectory.psnr)[steps],
        "sigma_hat": 255 * np.array(trajectory.sigma)[steps],
        "error": 255 * np.array(trajectory.error)[steps],
    }
    return pd.DataFrame({"run": run, "image": image, "step": steps, **columns})


def _save_picture(path: Path, image: np.ndarray) -> None:
    pixels = np.rint(np.clip(np.moveaxis(image, 0, -1), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path)
