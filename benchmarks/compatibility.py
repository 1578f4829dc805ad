"""What else a denoiser goes through: compilation, export, mixed precision, parallel training, transforms.

Each check runs `f` in one way and as it is, and gives the largest difference, in standard deviations of the image for
outputs, and of the largest gradient for gradients. A check that cannot be run raises what torch raises.
"""

from __future__ import annotations

import copy
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.export import Dim
from torch.utils.checkpoint import checkpoint

from benchmarks.formulas import CodeFormula
from wne.models import create_denoiser

Check = Callable[[nn.Module, Tensor], float]
Table = dict[str, dict[str, float | str]]  # check -> network -> its deviation, or why it could not be run

_DYNAMIC = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}  # batch, height, width


def compiled(f: nn.Module, y: Tensor) -> float:
    """torch.compile to machine code without a graph break, at two sizes, compiled for each."""
    return _compiled(f, y, backend="inductor", dynamic=False)


def compiled_dynamic(f: nn.Module, y: Tensor) -> float:
    """torch.compile without a graph break, traced once for all sizes and run as traced.

    Not to machine code: on a CPU inductor simplifies every index of a symbolic size, which takes minutes for networks
    that partition or resample the image (SwinIR, Restormer, ConvNeXt).
    """
    return _compiled(f, y, backend="aot_eager", dynamic=True)


def _compiled(f: nn.Module, y: Tensor, backend: str, dynamic: bool) -> float:
    torch.compiler.reset()
    g = torch.compile(f, fullgraph=True, backend=backend, dynamic=dynamic)
    with torch.no_grad():
        return max(_difference(g(x), f(x), x) for x in (y, _other_size(y)))


def exported(f: nn.Module, y: Tensor) -> float:
    """torch.export with dynamic batch, height and width; run at another size than it was traced at."""
    with torch.no_grad():
        program = torch.export.export(f, (y,), dynamic_shapes=(_DYNAMIC,)).module()
        return max(_difference(program(x), f(x), x) for x in (y, _other_size(y)))


def onnx(f: nn.Module, y: Tensor) -> float:
    """ONNX with dynamic shapes, run by onnxruntime at another size than it was traced at."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "denoiser.onnx"
        torch.onnx.export(f, (y,), path, dynamo=True, verbose=False, dynamic_shapes=(_DYNAMIC,))
        session = onnxruntime.InferenceSession(path)
        name = session.get_inputs()[0].name
        outputs = {x: torch.from_numpy(session.run(None, {name: x.numpy()})[0]) for x in (y, _other_size(y))}
        return max(_difference(out, f(x), x) for x, out in outputs.items())


def autocast(f: nn.Module, y: Tensor) -> float:
    """The NE defect under autocast to bfloat16: f(a y + b 1) against a f(y) + b 1, both under autocast."""
    with torch.no_grad(), torch.autocast(y.device.type, torch.bfloat16):
        return _difference(f(4 * y + 8), 4 * f(y) + 8, 4 * y)  # powers of two: no rounding of the image itself


def checkpointed(f: nn.Module, y: Tensor) -> float:
    """Gradient checkpointing: the same gradients."""
    return _gradient_difference(_gradients(f, lambda x: checkpoint(f, x, use_reentrant=False), y), _gradients(f, f, y))


def jvp(f: nn.Module, y: Tensor) -> float:
    """torch.func.jvp against torch.func.vjp: <u, J v> = <J' u, v>, over |<u, J v>|."""
    v, u = torch.randn(2, *y.shape, generator=torch.Generator().manual_seed(1))
    _, forward = torch.func.jvp(f, (y,), (v,))
    _, pull_back = torch.func.vjp(f, y)
    left, right = (u * forward).sum(), (pull_back(u)[0] * v).sum()
    return float((left - right).detach().abs() / left.detach().abs())


def vmapped(f: nn.Module, y: Tensor) -> float:
    """torch.func.vmap over a stack of batches."""
    stack = torch.stack([y, y.flip(2), 3 * y - 1])
    with torch.no_grad():
        return _difference(torch.func.vmap(f)(stack).flatten(0, 1), f(stack.flatten(0, 1)), y)


def data_parallel(f: nn.Module, y: Tensor) -> float:
    """nn.DataParallel: over all GPUs, or where there is none over no device, which passes through."""
    with torch.no_grad():
        return _difference(nn.DataParallel(f)(y).cpu(), f(y).cpu(), y.cpu())


