"""Commands in a copy of the repository, as a user types them, with the packages of the copy and the programs of its folder bin;
and the recipes of docs/extending.md, followed to the letter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path


def shell(copy: Path, commands: str) -> str:
    """What the commands print; all of them must succeed."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}  # one thread: as `make smoke`
    environment["PATH"] = os.pathsep.join([str(copy / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment["PYTEST_ADDOPTS"] = "-p no:cacheprovider"
    for variable in [name for name in environment if name.startswith("PYTEST_XDIST") or name == "PYTEST_CURRENT_TEST"]:
        del environment[variable]
    done = subprocess.run(["bash", "-ec", commands], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{commands}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def ran(printed: str) -> set[str]:
    """The stages that ran, or would run, of the output of `dvc repro`."""
    return {name.split(":")[-1] for name in re.findall(r"Running stage '([^']+)'", printed)}


# --- docs/extending.md ---------------------------------------------------------------------------------

EXTENDING = Path(__file__).parents[1] / "docs/extending.md"
BLOCK = re.compile(r"^```(python|diff|bash) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", EXTENDING.read_text(), re.MULTILINE | re.DOTALL))


def follow(recipe: str, copy: Path) -> str:
    """Writes and edits the files of a recipe and runs its commands; gives what they print."""
    printed = ""
    for language, name, text in BLOCK.findall(RECIPES[recipe]):
        if language == "python":
            (copy / name).write_text(text)
        elif language == "diff":
            insert(copy / name, text)
        else:
            printed += shell(copy, text)
    return printed


def insert(file: Path, block: str) -> None:
    """Lines with a plus go where they stand between the others, which the file has, once, one after the other."""
    lines = block.splitlines()
    known = "\n".join(line[1:] for line in lines if not line.startswith("+")) + "\n"
    text = file.read_text()
    assert text.count(known) == 1, f"{file}: has this {text.count(known)} times:\n{known}"
    file.write_text(text.replace(known, "\n".join(line[1:] for line in lines) + "\n"))
