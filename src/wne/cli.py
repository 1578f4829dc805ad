"""The command line. Each pipeline stage is one command, so that all of it also runs without DVC; and tools beside."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from wne.params import Params, load_params
from wne.paths import IMAGES, ProfilePaths
from wne.report import say, stage

UNFINISHED = 75  # EX_TEMPFAIL of sysexits.h: stopped as asked, run again to go on

app = typer.Typer(
    help="Normalization-equivariant denoising: for your own images (wne denoise) and your own network "
    "(wne evaluate --backbone), and the pipeline of the replication, stage by stage.",
    epilog="Completion in the shell: wne --install-completion",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
ParamsFile = Annotated[Path, typer.Option("--params", help="The profile's parameter file.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", envvar="WNE_DEVICE")]
DEFAULT = Path("params.yaml")
TOOLS, PIPELINE, REPOSITORY = "Tools", "The pipeline, stage by stage", "For the repository itself"


def _load(file: Path) -> tuple[Params, ProfilePaths]:
    params = load_params(file)
    return params, ProfilePaths(params.profile)


@app.command(
    "denoise",
    rich_help_panel=TOOLS,
    epilog="Examples:\n\n  wne denoise noisy.png clean.png\n\n  wne denoise photos/ denoised/ --force\n\n"
    "  wne denoise scan.tif clean.tif --model checkpoints/bsd400/cnn/dncnn-wne-s50.safetensors",
)
def denoise_images(
    source: Annotated[Path, typer.Argument(metavar="IN", help="An image, or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the result goes: a file or a folder.")],
    model: Annotated[
        str, typer.Option(help="A checkpoint, or the name of published weights (wne list).")
    ] = "dncnn-wne-s25",
    tile: Annotated[int, typer.Option(min=0, help="Side of the tiles of large images; 0: the image as a whole.")] = 512,
    device: Device = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite results that exist.")] = False,
) -> None:
    """Denoise images: 8 and 16 bits and floating point, PNG, TIFF, JPEG (written as PNG) and .npy.

    Bit depth, colours and size stay. Nothing is overwritten without --force. An image that cannot be read is
    reported, the rest goes on, and the exit status is 1.
    """
    from wne.denoise import ImageDenoiser, denoise_files, plan
    from wne.devices import choose_device

    jobs = plan(source, target, force)
    failed = denoise_files(jobs, ImageDenoiser(model, tile, choose_device(device)))
    typer.echo(f"{len(jobs) - failed} of {len(jobs)} denoised with {model}")
    if failed:
        raise typer.Exit(1)


@app.command(rich_help_panel=TOOLS)
def info(checkpoint: Annotated[str, typer.Argument(help="A checkpoint, or the name of published weights.")]) -> None:
    """Say what a checkpoint is: network, training, size. Opens no pickles and runs nothing."""
    from wne.checkpoints import load_denoiser, read_config
    from wne.denoise import find_weights

    path = find_weights(checkpoint)
    config, fingerprint = read_config(path)
    size = sum(parameter.numel() for parameter in load_denoiser(path).parameters())
    facts = {
        "file": f"{path} ({path.stat().st_size / 2**20:.1f} MiB)",
        "network": ", ".join(f"{key} {value}" for key, value in config["model"].items()),
        "variant": config["variant"],
        "parameters": f"{size:,}",
        "trained on": f"{config['train_set']}, {config['task']['noise']} noise, sigma {config['sigma']} of 255, "
        f"{config['task']['channels']} channel(s), objective {config['task']['objective']}",
        "recipe": ", ".join(f"{key} {value}" for key, value in config["recipe"].items() if value is not None),
        "seeds": ", ".join(map(str, config["seeds"])),
        "fingerprint": fingerprint,
    }
    for key, value in facts.items():
        typer.echo(f"{key:12s} {value}")


@app.command("list", rich_help_panel=TOOLS)
def list_models() -> None:
    """List the published weights, and the denoisers that `create_denoiser` knows."""
    from wne.denoise import pretrained
    from wne.models import TIMM, list_denoisers

    typer.echo("published weights, for wne denoise --model and wne info:")
    for name in pretrained():
        typer.echo(f"  {name}")
    typer.echo("backbones and variants, for create_denoiser:")
    for backbone, variant in list_denoisers():
        typer.echo(f"  {backbone:10s} {variant}")
    typer.echo(f"  {TIMM}<name>, any model of timm with feature maps, with every variant that wraps")


@app.command(rich_help_panel=TOOLS)
def check(params_file: ParamsFile = DEFAULT) -> None:
    """Check a parameter file, and list its runs by group."""
    params, _ = _load(params_file)
    for group, spec in params.groups.items():
        runs = params.runs_of(group)
        state = "" if spec.report else ", not reported"
        typer.echo(f"{group}, {spec.title} ({len(runs)}{state}): {', '.join(runs)}")
    typer.echo(f"{params_file}: profile {params.profile}, {len(params.runs)} runs, no mistakes found")


@app.command(rich_help_panel=PIPELINE)
def download(name: Annotated[str, typer.Argument(help="A set of data/registry.csv, e.g. set12.")]) -> None:
    """Get a set of images, verified by sha256, from WNE_DATA_MIRROR or from its public address."""
    from wne.data.download import fetch_set

    with stage(f"download {name}", ["data/registry.csv"], [IMAGES / name]):
        fetch_set(name, IMAGES)


@app.command(rich_help_panel=PIPELINE)
def noise(test_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Make a test bench: clean images and the fixed noise that all models see."""
    from wne.noise import make_bench

    params, paths = _load(params_file)
    if test_set not in params.test_sets:
        raise ValueError(f"{params_file}: no test set {test_set!r}; known: {', '.join(params.test_sets)}")
    source = paths.image_set(params.test_sets[test_set].images)
    with stage(f"noise {test_set}", [source], [paths.bench / test_set]):
        make_bench(params, test_set, paths)


