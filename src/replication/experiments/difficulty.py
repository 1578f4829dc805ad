"""How hard a patch is to denoise in normalized coordinates; needs no model (Fig. 7 and Table 3 of the paper).

    Delta = ||y~ - x~||_2 = sigma ||n||_2 / std(y),   y = x + sigma n                            (Eqs. 19, 20)
    E[Delta^2 | x, sigma] ~ d / (1 + SNR),            SNR = std(x)^2 / sigma^2                   (Eq. 22)
    I(s) = [q_0.025(s), q_0.975(s)],                  q_p(s): p-quantile of Delta at sigma = s   (Eq. 24)
    m(s_test; s_train) = 1/N sum_i 1{Delta_i(s_test) in I(s_train)}                              (Eq. 25)
                       ~ F(r C_0.975) - F(r C_0.025),        r = s_test / s_train                (ours)

x is a training patch of d pixels in [0, 1], n unit Gaussian noise, std the population form of Eq. 3; sigma is
in [0, 1] here, and in 8-bit units in params and in the files. Delta and sqrt(d) have no unit.

The last line follows from Eq. 22, whose right side falls with std(x) / sigma alone. F is the distribution of
std(x) over the patches and C_p its quantiles. So coverage depends on the corpus through its contrasts, and on
the two noise levels through their ratio. To a higher level, m ~ 1 - F(r C_0.025): the more the faintest patches
differ from the rest, the more is covered. To a lower one, m ~ F(r C_0.975): the share of patches that are r
times fainter than the strongest.

A file has one row for each number; `quantity` says what `sigma`, `at` and `value` are:

| quantity | sigma | at | value |
|---|---|---|---|
| histogram | sigma | Delta, centre of a bin | patches in it |
| approximation | sigma | Delta, centre of a bin | patches in it, by Eq. 22 instead of the measured Delta |
| error | sigma | | root mean square of (Delta by Eq. 22) / (measured Delta) - 1 |
| quantile | sigma | probability | Delta |
| coverage | sigma_train | sigma_test | m(sigma_test; sigma_train) |
| coverage_error | sigma_train | sigma_test | its standard error from the choice of patches, not of images |
| coverage_predicted | sigma_train | sigma_test | the same share from contrasts alone |
| contrast | | probability | quantile of std(x), 8-bit units |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from replication.data.images import load_set
from replication.data.patches import PatchSampler
from replication.study.params import Params
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import torch_generator
from wne.files import replacing

MASS = 0.95  # of the training Delta inside I(sigma_train)
BINS_PER_ROOT = 70  # bins of the histograms between 0 and sqrt(d), which go on to 1.1 sqrt(d)
PROBABILITIES = np.linspace(0, 1, 201)  # of the quantiles of contrast
_PARTS = 20  # of a sample, for the standard error
_BLOCK = 256  # patches drawn at a time, each block from a random stream of its own


class Sample(NamedTuple):
    """Patches as numbers: `delta` (S, N) for S noise levels, `contrast` (N,) in [0, 1]; both float64."""

    delta: np.ndarray
    contrast: np.ndarray


def normalized_difficulty(clean: Tensor, field: Tensor, sigma: float) -> Tensor:
    """Delta = sigma ||n|| / std(x + sigma n), Eq. 20: (B, C, H, W) clean and unit noise to (B,).

    About sqrt(d) for a constant patch at any sigma > 0, and 0 as sigma goes to 0 for any other. A noisy
    patch without any contrast has no normalized form, and gives NaN or infinity.
    """
    noise = (sigma * field).flatten(1)
    return torch.linalg.vector_norm(noise, dim=1) / (clean.flatten(1) + noise).std(dim=1, correction=0)


def approximate_difficulty(contrast: np.ndarray, sigma: float, d: int) -> np.ndarray:
    """sqrt(d / (1 + SNR)), Eq. 22, from std(x) in the unit of sigma. Same shape."""
    return np.sqrt(d / (1 + np.square(contrast / sigma)))


def central_interval(delta: np.ndarray, mass: float = MASS) -> tuple[float, float]:
    """I(sigma_train), Eq. 24: the quantiles that leave (1 - mass) / 2 of (N,) values on either side."""
    low, high = np.quantile(delta, [(1 - mass) / 2, (1 + mass) / 2])
    return float(low), float(high)


def coverage(train: np.ndarray, test: np.ndarray, mass: float = MASS) -> float:
    """m(sigma_test; sigma_train), Eq. 25: the share of `test` inside the central interval of `train`, in [0, 1]."""
    low, high = central_interval(train, mass)
    return float(np.mean((test >= low) & (test <= high)))


def predicted_coverage(contrast: np.ndarray, ratio: float, mass: float = MASS) -> float:
    """F(r C_high) - F(r C_low), what Eq. 22 makes of `coverage`: the share of contrasts (N,) in r times their own
    central interval, in [0, 1].

    Args:
        ratio: r = sigma_test / sigma_train.
    """
    low, high = central_interval(contrast, mass)
    return float(np.mean((contrast >= ratio * low) & (contrast <= ratio * high)))


def coverage_error(train: np.ndarray, test: np.ndarray, parts: int = _PARTS) -> float:
    """Standard error of `coverage`: its deviation over disjoint parts of the sample, over the root of their number.

    Value i of `train` and of `test` (N,) belong to the same patch. NaN for less than two values a part.
    """
    size = len(train) // parts
    if size < 2:
        return float("nan")
    pieces = [slice(start * size, (start + 1) * size) for start in range(parts)]
    return float(np.std([coverage(train[piece], test[piece]) for piece in pieces], ddof=1) / np.sqrt(parts))


def sample_difficulty(sampler: PatchSampler, patches: int, sigmas: Sequence[float], *stream: str | int) -> Sample:
    """Delta and contrast of random patches, with one noise field a patch, scaled by each sigma in turn.

    A few megabytes whatever the number. Blocks have their own random streams: the first patches of a long
    sample are those of a short one.
    """
    deltas, contrasts = [], []
    for block in range(-(-patches // _BLOCK)):
        generator = torch_generator("difficulty", *stream, block)
        clean = sampler.sample(_BLOCK, generator)
        field = torch.randn(clean.shape, generator=generator)
        deltas.append(torch.stack([normalized_difficulty(clean, field, sigma) for sigma in sigmas]))
        contrasts.append(clean.flatten(1).std(dim=1, correction=0))
    delta, contrast = torch.cat(deltas, dim=1), torch.cat(contrasts)
    return Sample(delta[:, :patches].double().numpy(), contrast[:patches].double().numpy())


def histogram(delta: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres of the common bins and counts; sqrt(d) is a centre, and the last bin takes what lies above."""
    root = np.sqrt(d)
    last = round(1.1 * BINS_PER_ROOT)
    index = np.minimum(np.rint(delta / root * BINS_PER_ROOT).astype(int), last)
    return np.arange(last + 1) * root / BINS_PER_ROOT, np.bincount(index, minlength=last + 1)


