"""Adam or AdamW for all parameters, or Muon for the hidden layers and Adam for the rest.

    W <- W - rate 0.2 sqrt(max(rows, columns)) O,   O = the nearest semi-orthogonal matrix to the momentum of dL/dW

Muon (Jordan et al., 2024) on the weight of a convolution as a matrix (C_out, C_in k^2), with the scale of Liu et al.
(2025), by which an entry moves as far as with Adam, about 0.2 rate, whatever the shape. torch.optim.Muon has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from wne.console import say

ADAPTIVE = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def hidden_weights(model: nn.Module, channels: int) -> list[nn.Parameter]:
    """The weights of convolutions and linear layers that neither read nor write the image of `channels` channels."""
    return [
        parameter
        for name, parameter in model.named_parameters()
        if name.endswith("weight") and parameter.ndim >= 2 and min(parameter.shape[:2]) > channels
    ]


class ConvolutionMuon(torch.optim.Muon):
    """torch.optim.Muon on weights of any rank: it sees a (rows, columns) view of each, and changes them through it.

    Raises:
        ValueError: a weight that is no matrix in memory; in `step`, weights that have moved since.
    """

    def __init__(self, weights: Iterable[nn.Parameter], **options: object):
        self.weights = list(weights)
        self.orders = [_order(weight) for weight in self.weights]
        matrices = [_matrix(weight.detach(), order) for weight, order in zip(self.weights, self.orders)]
        super().__init__(matrices, adjust_lr_fn="match_rms_adamw", **options)
        self.matrices = matrices

    def zero_grad(self, set_to_none: bool = True) -> None:
        for weight in self.weights:
            weight.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:
        for matrix, weight, order in zip(self.matrices, self.weights, self.orders):
            if matrix.data_ptr() != weight.data_ptr():
                raise ValueError("weights have moved since Muon was made; make it after model.to(...)")
            matrix.grad = None if weight.grad is None else _matrix(weight.grad, order)
        super().step(closure)


def _order(weight: Tensor) -> tuple[int, ...]:
    """An order of dimensions, rows first, in which a weight is a matrix in memory; orthogonalization ignores that of columns."""
    usual = (0, 2, 3, 1) if weight.ndim == 4 and not weight.is_contiguous() else tuple(range(weight.ndim))
    in_memory = (0, *sorted(range(1, weight.ndim), key=weight.stride, reverse=True))
    for order in (usual, in_memory):
        if _matrix(weight.detach(), order).data_ptr() == weight.data_ptr():
            return order
    raise ValueError(
        f"Muon: a weight of shape {tuple(weight.shape)} and strides {weight.stride()} is no matrix in memory; "
        "make it contiguous"
    )


def _matrix(weight: Tensor, order: tuple[int, ...]) -> Tensor:
    return weight.permute(order).flatten(1)


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
        ValueError: another name; Muon for a network without hidden weights, or with some that are no matrix in memory.
    """
    if name not in (*ADAPTIVE, "muon"):
        raise ValueError(f"optimizer must be one of {', '.join((*ADAPTIVE, 'muon'))}, not {name!r}")
    if name in ADAPTIVE:
        chosen = [_fused(ADAPTIVE[name], model.parameters(), rate)]
    else:
        hidden = hidden_weights(model, channels)
        if not hidden:
            raise ValueError("optimizer: muon is for hidden weights, and this network has none; use adam")
        known = set(map(id, hidden))
        rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
        chosen = [_fused(torch.optim.Adam, rest, rate if rest_rate is None else rest_rate)] if rest else []
        chosen.append(ConvolutionMuon(hidden, lr=rate, **{"weight_decay": 0.0, **muon}))
    for group in (group for optimizer in chosen for group in optimizer.param_groups):
        group["initial_lr"] = group["lr"]
    return chosen


def _fused(kind: type[torch.optim.Adam], parameters: Iterable[nn.Parameter], rate: float) -> torch.optim.Adam:
    """One kernel for all parameters; where the device has none, torch's own choice, and says so."""
    parameters = list(parameters)
    try:
        return kind(parameters, lr=rate, fused=True)
    except RuntimeError as error:
        say(f"note: {kind.__name__} is not fused here ({str(error).splitlines()[0]}); steps take longer")
        return kind(parameters, lr=rate)
