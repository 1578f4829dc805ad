"""Normalization-equivariant wrappers: normalize, process with any backbone, denormalize.

    f(y) = std(y) g((y - mean(y) 1) / std(y)) + mean(y) 1             (Eq. 7 of the paper)

A map f is normalization equivariant (NE), f(a y + b 1) = a f(y) + b 1 for all a > 0 and b, if and
only if it has this form (Characterization 1). `mean` and `std` are two scalars per image (moments.py).

NOTE, deviations. The paper's text divides by std + 1e-5 and its published code by std without a guard,
with the sample deviation (d - 1). Here: the population deviation of Eq. 3, no epsilon, and the exact
guard of Eq. 6 (a constant image maps to itself). So the identity holds down to rounding.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from wne.contract import check_image, check_mask, chosen_image
from wne.moments import Pool, check_pool, normalize, normalize_power
from wne.statedict import BackboneHolder

Prediction = Literal["direct", "residual"]


class BackboneWrapper(BackboneHolder):
    """Holds a backbone without adding parameters or buffers. Its state dict loads bare names too (statedict.py)."""

    def __init__(
        self,
        backbone: Callable[..., object],
        prediction: Prediction = "direct",
        *,
        pool: Pool = "joint",
        output: int | str | None = None,
    ):
        super().__init__()
        if not callable(backbone):
            raise TypeError(f"backbone must be a torch.nn.Module or a function, not {type(backbone).__name__}")
        if isinstance(backbone, type):
            name = backbone.__name__
            raise TypeError(f"backbone must be a network, not its class {name}: make one first, {name}(...)")
        if prediction not in ("direct", "residual"):
            raise ValueError(f"prediction must be 'direct' or 'residual', not {prediction!r}")
        check_pool(pool)
        self.backbone = backbone
        self.prediction, self.pool, self.output = prediction, pool, output
        self.tiles: Callable[..., object] | None = None  # runs the backbone tile by tile (tiling.py)

    def forward(self, y: Tensor, *args: object, mask: Tensor | None = None, **kwargs: object) -> Tensor:
        """f(y).

        Args:
            y: (B, C, H, W) or (B, C, D, H, W), floating point or complex, any range.
            mask: bool, True where y counts for the statistics, of a shape that broadcasts to y's. The backbone
                sees 0, the mean, where it is False, and never the mask.
            args, kwargs: go to the backbone unchanged. A noise level among them is one of the normalized
                image: give sigma / std(y), with std(y) of `instance_statistics`.

        Returns:
            As y, in its dtype.
        """
        check_image(y)
        if mask is not None:
            check_mask(mask, y)

        def backbone(z: Tensor) -> Tensor:
            run = self.backbone if self.tiles is None else partial(self.tiles, self.backbone)
            # z is nobody else's, so a backbone may overwrite it.
            return chosen_image(run(z.to(y.dtype), *args, **kwargs), self.output, y.shape).to(z.dtype)

        return self._wrap(y, mask, backbone).to(y.dtype)

    @abstractmethod
    def _wrap(self, y: Tensor, mask: Tensor | None, g: Callable[[Tensor], Tensor]) -> Tensor: ...

    def extra_repr(self) -> str:
        options = {"output": self.output, "tiles": self.tiles}
        given = [f"{name}={value!r}" for name, value in options.items() if value is not None]
        return ", ".join([f"prediction={self.prediction}", f"pool={self.pool}", *given])


class NormalizationEquivariant(BackboneWrapper):
    """f(y) = std(y) g(T_NE(y)) + mean(y) 1, so that f(a y + b 1) = a f(y) + b 1 for a > 0 (Eq. 7, 8).

    Parameter-free; differentiable through the statistics; every image on its own, whatever its batch.
    With `prediction="residual"` the backbone predicts the normalized noise instead,
    f(y) = y - std(y) g(T_NE(y)) (App. F): the same class of maps, another parameterization.

    Args:
        backbone: any module or function that maps (B, C, H, W) to (B, C, H, W); it may overwrite its input.
        prediction: what the backbone predicts, "direct" (the clean image) or "residual" (the noise).
        pool: the entries that share one mean and one std, and so one a and one b: "joint", all of an image,
            or "channel", those of each channel.
        output: of a backbone that returns a tuple or a dict, the index or key of the image.

    Raises:
        TypeError, ValueError: for integer images, fewer than 4 axes, a mask that does not fit, or a backbone
            that changes the shape.

    Range: exact to rounding for contrasts, std(y), from 1e-30 to 1e30 in float32, gradients too, and with any
    offset; float16 and bfloat16 images have their statistics in float32.

    >>> denoiser = NormalizationEquivariant(torch.nn.Conv2d(1, 1, 3, padding=1))
    >>> y = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    >>> f = denoiser.double()
    >>> torch.allclose(f(3 * y - 7), 3 * f(y) - 7)
    True
    """

    def _wrap(self, y: Tensor, mask: Tensor | None, g: Callable[[Tensor], Tensor]) -> Tensor:
        z, mean, std = normalize(y, mask, self.pool)
        if self.prediction == "direct":
            return _rescaled(g(z), std).add_(mean)
        has_contrast = std != 0
        # f = mean, in value and in gradient, where there is no contrast or the mask hides y.
        return torch.where(has_contrast if mask is None else mask & has_contrast, y, mean) - _rescaled(g(z), std)


class ScaleEquivariant(BackboneWrapper):
    """f(y) = s(y) g(y / s(y)) with s(y) = ||y|| / sqrt(d): f(a y) = a f(y) for a > 0 (Eq. 1), f(0) = 0.

    The weaker sibling of the NE wrapper, without the brightness. Arguments and errors are the same.
    """

    def _wrap(self, y: Tensor, mask: Tensor | None, g: Callable[[Tensor], Tensor]) -> Tensor:
        z, scale = normalize_power(y, mask, self.pool)
        if self.prediction == "direct":
            return _rescaled(g(z), scale)
        return (y if mask is None else torch.where(mask, y, 0.0)) - _rescaled(g(z), scale)


class InputNormalized(BackboneWrapper):
    """f(y) = g(T_NE(y)): normalization of the input alone (IN, App. O), invariant and not equivariant.

    A negative control: the backbone cannot know the brightness and contrast that it must give back.
    With `prediction="residual"`, f(y) = y - g(T_NE(y)), with mean(y) in the place of y where the mask hides it.
    Arguments and errors are those of the NE wrapper.
    """

    def _wrap(self, y: Tensor, mask: Tensor | None, g: Callable[[Tensor], Tensor]) -> Tensor:
        z, mean, _ = normalize(y, mask, self.pool)
        if self.prediction == "direct":
            return g(z)
        return (y if mask is None else torch.where(mask, y, mean)) - g(z)


def _rescaled(out: Tensor, scale: Tensor) -> Tensor:
    """scale * out, as a tensor of its own, and 0 where scale = 0, whatever the backbone returned there."""
    return out.masked_fill(scale.logical_not(), 0.0).mul_(scale)
