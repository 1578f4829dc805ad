"""Evaluate a user-supplied denoiser: the noise sweep of a profile, beside the profile's own results.

In results/<profile>/own/<name>: psnr.csv and defect.csv as of a run; curves.csv, means over images with intervals;
sweep.png and sweep.pdf, its curve among those of a group.

Images, noise and scores are those of the runs of the group, so the curves compare.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from replication.experiments.evaluate import score_tables, write_tables
from replication.report import style
from replication.report.figures import save_all
from replication.report.figures.select import at_level, levels, main_runs, single_noise
from replication.report.figures.sweep import Curve, Panel, curves_of, legend_lines, sweep_grid
from replication.results.identity import identities
from replication.results.runs import RunResults, run_estimates
from replication.results.summary import read_csv, read_summary
from replication.results.views import view
from replication.study import labels
from replication.study.params import Group, Model, ParameterError, Params, Run
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder

_LOOK = style.VariantStyle("", "0.1", "*", 5.6, "0.1", "-", 8)


def with_own(params: Params, name: str, beside: str, sigma: float) -> Params:
    """The parameters with a run `name`, tested as the runs of the group `beside` are, and trained at `sigma`.

    Raises:
        ParameterError: the name is taken; no such group is reported, or none of its runs was trained at sigma.
    """
    if name in params.runs:
        raise ParameterError(f"{params.params_file} has a run called {name}; choose another name")
    if not params.is_reported(beside):
        known = [group for group in params.groups if params.is_reported(group)]
        raise ParameterError(f"{params.params_file} reports no group {beside!r}; known: {', '.join(known)}")
    trained = levels(params, single_noise(params, main_runs(params, beside)))
    if sigma not in trained:
        raise ParameterError(
            f"{params.params_file}: {beside} has no runs trained at sigma {sigma:g} to stand beside; "
            f"known: {', '.join(f'{level:g}' for level in trained)}"
        )
    like = params.runs[_beside(params, beside, sigma)[0]]
    facts = like.model_dump() | {"group": "own", "model": "own", "variant": name, "sigma": sigma}
    added = {
        "runs": params.runs | {name: Run.model_construct(**facts)},
        "groups": params.groups | {"own": Group(title="Own", report=False)},
        "models": params.models | {"own": Model.model_construct(backbone=name)},
    }
    return params.model_copy(update=added)


def evaluate_own(
    params: Params, name: str, model: nn.Module, paths: ProfilePaths, device: torch.device, beside: str, sigma: float
) -> Path:
    """Runs the sweep and draws the figure; gives the folder with both.

    Raises:
        ParameterError: as `with_own`.
        FileNotFoundError: a test set is missing; CollectError: the results of the group are.
    """
    params = with_own(params, name, beside, sigma)
    summary = read_summary(params, paths)  # before the minutes of the sweep: it may be missing
    tables = score_tables(params, name, model, paths, device, {})
    target = paths.results / "own" / name
    with replacing_folder(target) as folder:
        write_tables(folder, tables)
        psnr = read_csv(folder / "psnr.csv")
        result = RunResults(training={}, cost={}, loss=pd.DataFrame(), defect=pd.DataFrame(), quality={"psnr": psnr})
        curves = view("curves", run_estimates(params, {name: result}), identities(params, [name]))
        curves.to_csv(folder / "curves.csv", index=False, float_format="%.5f")
        with style.context():
            save_all({"sweep": own_figure(params, name, curves, summary.curves, beside, sigma)}, folder)
    return target


def own_figure(params: Params, name: str, own: pd.DataFrame, curves: pd.DataFrame, beside: str, sigma: float) -> Figure:
    """Output against input PSNR on the first test set: the group's runs trained at sigma, and the user's denoiser."""
    first = params.tasks[params.runs[name].task].test_sets[0]
    rows = own[own["test_set"] == first].sort_values("sigma_test")
    drawn = [*curves_of(params, curves, _beside(params, beside, sigma)), Curve(rows, _LOOK._replace(label=name))]
    grid = sweep_grid([Panel(labels.test_set_label(first), drawn, sigma)], 1)
    return grid.legend(legend_lines([curve.look for curve in drawn]))


def _beside(params: Params, group: str, sigma: float) -> list[str]:
    return at_level(params, single_noise(params, main_runs(params, group)), sigma)
