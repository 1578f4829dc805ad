"""Commands that check the repository and rewrite its own generated text."""

from __future__ import annotations

from pathlib import Path

import typer

from replication.cli.common import DEFAULT, ParamsFile, load_profile
from wne.console import stage

PANEL = "For the repository itself"
app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def check(params_file: ParamsFile = DEFAULT) -> None:
    """Check a parameter file, and list its runs by group."""
    params, _ = load_profile(params_file)
    for group, spec in params.groups.items():
        runs = params.runs_of(group)
        state = "" if spec.report else ", not reported"
        typer.echo(f"{group}, {spec.title} ({len(runs)}{state}): {', '.join(runs)}")
    typer.echo(f"{params_file}: profile {params.profile}, {len(params.runs)} runs, no mistakes found")


@app.command(rich_help_panel=PANEL)
def readme() -> None:
    """Rewrite README's generated tables from the committed results of the default and bsd400 profiles."""
    from replication.report.readme import blocks, read_profiles, replace_block
    from wne.files import write_text

    file = Path("README.md")
    with stage("readme", [Path("results")], [file]):
        text = file.read_text()
        for name, block in blocks(*read_profiles()).items():
            text = replace_block(text, name, block)
        write_text(file, text)
