"""Normalization-equivariant wrappers: normalize, process with any backbone, denormalize.

    f(y) = std(y) g((y - mean(y) 1) / std(y)) + mean(y) 1             (Eq. 7 of the paper)

A map f is normalization equivariant (NE), f(a y + b 1) = a f(y) + b 1 for all a > 0 and b, if and
only if it has this form (Characterization 1). `mean` and `std` are two scalars per image, pooled over
every entry (channels and pixels), because the group acts with one a and one b on all of them.

NOTE, deviations. The paper's text divides by std + 1e-5 and its published code by std without a guard,
with the sample deviation (d - 1). Here: the population deviation of Eq. 3, no epsilon, and the exact
guard of Eq. 6 (a constant image maps to itself). So the identity holds down to rounding.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

Prediction = Literal["direct", "residual"]


def instance_statistics(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centred image, mean and population standard deviation of each instance (Eq. 3).

    Args:
        y: (B, C, ...) floating point, any range.

    Returns:
        `centred` like y, `mean` and `std` of shape (B, 1, ..., 1), all float32 or better.
        `std` is exactly 0 for a constant image, and `mean` exactly its value.
    """
    y = y.to(torch.promote_types(y.dtype, torch.float32))
    over = tuple(range(1, y.ndim))
    # Statistics of y - y[0]: exact for constant images, and no cancellation when a small contrast
    # rides on a huge offset. The shift drops out of the result, so no gradient is lost by detaching it.
    shift = y.detach().flatten(1)[:, 0].reshape(-1, *[1] * (y.ndim - 1))
    shifted = y - shift
    shifted_mean = shifted.mean(over, keepdim=True)
    centred = shifted - shifted_mean
    return centred, shift + shifted_mean, _root_mean_square(centred)


def _root_mean_square(x: Tensor) -> Tensor:
    """sqrt(mean(x^2)) of each instance; 0 with gradient 0 where x = 0 (a bare sqrt has gradient NaN)."""
    power = x.square().mean(tuple(range(1, x.ndim)), keepdim=True)
    is_zero = power == 0
    return torch.where(is_zero, 0.0, torch.where(is_zero, 1.0, power).sqrt())


def _divide_or_zero(x: Tensor, scale: Tensor) -> Tensor:
    """x / scale, and 0 where scale = 0 (the guard of Eq. 6)."""
    is_zero = scale == 0
    return torch.where(is_zero, 0.0, x / torch.where(is_zero, 1.0, scale))


