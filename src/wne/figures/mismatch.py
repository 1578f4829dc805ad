"""Output PSNR against input PSNR for denoisers trained at a single noise level (Figures 3 and 4).

A curve above the dashed diagonal denoises; one that meets it returns its input. The dotted line is ours:
clipping the input to [0, 1] alone already raises its PSNR, and a denoiser's output is clipped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wne import style
from wne.collect import first_runs

FIG03 = (("dncnn", "baseline"), ("fdncnn", "se_arch"), ("fdncnn", "ne_arch"), ("dncnn", "wne"))
FIG04 = (("swinir", "baseline"), ("swinir", "wne"))
_MOST_MARKERS = 12  # of a curve: on a longer sweep the line goes through all points, a marker stands on some
_REFERENCES = 3  # lines of a panel that are no denoiser; they are drawn first
_SIGMA_TICKS = (100, 50, 25, 10, 5)  # sigma_test on the upper axis, 8-bit units


def fig03(curves: pd.DataFrame) -> Figure:
    """Figure 3: the DnCNN family, one panel for each sigma_train.

    Args:
        curves: summary/curves.csv; the first test set of each run is drawn.
    """
    return _panels(select_runs(curves, FIG03))


def fig04(curves: pd.DataFrame) -> Figure:
    """Figure 4: the same for SwinIR."""
    return _panels(select_runs(curves, FIG04))


def overview(curves: pd.DataFrame) -> Figure:
    """The effect in one picture: both backbones, bare and wrapped, at sigma_train 25 (or the middle one)."""
    families = [select_runs(curves, [(backbone, v) for v in ("baseline", "wne")]) for backbone in ("dncnn", "swinir")]
    families = [family for family in families if not family.empty]
    levels = _training_levels(pd.concat(families))
    sigma = "25" if "25" in levels else levels[len(levels) // 2]
    panels = [family[family["sigma_train"] == sigma] for family in families]
    panels = [panel for panel in panels if not panel.empty]
    limits = _limits(pd.concat(panels))
    figure = Figure(figsize=(_width(len(panels)), 3.9), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for ax, panel in zip(axes, panels):
        _draw_panel(ax, panel, limits)
        ax.set_title(style.backbone_label(panel["backbone"].iloc[0]))
    axes[0].set_ylabel("output PSNR (dB)")
    figure.suptitle(_effect(panels, sigma), fontsize=10)
    _legend_below(figure, axes[0], columns=5 if len(panels) > 1 else 3)
    return figure


def has_backbone(curves: pd.DataFrame, backbone: str) -> bool:
    """Whether a mismatch curve of the backbone, bare or wrapped, can be drawn."""
    return not select_runs(curves, [(backbone, "baseline"), (backbone, "wne")]).empty


def select_runs(curves: pd.DataFrame, wanted: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Rows of the (backbone, variant) pairs in the order given; of several runs of a pair, the main one."""
    main = first_runs(curves)
    parts = [main[(main["backbone"] == backbone) & (main["variant"] == variant)] for backbone, variant in wanted]
    return pd.concat(parts)


def _training_levels(curves: pd.DataFrame) -> list[str]:
    return sorted(curves["sigma_train"].unique(), key=float)


def _panels(curves: pd.DataFrame) -> Figure:
    levels = _training_levels(curves)
    limits, variants = _limits(curves), curves["variant"].unique()
    figure = Figure(figsize=(_width(len(levels)), 3.25 if len(levels) > 1 else 4.05), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(levels), sharey=True))
    for index, (ax, sigma) in enumerate(zip(axes, levels)):
        _draw_panel(ax, curves[curves["sigma_train"] == sigma], limits)
        letter = f"({'abcdefgh'[index]}) " if len(levels) > 1 else ""
        ax.set_title(f"{letter}$\\sigma_{{\\mathrm{{train}}}}$ = {sigma}")
    axes[0].set_ylabel("output PSNR (dB)")
    columns = (4 if len(variants) > 2 else 5) if len(levels) > 1 else (2 if len(variants) > 2 else 3)
    _legend_below(figure, axes[0], columns)
    return figure


def _width(panels: int) -> float:
    """Inches: the text width for a row of panels, less for one alone."""
    return style.TEXT_WIDTH if panels > 1 else 3.5


