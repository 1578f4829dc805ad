"""The command line: tools for one's own images and networks, the pipeline's stages, and what serves the repository."""

from __future__ import annotations

import os
import sys

import typer

from wne.cli import pipeline, repository, tools

app = typer.Typer(
    help="Normalization-equivariant denoising: for your own images (wne denoise) and your own network "
    "(wne evaluate --backbone), and the pipeline of the replication, stage by stage.",
    epilog="Completion in the shell: wne --install-completion",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for part in (tools, pipeline, repository):
    app.add_typer(part.app)  # without a name: its commands stand at the top


def main() -> None:
    """Runs the command; every foreseen mistake is one line on the error stream and exit status 1."""
    try:
        app()
    except (ValueError, RuntimeError, OSError) as error:
        if os.environ.get("WNE_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
