"""Submission to SLURM: dependencies are SLURM's, arrays and requeueing before the time limit submitit's.

A job whose step is killed (a signal, memory) requeues itself from its batch script, which such signals do not reach.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path

from submitit import SlurmExecutor
from submitit.core.utils import FailedJobError, FailedSubmissionError

from replication.cluster.batches import RECORD, batches, check_kinds
from replication.cluster.graph import Graph
from replication.cluster.job import RecordJob, StageJob
from replication.cluster.records import forget_logs, read_jobs, write_jobs
from replication.study.params import Cluster

WARNING = 60  # seconds before the time limit at which a job is requeued
# How the batch script ends. 129 to 192: its step was killed by a signal. It then waits for SLURM to end it, so that the job
# does not count as failed. At the limit SLURM ends the script itself, as it does when the job is cancelled. One element of
# each array has the number of the array as SLURM_JOB_ID, by which scontrol would requeue all of them.
_REQUEUE = """\
requeue() {{
  status=$?
  job=$SLURM_JOB_ID
  if [ -n "$SLURM_ARRAY_TASK_ID" ]; then job=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID; fi
  reason=$(squeue --noheader --jobs="$job" --format=%r)
  if {{ [ $status -gt 128 ] && [ $status -le 192 ]; }} || [ "$reason" = TimeLimit ]; then
    [ "${{SLURM_RESTART_COUNT:-0}}" -lt {requeues} ] && scontrol requeue "$job" && sleep 60
  fi
  exit $status
}}
trap requeue EXIT"""
_THREADS = "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$SLURM_CPUS_PER_TASK}"


def requeueing(requeues: int) -> str:
    """Lines of bash for the head of a job's script: requeue it when it is killed or late, at most `requeues` times."""
    return _REQUEUE.format(requeues=requeues)


def check_slurm(cluster: Cluster, params_file: str) -> None:
    """Raises RuntimeError where there is no SLURM, and ValueError for a partition that it does not have."""
    if not shutil.which("sbatch"):
        raise RuntimeError("no sbatch here: submit from a login node of a SLURM cluster, or use --local N")
    known = _ask(["sinfo", "--noheader", "--format=%R"]).split()
    for kind, resources in cluster.stages.items():
        if resources.partition is not None and not set(resources.partition.split(",")) <= set(known):
            raise ValueError(
                f"{params_file}: cluster.stages.{kind}.partition: "
                f"there is no {resources.partition!r} on this cluster; known: {', '.join(dict.fromkeys(known))}"
            )


def states() -> dict[str, str]:
    """Job -> its state, of one's own jobs that SLURM has in its queue: PENDING, RUNNING, ..."""
    lines = _ask(["squeue", "--noheader", "--array", "--me", "--format=%i|%T"]).splitlines()
    return dict(line.split("|") for line in lines)


def queued(records: Path) -> dict[str, str]:
    """Stage -> job, of the last submission of a profile, for the jobs that have not ended."""
    earlier = read_jobs(records)
    if earlier["engine"] != "slurm":
        return {}
    now = states()
    return {stage: job for stage, job in earlier["jobs"].items() if job in now}


def check_nothing_shared(graph: Graph, records: Path, profile: str) -> None:
    """Raises RuntimeError where another profile's submission makes what is missing here too, such as images.

    Until its last job has ended: before, DVC does not know what the others have made.
    """
    missing = {task.name for task in graph.missing}
    others = (file.parent for file in sorted(records.parent.glob("*/jobs.json")) if file.parent != records)
    for other in others if missing else ():
        shared = [stage for stage in read_jobs(other)["jobs"] if stage in missing]
        if shared and queued(other):
            raise RuntimeError(
                f"{profile}: jobs of the profile {other.name} make {len(shared)} of the stages that are missing here, "
                f"{shared[0]} among them; submit again when all of them have ended"
            )


def submit(graph: Graph, cluster: Cluster, pipeline: Path, records: Path, profile: str) -> dict[str, str]:
    """Queues what is missing and a last job that records it; returns stage -> job.

    Raises:
        ValueError: resources of an unknown kind of stage.
        RuntimeError: SLURM refuses a job; those that it has taken are cancelled.
    """
    check_kinds(cluster, graph)
    jobs: dict[str, str] = {}
    forget_logs(graph.missing, records)
    try:
        for batch in batches(graph):
            dependency = ":".join(["afterok", *(jobs[name] for name in batch.needs)]) if batch.needs else None
            work = [StageJob(task, records, cluster.requeues) for task in batch.tasks]
            numbers = _queue(work, batch.kind, cluster, records, profile, dependency)
            jobs |= {task.name: number for task, number in zip(batch.tasks, numbers)}
            write_jobs(records, "slurm", jobs)  # each time: no job is unknown after a submission that dies
        last = RecordJob(Path.cwd(), pipeline, records)
        after = dict.fromkeys(number.split("_")[0] for number in jobs.values())
        (jobs[RECORD],) = _queue([last], RECORD, cluster, records, profile, ":".join(["afterany", *after]))
    except (FailedJobError, FailedSubmissionError) as error:
        _cancel(jobs)
        lines = [line for line in str(error).splitlines() if line.startswith("sbatch: error:")]
        raise RuntimeError(f"SLURM refuses a job of {profile}: {(lines or str(error).splitlines())[-1]}") from None
    except BaseException:
        _cancel(jobs)
        raise
    write_jobs(records, "slurm", jobs)
    return jobs


def _queue(work: list, kind: str, cluster: Cluster, records: Path, profile: str, dependency: str | None) -> list[str]:
    resources = cluster.resources(kind)
    executor = SlurmExecutor(records / "submitit", max_num_timeout=cluster.requeues)
    gpus = {"gpus_per_node": resources.gpus} if resources.gpus else {}
    executor.update_parameters(
        job_name=f"{profile}-{kind}",
        partition=resources.partition,
        account=cluster.account,
        time=math.ceil(60 * resources.hours),
        cpus_per_task=resources.cpus,
        mem=f"{math.ceil(1024 * resources.memory)}M",
        signal_delay_s=WARNING,
        dependency=dependency,
        setup=[requeueing(cluster.requeues), _THREADS],
        srun_args=[f"--cpus-per-task={resources.cpus}"],  # since SLURM 22.05 srun does not ask sbatch
        additional_parameters={"requeue": True, "kill-on-invalid-dep": "yes", **cluster.options},
        **gpus,
    )
    with executor.batch():
        jobs = [executor.submit(job) for job in work]
    return [job.job_id for job in jobs]


def _cancel(jobs: dict[str, str]) -> None:
    if jobs:
        subprocess.run(["scancel", *{number.split("_")[0] for number in jobs.values()}], check=False)


def _ask(command: list[str]) -> str:
    if not shutil.which(command[0]):
        raise RuntimeError(f"no {command[0]} here: ask on a login node of the SLURM cluster")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise RuntimeError(f"{command[0]} fails: {' '.join(last)}")
    return done.stdout
