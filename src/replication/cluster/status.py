"""Where a submission stands: a line for each run, and one for each other kind of stage."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from replication.cluster import slurm
from replication.cluster.graph import Graph
from replication.cluster.records import Task, last_line, log_file, read_jobs
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "REQUEUE_FED", "SPECIAL_EXIT")


def table(graph: Graph, params: Params, paths: ProfilePaths, records: Path) -> list[str]:
    """Lines: run, state, and for one that runs its step, loss and the time left, for one that failed its last line."""
    states = states_of(graph, records)
    runs = {task.item: task for task in graph.tasks.values() if task.kind == "train"}
    wide = max(map(len, [*runs, "run"]))
    lines = [f"{'run':{wide}}  {'state':13}  {'step':>15}  {'loss':>8}  left"]
    for run, task in runs.items():
        state = states[task.name]
        shown = (
            _progress(run, params, paths)
            if state == "running"
            else last_line(log_file(task, records))
            if state == "failed"
            else ""
        )
        lines.append(f"{run:{wide}}  {state:13}  {shown}".rstrip())
    for kind in (kind for kind in graph.kinds if kind != "train"):
        found = Counter(states[task.name] for task in graph.tasks.values() if task.kind == kind)
        lines.append(f"{kind}: {', '.join(f'{count} {state}' for state, count in found.items())}")
    others = [t for t in graph.tasks.values() if states[t.name] == "failed" and t.kind != "train"]
    return lines + [f"{task.label}: {last_line(log_file(task, records))}" for task in others]


def states_of(graph: Graph, records: Path) -> dict[str, str]:
    """Stage -> done, running, waiting, failed, cancelled (what it needs has failed) or not submitted."""
    submitted = read_jobs(records)
    if submitted["engine"] == "local":
        now = submitted["jobs"] if _is_alive(submitted["process"]) else {}
        found = {name: now.get(name, "") for name in graph.tasks}
    else:
        queue = slurm.states() if submitted["engine"] else {}
        found = {name: _state(queue.get(submitted["jobs"].get(name, ""), "")) for name in graph.tasks}
    for name in graph.tasks:
        if name in graph.done:
            found[name] = "done"
        elif not found[name]:
            found[name] = _ended(graph.tasks[name], submitted["jobs"], records)
    return found


def _state(state: str) -> str:
    return "" if not state else "waiting" if state in _WAITING else "running"


def _ended(task: Task, jobs: dict[str, str], records: Path) -> str:
    if task.name not in jobs:
        return "not submitted"
    return "failed" if log_file(task, records).is_file() else "cancelled"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _progress(run: str, params: Params, paths: ProfilePaths) -> str:
    """Step, loss and time left by the last state that training has saved, which is all that another process can see."""
    file, steps = paths.states / f"{run}.pt", params.recipes[params.run(run).recipe].steps
    if not file.is_file():
        return f"{f'0/{steps}':>15}"
    import torch  # takes seconds

    state = torch.load(file, weights_only=True, map_location="cpu")
    step, seconds = state["step"], state["seconds"]
    loss = f"{state['rows'][-1]['loss']:.2e}" if state["rows"] else ""
    left = (steps - step) * seconds / step
    return f"{f'{step}/{steps}':>15}  {loss:>8}  {_duration(left)}"


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"
