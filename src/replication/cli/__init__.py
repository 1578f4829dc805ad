"""The command line of the study: the stages of the pipeline, and what serves the repository."""

from __future__ import annotations

import typer

from replication.cli import pipeline, repository
from wne.cli import run

app = typer.Typer(
    help="The replication, stage by stage: what dvc.yaml runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for part in (pipeline, repository):
    app.add_typer(part.app)  # without a name: its commands stand at the top


def main() -> None:
    run(app)
