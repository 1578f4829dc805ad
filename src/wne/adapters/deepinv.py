"""Denoisers as deepinv calls them, with the noise level: D(x, sigma).

    blind        D(x, sigma) = f(x)
    told sigma   D(x, sigma) = std(x) g(T_NE(x), sigma / std(x)) + mean(x) 1

The backbone sees a normalized image, so it is told the noise level of the normalized image. With a wrapped network both
are normalization equivariant, the second in image and noise level together: D(a x + b 1, a sigma) = a D(x, sigma) + b 1.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from deepinv.models import Denoiser
from torch import Tensor, nn

from wne.moments import instance_statistics, normalize_power
from wne.wrapper import BackboneWrapper, ScaleEquivariant

NoiseLevel = Literal["blind", "level", "map"]


class DeepinvDenoiser(Denoiser):
    """A network of this library, or any other, as a `deepinv.models.Denoiser`; needs `pip install deepinv`.

    Args:
        denoiser: (B, C, H, W) to the same shape, such as a trained `NormalizationEquivariant`.
        noise_level: what the network is told. "blind": nothing, it is called with the image alone. "level": one
            number for each image, (B, 1, 1, 1). "map": the same at every pixel, (B, 1, H, W). For wrapped networks
            it is sigma / std(x), for scale equivariant ones sigma / s(x), for others sigma itself; with
            `pool="channel"` one for each channel, (B, C, ...).

    Raises:
        ValueError: another `noise_level`; a network that is told sigma and has its wrapper further inside.
    """

    def __init__(self, denoiser: nn.Module, noise_level: NoiseLevel = "blind"):
        super().__init__()
        if noise_level not in get_args(NoiseLevel):
            raise ValueError(f"noise_level must be 'blind', 'level' or 'map', not {noise_level!r}")
        wrapper = next((m for m in denoiser.modules() if isinstance(m, BackboneWrapper)), denoiser)
        if noise_level != "blind" and wrapper is not denoiser:
            raise ValueError(
                f"noise_level={noise_level!r} needs the {type(wrapper).__name__} outermost, but it is inside "
                f"{type(denoiser).__name__}: wrap last, and compile or parallelize the backbone instead"
            )
        self.denoiser, self.noise_level = denoiser, noise_level

    def forward(
        self, x: Tensor, sigma: float | Tensor | None = None, *, mask: Tensor | None = None, **ignored: object
    ) -> Tensor:
        """D(x, sigma).

        Args:
            x: (B, C, H, W) floating point; the clean range is that of the network's training, any for a wrapped one.
            sigma: the standard deviation of the noise, in units of x: a number, one for each image, or a map that
                broadcasts to x and is passed on as a map. A blind network ignores it.
            mask: as of `NormalizationEquivariant`.
            ignored: deepinv's keywords for other denoisers, which its own ignore as well.

        Returns:
            As x.

        Raises:
            ValueError: no sigma for a network that is told one, or one that does not fit the batch.
        """
        options = {} if mask is None else {"mask": mask}
        if self.noise_level == "blind":
            return self.denoiser(x, **options)
        level = _level(sigma, x) / self._unit(x, mask)
        if self.noise_level == "map":
            level = level.expand(*level.shape[:2], *x.shape[2:])
        return self.denoiser(x, level.to(x.dtype), **options)

    def _unit(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """What the wrapper divides the image by; 1 where that is 0, because there the output is constant whatever g says."""
        f = self.denoiser
        if not isinstance(f, BackboneWrapper):
            return x.new_ones(())
        if isinstance(f, ScaleEquivariant):
            unit = normalize_power(x, mask, f.pool)[1]
        else:
            unit = instance_statistics(x, mask, f.pool)[2]
        return unit.masked_fill(unit == 0, 1.0)


def _level(sigma: float | Tensor | None, x: Tensor) -> Tensor:
    """(B, 1, ..., 1), or a map of as many axes as x."""
    if sigma is None:
        raise ValueError("this network is told the noise level: call it with sigma, in units of the image")
    sigma = torch.as_tensor(sigma, dtype=x.real.dtype, device=x.device)
    is_map = sigma.ndim == x.ndim and all(s in (1, n) for s, n in zip(sigma.shape, x.shape))
    if is_map:
        return sigma.expand(len(x), *sigma.shape[1:])
    if sigma.numel() not in (1, len(x)):
        raise ValueError(
            f"sigma of shape {tuple(sigma.shape)} is neither one number nor one for each of {len(x)} images"
        )
    return sigma.reshape(-1, *[1] * (x.ndim - 1)).expand(len(x), *[1] * (x.ndim - 1))
