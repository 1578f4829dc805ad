"""What a wrapper takes and what its backbone must return, each refusal in one line that says what to do."""

from __future__ import annotations

import torch
from torch import Tensor


def check_image(y: Tensor) -> None:
    """Raises unless y is a non-empty batch (B, C, H, W) or (B, C, D, H, W) of floating-point or complex images."""
    _check_tensor(y, "image")
    if not (y.is_floating_point() or y.is_complex()):
        raise TypeError(f"expected a floating-point image, got {y.dtype}: convert it first, y.float() / 255 for 8 bits")
    if y.ndim < 4 or 0 in y.shape[1:]:
        raise ValueError(
            f"expected a non-empty image (B, C, H, W), got shape {tuple(y.shape)}: "
            "add missing axes, y[None] for a batch of one"
        )


def check_mask(mask: Tensor, y: Tensor) -> None:
    """Raises unless the mask is bool and broadcasts to the image."""
    _check_tensor(mask, "mask")
    if mask.dtype != torch.bool:
        raise TypeError(f"expected a mask of dtype bool, True where the image counts, got {mask.dtype}: mask > 0")
    if mask.ndim != y.ndim or any(m not in (1, n) for m, n in zip(mask.shape, y.shape)):
        raise ValueError(f"a mask of shape {tuple(mask.shape)} does not broadcast to the image's {tuple(y.shape)}")


def chosen_image(out: object, output: int | str | None, shape: tuple[int, ...]) -> Tensor:
    """The image among what a backbone returned, `out` or `out[output]`, if it has the shape that it must have."""
    if output is not None:
        try:
            out = out[output]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            raise ValueError(f"output={output!r}: the backbone returned {_describe(out)}") from None
    if not isinstance(out, Tensor):
        raise ValueError(
            f"the backbone must return a tensor, but it returned {_describe(out)}: "
            "choose one of its results with output=<index or key>"
        )
    if out.shape != shape:
        raise ValueError(f"the backbone must map {tuple(shape)} to the same shape, but it returned {tuple(out.shape)}")
    return out


def _check_tensor(value: object, name: str) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"expected the {name} as a torch.Tensor, got {type(value).__name__}: torch.as_tensor({name})")


def _describe(out: object) -> str:
    if isinstance(out, Tensor):
        return f"a tensor {tuple(out.shape)}"
    if isinstance(out, dict):
        return f"{type(out).__name__} with the keys {', '.join(map(repr, out))}"
    return f"{type(out).__name__} of {len(out)}" if isinstance(out, tuple | list) else type(out).__name__
