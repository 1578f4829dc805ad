"""Adam or AdamW for all parameters, or Muon for the hidden layers and Adam for the rest.

    W <- W - rate 0.2 sqrt(max(rows, columns)) O,   O = the nearest semi-orthogonal matrix to the momentum of dL/dW

Muon (Jordan et al., 2024) on the weight of a convolution as a matrix (C_out, C_in k^2), with the scale of Liu et al.
(2025), by which an entry moves as far as with Adam, about 0.2 rate, whatever the shape. torch.optim.Muon has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

ADAPTIVE = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def hidden_weights(model: nn.Module, channels: int) -> list[nn.Parameter]:
    """The weights of convolutions and linear layers that neither read nor write the image of `channels` channels."""
    return [
        parameter
        for name, parameter in model.named_parameters()
        if name.endswith("weight") and parameter.ndim >= 2 and min(parameter.shape[:2]) > channels
    ]


class ConvolutionMuon(torch.optim.Muon):
    """torch.optim.Muon on weights of any rank: it sees a (rows, columns) view of each, and changes them through it."""

    def __init__(self, weights: Iterable[nn.Parameter], **options: object):
        self.weights = list(weights)
        # The order of columns is that in memory, or there would be no view; orthogonalization ignores it.
        self.orders = [
            (0, 2, 3, 1) if w.ndim == 4 and not w.is_contiguous() else tuple(range(w.ndim)) for w in self.weights
        ]
        matrices = [self._matrix(weight.detach(), order) for weight, order in zip(self.weights, self.orders)]
        super().__init__(matrices, adjust_lr_fn="match_rms_adamw", **options)
        self.matrices = matrices

    @staticmethod
    def _matrix(weight: Tensor, order: tuple[int, ...]) -> Tensor:
        return weight.permute(order).flatten(1)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        for matrix, weight, order in zip(self.matrices, self.weights, self.orders):
            matrix.grad = None if weight.grad is None else self._matrix(weight.grad, order)
        super().step(closure)


def optimizers(
    model: nn.Module,
    name: str,
    rate: float,
    *,
    channels: int,
    rest_rate: float | None = None,
    **muon: float | bool,
) -> list[torch.optim.Optimizer]:
    """The optimizers that take a step together. Each group keeps its largest rate as `initial_lr`.

    Args:
        name: "adam" or "adamw" (all parameters), or "muon" (hidden weights with Muon, the rest with Adam).
        rate: the largest rate; of Muon and of the rest alike unless `rest_rate` says otherwise.
        channels: of the image: layers that read or write it are not hidden.
        muon: options of torch.optim.Muon; no weight decay unless told.

    Raises:
        ValueError: another name.
    """
    if name not in (*ADAPTIVE, "muon"):
        raise ValueError(f"optimizer must be one of {', '.join((*ADAPTIVE, 'muon'))}, not {name!r}")
    if name in ADAPTIVE:
        chosen = [ADAPTIVE[name](model.parameters(), lr=rate, fused=True)]
    else:
        hidden = hidden_weights(model, channels)
        known = set(map(id, hidden))
        rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
        chosen = [
            torch.optim.Adam(rest, lr=rate if rest_rate is None else rest_rate, fused=True),
            ConvolutionMuon(hidden, lr=rate, **{"weight_decay": 0.0, **muon}),
        ]
    for group in (group for optimizer in chosen for group in optimizer.param_groups):
        group["initial_lr"] = group["lr"]
    return chosen
