"""A user's network from "module:function" of their own folder, and whether it can be called as a denoiser is.

A denoiser is called with the image alone and returns the image, (B, C, H, W) to the same shape. Networks that are not
like that are refused before anything is computed with them, in one line that says what to change.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from wne.adapters.pickles import load_foreign_weights
from wne.interrupts import is_interrupt
from wne.models import WRAPPERS
from wne.modes import in_eval_mode
from wne.wrapper import BackboneWrapper

SIDE = 128  # of the image that a network is tried on: a multiple of what U-Nets and windows ask for


class NetworkError(ValueError):
    """A network that cannot be made, or not be used as a denoiser: which one, why, and what to change."""


class NetworkFails(NetworkError):
    """A network that raises when it is called."""


class OwnDenoiser(NamedTuple):
    """A user's network in its wrapper, in evaluation mode, channels-last; for images of `channels` channels."""

    network: nn.Module
    channels: int
    variant: str


def load_own_denoiser(reference: str, weights: Path | None, variant: str, channels: int | None = None) -> OwnDenoiser:
    """The network of "module:function" with its weights and wrapper, tried on one image before.

    Args:
        reference: as for `load_network`.
        weights: safetensors of the network, None for those that the function gives it.
        variant: a key of `wne.models.WRAPPERS`; "baseline" leaves the network as it is. One that is in a wrapper
            already keeps it.
        channels: that it must be for; None: 1 if it takes grey images, else 3.

    Raises:
        NetworkError: an unknown variant; a network that cannot be made, or not be called as a denoiser is.
        CheckpointError: weights that do not fit.
    """
    if variant not in WRAPPERS:
        raise NetworkError(f"--variant {variant}: unknown; known: {', '.join(WRAPPERS)}")
    network, name = load_network(reference), f"--backbone {reference}"
    if channels is None:
        channels = channels_of(network, name)
    else:
        check_network(network, channels, name)
    if weights is not None:
        if not weights.is_file():
            raise NetworkError(f"--weights {weights}: no such file")
        load_foreign_weights(network, weights, reference)
    if isinstance(network, BackboneWrapper):
        kinds = {key: kind for key, kind in WRAPPERS.items() if isinstance(kind, type)}
        own = next((key for key, kind in kinds.items() if isinstance(network, kind)), "baseline")
        if variant not in ("baseline", own):
            raise NetworkError(f"{name}: is in a {type(network).__name__} already; leave out --variant {variant}")
        wrapped, variant = network, own
    else:
        wrapped = WRAPPERS[variant](network)
    return OwnDenoiser(wrapped.to(memory_format=torch.channels_last).eval(), channels, variant)


def load_network(reference: str) -> nn.Module:
    """The module that "module:function" makes: a function without arguments, a class, or the network itself.

    The module is looked for in the working folder first, and that folder stays first on Python's path: the user's code
    may import its neighbours at any time. Naming it runs its code, and nothing else does.

    Raises:
        NetworkError: no such module or function; one that fails, with the line; one that makes no torch module.
    """
    module_name, colon, name = reference.partition(":")
    if not (module_name and colon and name):
        raise NetworkError(f"--backbone {reference}: expected module:function, such as my_networks:make_unet")
    if module_name.endswith(".py") or "/" in module_name:
        raise NetworkError(f"--backbone {reference}: name the module, not its file: {Path(module_name).stem}:{name}")
    folder = str(Path.cwd())
    if folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise NetworkError(f"--backbone {reference}: {error}; run from the folder that has it") from error
        raise NetworkError(f"--backbone {reference}: {_where(error)}; install it, or put it into {folder}") from error
    except (Exception, SystemExit) as error:
        raise _refused(error, f"--backbone {reference}: cannot be imported") from error
    made = getattr(module, name, None)
    if made is None:
        raise NetworkError(f"--backbone {reference}: {getattr(module, '__file__', module_name)} has no {name!r}")
    if isinstance(made, nn.Module):
        return made
    if not callable(made):
        raise NetworkError(f"--backbone {reference}: is {type(made).__name__}, not a function that returns a network")
    if needed := _needed(made):
        raise NetworkError(
            f"--backbone {reference}: needs {', '.join(needed)}; name a function without arguments that calls it"
        )
    try:
        model = made()
    except (Exception, SystemExit) as error:
        raise _refused(error, f"--backbone {reference}: fails") from error
    if not isinstance(model, nn.Module):
        raise NetworkError(f"--backbone {reference}: returned {type(model).__name__}, not a torch.nn.Module")
    return model


def check_network(network: nn.Module, channels: int, name: str) -> None:
    """Calls the network as a denoiser is called, with one image of `channels` channels and 128 x 128 pixels.

    Raises:
        NetworkError: it needs more than the image, or returns something else than an image of that shape.
        NetworkFails: it raises; with the line where.
    """
    if len(needed := _needed(network.forward)) > 1:
        raise NetworkError(
            f"{name}: its forward needs {', '.join(needed[1:])} besides the image, and is given the image alone; "
            "return a module that calls it with a value of your choice"
        )
    image = torch.linspace(0, 1, channels * SIDE**2).reshape(1, channels, SIDE, SIDE)
    try:
        with torch.no_grad(), in_eval_mode(network):
            out = network(image)
    except (Exception, SystemExit) as error:
        raise _refused(error, f"{name}: fails on an image {tuple(image.shape)}", NetworkFails) from error
    if not isinstance(out, torch.Tensor):
        size = f" of {len(out)}" if isinstance(out, list | tuple | dict) else ""
        raise NetworkError(
            f"{name}: its forward returns a {type(out).__name__}{size}, not the image; "
            "return a module whose forward chooses the image among them"
        )
    if out.shape != image.shape:
        raise NetworkError(f"{name}: maps an image {tuple(image.shape)} to {tuple(out.shape)}, not to the same shape")


def channels_of(network: nn.Module, name: str) -> int:
    """The number of channels that the network is for: 1 if it takes grey images, else 3.

    Raises:
        NetworkError: neither, and why.
    """
    refusals: dict[int, NetworkError] = {}
    for channels in (1, 3):
        try:
            check_network(network, channels, name)
        except NetworkError as error:
            refusals[channels] = error
        else:
            return channels
    # One that ran and returned something else says more than one that was given too few or too many channels.
    for error in refusals.values():
        if not isinstance(error, NetworkFails):
            raise error
    # Only the user knows which of the two attempts was the right one.
    grey, colour = (str(error).removeprefix(f"{name}: ") for error in refusals.values())
    raise NetworkFails(f"{name}: on 1 channel: {grey}; on 3 channels: {colour}")


def _needed(function: Callable[..., object]) -> list[str]:
    """The arguments that a call must give."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # builtins have none to show
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in optional]


def _refused(error: BaseException, what: str, kind: type[NetworkError] = NetworkError) -> NetworkError:
    """An error of the user's code, and a sys.exit() in it, in one line; Ctrl-C passes."""
    if is_interrupt(error):
        raise error
    return kind(f"{what}: {_where(error)}")


def _where(error: BaseException) -> str:
    """The error in one line, with the last line of the user's code that led to it."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError):
        return text  # which names its line
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the call here
    own = [frame for frame in frames if "site-packages" not in frame.filename and frame.filename[0] != "<"]
    return f"{text} ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else text
