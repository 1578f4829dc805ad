"""How every model was trained (Table 4), and what each run cost."""

from __future__ import annotations

from replication.report.cells import Cell, cell, count, dashed, fixed, grey, heading, indented, scientific
from replication.report.families import model_name
from replication.report.source import Source
from replication.report.table import SPACE, Row, Table
from replication.study.labels import OPTIMIZERS
from replication.study.params import Recipe
from replication.study.published import Published, row_name

_LOSSES = {"l1": Cell(r"$\ell_1$", "L1"), "mse": cell("MSE")}
_PRINTED = ("batch", "patch", "loss power", "lr", "iterations")


def table04(source: Source) -> list[Table]:
    """A row for each experiment, model, variant and recipe; in grey what the paper prints for it.

    The paper's table covers its main experiments: its numbers stand under the groups `cnn` and `swinir`.
    """
    head = ["", "Batch", "Patch", "Loss", "Optimizer", "Rate", "Schedule", "Steps", "sigma_train"]
    blocks = []
    for group, runs in source.summary.training.groupby("group", sort=False):
        block: list[Row] = [[heading(9, source.params.groups[str(group)].title)]]
        for (*model, recipe), part in runs.groupby(["backbone", "variant", "objective", "recipe"], sort=False):
            levels = dashed(", ".join(dict.fromkeys(part["sigma_train"])))
            block.append([model_name(*model), *_recipe(source.params.recipes[recipe]), levels])
            if group in ("cnn", "swinir"):
                block += _papers(source.published, *model[:2])
        blocks.append(block)
    return [Table("lrrclclrl", [head], blocks)]


def _recipe(recipe: Recipe) -> Row:
    schedule = cell(recipe.schedule.replace("_", " "))
    schedule += " at " + count(recipe.halve_every) if recipe.halve_every else ""
    rate = scientific(recipe.lr)
    optimizer = OPTIMIZERS[recipe.optimizer]
    return [recipe.batch, recipe.patch, _LOSSES[recipe.loss], optimizer, rate, schedule, count(recipe.steps)]


def _papers(published: Published, backbone: str, variant: str) -> list[Row]:
    values = [published.value(("Table 4",), row_name(backbone, variant), column) for column in _PRINTED]
    if None in values:
        return []
    batch, patch, power, rate, steps = values
    schedule = "halving at " + count(100_000) if variant == "wne" else "constant"
    loss = _LOSSES["l1" if power == 1 else "mse"]
    row = [f"{batch:g}", f"{patch:g}", loss, "Adam", scientific(rate), schedule, count(int(steps)), "10, 25, 50"]
    return [[indented(grey("paper")), *map(grey, row)], SPACE]


def training(source: Source) -> list[Table]:
    """Size and cost of every run, and the device that it was trained on."""
    blocks = []
    for machine, runs in source.summary.training.groupby(["device", "threads", "backbone_dtype"], sort=False):
        device, threads, dtype = machine
        block: list[Row] = [[heading(6, f"{device}, {threads} thread(s), {dtype}", emphasized=False)]]
        for run in runs.itertuples():
            cost = [count(run.parameters), count(run.steps), fixed(run.seconds / 60, 1), scientific(run.final_loss)]
            block.append([run.run, *cost, run.date])
        blocks.append(block)
    return [Table("lrrrcc", [["Run", "Parameters", "Steps", "Minutes", "Final loss", "Date"]], blocks)]