@app.command(rich_help_panel=PIPELINE)
def train(
    run: str,
    params_file: ParamsFile = DEFAULT,
    device: Device = "auto",
    max_seconds: Annotated[
        float | None, typer.Option(help="Stop cleanly after this time; run again to resume.")
    ] = None,
) -> None:
    """Train one run; resumes by itself where a killed or stopped one left off."""
    from wne.devices import choose_device
    from wne.train import train as train_run

    params, paths = _load(params_file)
    source = paths.image_set(params.run(run).train_set)
    with stage(f"train {run}", [source], [paths.checkpoint(params, run), paths.training / f"{run}.csv"]):
        finished = train_run(params, run, paths, choose_device(device), max_seconds)
    if not finished:
        say(f"stopped after {max_seconds:.0f} s as asked; the same command goes on from here")
        raise typer.Exit(UNFINISHED)


@app.command(
    rich_help_panel=PIPELINE,
    epilog="Examples:\n\n  wne evaluate cnn --params profiles/bsd400/params.yaml\n\n"
    "  wne evaluate my-unet --backbone my_networks:make_unet --weights unet.safetensors --variant wne",
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
    from wne.devices import choose_device
    from wne.evaluate import evaluate as evaluate_runs

    params, paths = _load(params_file)
    if backbone:
        from wne.own import evaluate_own, load_own

        model = load_own(backbone, weights, variant, choose_device(device))
        with stage(f"evaluate {name}", [backbone, paths.bench, paths.summary], [paths.results / "own" / name]):
            evaluate_own(params, name, model, paths, choose_device(device), beside, sigma)
        return
    if weights is not None:
        raise ValueError("--weights belongs to --backbone: the runs of the pipeline have their own checkpoints")
    runs = params.runs_of(name) if name in params.groups else [name]
    benches = dict.fromkeys(
        paths.bench / bench for run in runs for bench in params.tasks[params.run(run).task].test_sets
    )
    written = paths.evaluation / name if name in params.groups else paths.evaluated(params, name)
    with stage(f"evaluate {name}", [*(paths.checkpoint(params, run) for run in runs), *benches], [written]):
        evaluate_runs(params, name, paths, choose_device(device))


def _analysis(section: str, name: str, params_file: Path, device: str, module: str) -> None:
    """One item of a section of params, by the function `analyse` of its module."""
    from importlib import import_module

    from wne.devices import choose_device
    from wne.params import analysed_runs

    params, paths = _load(params_file)
    items = getattr(params, section)
    if name not in items:
        raise ValueError(f"{params_file}: {section} has no {name!r}; known: {', '.join(items)}")
    checkpoints = [paths.checkpoint(params, run) for run in analysed_runs(items[name])]
    with stage(f"{section} {name}", checkpoints, [paths.analysis(section, name)]):
        import_module(module).analyse(params, name, paths, choose_device(device))


@app.command(rich_help_panel=PIPELINE)
def filters(name: str, params_file: ParamsFile = DEFAULT, device: Device = "auto") -> None:
    """Rows of the Jacobian of trained denoisers, as filters (Fig. 5)."""
    _analysis("filters", name, params_file, device, "wne.filters")


@app.command(rich_help_panel=PIPELINE)
def errors(name: str, params_file: ParamsFile = DEFAULT, device: Device = "auto") -> None:
    """Normalized error of trained denoisers against difficulty (Figs. 6 and 11)."""
    _analysis("errors", name, params_file, device, "wne.errors")


@app.command(rich_help_panel=PIPELINE)
def sample(name: str, params_file: ParamsFile = DEFAULT, device: Device = "auto") -> None:
    """Trained denoisers inside a sampler: denoising, inpainting, super-resolution, deblurring (App. N)."""
    _analysis("samplers", name, params_file, device, "wne.sampler")


@app.command(rich_help_panel=PIPELINE)
def controls(name: str, params_file: ParamsFile = DEFAULT, device: Device = "auto") -> None:
    """Denoisers without training of their own, bare and wrapped, over the noise sweep (beyond the paper)."""
    _analysis("controls", name, params_file, device, "wne.controls")


@app.command(rich_help_panel=PIPELINE)
def timing(params_file: ParamsFile = DEFAULT) -> None:
    """Time the variants side by side on the CPU, and on the GPU where there is one."""
    from wne.timing import time_all

    params, paths = _load(params_file)
    with stage("timing", [params_file], [paths.timing]):
        time_all(params, paths)


@app.command(rich_help_panel=PIPELINE)
def audit(train_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Look for the test images inside a training set."""
    from wne.leakage import audit_training_set

    params, paths = _load(params_file)
    if train_set not in params.leakage:
        raise ValueError(f"{params_file}: leakage has no {train_set!r}; known: {', '.join(params.leakage)}")
    benches = [paths.bench / name for name in params.leakage[train_set]]
    with stage(f"audit {train_set}", [paths.image_set(train_set), *benches], [paths.leakage / f"{train_set}.csv"]):
        audit_training_set(params, train_set, paths)


@app.command(rich_help_panel=PIPELINE)
def difficulty(train_set: str, params_file: ParamsFile = DEFAULT) -> None:
    """Measure how hard the patches of a training set are, in normalized coordinates; needs no model."""
    from wne.difficulty import measure_difficulty

    params, paths = _load(params_file)
    if train_set not in params.difficulty:
        raise ValueError(f"{params_file}: difficulty has no {train_set!r}; known: {', '.join(params.difficulty)}")
    with stage(f"difficulty {train_set}", [paths.image_set(train_set)], [paths.difficulty / f"{train_set}.csv"]):
        measure_difficulty(params, train_set, paths)


@app.command(rich_help_panel=PIPELINE)
def collect(params_file: ParamsFile = DEFAULT) -> None:
    """Join the results of all runs into tidy tables, with intervals; refuses when a run is missing."""
    from wne.collect.profile import collect as collect_profile

    params, paths = _load(params_file)
    with stage("collect", [paths.training, paths.evaluation, paths.timing, paths.difficulty], [paths.summary]):
        collect_profile(params, paths)


@app.command(rich_help_panel=PIPELINE)
def figures(
    params_file: ParamsFile = DEFAULT,
    only: Annotated[
        str, typer.Option(help="These alone, e.g. fig03,fig12; the others stay as they are.", metavar="NAMES")
    ] = "",
) -> None:
    """Draw the paper's figures from the collected results."""
    from wne.figures import draw_all

    params, paths = _load(params_file)
    with stage("figures", [paths.results / "summary"], [paths.figures]):
        draw_all(params, paths, [name.strip() for name in only.split(",") if name.strip()])


@app.command(rich_help_panel=PIPELINE)
def tables(params_file: ParamsFile = DEFAULT) -> None:
    """Write the LaTeX tables, the numbers as macros, and the results page."""
    from wne.tables import write_all

    params, paths = _load(params_file)
    with stage("tables", [paths.results / "summary"], [paths.tables, paths.results / "README.md"]):
        write_all(params, paths)


@app.command(rich_help_panel=PIPELINE)
def weights(run: str, params_file: ParamsFile = DEFAULT) -> None:
    """Publish the weights of a trained run with a model card."""
    from wne.weights import export_weights

    params, paths = _load(params_file)
    if run not in params.weights:
        raise ValueError(f"{params_file}: weights has no {run!r}; known: {', '.join(params.weights) or 'none'}")
    with stage(
        f"weights {run}", [paths.checkpoint(params, run), paths.summary], [paths.weights / f"{run}.safetensors"]
    ):
        export_weights(params, run, paths)


@app.command(rich_help_panel=REPOSITORY)
def readme() -> None:
    """Rewrite README's generated tables from the committed results of the default and bsd400 profiles."""
    from wne.files import write_text
    from wne.tables.readme import blocks, read_profiles, replace_block

    file = Path("README.md")
    with stage("readme", [Path("results")], [file]):
        text = file.read_text()
        for name, block in blocks(*read_profiles()).items():
            text = replace_block(text, name, block)
        write_text(file, text)


@app.command(rich_help_panel=REPOSITORY)
def docs() -> None:
    """Write docs/api.md from the docstrings."""
    from wne.apidoc import api_page
    from wne.files import write_text

    write_text(Path("docs/api.md"), api_page())


@app.command(rich_help_panel=REPOSITORY)
def exactness() -> None:
    """Measure docs/exactness.md: rounding of the wrapper, and what a wrapped network goes through; some minutes."""
    import torch
    from skimage import data

    from wne.checkpoints import load_denoiser
    from wne.compatibility import measure
    from wne.denoise import DEFAULT_MODEL, find_weights
    from wne.exactness import SIZE, page, rows
    from wne.files import write_text

    target = Path("docs/exactness.md")
    with stage("exactness", [find_weights(DEFAULT_MODEL)], [target]):
        image = torch.from_numpy(data.camera()[100 : 100 + SIZE, 200 : 200 + SIZE].astype("float64") / 255)
        backbone = load_denoiser(find_weights(DEFAULT_MODEL)).backbone.double()
        versions = f"torch {torch.__version__}, CPU"
        write_text(target, page(rows(backbone, image[None, None]), measure(), versions))


def main() -> None:
    """Runs the command; every foreseen mistake is one line on the error stream and exit status 1."""
    try:
        app()
    except (ValueError, RuntimeError, OSError) as error:
        if os.environ.get("WNE_TRACEBACK"):
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
