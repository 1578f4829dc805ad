"""The stages of the pipeline, one command each, so that all of it also runs without DVC."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from replication.cli.common import DEFAULT, Device, ParamsFile, item_of, load_profile, stage
from replication.experiments import ANALYSES
from replication.study.params import analysed_runs
from replication.study.paths import IMAGES
from wne.console import say

PANEL = "The pipeline, stage by stage"
UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: stopped as asked, run again to go on

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def download(name: Annotated[str, typer.Argument(help="A set of data/registry.csv, e.g. set12.")]) -> None:
    """Get a set of images, verified by sha256, from WNE_DATA_MIRROR or from its public address."""
    from replication.data.download import fetch_set

    with stage(f"download {name}", ["data/registry.csv"], [IMAGES / name]):
        fetch_set(name, IMAGES)


@app.command(rich_help_panel=PANEL)
def noise(test_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Make a test set: clean images and the fixed noise that all models see."""
    from replication.data.noise import make_test_set

    params, paths = load_profile(params_file)
    source = paths.image_set(item_of(params, "test_sets", test_set).images)
    with stage(f"noise {test_set}", [source], [paths.test_sets / test_set]):
        make_test_set(params, test_set, paths)


@app.command(rich_help_panel=PANEL)
def train(
    run: str,
    params_file: ParamsFile = DEFAULT,
    device: Device = "auto",
    max_seconds: Annotated[
        float | None, typer.Option(help="Stop cleanly after this time; run again to resume.")
    ] = None,
) -> None:
    """Train one run; resumes by itself where a killed or stopped one left off. With torchrun: on several GPUs."""
    from replication.experiments.parallel import joined
    from replication.experiments.train import train as train_run
    from wne.devices import choose_device

    params, paths = load_profile(params_file)
    source = paths.image_set(params.run(run).train_set)
    written = [paths.checkpoint(params, run), paths.training / f"{run}.csv"]
    with (
        joined(choose_device(device)) as (processes, own_device),
        stage(f"train {run}", [source], written) if processes.is_first else nullcontext(),
    ):
        finished = train_run(params, run, paths, own_device, max_seconds, processes)
    if not finished and processes.is_first:
        say(f"stopped after {max_seconds:.0f} s as asked; the same command goes on from here")
        raise typer.Exit(UNFINISHED)


@app.command(
    rich_help_panel=PANEL,
    epilog="Examples:\n\n  replicate evaluate cnn --params profiles/bsd400/params.yaml\n\n"
    "  replicate evaluate my-unet --backbone my_networks:make_unet --weights unet.safetensors --variant wne",
)
def evaluate(
    name: Annotated[
        str, typer.Argument(metavar="GROUP|RUN|NAME", help="All runs of a group, one run, or a name for your own.")
    ],
    params_file: ParamsFile = DEFAULT,
    device: Device = "auto",
    backbone: Annotated[
        str, typer.Option(metavar="MODULE:FUNCTION", help="Your own denoiser: a function that returns a torch module.")
    ] = "",
    weights: Annotated[Path | None, typer.Option(help="Its weights, safetensors.")] = None,
    variant: Annotated[str, typer.Option(help="What to wrap it into: baseline (nothing), wne, ...")] = "baseline",
    beside: Annotated[str, typer.Option(metavar="GROUP", help="The group whose curves it stands beside.")] = "cnn",
    sigma: Annotated[float, typer.Option(help="The noise level it was trained at, 8-bit units.")] = 25.0,
) -> None:
    """Test trained runs over the noise sweep; or, with --backbone, your own denoiser beside them."""
    from replication.experiments.evaluate import evaluate as evaluate_runs
    from wne.devices import choose_device

    params, paths = load_profile(params_file)
    if backbone:
        from replication.report.own import evaluate_own, with_own
        from wne.adapters.networks import load_own_denoiser

        task = params.tasks[with_own(params, name, beside, sigma).runs[name].task]
        own = load_own_denoiser(backbone, weights, variant, task.channels)
        model = own.network.to(choose_device(device))
        with stage(f"evaluate {name}", [backbone, paths.test_sets, paths.summary], [paths.results / "own" / name]):
            evaluate_own(params, name, model, paths, choose_device(device), beside, sigma)
        return
    if weights is not None:
        raise ValueError("--weights belongs to --backbone: the runs of the pipeline have their own checkpoints")
    runs = params.runs_of(name) if name in params.groups else [name]
    test_sets = dict.fromkeys(
        paths.test_sets / name for run in runs for name in params.tasks[params.run(run).task].test_sets
    )
    written = paths.evaluation / name if name in params.groups else paths.evaluated(params, name)
    with stage(f"evaluate {name}", [*(paths.checkpoint(params, run) for run in runs), *test_sets], [written]):
        evaluate_runs(params, name, paths, choose_device(device))


