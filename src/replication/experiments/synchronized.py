"""Layers that see the whole batch of a step when each of several processes holds a part of it.

A network on a part of the batch computes what it computes on the whole, but for layers that mix the images of a batch,
or that draw a random number for each:

    BatchNorm2d        mean and variance over the images of all processes
    DropPath           the mask of the whole batch is drawn everywhere, and each process takes its part
    dropout            refused: its mask has the shape of what it sees, which depends on the number of processes

A layer of another kind that does either is not found here, and works on its part alone.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from replication.experiments.states import TrainingError


class _Mean(torch.autograd.Function):
    """Mean over processes of a tensor; so is its gradient, for a loss that is summed over them."""

    @staticmethod
    def forward(ctx: object, value: Tensor) -> Tensor:
        return _mean(value)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return _mean(gradient)


def _mean(value: Tensor) -> Tensor:
    total = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total / dist.get_world_size()


@torch.compiler.disable
def mean_over_processes(value: Tensor) -> Tensor:
    """Mean over processes, differentiable; `value` has the same shape in each."""
    return _Mean.apply(value)


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of equal parts of a batch on all processes together.

    On any device, unlike torch's SyncBatchNorm, so that what is tested on CPUs is what runs on GPUs.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = mean_over_processes(wide.mean((0, 2, 3)))
        centred = wide - mean[:, None, None]
        variance = mean_over_processes(centred.square().mean((0, 2, 3)))
        self._track(mean.detach(), variance.detach(), x.numel() // x.shape[1] * dist.get_world_size())
        scale = torch.rsqrt(variance + self.eps)
        if not self.affine:
            return (centred * scale[:, None, None]).to(x.dtype)
        return torch.addcmul(self.bias[:, None, None], centred, (self.weight * scale)[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        if not self.track_running_stats:
            return
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (count / (count - 1)), share)


class WholeBatchDropPath(nn.Module):
    """timm's DropPath with the numbers that it would draw for the whole batch."""

    def __init__(self, drop_prob: float, scale_by_keep: bool, rank: int, count: int):
        super().__init__()
        self.keep, self.scale_by_keep, self.rank, self.count = 1 - drop_prob, scale_by_keep, rank, count

    def forward(self, x: Tensor) -> Tensor:
        if self.keep == 1 or not self.training:
            return x
        images = x.shape[0]
        mask = x.new_empty((self.count * images, *[1] * (x.ndim - 1))).bernoulli_(self.keep)
        if self.keep > 0 and self.scale_by_keep:
            mask.div_(self.keep)
        return x * mask[self.rank * images : (self.rank + 1) * images]


def synchronize(model: nn.Module, rank: int, count: int) -> None:
    """Replaces, in place, the layers that need the whole batch. Weights and their names stay.

    Raises:
        TrainingError: a layer needs the whole batch and has no such form.
    """
    for parent_name, parent in list(model.named_modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.BatchNorm2d:
                layer.__class__ = SynchronizedBatchNorm2d  # the same parameters, buffers and hooks
            elif type(layer).__name__ == "DropPath":
                setattr(parent, name, WholeBatchDropPath(layer.drop_prob, layer.scale_by_keep, rank, count))
            elif isinstance(layer, _BatchNorm) or (isinstance(layer, _DropoutNd) and layer.p > 0):
                where = f"{parent_name}.{name}" if parent_name else name
                raise TrainingError(
                    f"{where} is a {type(layer).__name__}, which depends on the whole batch; train with one process"
                )
