"""A code change that leaves every result as it is: proved by running both codes, then entered in the lock file.

Both run the smoke profile, which trains every backbone and variant for some steps and makes every analysis. Only when
all files are equal to the last byte do the hashes of code in dvc.lock move, and a line in relocked.csv says so.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from replication.cli.checks import MEASURED
from replication.cli.provenance import code_file, code_of
from replication.study.params import Params
from wne.files import write_text

RECORD = Path("relocked.csv")
_COLUMNS = ["profile", "before", "after", "files_compared", "stages"]
_SMOKE = "profiles/smoke"


def relock(params: Params, before: str) -> tuple[int, list[str]]:
    """Compares the smoke profile of the commit `before` with that of the code here, and relocks a profile.

    Returns:
        The number of files compared, and the stages whose hash of the code moved.

    Raises:
        RuntimeError: a run fails, or a file differs; nothing is relocked.
    """
    root = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "before"
        _run(["git", "clone", "--quiet", str(root), str(there)], root)
        _run(["git", "checkout", "--quiet", before], there)
        here = Path(folder) / "after"
        _run(["git", "clone", "--quiet", str(root), str(here)], root)
        found = [_results_of(clone) for clone in (there, here)]
        after = _run(["git", "rev-parse", "--short", "HEAD"], here).strip()
        before = _run(["git", "rev-parse", "--short", "HEAD"], there).strip()
    different = sorted(name for name in found[0].keys() | found[1].keys() if found[0].get(name) != found[1].get(name))
    if different:
        raise RuntimeError(
            f"{len(different)} of {len(found[0])} files of the smoke profile differ between {before} and {after}, "
            f"{different[0]} among them: this change changes results; run dvc repro"
        )
    moved = move_hashes(params)
    _record([params.profile, before, after, len(found[0]), " ".join(moved)])
    return len(found[0]), moved


def _results_of(clone: Path) -> dict[str, bytes]:
    """What the smoke profile gives in a clone: weights, results, figures and tables, without times."""
    _run([sys.executable, "-m", "dvc", "repro", f"{_SMOKE}/dvc.yaml"], clone)
    files = [file for part in ("checkpoints", "results", "paper") for file in (clone / part / "smoke").rglob("*")]
    names = {file.relative_to(clone).as_posix(): file for file in files if file.is_file()}
    return {name: file.read_bytes() for name, file in names.items() if not MEASURED.fullmatch(name)}


def _run(command: list[str], folder: Path) -> str:
    sources = {"PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=os.environ | sources, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RuntimeError(f"{' '.join(command[:4])} in {folder}: {' '.join(last)}")
    return done.stdout


def move_hashes(params: Params) -> list[str]:
    """Puts the hashes of this code into the lock file of a profile; returns the stages that had others."""
    file = code_file(params).with_name("dvc.lock")
    lock, text, moved = yaml.safe_load(file.read_text()), file.read_text(), []
    flat = {
        f"{stage}.{key}": value
        for stage, of in code_of(params).items()
        if isinstance(of, dict)
        for key, value in of.items()
    }
    flat |= {stage: value for stage, value in code_of(params).items() if isinstance(value, str)}
    for name, entry in lock["stages"].items():
        for key, old in entry.get("params", {}).get(params.code_file, {}).items():
            if flat.get(key, old) != old:
                moved.append(name)
                start = text.index(f"\n  {name}:\n")
                pattern = re.compile(rf"(\n +{re.escape(key)}: )'?{old}'?\n")
                text = text[:start] + pattern.sub(rf"\g<1>{flat[key]}\n", text[start:], count=1)
    write_text(file, text)
    return moved


def _record(values: list[object]) -> None:
    rows = list(csv.reader(RECORD.open())) if RECORD.exists() else [_COLUMNS]
    lines = [",".join(map(str, row)) for row in [*rows, values]]
    write_text(RECORD, "\n".join(lines) + "\n")
