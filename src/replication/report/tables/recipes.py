"""How every model was trained, beside the paper's Table 4."""

from __future__ import annotations

import pandas as pd

from replication.report.tables.latex import SPACE, escape, grey, row, scientific, tabular
from replication.results.summary import Summary
from replication.study.params import Params, Recipe
from replication.study.published import Published, row_name

_LOSSES = {"l1": r"$\ell_1$", "mse": "MSE"}
_PRINTED_LOSSES = {1: _LOSSES["l1"], 2: _LOSSES["mse"]}


def table04(params: Params, summary: Summary, published: Published) -> str:
    """A row for each experiment, model, variant and recipe; in grey what the paper prints for it.

    The paper's table covers its main experiments: its numbers stand under the groups `cnn` and `swinir`.
    """
    columns = ["group", "backbone", "variant", "objective", "recipe"]
    head = row(["", "Batch", "Patch", "Loss", "Rate", "Schedule", "Steps", r"$\sigma_{\mathrm{train}}$"])
    blocks: list[list[str]] = [[head]]
    for group, runs in summary.training.groupby("group", sort=False):
        lines = [rf"\multicolumn{{8}}{{@{{}}l@{{}}}}{{\emph{{{escape(params.groups[str(group)].title)}}}}} \\"]
        for (_, backbone, variant, objective, recipe), part in runs.groupby(columns, sort=False):
            lines += _rows(params.recipes[recipe], backbone, variant, objective, part, published, group)
        blocks.append(lines)
    return tabular("lrrcclrl", blocks)


def _rows(
    recipe: Recipe, backbone: str, variant: str, objective: str, runs: pd.DataFrame, published: Published, group: str
) -> list[str]:
    name = row_name(backbone, variant) + {"soft_ne": ", soft NE", "n2n": ", N2N"}.get(objective, "")
    schedule = recipe.schedule.replace("_", " ")
    schedule += f" at {recipe.halve_every:,}".replace(",", r"\,") if recipe.halve_every else ""
    levels = ", ".join(dict.fromkeys(runs["sigma_train"].str.replace("-", "--")))
    cells = [escape(name), recipe.batch, recipe.patch, _LOSSES[recipe.loss], scientific(recipe.lr), schedule]
    lines = [row([*map(str, cells), _thousands(recipe.steps), levels])]
    columns = ("batch", "patch", "loss power", "lr", "iterations")
    printed = [published.value(("Table 4",), row_name(backbone, variant), column) for column in columns]
    if group in ("cnn", "swinir") and None not in printed:
        batch, patch, power, rate, steps = printed
        schedule = r"halving at 100\,000" if variant == "wne" else "constant"
        cells = [r"\quad paper", f"{batch:g}", f"{patch:g}", _PRINTED_LOSSES[int(power)], scientific(rate), schedule]
        lines += [row([grey(cell) for cell in (*cells, _thousands(int(steps)), "10, 25, 50")]), SPACE]
    return lines


def _thousands(count: int) -> str:
    return f"{count:,}".replace(",", r"\,")
