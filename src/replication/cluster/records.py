"""What a submission leaves under .cluster/<profile>: its jobs, the log of each stage, and a note of each that has finished.

DVC's lock file cannot say that a stage has finished before the last job enters it there, because DVC lets only one
process write at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from wne.files import write_text

FOLDER = Path(".cluster")
Signature = dict[str, list[list]]


@dataclass(frozen=True)
class Task:
    """A stage as a job runs it."""

    name: str  # as DVC writes it, profiles/smoke/dvc.yaml:train@dncnn-wne-s25
    kind: str  # the command after `replicate`
    item: str  # what comes after it: run, group, ...
    command: str
    folder: str  # absolute, where the command runs
    outs: tuple[str, ...]  # absolute
    kept: tuple[str, ...]  # of them, those that are not deleted before the command runs
    needs: tuple[str, ...]  # names of the stages before it
    identity: str
    reads: tuple[str, ...] = ()  # absolute, the files and folders that it depends on

    @property
    def label(self) -> str:
        return f"{self.kind} {self.item}".strip()


def folder_of(profile: str) -> Path:
    return (FOLDER / profile).absolute()


def log_file(task: Task, records: Path) -> Path:
    return records / "logs" / f"{_file_name(task)}.log"


def forget_logs(tasks: list[Task], records: Path) -> None:
    """Those of an earlier submission; a job that is requeued goes on in its log."""
    for task in tasks:
        log_file(task, records).unlink(missing_ok=True)


def last_line(file: Path) -> str:
    """The last line with text of a log, or nothing."""
    if not file.is_file():
        return ""
    lines = file.read_text(errors="replace").replace("\r", "\n").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def note_finished(task: Task, records: Path, read: Signature) -> None:
    """`read`: `signature(task.reads)` of before the command ran, so that an input that changes meanwhile is noticed."""
    note = {"identity": task.identity, "outs": signature(task.outs), "reads": read}
    write_text(_note(task, records), json.dumps(note) + "\n")


def is_recorded(task: Task, records: Path) -> bool:
    """Whether a job has made the outputs that are there now, from what is there now."""
    try:
        note = json.loads(_note(task, records).read_text())
    except FileNotFoundError:
        return False
    return note == {"identity": task.identity, "outs": signature(task.outs), "reads": signature(task.reads)}


def signature(paths: Iterable[str]) -> Signature:
    """Path -> (name, bytes, time of the last change) of each file; nothing for a path that is not there."""
    found = {}
    for path in map(Path, paths):
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        found[str(path)] = [[str(f), f.stat().st_size, f.stat().st_mtime_ns] for f in files if f.exists()]
    return found


def write_jobs(records: Path, engine: str, jobs: dict[str, str], **facts: object) -> None:
    """`jobs`: stage -> number of its job, or its state where the engine is this machine."""
    write_text(records / "jobs.json", json.dumps({"engine": engine, "jobs": jobs, **facts}, indent=1) + "\n")


def read_jobs(records: Path) -> dict:
    file = records / "jobs.json"
    return json.loads(file.read_text()) if file.is_file() else {"engine": "", "jobs": {}}


def _note(task: Task, records: Path) -> Path:
    return records / "finished" / f"{_file_name(task)}.json"


def _file_name(task: Task) -> str:
    return quote(task.name.split(":")[-1], safe="@")
