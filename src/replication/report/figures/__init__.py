"""The figures of the report, drawn from the collected tables: no training, no torch, a few seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from replication.report import style
from replication.report.artefacts import FIGURES, find_figure, reported
from replication.results.summary import Summary, read_summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import replacing, replacing_folder


def draw_all(params: Params, paths: ProfilePaths, only: Sequence[str] = ()) -> None:
    """Writes every figure that the profile reports all runs of, as PDF and PNG, to paper/<profile>/figures.

    Args:
        only: names of FIGURES; these alone are drawn and the other files stay. Empty: all, and no others stay.

    Raises:
        CollectError: runs, analyses or pictures are missing, by name.
        ValueError: a name in `only` that is unknown, or that the profile does not report.
    """
    chosen = {name: find_figure(name, params) for name in only} or reported(FIGURES, params)
    summary = read_summary(params, paths)
    with style.context():
        figures = {name: artefact.load()(params, summary, paths) for name, artefact in chosen.items()}
        if only:
            save_all(figures, paths.figures)
        else:
            with replacing_folder(paths.figures) as folder:
                save_all(figures, folder)


def draw(name: str, params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """One figure of FIGURES, for a notebook.

    Raises:
        ValueError: an unknown one, or one that the profile does not report.
    """
    return find_figure(name, params).load()(params, summary, paths)


def save_all(figures: dict[str, Figure], folder: Path) -> None:
    """PDF and PNG with the same bytes each time: no date, no version of the software. Each file is whole or the old one."""
    for name, figure in figures.items():
        for ending, unsaid in (("pdf", ("CreationDate", "Creator", "Producer")), ("png", ("Software",))):
            with replacing(folder / f"{name}.{ending}") as temporary:
                figure.savefig(temporary, metadata=dict.fromkeys(unsaid))
