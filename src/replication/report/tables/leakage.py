"""Test images inside a training set, and what PSNR is without them."""

from __future__ import annotations

from replication.report.cells import SIGMA, fixed, percent, signed
from replication.report.families import of_groups, run_families
from replication.report.source import Source
from replication.report.table import SPACE, Message, Row, Table
from replication.results.summary import awgn
from replication.study import labels


def leakage(source: Source) -> list[Table]:
    """Test images found inside a training set."""
    if source.summary.leakage.empty:
        return [Message("no training set was audited in this profile")]
    rows = []
    for (train_set, test_set), images in source.summary.leakage.groupby(["train_set", "test_set"], sort=False):
        leaked = list(images.loc[images["leaked"].astype(bool), "image"])
        names = ", ".join(leaked[:3]) + (", ..." if len(leaked) > 3 else "")
        largest = percent(images["matched_fraction"].max(), 1)
        rows.append([train_set, labels.test_set_label(test_set), len(images), len(leaked), names or "none", largest])
    head = ["Training set", "Test set", "Images", "Leaked", "Names", "Largest match"]
    return [Table("llcclr", [head], [rows])]


def unleaked(source: Source) -> list[Table]:
    """PSNR of the two main experiments at matched noise, with and without the leaked images."""
    table = of_groups(awgn(source.summary.unleaked), "cnn", "swinir")
    if table.empty:
        return [Message("no test image was found in the training set of a run: nothing to leave out")]
    rows: list[Row] = []
    for label, _, runs in run_families(table):
        rows += [SPACE] if rows else []
        for index, run in enumerate(runs.itertuples()):
            means = [fixed(run.psnr) + f" ({run.n})", fixed(run.psnr_unleaked) + f" ({run.n_unleaked})"]
            row = ["" if index else label, run.sigma_train, labels.test_set_label(run.test_set), *means]
            rows.append([*row, signed(run.psnr_unleaked - run.psnr)])
    head = ["Model", SIGMA, "Test set", "All images", "Without leaked", "Difference"]
    return [Table("lclccc", [head], [rows])]
