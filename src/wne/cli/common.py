"""What several commands share: their options, and a profile read from its parameter file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wne.params import Params, load_params
from wne.paths import ProfilePaths

ParamsFile = Annotated[Path, typer.Option("--params", help="The profile's parameter file.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", envvar="WNE_DEVICE")]
DEFAULT = Path("params.yaml")


def load_profile(file: Path) -> tuple[Params, ProfilePaths]:
    """A profile's parameters, and where its files are."""
    params = load_params(file)
    return params, ProfilePaths(params.profile)
