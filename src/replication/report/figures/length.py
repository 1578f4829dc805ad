"""Beyond the paper: how the gaps between WNE and the other variants change with the length of training."""

from __future__ import annotations

from itertools import product

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.claims.paper import PaperSummary
from replication.report import style
from replication.report.figures.grid import Panels
from replication.results.length import MAIN, gaps_by_steps
from replication.results.summary import PLACES, Summary, at_place
from replication.study.labels import backbone_label
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published

PAPERS_STEPS = 500_000  # of DnCNN, its WNE and SE-arch; NE-arch has 900,000 (Table 4), FDnCNN is not there
_LINES = {
    "baseline": "WNE \N{MINUS SIGN} baseline",
    "se_arch": "WNE \N{MINUS SIGN} SE-arch",
    "ne_arch": "WNE \N{MINUS SIGN} NE-arch",
}


def length(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """PSNR(WNE) - PSNR(other) against the steps of all, at the lowest, the matched and the highest sigma_test.

    A row of panels for each backbone of WNE. Variants that were trained for one length alone are left out.
    """
    rows = gaps_by_steps(params, summary)
    papers = PaperSummary(read_published(paths.root / "data/paper_values.csv"))
    lengths = rows.groupby(["against_variant", "backbone"])["steps"].nunique().groupby("against_variant").max()
    lines = {against: text for against, text in _LINES.items() if lengths.get(against, 0) > 1}
    backbones = [backbone for backbone in MAIN if backbone in set(rows["backbone"])]
    panels = Panels(len(backbones), len(PLACES), legend_lines=1, height=1.9, own_y=True, top_axis=False)
    for index, (backbone, place) in enumerate(product(backbones, PLACES)):
        ax, here = panels.axes.flat[index], rows[(rows["backbone"] == backbone) & (rows["place"] == place)]
        for against in lines:
            _draw(ax, here[here["against_variant"] == against], style.VARIANTS[against])
            ax.plot(PAPERS_STEPS, _papers_gap(papers, against, here), **_paper(style.VARIANTS[against]))
        ax.axhline(0, **style.IDENTITY)
        ax.set_xscale("log")
        ax.set_xlabel("training steps")
        panels.title(index, f"{place} noise, $\\sigma$ = {here['sigma_test'].iloc[0]:g}")
    for backbone, ax in zip(backbones, panels.axes[:, 0]):
        ax.set_ylabel(f"{backbone_label(backbone)}: difference (dB)", labelpad=1)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markerfacecolor=look.face, label=text)
        for look, text in ((style.VARIANTS[key], text) for key, text in lines.items())
    ]
    handles.append(Line2D([], [], **_paper(style.VARIANTS["baseline"]) | {"color": "0.4"}, label="the paper"))
    return panels.legend([handles])


def _draw(ax: Axes, rows: pd.DataFrame, look: style.VariantStyle) -> None:
    """A line through the means over seeds, with the interval of each run."""
    means = rows.groupby("steps")["psnr_gain"].mean()
    ax.plot(means.index, means, color=look.colour, linestyle=look.line)
    low, high = (abs(rows[f"psnr_gain_{end}"] - rows["psnr_gain"]) for end in ("low", "high"))
    ax.errorbar(
        rows["steps"], rows["psnr_gain"], yerr=(low, high), fmt=look.marker, color=look.colour, markersize=look.size,
        markerfacecolor=look.face, elinewidth=0.7, capsize=1.5,
    )  # fmt: skip


def _paper(look: style.VariantStyle) -> dict[str, object]:
    return {
        "marker": "D", "markersize": 3.6, "markerfacecolor": "white", "markeredgewidth": 0.8, "color": look.colour,
        "linestyle": "",
    }  # fmt: skip


def _papers_gap(papers: PaperSummary, against: str, rows: pd.DataFrame) -> float:
    """The difference of two lines of Figure 3 or 10 at the sigma_train of these rows, at the place that they are at."""
    table = papers.paired if against == "baseline" else papers.contrasts
    group = MAIN[rows["backbone"].iloc[0]]
    table = table[(table["group"] == group) & (table["against_variant"] == against)]
    table = at_place(table[table["sigma_train"] == rows["sigma_train"].iloc[0]], rows["place"].iloc[0])
    return float(table["psnr_gain"].iloc[0])
