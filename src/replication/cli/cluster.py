"""`replicate submit`: the whole pipeline as jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replication.cli.common import DEFAULT, ParamsFile, load_profile
from replication.cli.locks import locked
from replication.study.params import Params
from wne.interrupts import interruptible

if TYPE_CHECKING:  # imports DVC
    from replication.cluster.graph import Graph

PANEL = "The whole pipeline"
app = typer.Typer()


@app.command(
    rich_help_panel=PANEL,
    epilog="Examples:\n\n  replicate submit --params profiles/paper/params.yaml --dry-run\n\n"
    "  replicate submit --params profiles/paper/params.yaml\n\n"
    "  replicate submit --params profiles/bsd400/params.yaml --local 4",
)
def submit(
    params_file: ParamsFile = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the jobs and submit nothing.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Print where each run stands.")] = False,
    local: Annotated[
        int, typer.Option(min=0, metavar="N", help="Without SLURM: N stages at a time on this machine.")
    ] = 0,
) -> None:
    """Submit what a profile is missing to SLURM, with dependencies; docs/running.md has the details."""
    from replication.cluster.graph import read_graph
    from replication.cluster.records import folder_of
    from replication.cluster.status import table

    params, paths = load_profile(params_file)
    pipeline, records = Path(params.params_file).with_name("dvc.yaml"), folder_of(params.profile)
    if status:
        typer.echo("\n".join(table(read_graph(pipeline, records, refresh=False), params, paths, records)))
        return
    if not local and params.cluster is None:
        raise ValueError(f"{params_file}: has no section `cluster`, which SLURM needs; add it, or use --local N")
    if dry_run:
        _print_jobs(read_graph(pipeline, records), params, local)
        return
    interruptible()
    with _alone(params.profile):
        if local:
            _run_here(params, pipeline, records, local)
        else:
            _queue(params, pipeline, records)


@contextmanager
def _alone(profile: str) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(locked([Path("submit")]))  # of whatever profile: they share the stages of data/dvc.yaml
        except RuntimeError:
            raise RuntimeError(
                f"{profile}: another submission, of this profile or another, is at work; see --status"
            ) from None
        yield


def _print_jobs(graph: Graph, params: Params, local: int) -> None:
    from replication.cluster.batches import batches, check_kinds, describe

    if not local:
        check_kinds(params.cluster, graph)
    for batch in batches(graph):
        typer.echo(describe(batch, graph, None if local else params.cluster))
    typer.echo(f"{params.profile}: {len(graph.missing)} stages to run, {len(graph.done)} done")


def _queue(params: Params, pipeline: Path, records: Path) -> None:
    from replication.cluster import slurm
    from replication.cluster.graph import read_graph, record

    slurm.check_slurm(params.cluster, params.params_file)
    _check_nothing_runs(params.profile, records)
    graph = read_graph(pipeline, records)
    if not graph.missing:
        typer.echo(f"{params.profile}: nothing to submit; {len(record(pipeline, records))} stages recorded")
        return
    slurm.check_nothing_shared(graph, records, params.profile)
    jobs = slurm.submit(graph, params.cluster, pipeline, records, params.profile)
    numbers = sorted({int(number.split("_")[0]) for number in jobs.values()})
    typer.echo(
        f"{params.profile}: {len(graph.missing)} stages submitted as jobs {numbers[0]} to {numbers[-1]}; see --status"
    )


def _run_here(params: Params, pipeline: Path, records: Path, at_once: int) -> None:
    from replication.cluster.graph import read_graph, record
    from replication.cluster.local import run_locally
    from replication.cluster.slurm import check_nothing_shared

    _check_nothing_runs(params.profile, records)
    graph = read_graph(pipeline, records)
    check_nothing_shared(graph, records, params.profile)
    failed = run_locally(graph, at_once, records)
    typer.echo(f"{params.profile}: {len(record(pipeline, records))} stages recorded")
    if failed:
        raise RuntimeError(f"{params.profile}: {len(failed)} stages failed, {failed[0]} among them; see --status")


def _check_nothing_runs(profile: str, records: Path) -> None:
    from replication.cluster.slurm import queued

    if jobs := queued(records):
        numbers = " ".join(dict.fromkeys(job.split("_")[0] for job in jobs.values()))
        raise RuntimeError(
            f"{profile}: {len(jobs)} jobs of an earlier submission have not ended; see --status, or: scancel {numbers}"
        )
