"""How fast a run trains on this device: steps a second, and the share of the device's peak.

    python -m benchmarks.throughput dncnn-wne-s25 --params profiles/paper/params.yaml
    torchrun --nproc_per_node 8 -m benchmarks.throughput swinir-wne-s25 --params profiles/paper/params.yaml

The steps are those of `replicate train`, on random images: draws, augmentation, forward, backward and optimizer. FLOPs are
torch's count of one uncompiled step: 2 for a multiplication with addition in convolutions and matrix products, 0 for
all else. The peak is a matrix product of the same precision, measured here, or with --card a data sheet's, from `cards:`
of the parameter file.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from replication.experiments.parallel import ALONE, Processes, joined
from replication.experiments.train import Steps
from replication.study.params import Params, load_params
from wne.devices import choose_device, device_name

IMAGES, SIDE = 64, 256  # random ones; smaller sides would not hold every patch
CHUNKS = 5


class Throughput(NamedTuple):
    """Measured on one process of `processes`; FLOPs and peak are those of one process."""

    device: str
    dtype: torch.dtype
    processes: int
    batch: int
    patch: int
    is_compiled: bool
    steps_per_second: float
    flops: float  # of a step
    peak: float  # FLOP/s
    peak_source: str
    waits: int | None  # of the host for the device in one step; None where this cannot be counted

    @property
    def share(self) -> float:
        return self.flops * self.steps_per_second / self.peak

    def __str__(self) -> str:
        waits = "not counted" if self.waits is None else self.waits
        return (
            f"{self.processes} x {self.device}, {str(self.dtype).removeprefix('torch.')}, "
            f"{'compiled' if self.is_compiled else 'not compiled'}, batch {self.batch} of {self.patch} x {self.patch}: "
            f"{self.steps_per_second:.3g} steps a second, {self.flops / 1e9:.3g} GFLOP a step on each, "
            f"{100 * self.share:.3g} % of {self.peak / 1e12:.3g} TFLOP/s ({self.peak_source}); "
            f"waits for the device in a step: {waits}"
        )


def measure(
    params: Params,
    run: str,
    device: torch.device,
    *,
    card: str = "",
    seconds: float = 20.0,
    processes: Processes = ALONE,
) -> Throughput:
    """Trains `run` for about that many seconds, keeps nothing, and measures the median step.

    Raises:
        ValueError: an unknown run or card.
    """
    if card and card not in params.cards:
        raise ValueError(f"{params.params_file}: cards has no {card!r}; known: {', '.join(params.cards)}")
    recipe, task = params.recipes[params.run(run).recipe], params.tasks[params.run(run).task]
    channels = task.channels * (2 if task.objective == "paired" else 1)
    side = max(SIDE, recipe.patch)
    images = list(np.random.default_rng(0).integers(0, 256, (IMAGES, side, side, channels), np.uint8))
    plain = Steps(params, run, images, device, processes, compiles=False)
    with FlopCounterMode(display=False) as counter:
        plain(0)
    steps = Steps(params, run, images, device, processes)
    for step in range(3):
        steps(step)
    waits = _waits(lambda: steps(3)) if device.type == "cuda" else None
    rate = 1 / _median_seconds(lambda: steps(4), device, seconds, processes)
    if card:
        peak, source = 1e12 * params.cards[card].teraflops, f"data sheet of {params.cards[card].title}"
    else:
        peak, source = _matmul_rate(device, steps.dtype, min(seconds, 2.0)), "matrix product, measured"
    return Throughput(
        device_name(device), steps.dtype, processes.count, recipe.batch, recipe.patch, steps.is_compiled, rate,
        counter.get_total_flops(), peak, source, waits,
    )  # fmt: skip


def _median_seconds(run: Callable[[], object], device: torch.device, seconds: float, processes: Processes) -> float:
    """Of one call, over chunks of calls that the device works through without waiting for the host."""
    chunk = int(processes.as_first(max(1, seconds / CHUNKS // _seconds(run, device, 1))))
    return float(np.median([_seconds(run, device, chunk) / chunk for _ in range(CHUNKS)]))


def _seconds(run: Callable[[], object], device: torch.device, calls: int) -> float:
    _wait(device)
    start = time.perf_counter()
    for _ in range(calls):
        run()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _waits(run: Callable[[], object]) -> int:
    """How often the host waits for the GPU in a call, by CUDA's own account."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in caught)


def _matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    """FLOP/s of a product of square matrices."""
    side = 8192 if device.type == "cuda" else 1024
    a = torch.randn(side, side, device=device).to(dtype)
    _seconds(lambda: a @ a, device, 2)
    return 2 * side**3 / _median_seconds(lambda: a @ a, device, seconds, ALONE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--card", default="", help="a key of `cards:` whose peak counts, of the precision it says")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    with joined(choose_device(options.device)) as (processes, device):
        found = measure(
            load_params(options.params), options.run, device,
            card=options.card, seconds=options.seconds, processes=processes,
        )  # fmt: skip
        if processes.is_first:
            print(f"{options.run}: {found}")


if __name__ == "__main__":
    main()
