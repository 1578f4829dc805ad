"""What stands behind the results: equivariance defects, cost of training, test images in the training set."""

from __future__ import annotations

import pandas as pd

from replication.report.tables.latex import SPACE, escape, fixed, row, scientific, signed, small, spanning, tabular
from replication.report.tables.psnr import OBJECTIVES, run_families
from replication.results.summary import Summary, awgn
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published, row_name


def defects(params: Params, summary: Summary, published: Published) -> str:
    """Defects in the paper's form and in the sharper one: median of the runs' medians, and the largest value.

    A row for each experiment and model, over its sigma_train and kinds of noise.
    """
    head = [
        row(["", "", spanning(2, r"$\epsilon_{\mathrm{NE}}$"), spanning(2, "sharper form")]),
        r"\cmidrule(lr){3-4}\cmidrule(lr){5-6}",
        row(["Model", "runs", "median", "largest", "median", "largest"]),
    ]
    blocks = [head]
    for group, experiment in summary.defects.groupby("group", sort=False):
        lines = [spanning(6, rf"\emph{{{escape(params.groups[str(group)].title)}}}", "@{}l@{}") + r" \\"]
        for (backbone, variant, objective), runs in experiment.groupby(
            ["backbone", "variant", "objective"], sort=False
        ):
            values = [runs["paper_median"].median(), runs["paper_max"].max()]
            values += [runs["sharp_median"].median(), runs["sharp_max"].max()]
            label = escape(row_name(backbone, variant) + OBJECTIVES.get(objective, ""))
            lines.append(row([label, str(len(runs)), *map(scientific, values)]))
        blocks.append(lines)
    return tabular("lccccc", blocks)


def training(params: Params, summary: Summary, published: Published) -> str:
    """Size and cost of every run, and the device that it was trained on."""
    head = [row(["Run", "Parameters", "Steps", "Minutes", "Final loss", "Date"])]
    blocks = [head]
    for (device, threads, dtype), runs in summary.training.groupby(["device", "threads", "backbone_dtype"], sort=False):
        lines = [spanning(6, small(f"{escape(device)}, {threads} thread(s), {dtype}"), "@{}l@{}") + r" \\"]
        for run in runs.itertuples():
            numbers = [f"{run.parameters:,}".replace(",", r"\,"), f"{run.steps:,}".replace(",", r"\,")]
            lines.append(
                row([escape(run.run), *numbers, fixed(run.seconds / 60, 1), scientific(run.final_loss), run.date])
            )
        blocks.append(lines)
    return tabular("lrrrcc", blocks)


def leakage(params: Params, summary: Summary, published: Published) -> str:
    """Test images found inside a training set."""
    if summary.leakage.empty:
        return "(no training set was audited in this profile)"
    head = [row(["Training set", "Test set", "Images", "Leaked", "Names", "Largest match"])]
    lines = []
    for (train_set, test_set), rows in summary.leakage.groupby(["train_set", "test_set"], sort=False):
        leaked = list(rows.loc[rows["leaked"].astype(bool), "image"])
        names = ", ".join(leaked[:3]) + (", ..." if len(leaked) > 3 else "")
        cells = [train_set, labels.test_set_label(test_set), len(rows), len(leaked), names or "none"]
        lines.append(row([*map(escape, cells), rf"{100 * rows['matched_fraction'].max():.1f}\,\%"]))
    return tabular("llcclr", [head, lines])


def unleaked_main(summary: Summary) -> pd.DataFrame:
    """PSNR without leaked images, of the two main experiments: one run for each model and level."""
    table = awgn(summary.unleaked)
    return table[table["group"].isin(("cnn", "swinir"))]


def unleaked(params: Params, summary: Summary, published: Published) -> str:
    """PSNR of the two main experiments at matched noise, with and without the leaked images."""
    table = unleaked_main(summary)
    if table.empty:
        return "(no test image was found in the training set of a run: nothing to leave out)"
    head = [row(["Model", r"$\sigma$", "Test set", "All images", "Without leaked", "Difference"])]
    lines = []
    for label, _, runs in run_families(table):
        lines += [SPACE] if lines else []
        for index, run in enumerate(runs.itertuples()):
            cells = [run.sigma_train, escape(labels.test_set_label(run.test_set))]
            cells += [f"{fixed(run.psnr)} ({run.n})", f"{fixed(run.psnr_unleaked)} ({run.n_unleaked})"]
            lines.append(row(["" if index else label, *cells, signed(run.psnr_unleaked - run.psnr)]))
    return tabular("lclccc", [head, lines])
