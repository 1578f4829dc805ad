"""Denoisers trained at a single noise level and tested at others (Figures 3, 4, 10, 12 to 16 and 18)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from replication.report.figures.grid import legend_below, letter, panel_grid, set_title
from replication.report.figures.select import at_level, find_run, levels, main_runs, single_noise
from replication.report.figures.sweep import (
    PSNR,
    SSIM,
    SSIM_UNIFORM,
    Curve,
    Quality,
    common_limits,
    curves_of,
    draw_panel,
    legend_lines,
)
from replication.results.summary import CollectError, Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_OVERVIEW_SIGMA = 25.0  # sigma_train of the overview, where the profile has it


def fig03(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 3: the DnCNN family, a panel for each sigma_train."""
    return mismatch_figure(params, summary, main_runs(params, "cnn"))


def fig04(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 4: the same for SwinIR."""
    return mismatch_figure(params, summary, main_runs(params, "swinir"))


def fig10(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 10: FDnCNN bare and wrapped, beside its architectural forms, which the core group has trained."""
    own = single_noise(params, main_runs(params, "fdncnn"))
    architectural = [
        find_run(params, "cnn", variant, sigma=sigma)
        for sigma in levels(params, own)
        for variant in ("se_arch", "ne_arch")
    ]
    return mismatch_figure(params, summary, own + architectural)


def fig12(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 12: SSIM of the DnCNN family. Above Wang's window, below the uniform one that the paper appears to use."""
    return mismatch_figure(params, summary, main_runs(params, "cnn"), (SSIM, SSIM_UNIFORM))


def fig13(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 13: the same for SwinIR."""
    return mismatch_figure(params, summary, main_runs(params, "swinir"), (SSIM, SSIM_UNIFORM))


def fig14(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 14: Restormer."""
    return mismatch_figure(params, summary, main_runs(params, "restormer"))


def fig15(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 15: Restormer on colour images."""
    return mismatch_figure(params, summary, main_runs(params, "colour"))


def fig16(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 16: trained with the Noise2Noise objective, one application."""
    return mismatch_figure(params, summary, main_runs(params, "n2n"))


def fig18(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """Figure 18: the input alone normalized, beside the baseline and the whole wrapper of the core group."""
    own = single_noise(params, main_runs(params, "input-only"))
    whole = [
        find_run(params, "cnn", variant, sigma=sigma)
        for sigma in levels(params, own)
        for variant in ("baseline", "wne")
    ]
    return mismatch_figure(params, summary, own + whole)


def mismatch_figure(
    params: Params, summary: Summary, names: Iterable[str], qualities: Sequence[Quality] = (PSNR,)
) -> Figure:
    """The runs on the first test set of their task: a column for each sigma_train, a row for each quality.

    Raises:
        CollectError: no run trained at a single noise level, or runs without a sweep in the summary, by name.
    """
    names = single_noise(params, names)
    if not names:
        raise CollectError(f"{params.params_file}: no run of this figure is trained at a single noise level")
    trained = levels(params, names)
    columns = [curves_of(params, summary.curves, at_level(params, names, sigma)) for sigma in trained]
    figure, axes = panel_grid(len(qualities), len(columns), legend_lines=2)
    for row, quality in enumerate(qualities):
        limits = common_limits([curve for curves in columns for curve in curves], quality)
        for column, (curves, sigma) in enumerate(zip(columns, trained)):
            ax = axes[row, column]
            draw_panel(ax, curves, quality, limits, sigma)
            index = row * len(columns) + column
            set_title(ax, f"{letter(index, axes.size)}$\\sigma_{{\\mathrm{{train}}}}$ = {sigma:g}")
        axes[row, 0].set_ylabel(f"output {quality.name}")
    looks = [curve.look for curves in columns for curve in curves]
    legend_below(figure, legend_lines(looks, qualities[0]))
    return figure


def overview(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The effect in one picture: a CNN and a transformer, bare and wrapped, at sigma_train 25 (or the middle one)."""
    groups = ("cnn", "swinir")
    trained = levels(params, single_noise(params, main_runs(params, groups[0])))
    sigma = _OVERVIEW_SIGMA if _OVERVIEW_SIGMA in trained else trained[len(trained) // 2]
    names = {group: [find_run(params, group, v, sigma=sigma) for v in ("baseline", "wne")] for group in groups}
    columns = [curves_of(params, summary.curves, names[group]) for group in groups]
    limits = common_limits([curve for curves in columns for curve in curves], PSNR)
    figure, axes = panel_grid(1, len(columns), legend_lines=1, suptitle=True)
    for ax, curves in zip(axes[0], columns):
        draw_panel(ax, curves, PSNR, limits, sigma)
        set_title(ax, _name(curves))
    axes[0, 0].set_ylabel(f"output {PSNR.name}")
    figure.suptitle(_effect(columns, sigma), fontsize=10, y=0.99, va="top")
    denoisers, references = legend_lines([curve.look for curve in columns[0]])
    legend_below(figure, [denoisers + references])
    return figure


def _name(curves: list[Curve]) -> str:
    return labels.backbone_label(curves[0].rows["backbone"].iloc[0])


def _effect(columns: list[list[Curve]], sigma_train: float) -> str:
    """The title: what the wrapper changes at the highest noise, as measured."""
    highest, gains = 0.0, []
    for curves in columns:
        last = {curve.rows["variant"].iloc[0]: curve.rows.iloc[-1] for curve in curves}
        gain = last["wne"]["psnr"] - last["baseline"]["psnr"]
        gains.append(f"{gain:+.1f} dB ({_name(curves)})".replace("-", "\N{MINUS SIGN}"))
        highest = last["wne"]["sigma_test"]
    trained = f"Trained at $\\sigma$ = {sigma_train:g} only, tested at $\\sigma$ = {highest:g}"
    return f"{trained}: WNE changes PSNR by {', '.join(gains)}"
