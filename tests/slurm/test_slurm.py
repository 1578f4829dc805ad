"""The smoke profile through `replicate submit` on a real SLURM of one node and two CPUs, which the test starts: one training
is killed and one reaches its time limit. All results must be those of `dvc repro`, to the last byte. `make slurm` runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from commands import ran, shell
from replication.cli.checks import MEASURED
from warm import warm_replicate

ROOT = Path(__file__).parents[2]
START = ROOT / "tests/slurm/start.sh"
PARAMS, PIPELINE = "profiles/smoke/params.yaml", "profiles/smoke/dvc.yaml"
KILLED, LATE = "dncnn-baseline-l1-s25", "dncnn-wne-l1-s25"
LIMIT = 3600  # seconds, for the jobs of the whole profile
needed = ("slurmctld", "slurmd", "munged", "sbatch")
pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool([name for name in needed if not shutil.which(name)]) or os.geteuid() != 0,
        reason="SLURM is not installed, or this is not root: apt-get install slurmctld slurmd slurm-client munge",
    ),
]


def clone(folder: Path) -> Path:
    """A fresh clone whose two runs with the recipe `cnn-l1` take long enough to be killed in the middle."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    file = folder / PARAMS
    text, changes = re.subn(r"(cnn-l1: \{loss: l1, steps: )12", r"\g<1>1500", file.read_text())
    assert changes == 1
    file.write_text(text)
    return folder


@pytest.fixture
def slurm(monkeypatch) -> Iterator[None]:
    with TemporaryDirectory(prefix="slurm-") as folder:  # not in pytest's, which the user `munge` may not enter
        monkeypatch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        try:
            subprocess.run([START, folder], check=True)
            yield
        finally:
            subprocess.run([START, "--stop", folder], check=True)
            time.sleep(5)  # until the daemons have written their state


def freeze(copy: Path, run: str) -> None:
    """Stops the training of a run in its middle: on a fast machine it would end before the shortest time limit."""
    found = subprocess.run(["pgrep", "-f", f"replicate train {run} "], capture_output=True, text=True).stdout.split()
    own = [int(pid) for pid in found if os.path.realpath(f"/proc/{pid}/cwd") == str(copy.resolve())]
    assert own, f"the training of {run} ended before it was stopped; give it more steps"
    for pid in own:
        os.kill(pid, signal.SIGSTOP)


def results(copy: Path) -> dict[str, bytes]:
    files = [file for part in ("checkpoints", "results", "paper") for file in (copy / part / "smoke").rglob("*")]
    names = {file.relative_to(copy).as_posix(): file for file in files if file.is_file()}
    return {name: file.read_bytes() for name, file in names.items() if not MEASURED.fullmatch(name)}


def test_smoke_profile_with_kills_is_that_of_dvc_repro(tmp_path, slurm):
    submitted = clone(tmp_path / "submitted")
    started = time.monotonic()
    print(shell(submitted, f"replicate submit --params {PARAMS}"), flush=True)
    jobs = json.loads((submitted / ".cluster/smoke/jobs.json").read_text())["jobs"]
    numbers = {run: jobs[f"{PIPELINE}:train@{run}"] for run in (KILLED, LATE)}
    limit = ["scontrol", "update", f"JobId={numbers[LATE]}", "TimeLimit=1"]
    events = {KILLED: ["scancel", "--signal=KILL", f"{numbers[KILLED]}.0"], LATE: limit}
    shown, is_raised = "", False
    while queue := shell(submitted, "squeue --noheader --array --format='%i %j %T'").splitlines():
        assert time.monotonic() - started < LIMIT, queue
        for run in [run for run in events if (submitted / f"checkpoints/smoke/unfinished/{run}.pt").exists()]:
            if run == LATE:
                freeze(submitted, run)
            subprocess.run(events.pop(run), check=True)
        if not events and not shown:
            shown = shell(submitted, f"replicate submit --params {PARAMS} --status")
        if not is_raised and "Restarts=1" in shell(submitted, f"scontrol show job {numbers[LATE]}"):
            is_raised = True  # the lowered limit outlives the requeue; without a check, as a fast run has ended by now
            subprocess.run(["scontrol", "update", f"JobId={numbers[LATE]}", "TimeLimit=30"], check=False)
        time.sleep(0.5)
    seconds = time.monotonic() - started
    assert not events, f"never seen in the middle of their training: {list(events)}"
    assert re.search(r"^dncnn-wne-s25 +done$", shown, re.MULTILINE), shown
    assert re.search(r"^collect: 1 waiting$", shown, re.MULTILINE), shown

    for run, number in numbers.items():
        (restarts,) = re.findall(r"Restarts=(\d+)", shell(submitted, f"scontrol show job {number}"))
        log = (submitted / f".cluster/smoke/logs/train@{run}.log").read_text()
        step = re.findall(r"resuming at step (\d+)", log)[0]
        print(f"{run}: requeued {restarts} times, went on at step {step} of 1500")
        assert int(restarts) >= 1 and 0 < int(step) < 1500
    assert ran(shell(submitted, f"dvc repro {PIPELINE}")) == {"code"}
    assert "nothing to submit" in shell(submitted, f"replicate submit --params {PARAMS}")

    expected = clone(tmp_path / "expected")
    with warm_replicate() as programs:
        (expected / "bin").symlink_to(programs)
        shell(expected, f"dvc repro {PIPELINE}")
    found, wanted = results(submitted), results(expected)
    found = {name: content for name, content in found.items() if "/unfinished/" not in name}
    assert found.keys() == wanted.keys() and len(wanted) > 100
    assert not [name for name in wanted if found[name] != wanted[name]]
    print(f"{len(jobs)} jobs in {seconds / 60:.1f} minutes; {len(wanted)} files equal to those of dvc repro")
