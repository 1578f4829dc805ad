"""What each variant asks of a GPU: FLOPs, bytes and operations, counted without running anything (beside Tables 2, 5, 6).

Each aten operation that launches a kernel is one row: FLOPs by torch's formulas (2 for a multiplication with addition in
matrix products and convolutions, 0 for all else), bytes of the tensors that it reads and writes. Views and allocations
launch nothing. The tensors are fake ones on the CPU, with shapes and no data: no network branches on its data, and
autocast, which the last layers switch off, does not know the device "meta".
NOTE: a GPU may do otherwise than torch's CPU path: fuse attention, or take several kernels for one operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from replication.study.params import Params, TimedFamily
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder
from wne.models import create_denoiser

_ALLOCATE = {"aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty", "aten::new_empty_strided",
             "aten::lift_fresh"}  # fmt: skip
_OVERWRITE = {"aten::fill_", "aten::zero_", "aten::copy_", "aten::bernoulli_"}  # and do not read what they write to


def count_all(params: Params, paths: ProfilePaths) -> None:
    """Writes results/<profile>/counts/<family>.csv of each timed family, at its GPU shape and in float32.

    Columns: variant, mode, operation, calls, flops and bytes of one call; batch, channels, height, width.
    """
    with replacing_folder(paths.counts) as folder:
        for key, family in params.timing.families.items():
            _count_family(params, family).to_csv(folder / f"{key}.csv", index=False)


def counted(run: Callable[..., object], *args: object) -> pd.DataFrame:
    """operation, flops, bytes, calls of all that run(*args) does to tensors, real or fake; equal operations in one row."""
    with _Counting() as counting:
        run(*args)
    rows = [(*operation, calls) for operation, calls in counting.calls.items()]
    return pd.DataFrame(rows, columns=["operation", "flops", "bytes", "calls"])


def _count_family(params: Params, family: TimedFamily) -> pd.DataFrame:
    spec, parts = params.models[family.model], []
    shape = dict(zip(("batch", "channels", "height", "width"), family.cuda_shape))
    for variant in family.variants:
        model = create_denoiser(spec.backbone, variant, channels=shape["channels"], **spec.size)
        model = model.to(memory_format=torch.channels_last)
        for mode, step in (("training", _training_step), ("inference", _inference_step)):
            model.train(mode == "training")
            with FakeTensorMode(allow_non_fake_inputs=True):
                y = torch.empty(family.cuda_shape).to(memory_format=torch.channels_last)
                parts.append(counted(step, model, y).assign(variant=variant, mode=mode, **shape))
            model.zero_grad(set_to_none=True)
    return pd.concat(parts, ignore_index=True)


def _training_step(model: nn.Module, y: Tensor) -> None:
    """Forward, loss and backward, as what is timed: no optimizer."""
    (model(y) - y).square().mean().backward()


@torch.no_grad()
def _inference_step(model: nn.Module, y: Tensor) -> None:
    model(y)


class _Counting(TorchDispatchMode):
    """calls: (operation, FLOPs, bytes) -> how often."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[tuple[str, int, int]] = Counter()

    def __torch_dispatch__(
        self, operation: OpOverload, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        kwargs = kwargs or {}
        out = operation(*args, **kwargs)
        name = operation._schema.name
        given, written = _tensors((args, kwargs)), _tensors(out)
        if written and name not in _ALLOCATE and not _is_view(operation, given, written):
            read = given[name in _OVERWRITE :]
            formula = flop_registry.get(operation.overloadpacket)
            flops = formula(*args, **kwargs, out_val=out) if formula else 0
            self.calls[name.removeprefix("aten::"), flops, sum(map(_bytes, read + written))] += 1
        return out


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _is_view(operation: OpOverload, given: list[Tensor], written: list[Tensor]) -> bool:
    """By what it says of itself; or, where it does not (_unsafe_view), by its output."""
    storages = {tensor.untyped_storage()._cdata for tensor in given}
    shares = all(tensor.untyped_storage()._cdata in storages for tensor in written)
    return operation.is_view or (shares and not operation._schema.is_mutable)


def _bytes(tensor: Tensor) -> int:
    """What lies in memory: an expanded tensor has more entries than that."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
