"""The same jobs on this machine, several at a time, by submitit's local executor; returns when all have ended."""

from __future__ import annotations

import os
import time
from pathlib import Path

from submitit import LocalExecutor, LocalJob

from replication.cluster.graph import Graph
from replication.cluster.job import StageJob
from replication.cluster.records import Task, forget_logs, is_recorded, write_jobs
from replication.cluster.shell import CALLERS_DEVICES, DEVICES, EVERY_DEVICE
from wne.console import say

STARTS = 4  # of a stage that is killed every time
_NO_LIMIT = 60 * 24 * 365  # minutes


def run_locally(graph: Graph, at_once: int, records: Path) -> list[str]:
    """Runs what is missing, `at_once` stages at a time; returns the stages that failed or were killed STARTS times.

    What does not depend on them runs all the same. The threads of the machine are shared out, unless OMP_NUM_THREADS says
    how many each may have. All stages see the caller's GPUs.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // at_once)))
    executor = LocalExecutor(records / "submitit")
    executor.update_parameters(timeout_min=_NO_LIMIT, signal_delay_s=30)
    os.environ[CALLERS_DEVICES] = os.environ.get(DEVICES, EVERY_DEVICE)
    states = {task.name: "waiting" for task in graph.missing}
    starts = dict.fromkeys(states, 0)
    running: dict[str, LocalJob] = {}
    forget_logs(graph.missing, records)
    try:
        while True:
            for name, job in list(running.items()):
                if job.done():
                    del running[name]
                    states[name] = _outcome(graph.tasks[name], job, starts[name], records)
                    say(f"{graph.tasks[name].label}: {states[name]}")
            ready = [name for name, state in states.items() if state == "waiting" and _is_ready(graph, name, states)]
            for name in ready[: at_once - len(running)]:
                starts[name] += 1
                running[name] = executor.submit(StageJob(graph.tasks[name], records))
                states[name] = "running"
            write_jobs(records, "local", states, process=os.getpid())
            if not running:
                break
            time.sleep(0.1)
    finally:
        for job in running.values():
            job.cancel()
    ended = {name: "cancelled" if state == "waiting" else state for name, state in states.items()}
    write_jobs(records, "local", ended, process=os.getpid())
    return [name for name, state in states.items() if state == "failed"]


def _is_ready(graph: Graph, name: str, states: dict[str, str]) -> bool:
    return all(states.get(need, "done") == "done" for need in graph.tasks[name].needs)


def _outcome(task: Task, job: LocalJob, starts: int, records: Path) -> str:
    if is_recorded(task, records):
        return "done"
    killed = not job.paths.result_pickle.exists()  # who fails leaves its error there
    return "waiting" if killed and starts < STARTS else "failed"
