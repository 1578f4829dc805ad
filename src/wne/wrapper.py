"""Normalization-equivariant wrappers: normalize, process with any backbone, denormalize.

    f(y) = std(y) g((y - mean(y) 1) / std(y)) + mean(y) 1             (Eq. 7 of the paper)

A map f is normalization equivariant (NE), f(a y + b 1) = a f(y) + b 1 for all a > 0 and b, if and
only if it has this form (Characterization 1). `mean` and `std` are two scalars per image, pooled over
every entry (channels and pixels), because the group acts with one a and one b on all of them. The entries
that share one mean and one std are those that share one a and one b (`pool`):

    "joint"      a and b are two numbers per image; the paper's, and what keeps colours together
    "channel"    a and b are a number per channel: f(a_c y_c + b_c 1) = a_c f(y)_c + b_c 1, which contains "joint"

A mask leaves entries out of the statistics (padding, dead pixels): the identity then holds whatever they are.

NOTE, deviations. The paper's text divides by std + 1e-5 and its published code by std without a guard,
with the sample deviation (d - 1). Here: the population deviation of Eq. 3, no epsilon, and the exact
guard of Eq. 6 (a constant image maps to itself). So the identity holds down to rounding.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Prediction = Literal["direct", "residual"]
Pool = Literal["joint", "channel"]


def instance_statistics(y: Tensor, mask: Tensor | None = None, pool: Pool = "joint") -> tuple[Tensor, Tensor, Tensor]:
    """Centred image, mean and population standard deviation of each instance (Eq. 3).

    Args:
        y: (B, C, ...) floating point, any range; or complex, with a complex mean and a real deviation,
            std^2 = mean |y - mean|^2.
        mask: bool, True where y counts, of a shape that broadcasts to y's; None: everywhere. Where it is
            False, y may be anything, inf and NaN too.
        pool: the entries that share a mean and a std, "joint" or "channel".

    Returns:
        `centred` like y, and 0 where the mask is False. `mean` and `std` of shape (B, 1, ..., 1), for
        "channel" (B, C, 1, ..., 1). All float32 (complex64) or better. `std` is exactly 0 for a constant
        image, and `mean` exactly its value. Both are NaN for an image of which the mask leaves nothing.
    """
    y = y.to(torch.promote_types(y.dtype, torch.float32))
    over = tuple(range(_FIRST_POOLED[pool], y.ndim))
    if mask is not None:
        mask = mask.expand(y.shape)
        y = torch.where(mask, y, 0.0)
    # Statistics of y - y[0]: exact for constant images, and no cancellation when a small contrast
    # rides on a huge offset. The shift drops out of the result, so no gradient is lost by detaching it.
    shift = _first_entry(y.detach(), mask, over)
    shifted = y - shift
    shifted_mean = _mean(shifted, mask, over)
    centred = shifted - shifted_mean
    if mask is not None:
        centred = torch.where(mask, centred, 0.0)
    return centred, shift + shifted_mean, _root_mean_square(centred, mask, over)


_FIRST_POOLED = {"joint": 1, "channel": 2}  # the first axis that the statistics run over


def _first_entry(y: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> Tensor:
    """The first entry of each instance that counts, as (B, 1, ..., 1) or (B, C, 1, ..., 1)."""
    flat = y.flatten(over[0])
    if mask is None:
        first = flat[..., 0]
    else:
        first = flat.gather(-1, mask.flatten(over[0]).byte().argmax(-1, keepdim=True))[..., 0]
    return first.reshape(*y.shape[: over[0]], *[1] * len(over))


def _mean(x: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> Tensor:
    """Mean of the entries that count; 0 / 0 where there are none."""
    if mask is None:
        return x.mean(over, keepdim=True)
    return torch.where(mask, x, 0.0).sum(over, keepdim=True) / mask.sum(over, keepdim=True)


def _root_mean_square(x: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> Tensor:
    """sqrt(mean(|x|^2)) of each instance; 0 with gradient 0 where x = 0 (a bare sqrt has gradient NaN)."""
    squared = x.real.square() + x.imag.square() if x.is_complex() else x.square()
    power = _mean(squared, mask, over)
    is_zero = power == 0
    return torch.where(is_zero, 0.0, torch.where(is_zero, 1.0, power).sqrt())


def _divide_or_zero(x: Tensor, scale: Tensor) -> Tensor:
    """x / scale, and 0 where scale = 0 (the guard of Eq. 6)."""
    is_zero = scale == 0
    return torch.where(is_zero, 0.0, x / torch.where(is_zero, 1.0, scale))


def normalize(y: Tensor, mask: Tensor | None = None, pool: Pool = "joint") -> tuple[Tensor, Tensor, Tensor]:
    """T_NE of Eq. 6: (y - mean(y) 1) / std(y), or 0 where y is constant; with mean(y) and std(y).

    Arguments as those of `instance_statistics`. The result is 0, the mean, where the mask is False.
    """
    centred, mean, std = instance_statistics(y, mask, pool)
    return _divide_or_zero(centred, std), mean, std


class BackboneWrapper(nn.Module):
    """Holds a backbone without adding parameters, buffers or names.

    The state dict is the backbone's own: it loads into the bare backbone, and back.
    """

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
        if prediction not in ("direct", "residual"):
            raise ValueError(f"prediction must be 'direct' or 'residual', not {prediction!r}")
        if pool not in _FIRST_POOLED:
            raise ValueError(f"pool must be 'joint' or 'channel', not {pool!r}")
        self.backbone = backbone
        self.prediction = prediction
        self.pool: Pool = pool
        self.output = output
        hide_backbone_prefix(self)

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
        if not (y.is_floating_point() or y.is_complex()):
            raise TypeError(
                f"expected a floating-point image, got {y.dtype}: convert it first, y.float() / 255 for 8 bits"
            )
        if y.ndim < 4 or 0 in y.shape[1:]:
            raise ValueError(
                f"expected a non-empty image (B, C, H, W), got shape {tuple(y.shape)}: "
                "add missing axes, y[None] for a batch of one"
            )
        if mask is not None:
            _check_mask(mask, y)
        return self._wrap(y, mask, args, kwargs).to(y.dtype)

    @abstractmethod
    def _wrap(self, y: Tensor, mask: Tensor | None, args: tuple, kwargs: dict) -> Tensor: ...

    def _run_backbone(self, z: Tensor, y: Tensor, args: tuple, kwargs: dict) -> Tensor:
        out = self.backbone(z.to(y.dtype), *args, **kwargs)
        if self.output is not None:
            out = _choose(out, self.output)
        if not isinstance(out, Tensor):
            raise ValueError(
                f"the backbone must return a tensor, but it returned {_describe(out)}: "
                "choose one of its results with output=<index or key>"
            )
        if out.shape != y.shape:
            raise ValueError(
                f"the backbone must map {tuple(y.shape)} to the same shape, but it returned {tuple(out.shape)}"
            )
        return out.to(z.dtype)

    def extra_repr(self) -> str:
        parts = [f"prediction={self.prediction}", f"pool={self.pool}"]
        return ", ".join(parts if self.output is None else [*parts, f"output={self.output!r}"])


class NormalizationEquivariant(BackboneWrapper):
    """f(y) = std(y) g(T_NE(y)) + mean(y) 1, so that f(a y + b 1) = a f(y) + b 1 for a > 0 (Eq. 7, 8).

    Parameter-free; differentiable through the statistics; every image on its own, whatever its batch.
    With `prediction="residual"` the backbone predicts the normalized noise instead,
    f(y) = y - std(y) g(T_NE(y)) (App. F): the same class of maps, another parameterization.

    Args:
        backbone: any module or function that maps (B, C, H, W) to (B, C, H, W).
        prediction: what the backbone predicts, "direct" (the clean image) or "residual" (the noise).
        pool: the entries that share one mean and one std, and so one a and one b: "joint", all of an image,
            or "channel", those of each channel (see the head of this module).
        output: of a backbone that returns a tuple or a dict, the index or key of the image.

    Raises:
        TypeError, ValueError: for integer images, fewer than 4 axes, a mask that does not fit, or a backbone
            that changes the shape.

    Range: exact to rounding for contrasts, std(y), from 1e-19 to 1e19 in float32, and with any offset; float16
    and bfloat16 images have their statistics in float32, so that no square of theirs overflows.

    >>> denoiser = NormalizationEquivariant(nn.Conv2d(1, 1, 3, padding=1))
    >>> y = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    >>> f = denoiser.double()
    >>> torch.allclose(f(3 * y - 7), 3 * f(y) - 7)
    True
    """

    def _wrap(self, y: Tensor, mask: Tensor | None, args: tuple, kwargs: dict) -> Tensor:
        z, mean, std = normalize(y, mask, self.pool)
        out = self._run_backbone(z, y, args, kwargs)
        if self.prediction == "residual":
            out = z - out
        # std = 0 is exact for constant images; `where` keeps a backbone's inf or NaN out of them.
        return mean + torch.where(std == 0, 0.0, std * out)


class ScaleEquivariant(BackboneWrapper):
    """f(y) = s(y) g(y / s(y)) with s(y) = ||y|| / sqrt(d): f(a y) = a f(y) for a > 0 (Eq. 1), f(0) = 0.

    The weaker sibling of the NE wrapper, without the brightness. Arguments and errors are the same.
    """

    def _wrap(self, y: Tensor, mask: Tensor | None, args: tuple, kwargs: dict) -> Tensor:
        raw = y.to(torch.promote_types(y.dtype, torch.float32))
        if mask is not None:
            mask = mask.expand(y.shape)
            raw = torch.where(mask, raw, 0.0)
        scale = _root_mean_square(raw, mask, tuple(range(_FIRST_POOLED[self.pool], y.ndim)))
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

    def _wrap(self, y: Tensor, mask: Tensor | None, args: tuple, kwargs: dict) -> Tensor:
        z, _, _ = normalize(y, mask, self.pool)
        out = self._run_backbone(z, y, args, kwargs)
        return y.to(out.dtype) - out if self.prediction == "residual" else out


def _check_mask(mask: Tensor, y: Tensor) -> None:
    if mask.dtype != torch.bool:
        raise TypeError(f"expected a mask of dtype bool, True where the image counts, got {mask.dtype}: mask > 0")
    if mask.ndim != y.ndim or any(m not in (1, n) for m, n in zip(mask.shape, y.shape)):
        raise ValueError(f"a mask of shape {tuple(mask.shape)} does not broadcast to the image's {tuple(y.shape)}")


def _choose(out: object, output: int | str) -> object:
    """`out[output]`, with an error that says what there is."""
    try:
        return out[output]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        raise ValueError(f"output={output!r}: the backbone returned {_describe(out)}") from None


def _describe(out: object) -> str:
    if isinstance(out, Tensor):
        return f"a tensor {tuple(out.shape)}"
    if isinstance(out, dict):
        return f"{type(out).__name__} with the keys {', '.join(map(repr, out))}"
    return f"{type(out).__name__} of {len(out)}" if isinstance(out, tuple | list) else type(out).__name__


_PREFIX = "backbone."


def hide_backbone_prefix(module: nn.Module) -> None:
    """Makes the state dict of a module that holds nothing but `backbone` the backbone's own."""
    module.register_state_dict_post_hook(_strip_backbone_prefix)
    module.register_load_state_dict_pre_hook(_add_backbone_prefix)


def _strip_backbone_prefix(module: nn.Module, state_dict: dict, prefix: str, _metadata: dict) -> None:
    # Take all out before the first goes back: a backbone may have a submodule `backbone` of its own.
    keys = [k for k in state_dict if k.startswith(prefix + _PREFIX)]
    state_dict.update({prefix + k.removeprefix(prefix + _PREFIX): state_dict.pop(k) for k in keys})


def _add_backbone_prefix(module: nn.Module, state_dict: dict, prefix: str, *_: object) -> None:
    keys = [k for k in state_dict if k.startswith(prefix)]
    state_dict.update({prefix + _PREFIX + k.removeprefix(prefix): state_dict.pop(k) for k in keys})
