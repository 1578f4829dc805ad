"""The environment of a stage's command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DEVICES = "CUDA_VISIBLE_DEVICES"
CALLERS_DEVICES = (
    "REPLICATE_VISIBLE_DEVICES"  # DEVICES of who called `submit --local`, or EVERY_DEVICE where it was not set
)
EVERY_DEVICE = "every"


def environment() -> dict[str, str]:
    """That of this process, with the programs of its Python first: `replicate`, also where no environment is activated.

    submitit's local executor hides all GPUs from its jobs; the stage gets back those that the caller sees.
    """
    found = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    devices = found.pop(CALLERS_DEVICES, None)
    if devices == EVERY_DEVICE:
        found.pop(DEVICES, None)
    elif devices is not None:
        found[DEVICES] = devices
    return found
