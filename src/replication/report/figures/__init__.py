"""The figures of the report, drawn from the collected tables: no training, no torch, a few seconds.

To add one: write a function of (params, summary, paths) that returns a figure, and register it here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from replication.report import style
from replication.results.summary import Summary, read_summary
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder

Draw = Callable[[Params, Summary, ProfilePaths], Figure]


class Entry(NamedTuple):
    """A figure of the registry, and what the profile must have for it. Functions are "module:name".

    groups: of runs; all of them must be reported. sections: of the parameters; they must not be empty
    ("filters", say), or must have an item ("examples.fig02"). runs: a function of params that lists the runs,
    where a group has several families and a profile may lack one.
    """

    function: str  # (params, summary, paths) to Figure; imported when it is drawn
    groups: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    runs: str | None = None


FIGURES: dict[str, Entry] = {
    "fig02": Entry("replication.report.figures.qualitative:fig02", ("swinir",), ("examples.fig02",)),
    "fig03": Entry("replication.report.figures.mismatch:fig03", ("cnn",)),
    "fig04": Entry("replication.report.figures.mismatch:fig04", ("swinir",)),
    "fig05": Entry("replication.report.figures.filters:fig05", ("swinir",), ("filters",)),
    "fig06": Entry("replication.report.figures.errors:fig06", ("swinir",), ("errors",)),
    "fig07": Entry("replication.report.figures.difficulty:fig07", (), ("difficulty",)),
    "fig08": Entry("replication.report.figures.objectives:fig08", ("training-controls", "swinir")),
    "fig09": Entry("replication.report.figures.objectives:fig09", ("training-controls", "swinir")),
    "fig10": Entry("replication.report.figures.mismatch:fig10", ("fdncnn", "cnn")),
    "fig11": Entry("replication.report.figures.errors:fig11", ("swinir",), ("errors",)),
    "fig12": Entry("replication.report.figures.mismatch:fig12", ("cnn",)),
    "fig13": Entry("replication.report.figures.mismatch:fig13", ("swinir",)),
    "fig14": Entry("replication.report.figures.mismatch:fig14", ("restormer",)),
    "fig15": Entry("replication.report.figures.mismatch:fig15", ("colour",)),
    "fig16": Entry("replication.report.figures.mismatch:fig16", ("n2n",)),
    "fig17": Entry("replication.report.figures.samplers:fig17", ("n2n",), ("samplers",)),
    "fig18": Entry("replication.report.figures.mismatch:fig18", ("input-only", "cnn")),
    "fig19": Entry("replication.report.figures.qualitative:fig19", ("input-only", "cnn"), ("examples.fig19",)),
    "fig20": Entry(
        "replication.report.figures.corruptions:fig20",
        ("non-gaussian",),
        runs="replication.report.figures.corruptions:cnn_runs",
    ),
    "fig21": Entry(
        "replication.report.figures.corruptions:fig21",
        ("non-gaussian",),
        runs="replication.report.figures.corruptions:other_runs",
    ),
    # Beyond the paper.
    "overview": Entry("replication.report.figures.mismatch:overview", ("cnn", "swinir")),
    "training": Entry("replication.report.figures.training:training", (), ("reported_runs",)),
    "inverse_problems": Entry("replication.report.figures.samplers:inverse_problems", ("n2n",), ("samplers",)),
    "trajectories": Entry("replication.report.figures.samplers:trajectories", ("n2n",), ("samplers",)),
    "controls": Entry("replication.report.figures.controls:controls", ("cnn",), ("controls",)),
    "recipe": Entry("replication.report.figures.controls:recipe", ("recipe",)),
}


def draw_all(params: Params, paths: ProfilePaths, only: Sequence[str] = ()) -> None:
    """Writes every figure that the profile reports all runs of, as PDF and PNG, to paper/<profile>/figures.

    Args:
        only: names of FIGURES; these alone are drawn and the other files stay. Empty: all, and no others stay.

    Raises:
        CollectError: runs, analyses or pictures are missing, by name.
        ValueError: a name in `only` that is unknown, or that the profile does not report.
    """
    for name in only:
        if reason := why_not(params, name):
            raise ValueError(f"{name}: {reason}")
    summary = read_summary(params, paths)
    names = list(dict.fromkeys(only)) or [name for name in FIGURES if not why_not(params, name)]
    with style.context():
        figures = {name: load(FIGURES[name].function)(params, summary, paths) for name in names}
        if only:
            paths.figures.mkdir(parents=True, exist_ok=True)
            for name, figure in figures.items():
                save(figure, paths.figures / name)
        else:
            with replacing_folder(paths.figures) as folder:
                for name, figure in figures.items():
                    save(figure, folder / name)


def draw(name: str, params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """One figure of FIGURES, for a notebook.

    Raises:
        ValueError: an unknown one, or one that the profile does not report.
    """
    if reason := why_not(params, name):
        raise ValueError(f"{name}: {reason}")
    return load(FIGURES[name].function)(params, summary, paths)


def why_not(params: Params, name: str) -> str | None:
    """Why the profile has no such figure, or None."""
    if name not in FIGURES:
        near = difflib.get_close_matches(name, FIGURES, n=1)
        return f"no such figure; {f'did you mean {near[0]!r}?' if near else 'known: ' + ', '.join(FIGURES)}"
    entry = FIGURES[name]
    unreported = [group for group in entry.groups if not params.is_reported(group)]
    if unreported:
        return f"{params.params_file} does not report {', '.join(unreported)}"
    empty = [section for section in entry.sections if not _says_something(params, section)]
    if empty:
        return f"{params.params_file} has nothing reported in {', '.join(empty)}"
    if entry.runs and not load(entry.runs)(params):
        return f"{params.params_file} has no runs of this family in {', '.join(entry.groups)}"
    return None


def load(function: str) -> Draw:
    """The function "module:name"."""
    module, name = function.split(":")
    return getattr(import_module(module), name)


def save(figure: Figure, stem: Path) -> None:
    """PDF and PNG with the same bytes each time: no date, no version of the software."""
    figure.savefig(f"{stem}.pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    figure.savefig(f"{stem}.png", metadata={"Software": None})


def _says_something(params: Params, section: str) -> bool:
    section, _, item = section.partition(".")
    items = params.reported(section) if section in ANALYSES else getattr(params, section)
    return item in items if item else bool(items)
