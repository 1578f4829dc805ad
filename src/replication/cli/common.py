"""What several commands share: their options, and a profile read from its parameter file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replication.study.params import Params, load_params
from replication.study.paths import ProfilePaths
from wne.cli import Device  # noqa: F401

ParamsFile = Annotated[Path, typer.Option("--params", help="The profile's parameter file.")]
DEFAULT = Path("params.yaml")


def load_profile(file: Path) -> tuple[Params, ProfilePaths]:
    """A profile's parameters, and where its files are."""
    params = load_params(file)
    return params, ProfilePaths(params.profile)
