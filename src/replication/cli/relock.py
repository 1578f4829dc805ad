"""A code change that leaves weights and measurements as they are: proved by running both codes, then entered in the lock.

Both run the smoke profile, which trains every backbone and variant for some steps, with Adam and with Muon, and makes
every analysis. Only when all weights and measurements that the first code makes are equal to the last byte in the second do
the hashes of code in dvc.lock move, and a line in relocked.csv says so. A new run has nothing to be compared with. Summaries,
figures and tables are not compared: `dvc repro` makes them again in a minute.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from replication.cli.checks import MEASURED
from replication.cli.provenance import code_file, code_of
from replication.study.params import Params
from wne.files import write_text

RECORD = Path("relocked.csv")
_COLUMNS = ["profile", "before", "after", "files_compared", "stages"]
_SMOKE = "profiles/smoke"
_MANY_RUNS = ("checkpoints/", "results/smoke/training/", "results/smoke/weights/")  # folders with files of several runs
MADE_AGAIN = ("collect", "figures", "tables")  # stages that are not compared and stay stale


def relock(profiles: list[Params], before: str) -> tuple[int, dict[str, list[str]]]:
    """Compares the smoke profile of the commit `before` with that of HEAD, and relocks profiles.

    Returns:
        The number of files compared, and of each profile the stages whose hash of the code moved.

    Raises:
        RuntimeError: changes that are not committed, a run that fails, a file that differs, or a stage whose lock is
            not that of `before`; nothing is relocked.
    """
    root = Path.cwd()
    if changed := _run(["git", "status", "--porcelain", "--", "src", "dvc.yaml", "profiles", "params.yaml"], root):
        raise RuntimeError(f"commit what is compared first: {' '.join(changed.split()[1::2])}")
    with tempfile.TemporaryDirectory() as folder:
        there, here = (Path(folder) / name for name in ("before", "after"))
        for clone, commit in ((there, before), (here, "HEAD")):
            _run(["git", "clone", "--quiet", str(root), str(clone)], root)
            _run(["git", "checkout", "--quiet", _run(["git", "rev-parse", commit], root).strip()], clone)
        with ThreadPoolExecutor() as pool:  # side by side: each takes one core
            old, new = pool.map(_results_of, (there, here))
        hashes = [_hashes(there, params) for params in profiles]
        names = [_run(["git", "rev-parse", "--short", "HEAD"], clone).strip() for clone in (there, here)]
    different = differences(old, new)
    if different:
        raise RuntimeError(
            f"{len(different)} of {len(old)} files of the smoke profile differ between {' and '.join(names)}, "
            f"{different[0]} among them: this change changes results; run dvc repro"
        )
    moved = {}
    for params, of in zip(profiles, hashes):
        moved[params.profile] = move_hashes(params, of)
        _record([params.profile, *names, len(old), " ".join(moved[params.profile])])
    return len(old), moved


def differences(old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """Files of the first code that the second makes otherwise or not at all, and those that it adds to the folder of a run."""
    changed = {name for name in old if old[name] != new.get(name)}
    of_one_run = {str(Path(name).parent) for name in old if not name.startswith(_MANY_RUNS)}
    added = {name for name in new if name not in old and str(Path(name).parent) in of_one_run}
    return sorted(changed | added)


def _hashes(clone: Path, params: Params) -> dict[str, str]:
    _run(["replicate", "code", "--params", params.params_file], clone)
    return flat(yaml.safe_load((clone / code_file(params)).read_text()))


def _results_of(clone: Path) -> dict[str, bytes]:
    """The weights and measurements of the smoke profile in a clone, without times."""
    _run(["dvc", "repro", f"{_SMOKE}/dvc.yaml"], clone)
    return measurements(clone)


def measurements(root: Path) -> dict[str, bytes]:
    """The files of checkpoints/smoke, and of the folders of results/smoke but the summary."""
    files = [*(root / "checkpoints/smoke").rglob("*"), *(root / "results/smoke").glob("*/**/*")]
    names = {file.relative_to(root).as_posix(): file for file in files if file.is_file()}
    kept = (name for name in names if not MEASURED.fullmatch(name) and not name.startswith("results/smoke/summary/"))
    return {name: names[name].read_bytes() for name in kept}


def _run(command: list[str], folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RuntimeError(f"{' '.join(command[:4])} in {folder}: {' '.join(last)}")
    return done.stdout


def flat(hashes: dict) -> dict[str, str]:
    """ "train.dncnn" -> hash, as dvc.lock names them."""
    nested = {
        f"{stage}.{key}": value for stage, of in hashes.items() if isinstance(of, dict) for key, value in of.items()
    }
    return nested | {stage: value for stage, value in hashes.items() if isinstance(value, str)}


def move_hashes(params: Params, before: dict[str, str]) -> list[str]:
    """Puts the hashes of this code into the lock file of a profile; returns the stages that had others. Not those MADE_AGAIN.

    Raises:
        RuntimeError: a stage has a hash that is neither that of `before` nor that of this code: stale for another
            reason, which nothing here has looked at.
    """
    file = code_file(params).with_name("dvc.lock")
    text, moved, now = file.read_text(), [], flat(code_of(params))
    for name, entry in yaml.safe_load(text)["stages"].items():
        for key, old in entry.get("params", {}).get(params.code_file, {}).items():
            if now.get(key) == old or key in MADE_AGAIN:
                continue
            if before.get(key) != old:
                raise RuntimeError(f"{file}: {name} was made by other code than that of the commit; run dvc repro")
            moved.append(name)
            start = text.index(f"\n  {name}:\n")
            pattern = re.compile(rf"(\n +{re.escape(key)}: )'?{old}'?\n")
            # In quotes, or YAML reads a number where all digits are decimal.
            text = text[:start] + pattern.sub(rf"\g<1>'{now[key]}'\n", text[start:], count=1)
    write_text(file, text)
    return moved


def _record(values: list[object]) -> None:
    rows = list(csv.reader(RECORD.open())) if RECORD.exists() else [_COLUMNS]
    lines = [",".join(map(str, row)) for row in [*rows, values]]
    write_text(RECORD, "\n".join(lines) + "\n")