def distributed(f: nn.Module, y: Tensor) -> float:
    """DistributedDataParallel over two processes (gloo), half of the batch each: the gradients of the whole batch."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_one_of_two, (copy.deepcopy(f), y, folder), nprocs=2)
        found = torch.load(Path(folder) / "gradients.pt", weights_only=True)
    return _gradient_difference(found, _gradients(f, f, y))


def _one_of_two(rank: int, f: nn.Module, y: Tensor, folder: str) -> None:
    torch.set_num_threads(1)
    # The only host is this one: without it gloo looks for the address of the machine's name.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
    try:
        parallel = nn.parallel.DistributedDataParallel(f)
        gradients = _gradients(f, parallel, y.chunk(2)[rank])
        if rank == 0:
            torch.save(gradients, Path(folder) / "gradients.pt")
    finally:
        dist.destroy_process_group()


CHECKS: dict[str, Check] = {
    "torch.compile, full graph": compiled,
    "torch.compile, dynamic shapes": compiled_dynamic,
    "torch.export, dynamic shapes": exported,
    "ONNX, dynamic shapes": onnx,
    "autocast to bfloat16": autocast,
    "gradient checkpointing": checkpointed,
    "DataParallel": data_parallel,
    "DistributedDataParallel": distributed,
    "torch.func.jvp": jvp,
    "torch.func.vmap": vmapped,
}


def _other_size(y: Tensor) -> Tensor:
    """Another batch size, height and width; not a batch of one, which torch takes for a constant where it traces."""
    return torch.cat([torch.cat([y, y[:1]]), torch.cat([y, y[:1]]).flip(2)], 2).transpose(2, 3).contiguous()


def _difference(got: Tensor, expected: Tensor, y: Tensor) -> float:
    return float((got.double() - expected.double()).abs().max() / y.double().std(correction=0))


def _gradients(f: nn.Module, run: Callable[[Tensor], Tensor], y: Tensor) -> list[Tensor]:
    f.zero_grad()
    run(y).square().mean().backward()
    return [parameter.grad.clone() for parameter in f.parameters() if parameter.grad is not None]


def _gradient_difference(got: list[Tensor], expected: list[Tensor]) -> float:
    largest = max(float(gradient.abs().max()) for gradient in expected)
    return max(float((g - e).abs().max()) for g, e in zip(got, expected, strict=True)) / largest


# Small networks of the families that are wrapped, for the table.
NETWORKS: dict[str, dict[str, object]] = {
    "dncnn": {"depth": 4, "width": 8},
    "swinir": {"depths": (2,), "embed_dim": 12, "heads": 2, "window": 4},
    "restormer": {"dim": 8, "blocks": (1, 1, 1, 1), "heads": (1, 1, 2, 2), "refinement": 1},
    "timm:convnext_atto": {"width": 8},
    "timm:vit_tiny_patch16_224": {"width": 8},
}
COLUMNS = ("dncnn", "dncnn, code", *list(NETWORKS)[1:])

LIMIT = 90  # seconds for one check of one network


def denoiser(column: str) -> nn.Module:
    """The wrapped network of a column, with seeded random weights, in eval()."""
    torch.manual_seed(0)
    network, _, formula = column.partition(", ")
    if formula:
        return CodeFormula(create_denoiser(network, "baseline", **NETWORKS[network])).eval()
    return create_denoiser(network, "wne", **NETWORKS[network]).eval()


def measure(columns: Iterable[str] = COLUMNS, checks: Iterable[str] = CHECKS) -> Table:
    """Every check on every network, wrapped.

    A failure is "fails: " and the exception's name and first line, and a check that takes longer than LIMIT is broken
    off and says so. Unix, main thread.
    """
    table: Table = {}
    for check in checks:
        table[check] = {}
        for column in columns:
            f = denoiser(column)
            y = torch.rand(2, 1, 64, 32, generator=torch.Generator().manual_seed(0))
            start = time.monotonic()
            try:
                with _alarm(LIMIT):
                    table[check][column] = CHECKS[check](f, y)
            except Exception as error:  # whatever an exporter raises, or makes of the alarm, is the finding
                late = time.monotonic() - start >= LIMIT
                line = next(iter(str(error).strip().splitlines()), "")[:200].replace("|", "/")
                table[check][column] = f"over {LIMIT} s" if late else f"fails: {type(error).__name__}: {line}"
    return table


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raises TimeoutError inside the block after `seconds`, and again every 5 s where something catches it."""

    def ring(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
