"""What the wrapper costs beside the authors' formula, and NE-arch beside its baseline; writes docs/speed.md.

    python -m benchmarks.speed            # about 3 minutes on 2 cores; nothing else should run

Variants are timed in turn, a repetition of each after the other, so that a machine that gets slower or busier does so
for all of them. A ratio is the median over repetitions of the ratio within one.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.formulas import CodeFormula
from wne import NormalizationEquivariant
from wne.files import write_text
from wne.models import create_denoiser
from wne.models.affine import SortPool

PAGE = Path(__file__).parents[1] / "docs/speed.md"
SHAPES = [(1, 1, 16, 16), (1, 1, 64, 64), (1, 1, 256, 256), (16, 1, 70, 70), (16, 3, 128, 128), (1, 3, 512, 512)]
SECONDS = 0.15  # of each variant in each repetition, at least one run
REPETITIONS = 15


class MinMax(nn.Module):
    """SortPool by torch's minimum and maximum, whose gradients share ties between both channels."""

    def forward(self, x: Tensor) -> Tensor:
        u, v = x.chunk(2, dim=1)
        return torch.cat((torch.minimum(u, v), torch.maximum(u, v)), dim=1)


def interleaved(runs: dict[str, Callable[[], object]], repetitions: int = REPETITIONS) -> dict[str, list[float]]:
    """Seconds of each run in each repetition."""
    counts = {}
    for name, run in runs.items():
        run()
        start = time.perf_counter()
        run()
        counts[name] = max(1, int(SECONDS / (time.perf_counter() - start)))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                run()
            seconds[name].append((time.perf_counter() - start) / counts[name])
    return seconds


def row(label: str, what: str, seconds: dict[str, list[float]]) -> str:
    """The first variant against the second."""
    ours, theirs = seconds.values()
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    times = " | ".join(f"{1e3 * statistics.median(values):.3f}" for values in (ours, theirs))
    print(f"{label} {what}: {ratio:.2f}", flush=True)
    return f"| {label} | {what} | {times} | {ratio:.2f} |"


def forward(f: nn.Module, y: Tensor) -> Callable[[], object]:
    def run() -> Tensor:
        with torch.no_grad():
            return f(y)

    return run


def backward(f: nn.Module, y: Tensor) -> Callable[[], object]:
    y = y.clone().requires_grad_()

    def run() -> None:
        y.grad = None
        f(y).sum().backward()

    return run


def three_layers(channels: int) -> nn.Sequential:
    """Small enough that what surrounds it shows."""
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, channels, 3, padding=1),
    )  # fmt: skip


def wrapper_rows() -> list[str]:
    rows = []
    for shape in SHAPES:
        y, size = torch.rand(shape), " x ".join(map(str, shape))
        for name, backbone in (("wrapper alone", nn.Identity()), ("three layers", three_layers(shape[1]))):
            ours, theirs = NormalizationEquivariant(backbone), CodeFormula(backbone)
            for what, timed in (("inference", forward), ("training", backward)):
                rows.append(row(size, f"{name}, {what}", interleaved({"a": timed(ours, y), "b": timed(theirs, y)})))
        compiled = {}
        for key, make in (("a", NormalizationEquivariant), ("b", CodeFormula)):
            torch.compiler.reset()
            compiled[key] = forward(torch.compile(make(nn.Identity()), dynamic=False), y)
        rows.append(row(size, "wrapper alone, compiled, inference", interleaved(compiled)))
    return rows


def architecture_rows() -> list[str]:
    x = torch.randn(2, 64, 64, 64)
    rows = []
    for layout in (torch.contiguous_format, torch.channels_last):
        u = x.contiguous(memory_format=layout)
        label = "SortPool against minimum and maximum, 2 x 64 x 64 x 64" + (
            ", channels last" if layout is torch.channels_last else ""
        )
        for what, timed in (("forward", forward), ("forward and backward", backward)):
            rows.append(row(label, what, interleaved({"a": timed(SortPool(), u), "b": timed(MinMax(), u)})))
    y = torch.rand(16, 1, 48, 48)
    for label, backbone, variant in (("NE-arch", "fdncnn", "ne_arch"), ("WNE", "fdncnn", "wne")):
        f, baseline = create_denoiser(backbone, variant), create_denoiser(backbone, "baseline")
        for what, timed in (("inference", forward), ("training", backward)):
            pair = {"a": timed(f, y), "b": timed(baseline, y)}
            rows.append(row(f"{label} against baseline, FDnCNN 20 x 64, 16 x 1 x 48 x 48", what, interleaved(pair, 7)))
    return rows


def main() -> None:
    torch.manual_seed(0)
    head = "| image | what | here, ms | other, ms | ratio |\n|---|---|---|---|---|"
    text = f"""# Speed

<!-- made by `python -m benchmarks.speed`: torch {torch.__version__}, {platform.machine()}, \
{torch.get_num_threads()} threads, float32 -->

Medians over {REPETITIONS} repetitions in which the two variants take turns; the ratio is the median of the ratios within
a repetition. The machine was shared: ratios of whole networks, with 7 repetitions, may be off by a fifth.

## The wrapper against the authors' formula

The authors' formula is `std g((y - mean) / std) + mean` with torch's `mean` and `std`: without the guard for constant
images and the range of contrasts that [exactness](exactness.md) lists.

{head}
{chr(10).join(wrapper_rows())}

## Layers and networks

The cost of NE-arch depends on the shape. Table 6 on the [results page](../results/bsd400/README.md) times two images of 64 x 64 pixels
and finds 1.7 to 1.8 times the baseline; below are 16 images of 48 x 48.

{head}
{chr(10).join(architecture_rows())}
"""
    write_text(PAGE, text)


if __name__ == "__main__":
    main()
