"""Denoisers trained at a single noise level and tested at others (Figures 3, 4, 10, 12 to 16 and 18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from replication.report.figures import sweep
from replication.report.figures.select import at_level, find_run, levels, main_runs, on_papers_images, single_noise
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published

_OVERVIEW_SIGMA = 25.0  # sigma_train of the overview, where the profile has it


class Original(NamedTuple):
    """A figure of the paper whose curves are known, and the images it was tested on, whole."""

    figure: str
    images: str = "set12"


def _figure_of(
    group: str, qualities: Sequence[sweep.Quality] = (sweep.PSNR,), core: Sequence[str] = (),
    original: Original | None = None,
) -> Callable[[Params, Summary, ProfilePaths], Figure]:  # fmt: skip
    """The figure of the main runs of a group, beside the variants `core` of the group cnn at the same sigma_train.

    With the paper's own curves where the runs are tested on the images of the original: on others they would mislead.
    """

    def figure(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
        own = single_noise(params, main_runs(params, group))
        beside = [find_run(params, "cnn", v, sigma=sigma) for sigma in levels(params, own) for v in core]
        papers = _papers(params, paths, own + beside, original) if original else {}
        return mismatch_figure(params, summary, own + beside, qualities, papers)

    figure.__doc__ = f"The group {group}, a panel for each sigma_train."
    return figure


def _papers(params: Params, paths: ProfilePaths, names: Sequence[str], original: Original) -> dict[str, sweep.Curve]:
    """Run -> the paper's curve of the same variant and sigma_train, for runs tested on the paper's images."""
    published, curves = read_published(paths.root / "data/paper_values.csv"), {}
    for name in names:
        run = params.runs[name]
        rows = published.curve(original.figure, run.variant, run.sigma)
        if on_papers_images(params, [name], original.images) and not rows.empty:
            curves[name] = sweep.Curve(rows, sweep.look_of(params, name))
    return curves


fig03 = _figure_of("cnn", original=Original("Figure 3"))
fig04 = _figure_of("swinir", original=Original("Figure 4"))
fig10 = _figure_of("fdncnn", core=("se_arch", "ne_arch"), original=Original("Figure 10"))
# SSIM: above Wang's window, below the uniform one that the paper appears to use.
fig12 = _figure_of("cnn", (sweep.SSIM, sweep.SSIM_UNIFORM))
fig13 = _figure_of("swinir", (sweep.SSIM, sweep.SSIM_UNIFORM))
fig14 = _figure_of("restormer", original=Original("Figure 14"))
fig15 = _figure_of("colour", original=Original("Figure 15", "cbsd68"))
fig16 = _figure_of("n2n")
fig18 = _figure_of("input-only", core=("baseline", "wne"), original=Original("Figure 18"))


def mismatch_figure(
    params: Params, summary: Summary, names: Iterable[str], qualities: Sequence[sweep.Quality],
    papers: dict[str, sweep.Curve],
) -> Figure:  # fmt: skip
    """The runs on the first test set of their task: a column for each sigma_train, a row for each quality.

    papers: the paper's curve of some of the runs.
    """
    names = single_noise(params, names)
    if not names:
        raise CollectError(f"{params.params_file}: no run of this figure is trained at a single noise level")
    trained = levels(params, names)
    columns = [sweep.curves_of(params, summary.curves, at_level(params, names, sigma)) for sigma in trained]
    beside = [[papers[name] for name in at_level(params, names, sigma) if name in papers] for sigma in trained]
    panels = [
        sweep.Panel(f"$\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}", curves, sigma, quality, paper)
        for quality in qualities
        for curves, sigma, paper in zip(columns, trained, beside)
    ]
    looks = [curve.look for curves in columns for curve in curves]
    denoisers, references = sweep.legend_lines(looks, qualities[0], paper=bool(papers))
    # A single panel has not the width for four entries.
    split = 2 if len(columns) == 1 and len(references) > 3 else len(references)
    lines = [line for line in (denoisers, references[:split], references[split:]) if line]
    return sweep.sweep_grid(panels, len(columns), legend_lines=len(lines)).legend(lines)


def overview(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The effect in one picture: baseline and WNE of a CNN and a transformer, at sigma_train 25 (or the middle one)."""
    groups = ("cnn", "swinir")
    trained = levels(params, single_noise(params, main_runs(params, groups[0])))
    sigma = _OVERVIEW_SIGMA if _OVERVIEW_SIGMA in trained else trained[len(trained) // 2]
    names = [[find_run(params, group, v, sigma=sigma) for v in ("baseline", "wne")] for group in groups]
    columns = [sweep.curves_of(params, summary.curves, pair) for pair in names]
    panels = [sweep.Panel(_name(curves), curves, sigma) for curves in columns]
    loss = _loss(columns)
    grid = sweep.sweep_grid(panels, len(columns), legend_lines=1 + bool(loss), lettered=False, suptitle=True)
    grid.figure.suptitle(_effect(columns, sigma), fontsize=10, y=0.99, va="top")
    grid.note(loss)
    denoisers, references = sweep.legend_lines([curve.look for curve in columns[0]])
    return grid.legend([denoisers + references] + [[]] * bool(loss))


def _name(curves: list[sweep.Curve]) -> str:
    return labels.backbone_label(curves[0].rows["backbone"].iloc[0])


def _effect(columns: list[list[sweep.Curve]], sigma_train: float) -> str:
    """The title: what the wrapper changes at the highest noise, as measured."""
    highest, gains = 0.0, []
    for curves in columns:
        last = {curve.rows["variant"].iloc[0]: curve.rows.iloc[-1] for curve in curves}
        gains.append(_signed(last["wne"]["psnr"] - last["baseline"]["psnr"], curves))
        highest = last["wne"]["sigma_test"]
    trained = f"Trained at $\\sigma$ = {sigma_train:g} only, tested at $\\sigma$ = {highest:g}"
    return f"{trained}: WNE changes PSNR by {', '.join(gains)}"


def _loss(columns: list[list[sweep.Curve]]) -> str:
    """What the picture must not hide: WNE below its own input at the lowest noise; empty where it is not."""
    losses, lowest = [], 0.0
    for curves in columns:
        (first,) = (curve.rows.iloc[0] for curve in curves if curve.rows["variant"].iloc[0] == "wne")
        lowest, change = first["sigma_test"], first["psnr"] - first["input_psnr"]
        losses += [_signed(change, curves)] if change < 0 else []
    return f"At $\\sigma$ = {lowest:g} the output of WNE is below its input: {', '.join(losses)}" if losses else ""


def _signed(difference: float, curves: list[sweep.Curve]) -> str:
    return f"{difference:+.1f} dB ({_name(curves)})".replace("-", "\N{MINUS SIGN}")
