"""One run on several processes, a GPU each: torchrun --nproc_per_node N -m replication train RUN --params FILE

Every process draws the random numbers of the whole batch and trains on its part; DistributedDataParallel averages the
gradients. So the samples are those of one process, and the weights too, up to the order of summation. All processes
read the images and the state; the first alone writes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from replication.experiments.states import TrainingError
from replication.experiments.synchronized import synchronize
from wne.console import say


@dataclass(frozen=True)
class Processes:
    """The processes that train a run together, seen from the one with number `rank`; by default there is one."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def say(self, message: str) -> None:
        """A note for the user that is the same in all processes, once."""
        if self.is_first:
            say(message)

    def check_batch(self, batch: int, recipe: str) -> None:
        """Raises TrainingError where a batch has no equal parts."""
        if batch % self.count:
            raise TrainingError(
                f"recipe {recipe}: a batch of {batch} has no {self.count} equal parts; "
                "use a number of processes that divides it"
            )

    def part(self, batch: Tensor) -> Tensor:
        """This process's images of a whole batch."""
        return batch if self.count == 1 else batch.chunk(self.count)[self.rank]

    def synchronize(self, model: nn.Module) -> None:
        """Makes layers that need the whole batch see it, in place."""
        if self.count > 1:
            synchronize(model, self.rank, self.count)

    def averaged(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network whose backward pass averages the gradients over processes."""
        if self.count == 1:
            return network
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of a name that older torch lacks
            return DistributedDataParallel(
                network,
                device_ids=[device] if device.type == "cuda" else None,
                broadcast_buffers=False,  # BatchNorm has the same statistics everywhere
            )

    def mean(self, value: Tensor | float) -> float:
        """Mean over processes of a number; waits for the device and for the others."""
        if self.count == 1:
            return float(value)
        total = torch.tensor(float(value), dtype=torch.float64)  # on the CPU: gloo, whatever the device
        dist.all_reduce(total)
        return total.item() / self.count

    def as_first(self, value: float) -> float:
        """The first process's number, on all; waits for the others, not for the device."""
        if self.count == 1:
            return value
        shared = torch.tensor(float(value), dtype=torch.float64)
        dist.broadcast(shared, 0)
        return shared.item()

    def all_hold(self, condition: bool) -> bool:
        """Whether it holds in every process."""
        return self.mean(condition) == 1


ALONE = Processes()


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """The processes that torchrun started, and this one's device; ALONE and `device` without torchrun.

    Raises:
        TrainingError: more processes on this machine than GPUs.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "RANK" not in os.environ:
        yield ALONE, device
        return
    if device.type == "cuda":
        local, there = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if local >= there:
            raise TrainingError(
                f"torchrun starts more processes here than the {there} GPUs: --nproc_per_node {there}, or --device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    # Not in `finally`: after an error the others may never arrive, and torchrun ends them.
    yield Processes(dist.get_rank(), count), device
    dist.destroy_process_group()
