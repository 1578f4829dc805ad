"""Commands that check the repository and rewrite its own generated text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replication.cli.common import DEFAULT, ParamsFile, load_profile, stage

PANEL = "For the repository itself"
app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def code(
    params_file: ParamsFile = DEFAULT,
    notebooks: Annotated[bool, typer.Option("--notebooks", help="notebooks/code.yaml instead.")] = False,
) -> None:
    """Write code.yaml, the hashes of the code behind each stage, beside the parameter file."""
    from replication.cli.provenance import code_file, code_of, notebook_code, write_code

    if notebooks:
        file, hashes = Path("notebooks/code.yaml"), notebook_code(Path("notebooks"))
    else:
        params, _ = load_profile(params_file)
        file, hashes = code_file(params), code_of(params)
    typer.echo(f"{file}: {'written' if write_code(file, hashes) else 'up to date'}")


@app.command(rich_help_panel=PANEL)
def check(params_file: ParamsFile = DEFAULT) -> None:
    """Say whether the committed results belong to this code and these parameters; runs nothing."""
    from replication.cli.checks import check_profile, counted
    from replication.cli.provenance import code_file

    params, paths = load_profile(params_file)
    if not (lock := code_file(params).with_name("dvc.lock")).exists():
        typer.echo(f"{params.profile}: no stage has been run yet, there is no {lock}")
        return
    found = check_profile(params, paths)
    if found.stale:
        typer.echo(f"stale: {', '.join(found.stale)}; make them again: dvc repro")
        raise typer.Exit(1)
    typer.echo(
        f"{len(found.proved)} stages of {params.profile}: their results belong to this code and these parameters"
    )
    if found.unproved:
        typer.echo(
            f"{len(found.unproved)} more were made by earlier code and are not checked: {counted(found.unproved)}"
        )


@app.command(rich_help_panel=PANEL)
def verify(
    params_file: ParamsFile = DEFAULT,
    commit: Annotated[str, typer.Option(help="What to compare with.")] = "HEAD",
) -> None:
    """Compare the result files here with the committed ones, byte by byte; files that hold times are left out."""
    from replication.cli.checks import compare_with

    params, _ = load_profile(params_file)
    found = compare_with(commit, params)
    for name, difference in found.different.items():
        typer.echo(f"{name}: {difference}")
    typer.echo(f"{found.same} of {found.same + len(found.different)} result files identical to those of {commit}")
    if found.different:
        raise typer.Exit(1)


@app.command(rich_help_panel=PANEL)
def relock(
    before: Annotated[str, typer.Argument(help="The commit whose results the lock file describes.")],
    params_files: Annotated[list[Path], typer.Option("--params", help="Parameter files of the profiles.")] = (DEFAULT,),
) -> None:
    """Prove that a code change leaves every weight and measurement of the smoke profile as it is, then relock; 10 minutes."""
    from replication.cli.relock import RECORD, relock

    files, moved = relock([load_profile(file)[0] for file in params_files], before)
    stages = ", ".join(f"{len(names)} stages of {profile}" for profile, names in moved.items())
    typer.echo(f"{files} files equal to the last byte; relocked {stages}, see {RECORD}")


@app.command(rich_help_panel=PANEL)
def runs(params_file: ParamsFile = DEFAULT) -> None:
    """Check a parameter file, and list its runs by experiment."""
    params, _ = load_profile(params_file)
    for group, spec in params.groups.items():
        runs = params.runs_of(group)
        state = "" if spec.report else ", not reported"
        typer.echo(f"{group}, {spec.title} ({len(runs)}{state}): {', '.join(runs)}")
    typer.echo(f"{params_file}: profile {params.profile}, {len(params.runs)} runs, no mistakes found")


@app.command(rich_help_panel=PANEL)
def readme() -> None:
    """Rewrite README's generated table from the committed results."""
    from replication.report.readme import made_table, with_table
    from wne.files import write_text

    file = Path("README.md")
    with stage("readme", [Path("results")], [file]):
        write_text(file, with_table(file.read_text(), made_table()))
