"""Where to compute and in which precision."""

from __future__ import annotations

import platform
from pathlib import Path

import torch

from wne.console import say


def choose_device(name: str) -> torch.device:
    """ "auto" is CUDA where there is one, else the CPU; anything else is a torch device name."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"--device {name}: torch sees no CUDA device here; use --device cpu")
    return torch.device(name)


def backbone_dtype(precision: str, device: torch.device) -> torch.dtype:
    """torch.bfloat16 where it is asked for and the hardware computes in it; else float32, and says so."""
    if precision == "float32":
        return torch.float32
    supported = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bfloat16()
    if not supported:
        say(f"note: this {device.type} has no bfloat16 arithmetic; training in float32, which is slower")
    return torch.bfloat16 if supported else torch.float32


def _cpu_has_bfloat16() -> bool:
    # Emulated bfloat16 runs, but slower than float32.
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def device_name(device: torch.device) -> str:
    """What a reader knows the hardware by, such as "NVIDIA H100" or the processor's model name."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        for line in cpu_info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
