"""All commands of the study in one command line."""

from __future__ import annotations

import typer

from replication.cli import budget, cluster, pipeline, repository

app = typer.Typer(
    help="The replication, stage by stage: what dvc.yaml runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for part in (pipeline, cluster, budget, repository):
    app.add_typer(part.app)  # without a name: its commands stand at the top
