"""Beyond the paper: how much is scale matching, and the wrapper around classical denoisers."""

from __future__ import annotations

from matplotlib.figure import Figure

from replication.report import style
from replication.report.figures.grid import HALVES
from replication.report.figures.sweep import Curve, Panel, legend_lines, sweep_grid
from replication.results.readers import rows_with, wne_counterpart
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Controls, Params
from replication.study.paths import ProfilePaths

_CLASSICAL = ("tv", "nlm", "wavelet")


def controls(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The trained baseline as it is, rescaled and wrapped at test time; classical denoisers with and without wrapper.

    A row for each item of `controls`: left, what is made from the trained baseline, beside the trained WNE;
    right, the classical denoisers, told the sigma_train of that run.
    """
    items = params.reported("controls")
    rows = [_curves(params, summary, name, item) for name, item in items.items()]
    panels = []
    for item, pair in zip(items.values(), rows):
        run = params.runs[item.run]
        network = labels.backbone_label(params.models[run.model].backbone)
        for curves, what in zip(pair, (f"{network}, trained at", "classical, told")):
            panels.append(Panel(f"{what} $\\sigma$ = {run.sigma:g}", curves, float(run.sigma)))
    grid = sweep_grid(panels, 2, legend_lines=4)
    for column, between in enumerate(HALVES):
        looks = [curve.look for pair in rows for curve in pair[column]]
        handles, references = legend_lines(looks)
        handles.sort(key=lambda handle: [look.label for look in looks].index(handle.get_label()))
        grid.legend([handles[:2], handles[2:4], handles[4:], []], between)
    return grid.legend([[], [], [], references])


def _curves(params: Params, summary: Summary, name: str, item: Controls) -> tuple[list[Curve], list[Curve]]:
    own, classical = [], []
    for run in (item.run, wne_counterpart(params, item.run)):
        rows = rows_with(summary.curves, run=run, test_set=item.test_set)
        own.append(Curve(rows, style.variant_style(params.runs[run].variant)))
    table = rows_with(summary.controls, item=name)
    for denoiser, is_wrapped in table[["denoiser", "wrapped"]].drop_duplicates().itertuples(index=False):
        rows, look = rows_with(table, denoiser=denoiser, wrapped=is_wrapped), style.CONTROLS[denoiser]
        if denoiser in _CLASSICAL and is_wrapped:
            look = look._replace(label=f"{look.label}, wrapped")
        elif denoiser in _CLASSICAL:
            look = look._replace(line=(0, (3, 1.5)), face="white")
        (classical if denoiser in _CLASSICAL else own).append(Curve(rows, look))
    return own, classical
