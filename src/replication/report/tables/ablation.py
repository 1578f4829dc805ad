"""Beyond the paper: the 2 x 2 factorial ablation of wrapper and recipe."""

from __future__ import annotations

import pandas as pd

from replication.report.cells import Cell, at_sigma_test, fixed, heading, indented, small, with_interval
from replication.report.families import setting
from replication.report.source import Source
from replication.report.table import Row, Table
from replication.results import readers
from replication.results.readers import all_recipes, design_recipes, rows_with
from replication.study import labels
from replication.study.params import Params

Line = tuple[str, tuple[str, str, str, str | None]]  # label; effect, variant, recipe, against


def recipe(source: Source) -> list[Table]:
    """PSNR of every variant by every recipe, and the effects of wrapper and recipe in dB with paired intervals.

    At the lowest sigma_test, sigma_train and the highest sigma_test; over images, and over seeds where there are
    several, with the standard deviation over seeds of the mean PSNR behind it. "Both": WNE by one recipe against the
    baseline by another, as where each variant is trained by a recipe of its own.
    """
    return [_ablation(source.params, rows) for rows in readers.ablations(source.summary)]


def _ablation(params: Params, rows: pd.DataFrame) -> Table:
    first, levels = rows.iloc[0], readers.shown_levels(rows)
    network = labels.backbone_label(params.models[first["model"]].backbone)
    note = setting(network, first["sigma_train"], first["test_set"], first["n"])
    note += f", {first['n_seeds']} seeds" if first["n_seeds"] > 1 else ""
    head = [small(note), *map(at_sigma_test, levels)]
    blocks = [_block(rows, title, lines, levels) for title, lines in _effects(params, rows)]
    return Table("l" + "c" * len(levels), [head], blocks)


def _effects(params: Params, rows: pd.DataFrame) -> list[tuple[str, list[Line]]]:
    """The title and the lines of each block."""
    named, recipes, factors = readers.recipe_labels(params, rows), all_recipes(rows), design_recipes(rows)
    variants = {name: labels.variant_label(name) for name in ("baseline", "wne")}
    wne, baseline = variants["wne"], variants["baseline"]
    psnr: list[Line] = [(f"{variants[v]}: {named[r]}", ("psnr", v, r, None)) for r in recipes for v in variants]
    wrapper: list[Line] = [(named[r], ("wrapper", "wne", r, "baseline")) for r in recipes]
    wrapper.append((f"mean of the first {len(factors)}", ("wrapper", "wne", "mean", "baseline")))
    blocks = [("PSNR (dB)", psnr), (f"{wne} in place of {baseline}", wrapper)]
    for r, other in [(r, other) for i, r in enumerate(recipes) for other in recipes[:i]]:
        effect: list[Line] = [(variants[v], ("recipe", v, r, other)) for v in variants]
        effect += [("mean", ("recipe", "mean", r, other))] if {r, other} <= set(factors) else []
        blocks.append((f"{named[r]}, in place of {named[other]}", effect))
    pairs = [(r, other) for r in factors for other in factors if r != other]
    both: list[Line] = [(f"{named[r]}; {named[other]}", ("both", "wne", r, other)) for r, other in pairs]
    return [*blocks, (f"{wne} by the first recipe in place of {baseline} by the second", both)]


def _block(rows: pd.DataFrame, title: str, lines: list[Line], levels: list[float]) -> list[Row]:
    block: list[Row] = [[heading(len(levels) + 1, title)]]
    for label, (effect, variant, recipe_name, against) in lines:
        part = rows[rows["against"].isna()] if against is None else rows[rows["against"] == against]
        at = rows_with(part, effect=effect, variant=variant, recipe=recipe_name).set_index("sigma_test")
        if effect == "psnr":
            of_cell = (rows["variant"] == variant) & (rows["recipe"] == recipe_name)
            deviation = rows[(rows["effect"] == "seed_sd") & of_cell].set_index("sigma_test")["value"]
            cells = [_psnr(at.loc[level, "value"], deviation.get(level)) for level in levels]
        else:
            cells = [with_interval(*at.loc[level, ["value", "low", "high"]]) for level in levels]
        block.append([indented(label), *cells])
    return block


def _psnr(psnr: float, deviation: float | None) -> Cell:
    """With its standard deviation over seeds where there are several."""
    if deviation is None:
        return fixed(psnr)
    spread = fixed(deviation)
    return fixed(psnr) + Cell(rf" {{\footnotesize $\pm${spread.latex}}}", f" \N{PLUS-MINUS SIGN} {spread.markdown}")
