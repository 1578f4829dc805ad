"""Beyond the paper: the controls for scale matching, and what wrapper and recipe contribute."""

from __future__ import annotations

import pandas as pd

from replication.report.tables.latex import (
    escape,
    fixed,
    interval,
    row,
    scientific,
    signed,
    small,
    spanning,
    stacked,
    tabular,
)
from replication.results.readers import (
    all_recipes,
    crossed_recipes,
    crossings,
    recipe_labels,
    rows_with,
    shown_levels,
    wrapped_twin,
)
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Controls, Params
from replication.study.published import Published


def controls(params: Params, summary: Summary, published: Published) -> str:
    """PSNR at the lowest sigma_test, sigma_train and the highest, the gain below it, and the largest defect.

    The gain of a wrapped classical denoiser is over its bare form, every other over the trained bare network.
    The defect is the sharp one of `wne.equivariance`, over all images and levels it is measured at.
    """
    return stacked([_item(params, summary, name, item) for name, item in params.reported("controls").items()])


def _item(params: Params, summary: Summary, name: str, item: Controls) -> str:
    table = rows_with(summary.controls, item=name)
    levels, bare = shown_levels(table), params.runs[item.run]
    network = labels.backbone_label(params.models[bare.model].backbone)
    note = _note(network, f"{bare.sigma:g}", item.test_set, table["n"].iloc[0])
    head = [row(["", *[rf"$\stest = {level:g}$" for level in levels], "defect"])]
    blocks = [head, [spanning(len(levels) + 2, small(note), "@{}l@{}") + r" \\"]]
    for run in (item.run, wrapped_twin(params, item.run)):
        rows = rows_with(summary.curves, run=run, test_set=item.test_set)
        gains = summary.paired[(summary.paired["run"] == run) & (summary.paired["test_set"] == item.test_set)]
        defects = summary.defects[summary.defects["run"] == run]
        label = f"{network} {labels.variant_label(params.runs[run].variant)}, trained"
        blocks[-1] += _lines(label, rows, gains, defects["sharp_max"].max(), levels)
    for denoiser, is_wrapped in table[["denoiser", "wrapped"]].drop_duplicates().itertuples(index=False):
        rows = rows_with(table, denoiser=denoiser, wrapped=is_wrapped)
        gains = rows[rows["against"].notna()]
        if gains.empty:  # a bare classical denoiser, followed by its wrapped form
            blocks.append([])
        blocks[-1] += _lines(labels.control_label(denoiser, is_wrapped), rows, gains, rows["sharp_max"].max(), levels)
    return tabular("l" + "c" * (len(levels) + 1), blocks)


def _note(network: str, sigma_train: str, test_set: str, images: int) -> str:
    return rf"{network}, $\strain = {sigma_train}$; {escape(labels.test_set_label(test_set))}, {images} images"


def _lines(label: str, rows: pd.DataFrame, gains: pd.DataFrame, defect: float, levels: list[float]) -> list[str]:
    psnr = rows.set_index("sigma_test")["psnr"]
    lines = [row([escape(label), *[fixed(psnr[level]) for level in levels], scientific(defect)])]
    if not gains.empty:
        at = gains.set_index("sigma_test")
        cells = [_effect(at.loc[level], "psnr_gain") for level in levels]
        lines.append(row([small(r"\quad gain"), *map(small, cells), ""]))
    return lines


def recipe(params: Params, summary: Summary, published: Published) -> str:
    """PSNR of every variant by every recipe, and the effects of wrapper and recipe in dB with paired intervals.

    At the lowest sigma_test, sigma_train and the highest sigma_test; over images, and over seeds where there are
    several, with the standard deviation over seeds of the mean PSNR behind it. "Both": WNE by one recipe against the bare
    network by another, as where each variant is trained by a recipe of its own.
    """
    return stacked([_crossing(params, rows) for rows in crossings(summary)])


def _crossing(params: Params, rows: pd.DataFrame) -> str:
    first, levels = rows.iloc[0], shown_levels(rows)
    network = labels.backbone_label(params.models[first["model"]].backbone)
    note = _note(network, first["sigma_train"], first["test_set"], first["n"])
    note += f", {first['n_seeds']} seeds" if first["n_seeds"] > 1 else ""
    named = {name: escape(text) for name, text in recipe_labels(params, rows).items()}
    variants = {name: escape(labels.variant_label(name)) for name in ("baseline", "wne")}
    recipes, crossed = all_recipes(rows), crossed_recipes(rows)

    psnr = [(f"{variants[v]}: {named[r]}", ("psnr", v, r, None)) for r in recipes for v in variants]
    wrapper = [(named[r], ("wrapper", "wne", r, "baseline")) for r in recipes]
    wrapper.append((f"mean of the first {len(crossed)}", ("wrapper", "wne", "mean", "baseline")))
    blocks = [("PSNR (dB)", psnr), (f"{variants['wne']} in place of {variants['baseline']}", wrapper)]
    for r, q in [(r, q) for i, r in enumerate(recipes) for q in recipes[:i]]:
        recipe_effect = [(variants[v], ("recipe", v, r, q)) for v in variants]
        if {r, q} <= set(crossed):
            recipe_effect.append(("mean", ("recipe", "mean", r, q)))
        blocks.append((f"{named[r]}, in place of {named[q]}", recipe_effect))
    both = [(f"{named[r]}; {named[q]}", ("both", "wne", r, q)) for r in crossed for q in crossed if r != q]
    blocks.append((f"{variants['wne']} by the first recipe in place of {variants['baseline']} by the second", both))

    head = [row([small(note), *[rf"$\stest = {level:g}$" for level in levels]])]
    return tabular("l" + "c" * len(levels), [head, *[_block(rows, title, lines, levels) for title, lines in blocks]])


def _block(rows: pd.DataFrame, title: str, lines: list[tuple[str, tuple]], levels: list[float]) -> list[str]:
    block = [spanning(len(levels) + 1, rf"\emph{{{title}}}", "@{}l@{}") + r" \\"]
    for label, (effect, variant, recipe_name, against) in lines:
        part = rows[rows["against"].isna()] if against is None else rows[rows["against"] == against]
        at = rows_with(part, effect=effect, variant=variant, recipe=recipe_name).set_index("sigma_test")
        if effect == "psnr":
            spread = rows[
                (rows["effect"] == "seed_sd") & (rows["variant"] == variant) & (rows["recipe"] == recipe_name)
            ]
            deviation = spread.set_index("sigma_test")["value"]
            cells = [_level(at.loc[s, "value"], deviation.get(s)) for s in levels]
        else:
            cells = [_effect(at.loc[s], "") for s in levels]
        block.append(row([rf"\quad {label}", *cells]))
    return block


def _level(psnr: float, deviation: float | None) -> str:
    """PSNR, with its standard deviation over seeds where there are several."""
    return fixed(psnr) if deviation is None else rf"{fixed(psnr)} " + small(rf"$\pm${fixed(deviation)}")


def _effect(cell: pd.Series, name: str) -> str:
    """Difference and its interval; `name` is the column's, empty for value, low and high."""
    value, low, high = (name, f"{name}_low", f"{name}_high") if name else ("value", "low", "high")
    return f"{signed(cell[value])} {small(interval(cell[low], cell[high]))}".rstrip()
