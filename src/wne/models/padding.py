"""Reflection padding that works for every image size, down to a single pixel, and a module that pads for a backbone."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from wne.statedict import BackboneHolder


def _reflected_indices(size: int, before: int, after: int, device: torch.device) -> Tensor:
    period = max(2 * (size - 1), 1)
    position = torch.arange(-before, size + after, device=device) % period
    return torch.minimum(position, period - position) if size > 1 else torch.zeros_like(position)


def reflect_pad(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Reflects (..., H, W) about its border pixels; torch's own refuses a pad as wide as the image."""
    height, width = x.shape[-2:]
    # torch reflects no integers and booleans, and no two of three axes of a volume: those go by index.
    torch_reflects = x.ndim in (3, 4) and (x.is_floating_point() or x.is_complex())
    if torch_reflects and max(left, right) < width and max(top, bottom) < height:
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    x = x[..., _reflected_indices(height, top, bottom, x.device), :]
    return x[..., _reflected_indices(width, left, right, x.device)]


def _whole(size: int, multiple: int) -> int:
    # In this form torch's algebra sees that the remainder is 0. Of size + (multiple - size % multiple) % multiple it
    # does not, and every layer that takes a remainder again (Swin's windows do) adds another nest of them.
    return (size + multiple - 1) // multiple * multiple


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Reflects an image at the right and the bottom: (..., H, W) to (..., ceil(H / m) m, ceil(W / m) m), m = `multiple`.

        out[i, j] = x[r(i, H), r(j, W)],   r(i, n) = min(i mod p, p - i mod p),   p = 2 (n - 1)

    and r = 0 for n = 1. The reflection is repeated where an image is smaller than what is added to it, so that every
    size from 1 x 1 up is taken. The image itself is out[..., :H, :W]; nothing is added where H and W are multiples.

    Args:
        x: (..., H, W), any dtype and range; differentiable.
        multiple: of the sides, in pixels, such as the product of the strides of a U-Net.

    Raises:
        ValueError: `multiple` is below 1, or x has no pixels.

    >>> pad_to_multiple(torch.tensor([[[1.0, 2.0, 3.0]]]), 2)
    tensor([[[1., 2., 3., 2.],
             [1., 2., 3., 2.]]])
    """
    _check_multiple(multiple)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ValueError(f"expected an image (..., H, W) of at least one pixel, got shape {tuple(x.shape)}")
    height, width = x.shape[-2:]
    return reflect_pad(x, 0, _whole(width, multiple) - width, 0, _whole(height, multiple) - height)


def _check_multiple(multiple: int) -> None:
    if multiple < 1:
        raise ValueError(
            f"multiple must be at least 1 pixel, not {multiple}: give the stride of the network, such as 8"
        )


class Padded(BackboneHolder):
    """f(x) = crop(backbone(pad(x))): a backbone that needs sides that are multiples of `multiple` takes every size.

    `pad` is `pad_to_multiple`, and the crop takes the first H rows and W columns. It adds no parameters, and loads the
    backbone's own state dict too. To make it equivariant, wrap the outcome, NormalizationEquivariant(Padded(unet, 8)):
    the statistics are then those of the image without its padding.

    Args:
        backbone: any module or function that maps (B, C, H, W) to (B, C, H, W) for such H and W.
        multiple: in pixels, at least 1.

    Raises:
        ValueError: `multiple` is below 1, or the backbone returns a tensor that has not the padded height and width.

    >>> halves = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Upsample(scale_factor=8))
    >>> Padded(halves, 8)(torch.rand(1, 1, 13, 5)).shape
    torch.Size([1, 1, 13, 5])
    """

    def __init__(self, backbone: Callable[..., object], multiple: int):
        super().__init__()
        _check_multiple(multiple)
        self.backbone = backbone
        self.multiple = multiple

    def forward(self, x: Tensor, *args: object, **kwargs: object) -> object:
        """backbone(pad(x), ...), cropped.

        Args:
            x: (B, C, H, W) or (B, C, D, H, W), of which H and W are padded.
            args, kwargs: go to the backbone; tensors of three or more axes whose last two are H and W, such as a
                noise map, are padded like x.

        Returns:
            What the backbone returns. Of a tuple, a list or a dict, each tensor of the padded height and width is
            cropped, and the rest stays.
        """
        size = x.shape[-2:]

        def pad(value: object) -> object:
            is_map = isinstance(value, Tensor) and value.ndim > 2 and value.shape[-2:] == size
            return pad_to_multiple(value, self.multiple) if is_map else value

        padded = pad_to_multiple(x, self.multiple)
        out = self.backbone(padded, *map(pad, args), **{name: pad(value) for name, value in kwargs.items()})
        if isinstance(out, Tensor) and out.shape[-2:] != padded.shape[-2:]:
            raise ValueError(
                f"the backbone must keep the padded size, but it made {tuple(out.shape)} of {tuple(padded.shape)}: "
                f"choose a multiple that fits its strides, not {self.multiple}"
            )
        return _crop(out, padded.shape[-2:], size)

    def extra_repr(self) -> str:
        return f"multiple={self.multiple}"


def _crop(out: object, padded: torch.Size, size: torch.Size) -> object:
    if isinstance(out, Tensor):
        return out[..., : size[0], : size[1]] if out.ndim > 2 and out.shape[-2:] == padded else out
    if isinstance(out, dict):
        return {key: _crop(value, padded, size) for key, value in out.items()}
    if isinstance(out, tuple | list):
        make = getattr(out, "_make", type(out))  # a named tuple takes its fields by _make
        return make(_crop(value, padded, size) for value in out)
    return out