def normalize(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """T_NE of Eq. 6: (y - mean(y) 1) / std(y), or 0 where y is constant; with mean(y) and std(y)."""
    centred, mean, std = instance_statistics(y)
    return _divide_or_zero(centred, std), mean, std


class BackboneWrapper(nn.Module):
    """Holds a backbone without adding parameters, buffers or names.

    The state dict is the backbone's own: it loads into the bare backbone, and back.
    """

    def __init__(self, backbone: nn.Module, prediction: Prediction = "direct"):
        super().__init__()
        if not isinstance(backbone, nn.Module):
            raise TypeError(f"backbone must be a torch.nn.Module, not {type(backbone).__name__}")
        if prediction not in ("direct", "residual"):
            raise ValueError(f"prediction must be 'direct' or 'residual', not {prediction!r}")
        self.backbone = backbone
        self.prediction = prediction
        self.register_state_dict_post_hook(_strip_backbone_prefix)
        self.register_load_state_dict_pre_hook(_add_backbone_prefix)

    def forward(self, y: Tensor, *args, **kwargs) -> Tensor:
        """Args: y (B, C, H, W), floating point, any range; the rest goes to the backbone unchanged."""
        if not y.is_floating_point():
            raise TypeError(
                f"expected a floating-point image, got {y.dtype}: convert it first, y.float() / 255 for 8 bits"
            )
        if y.ndim < 4 or 0 in y.shape[1:]:
            raise ValueError(
                f"expected a non-empty image (B, C, H, W), got shape {tuple(y.shape)}: "
                "add missing axes, y[None] for a batch of one"
            )
        return self._wrap(y, args, kwargs).to(y.dtype)

    @abstractmethod
    def _wrap(self, y: Tensor, args: tuple, kwargs: dict) -> Tensor: ...

    def _run_backbone(self, z: Tensor, y: Tensor, args: tuple, kwargs: dict) -> Tensor:
        out = self.backbone(z.to(y.dtype), *args, **kwargs)
        if not isinstance(out, Tensor) or out.shape != y.shape:
            got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise ValueError(f"the backbone must map {tuple(y.shape)} to the same shape, but it returned {got}")
        return out.to(z.dtype)

    def extra_repr(self) -> str:
        return f"prediction={self.prediction}"


class NormalizationEquivariant(BackboneWrapper):
    """f(y) = std(y) g(T_NE(y)) + mean(y) 1, so that f(a y + b 1) = a f(y) + b 1 for a > 0 (Eq. 7, 8).

    Parameter-free; differentiable through the statistics; every image on its own, whatever its batch.
    With `prediction="residual"` the backbone predicts the normalized noise instead,
    f(y) = y - std(y) g(T_NE(y)) (App. F): the same class of maps, another parameterization.

    Args:
        backbone: any module that maps (B, C, H, W) to (B, C, H, W).
        prediction: what the backbone predicts, "direct" (the clean image) or "residual" (the noise).

    Raises:
        TypeError, ValueError: for integer images, fewer than 4 axes, or a backbone that changes the shape.

    >>> denoiser = NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1))
    >>> y = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    >>> f = denoiser.double()
    >>> torch.allclose(f(3 * y - 7), 3 * f(y) - 7)
    True
    """

    def _wrap(self, y: Tensor, args: tuple, kwargs: dict) -> Tensor:
        z, mean, std = normalize(y)
        out = self._run_backbone(z, y, args, kwargs)
        if self.prediction == "residual":
            out = z - out
        # std = 0 is exact for constant images; `where` keeps a backbone's inf or NaN out of them.
        return mean + torch.where(std == 0, 0.0, std * out)


class ScaleEquivariant(BackboneWrapper):
    """f(y) = s(y) g(y / s(y)) with s(y) = ||y|| / sqrt(d): f(a y) = a f(y) for a > 0 (Eq. 1), f(0) = 0.

    The weaker sibling of the NE wrapper, without the brightness. Arguments and errors are the same.
    """

    def _wrap(self, y: Tensor, args: tuple, kwargs: dict) -> Tensor:
        raw = y.to(torch.promote_types(y.dtype, torch.float32))
        scale = _root_mean_square(raw)
        z = _divide_or_zero(raw, scale)
        out = self._run_backbone(z, y, args, kwargs)
        if self.prediction == "residual":
            out = z - out
        return torch.where(scale == 0, 0.0, scale * out)


class InputNormalized(BackboneWrapper):
    """f(y) = g(T_NE(y)): normalization of the input alone (IN, App. O), invariant and not equivariant.

    A negative control: the backbone cannot know the brightness and contrast that it must give back.
    With `prediction="residual"`, f(y) = y - g(T_NE(y)). Arguments and errors are those of the NE wrapper.
    """

    def _wrap(self, y: Tensor, args: tuple, kwargs: dict) -> Tensor:
        z, _, _ = normalize(y)
        out = self._run_backbone(z, y, args, kwargs)
        return y.to(out.dtype) - out if self.prediction == "residual" else out


_PREFIX = "backbone."


def _strip_backbone_prefix(module: nn.Module, state_dict: dict, prefix: str, _metadata: dict) -> None:
    # Take all out before the first goes back: a backbone may have a submodule `backbone` of its own.
    keys = [k for k in state_dict if k.startswith(prefix + _PREFIX)]
    state_dict.update({prefix + k.removeprefix(prefix + _PREFIX): state_dict.pop(k) for k in keys})


def _add_backbone_prefix(module: nn.Module, state_dict: dict, prefix: str, *_: object) -> None:
    keys = [k for k in state_dict if k.startswith(prefix)]
    state_dict.update({prefix + _PREFIX + k.removeprefix(prefix): state_dict.pop(k) for k in keys})