def _add_analysis(section: str) -> None:
    """The command of one kind of analysis: an item of its section of params."""

    def run(name: str, params_file: ParamsFile = DEFAULT, device: Device = "auto") -> None:
        from wne.devices import choose_device

        params, paths = load_profile(params_file)
        checkpoints = [paths.checkpoint(params, run) for run in analysed_runs(item_of(params, section, name))]
        with stage(f"{section} {name}", checkpoints, [paths.analysis(section, name)]):
            import_module(ANALYSES[section].module).analyse(params, name, paths, choose_device(device))

    app.command(section, help=ANALYSES[section].help, rich_help_panel=PANEL)(run)


for section in ANALYSES:
    _add_analysis(section)


@app.command(rich_help_panel=PANEL)
def timing(params_file: ParamsFile = DEFAULT) -> None:
    """Time the variants side by side on the CPU, and on the GPU where there is one."""
    from replication.experiments.timing import time_all

    params, paths = load_profile(params_file)
    with stage("timing", [params_file], [paths.timing]):
        time_all(params, paths)


@app.command(rich_help_panel=PANEL)
def counts(params_file: ParamsFile = DEFAULT) -> None:
    """Count FLOPs, bytes and operations of the timed variants at their GPU shapes; needs no GPU."""
    from replication.experiments.counting import count_all

    params, paths = load_profile(params_file)
    with stage("counts", [params_file], [paths.counts]):
        count_all(params, paths)


@app.command(rich_help_panel=PANEL)
def audit(train_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Look for the test images inside a training set."""
    from replication.data.leakage import audit_training_set

    params, paths = load_profile(params_file)
    test_sets = [paths.test_sets / name for name in item_of(params, "leakage", train_set)]
    with stage(f"audit {train_set}", [paths.image_set(train_set), *test_sets], [paths.leakage / f"{train_set}.csv"]):
        audit_training_set(params, train_set, paths)


@app.command(rich_help_panel=PANEL)
def difficulty(train_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Measure how hard the patches of a training set are, in normalized coordinates; needs no model."""
    from replication.experiments.difficulty import measure_difficulty

    params, paths = load_profile(params_file)
    item_of(params, "difficulty", train_set)
    with stage(f"difficulty {train_set}", [paths.image_set(train_set)], [paths.difficulty / f"{train_set}.csv"]):
        measure_difficulty(params, train_set, paths)


@app.command(rich_help_panel=PANEL)
def collect(params_file: ParamsFile = DEFAULT) -> None:
    """Join the results of all runs into tidy tables, with intervals; refuses when a run is missing."""
    from replication.results.profile import collect as collect_profile

    params, paths = load_profile(params_file)
    with stage("collect", [paths.training, paths.evaluation, paths.timing, paths.difficulty], [paths.summary]):
        collect_profile(params, paths)


@app.command(rich_help_panel=PANEL)
def figures(
    params_file: ParamsFile = DEFAULT,
    only: Annotated[
        str, typer.Option(help="These alone, e.g. fig03,fig12; the others stay as they are.", metavar="NAMES")
    ] = "",
) -> None:
    """Draw the paper's figures from the collected results."""
    from replication.report.figures import draw_all

    params, paths = load_profile(params_file)
    with stage("figures", [paths.results / "summary"], [paths.figures]):
        draw_all(params, paths, [name.strip() for name in only.split(",") if name.strip()])


@app.command(rich_help_panel=PANEL)
def tables(params_file: ParamsFile = DEFAULT) -> None:
    """Write the LaTeX tables, the numbers as macros, the results page, and the metrics of DVC."""
    from replication.report.metrics import write_metrics
    from replication.report.tables import write_all

    params, paths = load_profile(params_file)
    with stage("tables", [paths.results / "summary"], [paths.tables, paths.results / "README.md"]):
        write_all(params, paths)
        write_metrics(params, paths)


@app.command(rich_help_panel=PANEL)
def weights(run: str, params_file: ParamsFile = DEFAULT) -> None:
    """Publish the weights of a trained run with a model card."""
    from replication.report.weights import export_weights

    params, paths = load_profile(params_file)
    item_of(params, "weights", run)
    with stage(
        f"weights {run}", [paths.checkpoint(params, run), paths.summary], [paths.weights / f"{run}.safetensors"]
    ):
        export_weights(params, run, paths)
