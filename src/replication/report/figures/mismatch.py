"""Denoisers trained at a single noise level and tested at others (Figures 3, 4, 10, 12 to 16 and 18)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from matplotlib.figure import Figure

from replication.report.figures import sweep
from replication.report.figures.select import at_level, find_run, levels, main_runs, single_noise
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_OVERVIEW_SIGMA = 25.0  # sigma_train of the overview, where the profile has it


def _figure_of(
    group: str, qualities: Sequence[sweep.Quality] = (sweep.PSNR,), core: Sequence[str] = ()
) -> Callable[[Params, Summary, ProfilePaths], Figure]:
    """The figure of the main runs of a group, beside the variants `core` of the group cnn at the same sigma_train."""

    def figure(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
        own = single_noise(params, main_runs(params, group))
        beside = [find_run(params, "cnn", v, sigma=sigma) for sigma in levels(params, own) for v in core]
        return mismatch_figure(params, summary, own + beside, qualities)

    figure.__doc__ = f"The group {group}, a panel for each sigma_train."
    return figure


fig03 = _figure_of("cnn")
fig04 = _figure_of("swinir")
fig10 = _figure_of("fdncnn", core=("se_arch", "ne_arch"))
# SSIM: above Wang's window, below the uniform one that the paper appears to use.
fig12 = _figure_of("cnn", (sweep.SSIM, sweep.SSIM_UNIFORM))
fig13 = _figure_of("swinir", (sweep.SSIM, sweep.SSIM_UNIFORM))
fig14 = _figure_of("restormer")
fig15 = _figure_of("colour")
fig16 = _figure_of("n2n")
fig18 = _figure_of("input-only", core=("baseline", "wne"))


def mismatch_figure(
    params: Params, summary: Summary, names: Iterable[str], qualities: Sequence[sweep.Quality] = (sweep.PSNR,)
) -> Figure:
    """The runs on the first test set of their task: a column for each sigma_train, a row for each quality."""
    names = single_noise(params, names)
    if not names:
        raise CollectError(f"{params.params_file}: no run of this figure is trained at a single noise level")
    trained = levels(params, names)
    columns = [sweep.curves_of(params, summary.curves, at_level(params, names, sigma)) for sigma in trained]
    panels = [
        sweep.Panel(f"$\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}", curves, sigma, quality)
        for quality in qualities
        for curves, sigma in zip(columns, trained)
    ]
    looks = [curve.look for curves in columns for curve in curves]
    return sweep.sweep_grid(panels, len(columns)).legend(sweep.legend_lines(looks, qualities[0]))


def overview(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The effect in one picture: baseline and WNE of a CNN and a transformer, at sigma_train 25 (or the middle one)."""
    groups = ("cnn", "swinir")
    trained = levels(params, single_noise(params, main_runs(params, groups[0])))
    sigma = _OVERVIEW_SIGMA if _OVERVIEW_SIGMA in trained else trained[len(trained) // 2]
    names = [[find_run(params, group, v, sigma=sigma) for v in ("baseline", "wne")] for group in groups]
    columns = [sweep.curves_of(params, summary.curves, pair) for pair in names]
    panels = [sweep.Panel(_name(curves), curves, sigma) for curves in columns]
    grid = sweep.sweep_grid(panels, len(columns), legend_lines=1, lettered=False, suptitle=True)
    grid.figure.suptitle(_effect(columns, sigma), fontsize=10, y=0.99, va="top")
    denoisers, references = sweep.legend_lines([curve.look for curve in columns[0]])
    return grid.legend([denoisers + references])


def _name(curves: list[sweep.Curve]) -> str:
    return labels.backbone_label(curves[0].rows["backbone"].iloc[0])


def _effect(columns: list[list[sweep.Curve]], sigma_train: float) -> str:
    """The title: what the wrapper changes at the highest noise, as measured."""
    highest, gains = 0.0, []
    for curves in columns:
        last = {curve.rows["variant"].iloc[0]: curve.rows.iloc[-1] for curve in curves}
        gain = last["wne"]["psnr"] - last["baseline"]["psnr"]
        gains.append(f"{gain:+.1f} dB ({_name(curves)})".replace("-", "\N{MINUS SIGN}"))
        highest = last["wne"]["sigma_test"]
    trained = f"Trained at $\\sigma$ = {sigma_train:g} only, tested at $\\sigma$ = {highest:g}"
    return f"{trained}: WNE changes PSNR by {', '.join(gains)}"
