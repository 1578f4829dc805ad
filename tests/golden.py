"""Small networks whose weights come from a formula, and what they gave when the results were first made.

    PYTHONPATH=tests python tests/golden.py     writes golden.npz anew: only for a change of function that is meant

The weights and images are sines of whole numbers, so that neither torch's initialization nor its random numbers can
change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from conftest import tiny_size
from wne.models import create_denoiser, list_denoisers
from wne.wrapper import InputNormalized, NormalizationEquivariant, ScaleEquivariant

FILE = Path(__file__).with_name("golden.npz")
SIZES = [(9, 11), (16, 8)]


def wave(*shape: int, phase: float = 0.0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Entries between -1 and 1 without a visible pattern: sin(n^2) for whole n."""
    n = torch.arange(1, 1 + int(np.prod(shape)), dtype=torch.float64)
    return torch.sin(n * n * 1.234567 + phase).reshape(shape).to(dtype)


def fixed_denoiser(backbone: str, variant: str, channels: int = 1, **size: object) -> nn.Module:
    """float64, eval(); weights of a size that keeps the signal, none of them at a symmetric value."""
    model = create_denoiser(backbone, variant, channels=channels, **{**tiny_size(backbone), **size}).double().eval()
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 1
            offset = 1.0 if parameter.ndim == 1 or parameter.shape[1:] == (1, 1) else 0.0
            parameter.copy_(offset + wave(*parameter.shape, phase=index) / (fan_in**0.5 if fan_in > 1 else 5))
        for index, buffer in enumerate(model.buffers()):
            if buffer.is_floating_point() and buffer.ndim == 1:
                buffer.copy_(1 + 0.3 * wave(*buffer.shape, phase=index))
    return model


def networks() -> Iterator[tuple[str, Callable[[], nn.Module], Tensor]]:
    """name, what builds it, its image."""
    for backbone, variant in list_denoisers():
        for height, width in SIZES:
            image = 0.5 + 0.4 * wave(2, 1, height, width, phase=7)
            yield f"{backbone}-{variant}-{height}x{width}", lambda b=backbone, v=variant: fixed_denoiser(b, v), image
    colour = 0.5 + 0.4 * wave(1, 3, 9, 11, phase=3)
    for backbone in ("dncnn", "swinir", "restormer"):
        yield f"{backbone}-wne-colour", lambda b=backbone: fixed_denoiser(b, "wne", channels=3), colour
    grey = 0.5 + 0.4 * wave(1, 1, 9, 11, phase=7)
    for variant in ("baseline", "se_arch", "ne_arch"):
        yield f"fdncnn-{variant}-residual", lambda v=variant: fixed_denoiser("fdncnn", v, residual=True), grey
    yield "swinir-baseline-patch-norm", lambda: fixed_denoiser("swinir", "baseline", patch_norm=True), grey


def wrapped() -> Iterator[tuple[str, Callable[[], Tensor]]]:
    """name, the output of a wrapper around a small convolution: predictions, pooling, masks, complex numbers."""
    y = 3 + 2 * wave(2, 3, 7, 5, phase=1)
    mask = wave(2, 1, 7, 5, phase=5) > -0.4
    kernel = wave(3, 3, 3, 3, phase=2) / 5

    def backbone(z: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(z, kernel.to(z.dtype), padding=1)

    for wrapper in (NormalizationEquivariant, ScaleEquivariant, InputNormalized):
        for prediction in ("direct", "residual"):
            for pool in ("joint", "channel"):
                f = wrapper(backbone, prediction, pool=pool)
                name = f"{wrapper.__name__}-{prediction}-{pool}"
                yield name, lambda f=f: f(y)
                yield f"{name}-masked", lambda f=f: f(y, mask=mask)
    complex_image = torch.complex(y, 1 - wave(2, 3, 7, 5, phase=9))
    yield "NormalizationEquivariant-complex", lambda: NormalizationEquivariant(backbone)(complex_image)


def outputs() -> dict[str, np.ndarray]:
    """Every output of this file, float64."""
    with torch.no_grad():
        found = {name: make()(image).numpy() for name, make, image in networks()}
        return found | {f"wrapper-{name}": run().numpy() for name, run in wrapped()}


if __name__ == "__main__":
    np.savez_compressed(FILE, **outputs())
    print(f"{FILE}: {FILE.stat().st_size} bytes")
