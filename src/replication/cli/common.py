"""What several commands share: their options, and a profile read from its parameter file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from replication.cli.locks import locked
from replication.data.known import check_images
from replication.study.params import ParameterError, Params, load_params
from replication.study.paths import ProfilePaths
from wne import console
from wne.cli import Device  # noqa: F401
from wne.interrupts import interruptible

ParamsFile = Annotated[Path, typer.Option("--params", help="The profile's parameter file.")]
DEFAULT = Path("params.yaml")


def load_profile(file: Path) -> tuple[Params, ProfilePaths]:
    """A profile's parameters, and where its files are.

    Raises:
        ParameterError: a mistake in the file, or an image set or image that does not exist.
    """
    params = load_params(file)
    try:
        check_images(params)
    except ValueError as error:
        raise ParameterError(f"{file}: {error}") from None
    return params, ProfilePaths(params.profile)


def item_of(params: Params, section: str, name: str) -> Any:
    """The entry of that name in a section of params.yaml.

    Raises:
        ValueError: there is none.
    """
    items = getattr(params, section)
    if name not in items:
        raise ValueError(f"{params.params_file}: {section} has no {name!r}; known: {', '.join(items) or 'none'}")
    return items[name]


@contextmanager
def stage(name: str, reads: list[Path | str], writes: list[Path | str]) -> Iterator[None]:
    """Says what a stage reads and writes and how long it took; nobody else writes that meanwhile."""
    interruptible()
    with locked([Path(output) for output in writes]), console.stage(name, reads, writes):
        yield
