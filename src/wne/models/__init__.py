"""The denoisers by name: a backbone and a variant. To add one, write its module and a line in registry.py.

"timm:<name>" is a backbone as well, for each of timm's models that gives feature maps.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import NamedTuple

from torch import nn

from wne.registry import BACKBONES, TIMM_ENCODER
from wne.wrapper import InputNormalized, NormalizationEquivariant, ScaleEquivariant


class Name(NamedTuple):
    """What `create_denoiser` makes a denoiser from."""

    backbone: str
    variant: str


TIMM = "timm:"

# Variants that wrap any backbone, and variants that change FDnCNN's own layers.
WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "baseline": lambda backbone: backbone,
    "wne": NormalizationEquivariant,
    "wse": ScaleEquivariant,
    "wne_input": InputNormalized,
}
ARCHITECTURAL_FORMS: dict[str, str] = {"se_arch": "scale", "ne_arch": "normalization"}


def list_denoisers() -> list[Name]:
    """Every backbone with every variant it has."""
    wrapped = [Name(b, v) for b in BACKBONES for v in WRAPPERS]
    return wrapped + [Name("fdncnn", v) for v in ARCHITECTURAL_FORMS]


def create_denoiser(backbone: str, variant: str = "baseline", *, channels: int = 1, **size: object) -> nn.Module:
    """A freshly initialized denoiser, (B, channels, H, W) to the same shape, trained on [0, 1].

    Args:
        backbone: a key of BACKBONES, or "timm:<name>", any model of timm as encoder of a light decoder.
        variant: "baseline", "wne" (the paper's wrapper), "wse" (its scale-equivariant sibling),
            "wne_input" (input-only normalization); for fdncnn also "se_arch" and "ne_arch".
        channels: 1 for grey, 3 for colour.
        size: keywords of the backbone's class, such as depth and width; the paper's sizes when left out.

    Raises:
        ValueError: an unknown name, with the nearest known one; an architectural variant without its backbone.

    >>> sum(p.numel() for p in create_denoiser("dncnn", "wne").parameters())
    667073
    """
    if not backbone.startswith(TIMM):
        _check_known("backbone", backbone, [*BACKBONES, f"{TIMM}<name>"])
    _check_known("variant", variant, [*WRAPPERS, *ARCHITECTURAL_FORMS])
    if variant in ARCHITECTURAL_FORMS:
        if backbone != "fdncnn":
            raise ValueError(f"variant {variant!r} replaces the layers of fdncnn: it does not exist for {backbone!r}")
        size = {**size, "form": ARCHITECTURAL_FORMS[variant]}
    try:
        model = _backbone_class(backbone)(channels=channels, **size)
    except TypeError as error:
        raise ValueError(f"{backbone}: {error}") from error
    return WRAPPERS.get(variant, WRAPPERS["baseline"])(model)


def _backbone_class(backbone: str) -> Callable[..., nn.Module]:
    is_timm = backbone.startswith(TIMM)
    module, name = (TIMM_ENCODER if is_timm else BACKBONES[backbone]).split(":")
    made = getattr(import_module(module), name)
    return partial(made, backbone.removeprefix(TIMM)) if is_timm else made


def _check_known(kind: str, name: str, known: list[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {kind} {name!r}: {hint}known: {', '.join(known)}")