def difficulty_table(sample: Sample, sigmas: Sequence[float], d: int) -> pd.DataFrame:
    """The rows of a file; `sigmas` in 8-bit units."""
    parts = []
    for sigma, delta in zip(sigmas, sample.delta):
        predicted = approximate_difficulty(sample.contrast, sigma / 255, d)
        error = np.sqrt(np.mean(np.square(predicted / delta - 1)))
        low, high = (1 - MASS) / 2, (1 + MASS) / 2
        parts += [
            _rows("histogram", sigma, *histogram(delta, d)),
            _rows("approximation", sigma, *histogram(predicted, d)),
            _rows("error", sigma, [np.nan], [error]),
            _rows("quantile", sigma, [low, 0.5, high], np.quantile(delta, [low, 0.5, high])),
            _rows("coverage", sigma, sigmas, [coverage(delta, test) for test in sample.delta]),
            _rows("coverage_error", sigma, sigmas, [coverage_error(delta, test) for test in sample.delta]),
            _rows(
                "coverage_predicted", sigma, sigmas, [predicted_coverage(sample.contrast, s / sigma) for s in sigmas]
            ),
        ]
    parts.append(_rows("contrast", np.nan, PROBABILITIES, 255 * np.quantile(sample.contrast, PROBABILITIES)))
    return pd.concat(parts, ignore_index=True)


def _rows(quantity: str, sigma: float, at: Sequence[float], value: Sequence[float]) -> pd.DataFrame:
    return pd.DataFrame({"quantity": quantity, "sigma": float(sigma), "at": at, "value": np.asarray(value, float)})


def measure_difficulty(params: Params, train_set: str, paths: ProfilePaths) -> None:
    """Writes results/<profile>/difficulty/<training set>.csv, the table at the head of this module."""
    spec = params.difficulty[train_set]
    images = [pixels for _, pixels in load_set(paths.root / IMAGES, train_set, channels=1)]
    sampler = PatchSampler(images, spec.patch)
    sigmas = [sigma / 255 for sigma in spec.sigmas]
    sample = sample_difficulty(sampler, spec.patches, sigmas, params.seed, train_set)
    table = difficulty_table(sample, spec.sigmas, spec.patch**2)
    head = {"train_set": train_set, "patches": spec.patches, "patch": spec.patch}
    for position, (name, value) in enumerate(head.items()):
        table.insert(position, name, value)
    with replacing(paths.difficulty / f"{train_set}.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.5g")
