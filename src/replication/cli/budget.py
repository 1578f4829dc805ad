"""Commands about computing time: a budget of minutes spent on one machine, and what a whole profile would cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replication.cli.common import Device, ParamsFile, item_of, load_profile, stage
from replication.cli.pipeline import UNFINISHED
from wne.console import say

PANEL = "Computing time"
app = typer.Typer()


@app.command(
    rich_help_panel=PANEL, epilog="Example:\n\n  replicate budget 25 --images /media/images --out results-of-the-gpu"
)
def budget(
    minutes: Annotated[float, typer.Argument(min=0.1, help="Of this machine, from now on.")],
    params_file: ParamsFile = Path("profiles/gpu/params.yaml"),
    out: Annotated[Path, typer.Option(help="Where the pack of results and weights goes.")] = Path("build/budget"),
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images, laid out as data/images or as a mirror.")
    ] = None,
    device: Device = "auto",
    families: Annotated[
        str,
        typer.Option(help="These recipes' runs alone, e.g. cnn,swin: fewer runs, longer schedules.", metavar="NAMES"),
    ] = "",
    part_size: Annotated[int, typer.Option(min=1, metavar="MIB", help="A part of the pack at most, in MiB.")] = 16,
    largest: Annotated[int, typer.Option(min=1, metavar="MIB", help="All parts of the pack together, in MiB.")] = 60,
) -> None:
    """Time the variants, then train, evaluate and pack the runs of a profile, the first ones first; goes on when called again."""
    from replication.experiments.budget.pack import MIB
    from replication.experiments.budget.spend import Spending

    params, paths = load_profile(params_file)
    with stage(f"budget {minutes:g}", [params_file], [paths.results, out / params.profile]):
        only = [name.strip() for name in families.split(",") if name.strip()]
        limits = part_size * MIB, largest * MIB
        spending = Spending(params_file, paths, 60 * minutes, out, images, device, only, *limits)
        record = spending.spend()
    for recipe, family in record.families.items():
        typer.echo(f"{recipe}: {family['steps']:,} steps, {family['seconds'] / 60:.1f} minutes")
    waiting = spending.unfinished()
    asked = sum(map(len, spending.families.values()))
    typer.echo(f"{asked - len(waiting)} of {asked} runs done; results and weights: {out / params.profile}")
    for part, reason in record.failures.items():
        say(f"failed: {part}: {reason}")
    if record.failures:
        raise typer.Exit(1)
    if waiting:
        say(f"not done: {', '.join(waiting)}; the same command goes on from here")
        raise typer.Exit(UNFINISHED)


@app.command(rich_help_panel=PANEL)
def cost(
    params_file: ParamsFile = Path("profiles/paper/params.yaml"),
    card: Annotated[str, typer.Option(help="A card of the profile, whose peak is taken.")] = "h100-tf32",
    share: Annotated[float, typer.Option(min=0.001, max=1, help="Of its peak that is reached: an assumption.")] = 0.3,
) -> None:
    """Estimate from FLOPs what the training of a profile costs on 1, 8 and 64 GPUs; runs nothing and needs no GPU."""
    from replication.experiments.cost import cost_of_runs
    from replication.report.cost import cost_tables
    from replication.report.table import markdown

    params, _ = load_profile(params_file)
    chosen = item_of(params, "cards", card)
    typer.echo(markdown(cost_tables(params, cost_of_runs(params, chosen, share), chosen, share)))
