"""Do the committed results belong to this code and these parameters, and does a rerun give them again?"""

from __future__ import annotations

import csv
import io
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import yaml

from replication.cli.provenance import as_text, code_file, code_of
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths

# What a machine took, and what is printed from it: another in every run.
MEASURED = re.compile(
    r"results/[^/]+/(cost|timing)/.*|results/[^/]+/summary/(cost|timing)\.csv|results/[^/]+/summary/machine\.json"
    r"|results/[^/]+/(README\.md|claims\.csv|comparisons\.csv|report\.pdf)"
    r"|paper/[^/]+/tables/(table02|table05|table06|training|claims|numbers)\.tex"
)


class Current(NamedTuple):
    """Stages of a profile: `proved` in its lock and current, `stale`, and `unproved`, with results but not in the lock."""

    proved: list[str]
    stale: list[str]
    unproved: list[str]


def check_profile(params: Params, paths: ProfilePaths) -> Current:
    """Asks DVC, which runs nothing.

    Raises:
        RuntimeError: code.yaml is not that of the code, or DVC fails.
    """
    file = code_file(params)
    if not file.is_file() or file.read_text() != as_text(code_of(params)):
        raise RuntimeError(f"{file}: is not that of this code; bring it up to date: replicate code")
    pipeline = file.with_name("dvc.yaml")
    lock = yaml.safe_load(file.with_name("dvc.lock").read_text())["stages"]
    stages = [f"{pipeline}:{name}" for name in lock if name != "code"]
    command = ["dvc", "repro", "--single-item", "--dry", "--allow-missing", *stages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"dvc repro --dry: {done.stderr.strip().splitlines()[-1]}")
    stale = re.findall(r"Running stage '([^']+)'", done.stdout)
    proved = re.findall(r"Stage '([^']+)' didn't change", done.stdout)
    return Current(proved, stale, [name for name in _with_results(params, paths) if name not in lock])


def _with_results(params: Params, paths: ProfilePaths) -> list[str]:
    runs = [f"train@{name}" for name in params.reported_runs if (paths.training / f"{name}.json").is_file()]
    groups = [f"evaluate@{name}" for name in params.groups if (paths.evaluation / name).is_dir()]
    items = [f"{section}@{name}" for section in ANALYSES for name in params.reported(section)]
    timing = ["timing"] if (paths.timing / "samples.csv").is_file() else []
    return runs + groups + items + timing + [f"weights@{name}" for name in params.weights]


class Compared(NamedTuple):
    """Result files against a commit, those without what a machine took: `same`, and file -> how it differs."""

    same: int
    different: dict[str, str]


def compare_with(commit: str, params: Params) -> Compared:
    """The files of a profile here, byte by byte against those of a commit.

    Raises:
        RuntimeError: no git repository, or no such commit.
    """
    folders = [f"results/{params.profile}", f"paper/{params.profile}"]
    names = _git("ls-tree", "-r", "--name-only", commit, *folders).decode().splitlines()
    names = [name for name in names if not MEASURED.fullmatch(name)]
    different = {}
    for name in names:
        before, here = _git("show", f"{commit}:{name}"), Path(name)
        if not here.is_file():
            different[name] = "is not here"
        elif here.read_bytes() != before:
            different[name] = _difference(before, here)
    return Compared(len(names) - len(different), different)


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], capture_output=True)
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode().strip().splitlines()[0]}")
    return done.stdout


def _difference(before: bytes, here: Path) -> str:
    """By how much a CSV file differs; of other files only that it does."""
    if here.suffix != ".csv":
        return "differs"
    rows = [list(csv.reader(io.StringIO(text))) for text in (before.decode(), here.read_text())]
    if [len(row) for row in rows[0]] != [len(row) for row in rows[1]]:
        return f"{len(rows[0])} rows there, {len(rows[1])} here"
    cells = [(a, b) for old, new in zip(*rows) for a, b in zip(old, new) if a != b]
    numbers = [abs(float(a) - float(b)) for a, b in cells if _is_number(a) and _is_number(b)]
    return f"{len(cells)} cells differ, numbers by up to {max(numbers, default=0):.3g}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def counted(stages: list[str]) -> str:
    """train (54), evaluate (11)"""
    kinds = Counter(stage.rpartition(":")[2].partition("@")[0] for stage in stages)
    return ", ".join(f"{kind} ({number})" for kind, number in kinds.items())