def _limits(curves: pd.DataFrame) -> tuple[float, float]:
    """One range in dB for both axes of all panels, so that the diagonal is a diagonal."""
    values = curves[["input_psnr", "psnr"]].to_numpy()
    return float(np.floor(values.min() - 0.5)), float(np.ceil(values.max() + 0.5))


def _draw_panel(ax: Axes, curves: pd.DataFrame, limits: tuple[float, float]) -> None:
    ax.plot(limits, limits, label="input = output", zorder=2, **style.IDENTITY)
    inputs = curves[curves["run"] == curves["run"].iloc[0]].sort_values("input_psnr")
    ax.plot(
        inputs["input_psnr"],
        inputs["input_psnr_clipped"],
        label="input clipped (ours)",
        zorder=2,
        **style.CLIPPED_IDENTITY,
    )
    matched = curves[curves["sigma_test"] == curves["sigma_train"].astype(float)]
    ax.axvline(matched["input_psnr"].iloc[0], label="training noise", zorder=1, **style.TRAINING_NOISE)
    for _, run in curves.groupby("run", sort=False):
        _draw_curve(ax, run.sort_values("input_psnr"))
    ax.set(xlim=limits, ylim=limits, xlabel="input PSNR (dB)")
    ticks = np.arange(np.ceil(limits[0] / 4) * 4, limits[1] + 0.1, 4)
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.set_box_aspect(1)
    _add_sigma_axis(ax, limits)


def _draw_curve(ax: Axes, run: pd.DataFrame) -> None:
    look = style.variant_style(run["variant"].iloc[0])
    ax.fill_between(
        run["input_psnr"], run["psnr_low"], run["psnr_high"], color=look.colour, alpha=0.08, linewidth=0, zorder=1
    )
    ax.plot(
        run["input_psnr"], run["psnr"], label=look.label, color=look.colour, linestyle=look.line, marker=look.marker,
        markersize=look.size, markerfacecolor=look.face, markeredgewidth=0.9, zorder=look.order,
        markevery=-(-len(run) // _MOST_MARKERS),
    )  # fmt: skip


def _add_sigma_axis(ax: Axes, limits: tuple[float, float]) -> None:
    """sigma_test above the panel: input PSNR = -20 log10(sigma / 255) for an unclipped input."""
    top = ax.secondary_xaxis("top")
    place = {sigma: -20 * np.log10(sigma / 255) for sigma in _SIGMA_TICKS}
    shown = [sigma for sigma in _SIGMA_TICKS if limits[0] <= place[sigma] <= limits[1]]
    top.set_xticks([place[sigma] for sigma in shown], [str(sigma) for sigma in shown], fontsize=7, color="0.35")
    top.tick_params(length=2, pad=1.5)
    top.set_xlabel(r"$\sigma_{\mathrm{test}}$", fontsize=8, color="0.35", labelpad=3)


def _legend_below(figure: Figure, ax: Axes, columns: int) -> None:
    handles, labels = ax.get_legend_handles_labels()
    entries = list(zip(handles, labels))
    entries = entries[_REFERENCES:] + entries[:_REFERENCES]  # the variants first
    if len(entries) == 7 and columns == 4:  # legends fill column by column: variants above, references below
        entries = [entries[i] for i in (0, 4, 1, 5, 2, 6, 3)]
    figure.legend(*zip(*entries), loc="outside lower center", ncols=columns, borderaxespad=0.0, handletextpad=0.5)


def _effect(panels: list[pd.DataFrame], sigma_train: str) -> str:
    """The title: what the wrapper changes at the highest noise, as measured."""
    highest = max(panel["sigma_test"].max() for panel in panels)
    gains = []
    for panel in panels:
        psnr = panel[panel["sigma_test"] == highest].set_index("variant")["psnr"]
        if {"wne", "baseline"} <= set(psnr.index):
            name = style.backbone_label(panel["backbone"].iloc[0])
            gains.append(f"{psnr['wne'] - psnr['baseline']:+.1f} dB ({name})".replace("-", "\N{MINUS SIGN}"))
    trained = f"Trained at $\\sigma$ = {sigma_train} only, tested at $\\sigma$ = {highest:g}"
    gap = " " if len(panels) > 1 else "\n"
    return f"{trained}:{gap}WNE changes PSNR by {', '.join(gains)}" if gains else trained
