"""The command line of the study: the stages of the pipeline, and what serves the repository."""

from __future__ import annotations

import warnings

from wne.interrupts import listen


def main() -> None:
    listen()  # before the imports, which take longest
    warnings.filterwarnings("ignore", "Image size .* decompression bomb")  # Pillow's, of large images that it reads
    from replication.cli.app import app
    from wne.cli import run

    run(app)
