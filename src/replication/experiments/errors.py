"""Error in normalized coordinates against difficulty, patch by patch (Section 5.3 and App. I of the paper).

    Delta = ||y~ - x~||_2,                    x~ = (x - mean(y) 1) / std(y)             (Eqs. 14, 19)
    Q_f = -10 log10 ||x^~ - x~||_2^2,         x^~ = (f(y) - mean(y) 1) / std(y)         (Eq. 18, App. I)

x is a training patch, y = x + sigma n, f any denoiser, its output not clipped; Q in dB. Under NE,
Q(a y + b, a x + b) = Q(y, x). Every run sees the same patches, and every sigma the same noise scaled.

Two null models see the same patches, because curves may also coincide for a map that removes little noise:

    identity: f(y) = y, so that Q = -20 log10 Delta, one curve for all sigma by definition
    blur: a Gaussian with the deviation `blur` in pixels, mirrored at the borders; both are equivariant, untrained

`analyse` writes samples.csv: one row for each (sigma_test, patch) with `delta`, and a column of Q named
after each run and null model. replication.results.errors bins them and measures how far the curves of different sigma collapse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from replication.data.images import load_set
from replication.data.patches import PatchSampler
from replication.experiments.analysis import analysis_folder
from replication.experiments.difficulty import normalized_difficulty
from replication.experiments.trained import load_run
from replication.study.params import Params
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import torch_generator

_BLOCK = 256  # patches drawn at a time, each block from a random stream of its own
_CPU_BATCH = 8  # patches denoised at a time there: twice as fast as 50, whose activations leave the cache


def normalized_quality(denoised: Tensor, clean: Tensor, noisy: Tensor) -> Tensor:
    """Q_f in dB, (B, C, H, W) three times to (B,); infinite for a perfect result.

    mean(y) drops out of x^~ - x~ = (f(y) - x) / std(y).
    """
    std = noisy.double().flatten(1).std(dim=1, correction=0)
    error = torch.linalg.vector_norm((denoised.double() - clean.double()).flatten(1), dim=1)
    return 20 * torch.log10(std / error)


def null_models(blur: float) -> dict[str, Callable[[Tensor], Tensor]]:
    """Those of the head of this module, (B, C, H, W) to the same shape."""

    def blurred(noisy: Tensor) -> Tensor:
        return torch.from_numpy(gaussian_filter(noisy.cpu().numpy(), (0, 0, blur, blur), mode="mirror"))

    return {"identity": lambda noisy: noisy, "blur": blurred}


@torch.inference_mode()
def measure_errors(
    denoisers: dict[str, Callable[[Tensor], Tensor]],
    sampler: PatchSampler,
    patches: int,
    sigmas: Sequence[float],
    stream: Sequence[str | int],
    device: torch.device,
) -> pd.DataFrame:
    """Columns sigma_test, patch, delta and one for each denoiser; `sigmas` in 8-bit units.

    The first patches of a long sample are those of a short one, on every device.
    """
    parts = []
    for block in range(-(-patches // _BLOCK)):
        generator = torch_generator("errors", *stream, block)
        clean = sampler.sample(_BLOCK, generator)
        field = torch.randn(clean.shape, generator=generator)
        clean, field = clean[: patches - block * _BLOCK], field[: patches - block * _BLOCK]
        for sigma in sigmas:
            noisy = clean + sigma / 255 * field
            columns = {"delta": normalized_difficulty(clean, field, sigma / 255).numpy()}
            batches = noisy.to(device).split(_CPU_BATCH if device.type == "cpu" else _BLOCK)
            for name, denoise in denoisers.items():
                denoised = torch.cat([denoise(batch) for batch in batches])
                columns[name] = normalized_quality(denoised.cpu(), clean, noisy).numpy()
            head = {"sigma_test": float(sigma), "patch": block * _BLOCK + np.arange(len(clean))}
            parts.append(pd.DataFrame(head | columns))
    return pd.concat(parts).sort_values(["sigma_test", "patch"], ignore_index=True)


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/errors/<name>/samples.csv.

    Raises:
        CheckpointError: a run is not trained, or trained with other parameters.
        ValueError: a training image is smaller than a patch.
    """
    spec = params.errors[name]
    channels = params.tasks[params.run(spec.runs[0]).task].channels
    images = [pixels for _, pixels in load_set(paths.root / IMAGES, spec.train_set, channels=channels)]
    sampler = PatchSampler(images, spec.patch)
    denoisers = {run: load_run(paths, params, run, device) for run in spec.runs} | null_models(spec.blur)
    stream = (params.seed, spec.train_set)
    samples = measure_errors(denoisers, sampler, spec.patches, spec.sigmas, stream, device)
    with analysis_folder(params, paths, "errors", name) as folder:
        samples.to_csv(folder / "samples.csv", index=False, float_format="%.6g")
