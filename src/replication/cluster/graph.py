"""The stages of a profile as DVC resolves them, which of them are done, and what each of them waits for."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dvc.dependency.base import DependencyDoesNotExistError
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.graph import get_subgraph_of_nodes
from dvc.repo.reproduce import get_active_graph
from dvc.stage import Stage
from networkx import DiGraph, dfs_postorder_nodes

from replication.cluster.records import Task, is_recorded
from replication.cluster.shell import environment
from wne.console import say

_COMMAND = re.compile(r"replicate (\w+) ([^ ]+)")


@dataclass(frozen=True)
class Graph:
    """Every stage by name in an order that can be followed, and the names of those that are done."""

    tasks: dict[str, Task]
    done: frozenset[str]

    @property
    def missing(self) -> list[Task]:
        return [task for name, task in self.tasks.items() if name not in self.done]

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(task.kind for task in self.tasks.values()))


def read_graph(pipeline: Path, records: Path, *, refresh: bool = True) -> Graph:
    """The stages that `dvc repro` of a dvc.yaml would look at.

    `refresh`: runs those that always run, which bring code.yaml up to date.

    Raises:
        RuntimeError: DVC is running here, or refuses the pipeline; or a stage that always runs fails.
    """
    with opened() as repo:
        graph, order = _graph(repo, pipeline)
        if refresh:
            for stage in (stage for stage in order if stage.always_changed):
                _run(stage)
        tasks = _tasks(graph, order)
        done = _done(graph, [stage for stage in order if stage.addressing in tasks], tasks, records)
        return Graph(tasks, frozenset(done))


def record(pipeline: Path, records: Path, *, wait: bool = False) -> list[str]:
    """What `dvc commit` does for the stages that jobs have finished; returns their names.

    A stage counts if its command, parameters, code and everything before it are what they were when it was submitted, and
    nobody has changed its inputs and outputs since. `wait` for a DVC that is running. A stage whose input is gone is left
    out, with a line.

    Raises:
        RuntimeError: DVC is running here, or refuses the pipeline.
    """
    with opened(wait=wait) as repo:
        graph, order = _graph(repo, pipeline)
        for stage in (stage for stage in order if stage.always_changed):
            _run(stage)
        tasks = _tasks(graph, order)
        noted = [s for s in order if s.always_changed or is_recorded(tasks[s.addressing], records)]
        finished = [stage for stage in noted if _save(stage)]
        for file in dict.fromkeys(stage.path for stage in finished):  # a lock file is written once, not for each stage
            same = [stage for stage in finished if stage.path == file]
            same[0].dvcfile.dump_stages(same, update_pipeline=False)
        return [stage.addressing for stage in finished if not stage.always_changed]


@contextmanager
def opened(*, wait: bool = False) -> Iterator[Repo]:
    """DVC's repository of this folder, locked while the block runs."""
    try:
        with Repo(".", _wait_for_lock=wait) as repo, repo.lock:
            yield repo
    except LockError:
        raise RuntimeError("DVC is running in this repository; try again when it has ended") from None
    except DvcException as error:
        raise RuntimeError(f"DVC: {str(error).strip().splitlines()[0]}") from None


def _graph(repo: Repo, pipeline: Path) -> tuple[DiGraph, list[Stage]]:
    """The stages of a pipeline and those before them, each with an arrow to those before it; and their order."""
    stages = list(repo.stage.collect(pipeline.as_posix()))
    graph = get_subgraph_of_nodes(get_active_graph(repo.index.graph), stages)
    return graph, list(dict.fromkeys(node for stage in stages for node in dfs_postorder_nodes(graph, stage)))


def _run(stage: Stage) -> None:
    done = subprocess.run(stage.cmd, shell=True, cwd=stage.wdir, env=environment(), capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise RuntimeError(f"{stage.cmd}: {' '.join(last)}")


def _save(stage: Stage) -> bool:
    try:
        stage.save()
    except DependencyDoesNotExistError as error:
        say(f"{stage.addressing}: not recorded: {error}")
        return False
    stage.commit()
    return True


def _tasks(graph: DiGraph, order: list[Stage]) -> dict[str, Task]:
    tasks: dict[str, Task] = {}
    for stage in order:
        if stage.always_changed:
            continue
        before = [tasks[s.addressing] for s in graph.successors(stage) if not s.always_changed]
        called = _COMMAND.match(stage.cmd)
        name = stage.addressing
        label = name.split(":")[-1].replace("@", " ")
        tasks[name] = Task(
            name=name,
            kind=called.group(1) if called else label.split()[0],
            item=called.group(2) if called and not called.group(2).startswith("-") else "",
            command=stage.cmd,
            folder=stage.wdir,
            outs=tuple(out.fs_path for out in stage.outs),
            kept=tuple(out.fs_path for out in stage.outs if out.persist),
            needs=tuple(sorted(task.name for task in before)),
            identity=_identity(stage, [task.identity for task in before], graph),
            reads=tuple(dep.fs_path for dep in stage.deps if not isinstance(dep, ParamsDependency)),
        )
    return tasks


def _identity(stage: Stage, before: list[str], graph: DiGraph) -> str:
    """Hash of what the result of a stage depends on: what DVC compares, but for outputs that are not made yet."""
    made = [Path(out.fs_path) for other in graph.successors(stage) for out in other.outs]
    values, files = {}, {}
    for dep in stage.deps:
        path = Path(dep.fs_path)
        if isinstance(dep, ParamsDependency):
            values[str(dep)] = dep.read_params()
        elif not any(path == out or path in out.parents or out in path.parents for out in made):
            files[str(dep)] = dep.get_hash().value if dep.exists else None
    facts = {"command": stage.cmd, "values": values, "files": files, "before": sorted(before)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _done(graph: DiGraph, order: list[Stage], tasks: dict[str, Task], records: Path) -> set[str]:
    """Stages whose results are there and belong to what is there now.

    What comes after a stage that must run again must run again as well; but not after a download whose files were
    deleted, because checksums say what it brings.
    """
    done: set[str] = set()
    moves: set[str] = set()  # will have run again, perhaps with another result
    for stage in order:
        task = tasks[stage.addressing]
        after = any(name in moves for name in task.needs)
        stale = after or not (is_recorded(task, records) or not stage.changed(allow_missing=True))
        if not stale and (is_recorded(task, records) or not stage.changed_outs()):
            done.add(task.name)
        elif stale or task.kind != "download":
            moves.add(task.name)
    return done
