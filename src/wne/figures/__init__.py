"""The figures of the report, drawn from the collected tables: no training, no torch, a few seconds."""

from __future__ import annotations

from matplotlib.figure import Figure

from wne import style
from wne.collect import read_summary
from wne.figures.difficulty import fig07
from wne.figures.mismatch import fig03, fig04, has_backbone, overview
from wne.figures.qualitative import fig02, read_example
from wne.figures.training import training_curves
from wne.files import replacing_folder
from wne.params import Params
from wne.paths import ProfilePaths

__all__ = ["draw_all", "fig02", "fig03", "fig04", "fig07", "overview", "training_curves"]


def draw_all(params: Params, paths: ProfilePaths) -> None:
    """Writes every figure that the profile has runs for, as PDF and PNG, to paper/<profile>/figures.

    Raises:
        CollectError: runs are missing from the summary, or a picture of an example is missing.
    """
    summary = read_summary(params, paths)
    with style.context():
        figures = {key: fig02(read_example(params, paths, key)) for key in params.examples}
        if has_backbone(summary.curves, "dncnn"):
            figures["fig03"] = fig03(summary.curves)
        if has_backbone(summary.curves, "swinir"):
            figures["fig04"] = fig04(summary.curves)
        if has_backbone(summary.curves, "dncnn") or has_backbone(summary.curves, "swinir"):
            figures["overview"] = overview(summary.curves)
        if len(summary.difficulty):
            figures["fig07"] = fig07(summary.difficulty)
        figures["training"] = training_curves(summary.loss, summary.training)
        with replacing_folder(paths.figures) as folder:
            for name, figure in figures.items():
                save(figure, folder / name)


def save(figure: Figure, stem) -> None:
    """PDF and PNG with the same bytes each time: no date, no version of the software."""
    figure.savefig(f"{stem}.pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    figure.savefig(f"{stem}.png", metadata={"Software": None})
