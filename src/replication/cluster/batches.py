"""Jobs that may be queued together: stages of one kind that wait for the same stages."""

from __future__ import annotations

from dataclasses import dataclass

from replication.cluster.graph import Graph
from replication.cluster.records import Task
from replication.study.params import Cluster
from replication.study.params.cluster import DEFAULT_KIND
from replication.study.params.names import check_known

RECORD = "record"  # the last job of a submission, which enters what the others have made in the lock file


@dataclass(frozen=True)
class Batch:
    """One submission: a job, or an array with an element for each task. `needs`: stages that must end well before."""

    kind: str
    tasks: tuple[Task, ...]
    needs: tuple[str, ...]


def batches(graph: Graph) -> list[Batch]:
    """What is missing, in an order in which everything comes after what it needs."""
    missing = {task.name for task in graph.missing}
    found: dict[tuple[str, tuple[str, ...]], list[Task]] = {}
    for task in graph.missing:
        found.setdefault((task.kind, tuple(name for name in task.needs if name in missing)), []).append(task)
    waiting, order, placed = [Batch(kind, tuple(t), n) for (kind, n), t in found.items()], [], set()
    while waiting:  # a batch may hold a task that stands before what another of its tasks needs
        ready = [batch for batch in waiting if placed.issuperset(batch.needs)]
        order += ready
        placed.update(task.name for batch in ready for task in batch.tasks)
        waiting = [batch for batch in waiting if batch not in ready]
    return order


def check_kinds(cluster: Cluster, graph: Graph) -> None:
    """Raises ValueError for resources of a kind of stage that the profile does not have."""
    for kind in cluster.stages:
        check_known(f"cluster.stages.{kind}", kind, [DEFAULT_KIND, RECORD, *graph.kinds])


def describe(batch: Batch, graph: Graph, cluster: Cluster | None) -> str:
    """Lines of `--dry-run`."""
    count = f"array of {len(batch.tasks)}" if len(batch.tasks) > 1 else "1 job"
    resources = f" ({cluster.resources(batch.kind)})" if cluster else ""
    after: dict[str, list[str]] = {}
    for name in batch.needs:
        after.setdefault(graph.tasks[name].kind, []).append(graph.tasks[name].item)
    waits = "; ".join(f"{kind} {', '.join(items)}".strip() for kind, items in after.items())
    lines = [f"{batch.kind}: {count}{resources}{', after ' + waits if waits else ''}"]
    return "\n".join([*lines, *(f"    {task.command}" for task in batch.tasks)])
