"""What a job does: the command of one stage, as DVC would run it."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from submitit.helpers import DelayedSubmission

from replication.cluster.records import Task, is_recorded, log_file, note_finished, signature
from replication.cluster.shell import environment
from replication.cluster.turns import turn
from wne.console import say

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl
_COMPOUND = re.compile(r"[|&;<>(){}`\n]")  # of a shell's command


class StageFailed(RuntimeError):
    """The command of a stage ended with an error, which its log has."""


@dataclass(frozen=True)
class StageJob:
    """Runs a stage; when it is requeued, the same again, and training goes on from its last state.

    A command that dies by a signal takes the job with it, by SIGKILL, so that whoever started the job can tell a killed
    stage, which is to run again, from one that failed.
    """

    task: Task
    records: Path
    requeues: int = 0

    def __call__(self) -> None:
        with turn(self.task, self.records) as lock:
            self._run(lock)

    def _run(self, lock: int) -> None:
        task = self.task
        if is_recorded(task, self.records):
            say(f"{task.name}: has finished before")
            return
        read = signature(task.reads)
        for out in set(task.outs) - set(task.kept):
            _remove(Path(out))
        log = log_file(task, self.records)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            status = _run(task, output, lock)
        if status < 0 or 128 < status < 128 + signal.NSIG:
            os.kill(os.getpid(), signal.SIGKILL)
        absent = [out for out in task.outs if not Path(out).exists()]
        if status or absent:
            reason = f"exit status {status}" if status else f"has not made {absent[0]}"
            raise StageFailed(f"{task.command}: {reason}; see {log}")
        note_finished(task, self.records, read)

    def checkpoint(self) -> DelayedSubmission | None:
        """What submitit puts into the queue again when time is up or the job is preempted; None: it has been enough."""
        return DelayedSubmission(self) if int(os.environ.get("SLURM_RESTART_COUNT", 0)) < self.requeues else None


@dataclass(frozen=True)
class RecordJob:
    """The last job: enters in DVC's lock file what the others have finished."""

    root: Path
    pipeline: Path
    records: Path

    def __call__(self) -> None:
        from replication.cluster.graph import record  # imports DVC, which no other job needs

        os.chdir(self.root)
        names = record(self.pipeline, self.records, wait=True)
        say(f"{self.pipeline}: recorded {len(names)} stages")

    def checkpoint(self) -> DelayedSubmission:
        return DelayedSubmission(self)


def _run(task: Task, output: object, lock: int) -> int:
    command = task.command.strip()
    # A single command takes the place of the shell, so that what kills the shell kills the stage.
    process = subprocess.Popen(
        command if _COMPOUND.search(command) else f"exec env {command}",
        shell=True,
        cwd=task.folder,
        env=environment(),
        stdout=output,
        stderr=subprocess.STDOUT,
        preexec_fn=_prepare,
        pass_fds=(lock,),
    )
    try:
        return process.wait()
    finally:  # submitit leaves through here when it requeues the job
        if process.poll() is None:
            process.kill()
            process.wait()


def _prepare() -> None:
    # SLURM signals every process of a job: the warning before the limit is for submitit alone.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    if sys.platform == "linux":  # no stage outlives its job
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
