"""Random streams keyed by what they are for: no global state, no dependence on order or on resuming."""

from __future__ import annotations

import hashlib

import numpy as np


def stream_key(*what: str | int) -> int:
    """A 63-bit seed from a name such as ("training", run, step): same words, same seed, on any machine."""
    digest = hashlib.sha256("\x1f".join(map(str, what)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def torch_generator(*what: str | int, device: object = "cpu"):
    """A torch generator for the named stream."""
    import torch  # analysis and rendering import this module without torch

    return torch.Generator(device=device).manual_seed(stream_key(*what))


def uniform_field(shape: tuple[int, ...], *what: str | int) -> np.ndarray:
    """Uniform numbers of (0, 1), float64, 53 bits: from raw PCG64 words, whose stream numpy guarantees."""
    words = np.random.PCG64(stream_key(*what)).random_raw(int(np.prod(shape)))
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5).reshape(shape) * 2.0**-53
