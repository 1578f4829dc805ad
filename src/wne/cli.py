"""The command line of the library: `wne denoise`, `wne info`, `wne list`, `wne convert`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:
    sys.exit("error: the wne command needs more than the library: pip install '.[cli]' in the repository")

from wne.interrupts import interruptible
from wne.registry import DEFAULT_MODEL, PUBLISHED

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", envvar="WNE_DEVICE")]

_PROJECTS = {"PIL": "pillow", "skimage": "scikit-image", "yaml": "pyyaml"}  # packages that pip has under another name

app = typer.Typer(
    help="Normalization-equivariant denoising of your own images.",
    epilog="Completion in the shell: wne --install-completion",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a paragraph
    pretty_exceptions_enable=False,
)


def run(command: Callable[[], None]) -> None:
    """Runs a command line; every foreseen mistake is one line on the error stream and exit status 1."""
    try:
        command()
    except (ValueError, RuntimeError, OSError) as error:
        if os.environ.get("WNE_TRACEBACK"):
            raise
        known = isinstance(error, OSError) and error.filename and error.strerror
        print(f"error: {f'{error.filename}: {error.strerror}' if known else error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if os.environ.get("WNE_TRACEBACK") or package in ("", "wne", "replication"):
            raise
        print(f"error: {error}; install it with: pip install {_PROJECTS.get(package, package)}", file=sys.stderr)
        sys.exit(1)


def main() -> None:
    run(app)


@app.command(
    "denoise",
    epilog="Examples:\n\n  wne denoise noisy.png clean.png\n\n  wne denoise photos/ denoised/ --skip-existing\n\n"
    "  wne denoise colour.png clean.png --model fdncnn-wne-colour-s0to55",
)
def denoise_images(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", readable=False, help="An image, or a folder of images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the result goes: a file or a folder.")],
    model: Annotated[
        str, typer.Option(help="A checkpoint, or the name of published weights (wne list).")
    ] = DEFAULT_MODEL,
    backbone: Annotated[
        str, typer.Option(metavar="MODULE:FUNCTION", help="Your own network instead: a function that returns it.")
    ] = "",
    weights: Annotated[
        Path | None, typer.Option(help="Its weights, safetensors; without, the network as the function returns it.")
    ] = None,
    variant: Annotated[
        str, typer.Option(help="What your network was trained in: baseline (nothing), wne, wse or wne_input.")
    ] = "baseline",
    strength: Annotated[float, typer.Option(min=0, max=1, help="0: the input, 1: the network's result.")] = 1.0,
    mask_nan: Annotated[
        bool, typer.Option("--mask-nan", help="Leave NaN and infinite values out, and keep them.")
    ] = False,
    tile: Annotated[int, typer.Option(min=0, help="Side of the tiles of large images; 0: the image as a whole.")] = 512,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.", envvar="WNE_DEVICE")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite results that exist.")] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Keep results that exist, and go on with the rest.")
    ] = False,
) -> None:
    """Denoise images: 8 to 32 bits and floating point, PNG, TIFF with all its pages, EXR, PGM, PPM and .npy;
    JPEG, WebP and BMP (written as PNG), HDR (written as EXR).

    Bit depth, channels and size stay; metadata that a result cannot hold is named. Nothing is overwritten without
    --force. An image that cannot be read is reported, the rest goes on, and the exit status is 1.

    A network without equivariance (a baseline) knows one range: it sees integers divided by the largest of their type,
    and floating point as it is. So scale values from 0 to 255 to [0, 1] for it, and 12 bits in 16 to all 16.
    """
    if force and skip_existing:
        raise ValueError("--force overwrites what --skip-existing keeps; give one of them")
    from wne.adapters.networks import load_own_denoiser
    from wne.console import say
    from wne.denoise import SMALLEST_TILE, ImageDenoiser
    from wne.jobs import best_device, denoise_files, plan

    def is_given(option: str) -> bool:
        return context.get_parameter_source(option).name != "DEFAULT"

    if weights is not None and not backbone:
        raise ValueError("--weights belongs to --backbone; a checkpoint of this project goes with --model")
    if is_given("variant") and not backbone:
        raise ValueError("--variant belongs to --backbone; a checkpoint of this project says its own")
    if is_given("model") and backbone:
        raise ValueError("--model and --backbone each name a network; give one of them")
    if 0 < tile < SMALLEST_TILE:
        raise ValueError(
            f"--tile {tile}: seams would show; give {SMALLEST_TILE} or more, or 0 for the image as a whole"
        )
    own = load_own_denoiser(backbone, weights, variant) if backbone else model
    planned = plan(source, target, force, skip_existing)
    for problem in planned.problems:
        say(f"error: {problem}")
    denoiser = ImageDenoiser(own, tile, best_device(device), strength=strength, mask_nan=mask_nan)
    interruptible()
    failed = denoise_files(planned.jobs, denoiser)
    left = f", {planned.skipped} there already" if planned.skipped else ""
    left += f", {planned.others} other file(s) left out" if planned.others else ""
    typer.echo(f"{len(planned.jobs) - failed} of {len(planned.jobs)} denoised with {backbone or model}{left}")
    if failed or planned.problems:
        raise typer.Exit(1)


@app.command()
def info(checkpoint: Annotated[str, typer.Argument(help="A checkpoint, or the name of published weights.")]) -> None:
    """Say what a checkpoint is: network, training, size. Opens no pickles and runs nothing."""
    from wne.checkpoints import CheckpointError, load_denoiser, read_config
    from wne.published import find_weights

    path = find_weights(checkpoint)
    config, fingerprint = read_config(path)
    size = sum(parameter.numel() for parameter in load_denoiser(path).parameters())
    try:
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
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: its configuration does not say how it was trained ({error!r})") from None
    for key, value in facts.items():
        typer.echo(f"{key:12s} {value}")


@app.command("list")
def list_models() -> None:
    """List the published weights, and the denoisers that `create_denoiser` knows."""
    from wne.models import TIMM, list_denoisers

    typer.echo("published weights, for wne denoise --model and wne info:")
    for name, purpose in PUBLISHED.items():
        typer.echo(f"  {name:26s}{purpose}")
    typer.echo("backbones and variants, for create_denoiser:")
    variants: dict[str, list[str]] = {}
    for backbone, variant in list_denoisers():
        variants.setdefault(backbone, []).append(variant)
    for backbone, names in variants.items():
        typer.echo(f"  {backbone:10s} {', '.join(names)}")
    typer.echo(f"  {TIMM}<name>, any model of timm with feature maps, with every variant that wraps")


@app.command(
    epilog="Examples:\n\n  wne convert net.pth net.safetensors\n\n"
    "  wne convert state.ckpt net.safetensors --key state_dict --prefix model.",
)
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Weights of torch.save (.pth, .pt, .ckpt).")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the safetensors file goes.")],
    key: Annotated[str, typer.Option(help="Which entry holds the weights, where several do: params_ema, a.b.")] = "",
    prefix: Annotated[str, typer.Option(help="Take only the names that begin with this, without it.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a result that exists.")] = False,
) -> None:
    """Convert published weights to safetensors. Reads nothing but tensors and plain containers from a pickle, and runs nothing.

    Finds the weights inside {"params": ...} and the like, and removes the marks of DataParallel and torch.compile from
    their names; says what it did.
    """
    from wne.adapters.pickles import convert_weights

    if target.exists() and not force:
        raise ValueError(f"{target}: exists already; use --force to overwrite")
    interruptible()
    typer.echo(convert_weights(source, target, key, prefix))
