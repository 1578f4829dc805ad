"""Commands in a copy of the repository, as a user types them, with the packages of the copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def shell(copy: Path, commands: str) -> str:
    """What the commands print; all of them must succeed."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}  # one thread: as `make smoke`
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment["PYTEST_ADDOPTS"] = "-p no:cacheprovider"
    for variable in [name for name in environment if name.startswith("PYTEST_XDIST") or name == "PYTEST_CURRENT_TEST"]:
        del environment[variable]
    done = subprocess.run(["bash", "-ec", commands], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{commands}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def ran(printed: str) -> set[str]:
    """The stages that ran, or would run, of the output of `dvc repro`."""
    return {name.split(":")[-1] for name in re.findall(r"Running stage '([^']+)'", printed)}
