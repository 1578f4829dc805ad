"""Which hardware and versions made a result."""

from __future__ import annotations

import datetime
import platform

import torch

from wne import __version__
from wne.devices import device_name


def environment(device: torch.device) -> dict[str, object]:
    """Device, threads, versions and date, for the JSON beside every result."""
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": {"wne": __version__, "python": platform.python_version(), "torch": torch.__version__},
        "date": datetime.date.today().isoformat(),
    }
