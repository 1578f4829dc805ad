"""Plug-and-play deblurring with deepinv: proximal gradient descent whose proximal step is a denoiser.

    x <- D(x - step A^T (A x - y), sigma)

python -m benchmarks.deblurring     measures (minutes) and writes deblurring.csv; python -m benchmarks.tools writes the page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deepinv
import pandas as pd
import torch
import torch.nn.functional as F
from deepinv.models import Denoiser
from skimage import color, data
from torch import Tensor, nn

from wne import load_denoiser
from wne.adapters.deepinv import DeepinvDenoiser
from wne.console import progress
from wne.files import write_text

SCORES = Path(__file__).with_name("deblurring.csv")
IMAGES = ("camera", "coins", "astronaut", "chelsea", "coffee", "rocket")  # none of them trained on
SIDE, BLUR, NOISE = 128, 1.2, 0.03  # pixels; standard deviation of the kernel in pixels, and of the noise in [0, 1]
STEPS, ITERATIONS = (1.0, 1.9), 20  # of the gradient: the usual one, and nearly the largest that converges
TRAINED = 25 / 255


class Rescaled(Denoiser):
    """A network for one noise level at another: D(x, sigma) = s f(x / s), s = sigma / (25 / 255)."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, sigma: float | Tensor, **_: object) -> Tensor:
        scale = torch.as_tensor(sigma).reshape(-1, 1, 1, 1) / TRAINED
        return scale * self.network(x / scale)


def denoisers() -> dict[str, tuple[Denoiser, float]]:
    """Name -> denoiser and sigma_denoiser, which a blind one ignores."""
    baseline, wne = (
        load_denoiser(f"results/bsd400/weights/dncnn-{variant}-s25.safetensors") for variant in ("baseline", "wne")
    )
    rescaled = {f"baseline, rescaled to sigma {s}": (Rescaled(baseline), s / 255) for s in (15, 10, 5)}
    return {"baseline": (DeepinvDenoiser(baseline), TRAINED), **rescaled, "WNE": (DeepinvDenoiser(wne), TRAINED)}


def image(name: str) -> Tensor:
    """(1, 1, 128, 128) in [0, 1]: the middle of a photograph of scikit-image, at half its resolution."""
    pixels = getattr(data, name)()
    grey = torch.from_numpy(color.rgb2gray(pixels) if pixels.ndim == 3 else pixels / 255.0).float()
    top, left = ((n - 2 * SIDE) // 2 for n in grey.shape)
    return F.avg_pool2d(grey[None, None, top : top + 2 * SIDE, left : left + 2 * SIDE], 2)


def measurements() -> Iterator[dict[str, object]]:
    """PSNR in dB of each image: blurred and noisy, and after deblurring with each denoiser and step."""
    x = torch.cat([image(name) for name in IMAGES])
    kernel = deepinv.physics.functional.gaussian_blur(sigma=BLUR)
    noise = deepinv.physics.GaussianNoise(NOISE, rng=torch.Generator().manual_seed(0))
    physics = deepinv.physics.BlurFFT(img_size=x.shape[1:], filter=kernel, noise_model=noise)
    y, psnr = physics(x), deepinv.metric.PSNR()

    def rows(name: str, step: float | None, result: Tensor) -> Iterator[dict[str, object]]:
        for file, score in zip(IMAGES, psnr(result, x).tolist()):
            yield {"denoiser": name, "step": step, "image": file, "psnr": score}

    yield from rows("none", None, y)
    for name, (denoiser, sigma) in progress(denoisers().items(), "deblurring"):
        for step in STEPS:
            solver = deepinv.optim.PGD(
                prior=deepinv.optim.PnP(denoiser),
                data_fidelity=deepinv.optim.L2(),
                stepsize=step,
                sigma_denoiser=sigma,
                max_iter=ITERATIONS,
            )
            with torch.no_grad():
                yield from rows(name, step, solver(y, physics))


def section(scores: pd.DataFrame) -> list[str]:
    """The part of the page: mean over images, and each image."""
    lines = [
        "## Plug-and-play deblurring with deepinv",
        "",
        f"PSNR in dB after {ITERATIONS} steps of proximal gradient descent from a Gaussian blur of {BLUR} pixels with noise of {NOISE}",
        f"(sigma {NOISE * 255:.1f} of 255), on the middle of {len(IMAGES)} photographs of scikit-image, {SIDE} x {SIDE} pixels. The networks are",
        "those of results/bsd400/weights, trained at sigma 25. Rescaled, s f(x / s), the baseline removes noise of another level, which must",
        "then be chosen.",
        "",
        f"| denoiser | step | mean | {' | '.join(IMAGES)} |",
        "|---|---|---|" + "---|" * len(IMAGES),
    ]
    for (name, step), rows in scores.fillna({"step": 0}).groupby(["denoiser", "step"], sort=False):
        values = rows.set_index("image")["psnr"]
        shown = " | ".join(f"{values[image]:.2f}" for image in IMAGES)
        label = "none: the blurred image" if name == "none" else name
        lines.append(f"| {label} | {step if step else '-'} | {values.mean():.2f} | {shown} |")
    return lines


if __name__ == "__main__":
    table = pd.DataFrame(measurements())
    write_text(SCORES, table.to_csv(index=False, float_format="%.4f"))
