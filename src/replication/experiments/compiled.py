"""A network compiled for a GPU, or uncompiled where that fails, with the reason.

NOTE: nobody has run this on a GPU yet.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from replication.experiments.parallel import Processes
from wne.console import say

# CUDA graphs first: they spare a small network the launch of each kernel.
MODES = ("reduce-overhead", "default")


def compiled_network(
    model: nn.Module,
    shape: Sequence[int],
    device: torch.device,
    dtype: torch.dtype,
    processes: Processes,
    modes: Sequence[str] = MODES,
) -> nn.Module:
    """`model` compiled in the first of `modes` in which a training step works on all processes; else `model` itself.

    A mode is tried on noise of the shape (B, C, H, W) that training has, because torch.compile compiles when a network is
    called. What the trial leaves in buffers and gradients is undone.
    """
    for mode in modes:
        try:
            network, problem = torch.compile(model, mode=mode), ""
            _try(network, model, shape, device, dtype)
        except Exception as error:  # a compiler fails in many ways
            lines = str(error).strip().splitlines() or [""]
            problem = f"{type(error).__name__}: {lines[0][:200]}"
        if processes.all_hold(not problem):
            return network
        say(f"note: torch.compile(mode={mode!r}) does not work here ({problem or 'in another process'})")
        torch.compiler.reset()
    say("note: training without compilation, which is slower")
    return model


def _try(network: nn.Module, model: nn.Module, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> None:
    """Three training steps without an optimizer: CUDA graphs are recorded in the second, and replayed in the third."""
    buffers = copy.deepcopy(dict(model.named_buffers()))
    try:
        for _ in range(3):
            y = torch.rand(tuple(shape), device=device).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32):
                denoised = network(y)
            denoised.float().square().mean().backward()
            model.zero_grad(set_to_none=True)
    finally:
        model.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
