"""PSNR at matched noise (Tables 1, 7, 8, 9), on real noise (Table 10), and the gain of every variant under mismatch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from replication.report.tables.latex import (
    DASH,
    SPACE,
    escape,
    fixed,
    grey,
    interval,
    row,
    signed,
    small,
    spanning,
    stacked,
    tabular,
)
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published, is_papers_real_set, row_name

_MOST_COLUMNS = 6  # of numbers that fit the text width
_RUN_FAMILY = ["group", "task", "model", "backbone", "variant", "recipe", "train_set", "seed"]
OBJECTIVES = {"soft_ne": ", soft NE", "n2n": ", N2N"}  # behind the name of a model that was trained with it
_MAIN = ("cnn", "swinir", "fdncnn", "restormer")  # of `mismatch`
_OTHER = ("colour", "training-controls", "n2n", "input-only", "non-gaussian")  # of `mismatch_other`

Printed = Callable[[str, str, str, str], float | None]  # (backbone, variant, test set, sigma) -> dB


def table01(params: Params, summary: Summary, published: Published) -> str:
    """DnCNN family and SwinIR."""
    return _matched_table(summary, ("cnn", "swinir"), _printed(published, "Table 1"))


def table07(params: Params, summary: Summary, published: Published) -> str:
    """FDnCNN bare and wrapped, beside its architectural forms; all gains are over the bare FDnCNN."""
    levels = set(single_level(_of(summary.curves, "fdncnn"))["sigma_train"])
    models = set(_of(summary.curves, "fdncnn")["model"])
    arch = _of(summary.curves, "cnn")
    arch = arch[arch["variant"].isin(("se_arch", "ne_arch")) & arch["sigma_train"].isin(levels)]
    arch = arch[arch["model"].isin(models)]
    contrasts = summary.contrasts
    over_bare = contrasts[contrasts["run"].isin(arch["run"]) & (contrasts["against_variant"] == "baseline")]
    curves = pd.concat([_of(summary.curves, "fdncnn"), arch]).assign(group="fdncnn")
    order = {"baseline": 0, "se_arch": 1, "ne_arch": 2, "wne": 3}
    curves = curves.sort_values("variant", key=lambda variants: variants.map(order), kind="stable")
    paired = pd.concat([_of(summary.paired, "fdncnn"), over_bare])
    return _matched_blocks(curves, paired, _printed(published, "Table 7"))


def table08(params: Params, summary: Summary, published: Published) -> str:
    """Restormer."""
    return _matched_table(summary, ("restormer",), _printed(published, "Table 8"))


def table09(params: Params, summary: Summary, published: Published) -> str:
    """Restormer on colour images."""
    return _matched_table(summary, ("colour",), _printed(published, "Table 9"))


def _printed(published: Published, table: str) -> Printed:
    return lambda *cell: published.matched_psnr(*cell, tables=(table,))


def _of(table: pd.DataFrame, *groups: str) -> pd.DataFrame:
    return table[table["group"].isin(groups)]


def _matched_table(summary: Summary, groups: tuple[str, ...], printed: Printed) -> str:
    return _matched_blocks(_of(summary.curves, *groups), _of(summary.paired, *groups), printed)


def _matched_blocks(curves: pd.DataFrame, paired: pd.DataFrame, printed: Printed) -> str:
    """PSNR at sigma_test = sigma_train; below it the gain over the baseline, and the paper's number in grey."""
    curves, paired = matched(curves), matched(paired)
    levels = sorted(curves["sigma_train"].unique(), key=float)
    test_sets = list(curves["test_set"].unique())
    width = max(1, _MOST_COLUMNS // len(levels))
    return stacked(
        [
            _matched_block(curves, paired, printed, levels, test_sets[start : start + width])
            for start in range(0, len(test_sets), width)
        ]
    )


def _matched_block(
    curves: pd.DataFrame, paired: pd.DataFrame, printed: Printed, levels: list[str], test_sets: list[str]
) -> str:
    count, per_set = len(levels) * len(test_sets), len(levels)
    names = [spanning(per_set, escape(labels.test_set_label(test_set))) for test_set in test_sets]
    rules = [rf"\cmidrule(lr){{{2 + i * per_set}-{1 + (i + 1) * per_set}}}" for i in range(len(test_sets))]
    sigmas = [r"$\sigma$ (8-bit units)", *levels * len(test_sets)]
    blocks = [[row(["", *names]), "".join(rules), row(sigmas)]]
    cells = [(test_set, sigma) for test_set in test_sets for sigma in levels]
    group = None
    for label, family, runs in run_families(curves):
        lines = [row([label, *[_psnr(runs, *cell) for cell in cells]])]
        gains = [_gain(paired[paired["run"].isin(runs["run"])], *cell) for cell in cells]
        if any(gains):
            lines.append(row([small(r"\quad gain"), *map(small, gains)]))
        paper = [printed(family["backbone"], family["variant"], *cell) for cell in cells]
        if any(value is not None for value in paper):
            texts = ["" if value is None else grey(fixed(value)) for value in paper]
            lines.append(row([small(grey(r"\quad paper")), *map(small, texts)]))
        if family["group"] != group:
            blocks.append(lines)
        else:
            blocks[-1] += [SPACE, *lines]
        group = family["group"]
    return tabular("l" + "c" * count, blocks)


def _psnr(runs: pd.DataFrame, test_set: str, sigma: str) -> str:
    cell = runs[(runs["test_set"] == test_set) & (runs["sigma_train"] == sigma)]
    return DASH if cell.empty else fixed(cell["psnr"].iloc[0])


def _gain(gains: pd.DataFrame, test_set: str, sigma: str) -> str:
    cell = gains[(gains["test_set"] == test_set) & (gains["sigma_train"] == sigma)]
    return "" if cell.empty else gain_and_half(cell.iloc[0], "psnr", 2)


def gain_and_half(cell: pd.Series, metric: str, digits: int) -> str:
    """Mean difference and half the width of its interval."""
    half = (cell[f"{metric}_gain_high"] - cell[f"{metric}_gain_low"]) / 2
    spread = "" if np.isnan(half) else rf"\,$\pm$\,{half:.{digits}f}"
    return signed(cell[f"{metric}_gain"], digits) + spread


def table10(params: Params, summary: Summary, published: Published) -> str:
    """PSNR and SSIM on pairs of photographs: SIDD's in the paper profile, a named stand-in elsewhere."""
    rows = _of(summary.real, "real-noise")
    head = [row(["", "PSNR (dB)", "SSIM"])]
    blocks = [head]
    for test_set in rows["test_set"].unique():
        part = rows[rows["test_set"] == test_set]
        first = part.iloc[0]
        own = is_papers_real_set(test_set)
        title = f"{labels.test_set_label(test_set)}, {first['n']} images" + ("" if own else ", a stand-in for SIDD")
        lines = [spanning(3, small(escape(title)), "@{}l@{}") + r" \\"]
        lines.append(row(["Noisy input", fixed(first["input_psnr"]), fixed(first["input_ssim"], 4)]))
        for label, family, runs in run_families(part):
            cell = runs.iloc[0]
            lines += [SPACE, row([label, fixed(cell["psnr"]), fixed(cell["ssim"], 4)])]
            if not pd.isna(cell["psnr_gain"]):
                gains = [gain_and_half(cell, "psnr", 2), gain_and_half(cell, "ssim", 4)]
                lines.append(row([small(r"\quad gain"), *map(small, gains)]))
            paper = [published.real(family["backbone"], family["variant"], metric) for metric in ("PSNR", "SSIM")]
            if own and None not in paper:
                texts = [grey(fixed(paper[0])), grey(fixed(paper[1], 4))]
                lines.append(row([small(grey(r"\quad paper")), *map(small, texts)]))
        blocks.append(lines)
    return tabular("lcc", blocks)


def mismatch(params: Params, summary: Summary, published: Published) -> str:
    """Gain over the baseline in dB, with its interval, at the lowest, the matched and the highest sigma_test.

    The experiments of the main text and their repetitions on other backbones.
    """
    return _mismatch_table(_of(summary.paired, *_MAIN))


def mismatch_other(params: Params, summary: Summary, published: Published) -> str:
    """The same for the other experiments that are reported. A run without a baseline in its own experiment is
    compared with the bare run of the same model; one trained on a range of noise has no matched level."""
    alone = summary.contrasts
    alone = alone[(alone["group"] == "input-only") & (alone["against_variant"] == "baseline")]
    table = pd.concat([_of(summary.paired, *_OTHER), alone])
    return _mismatch_table(table) if len(table) else "(none of these experiments is reported in this profile)"


def _mismatch_table(paired: pd.DataFrame) -> str:
    """One table with a head for each test set and kind of noise: their lowest and highest sigma_test differ."""
    blocks: list[list[str]] = []
    for (test_set, noise), rows in paired.groupby(["test_set", "noise"], sort=False):
        if len(set(sweep_ends(rows))) > 1:
            blocks += _mismatch_blocks(rows, str(test_set), str(noise))
    return tabular("lcccc", blocks)


def _mismatch_blocks(paired: pd.DataFrame, test_set: str, noise: str) -> list[list[str]]:
    """The head and the rows."""
    lowest, highest = sweep_ends(paired)
    kind = "" if noise == "gaussian" else f", {noise}"
    title = f"{labels.test_set_label(test_set)}{kind}, {paired['n'].iloc[0]} images"
    tests = [f"{lowest:g}", r"\sigma_{\mathrm{train}}", f"{highest:g}"]
    head = [escape(title), r"$\sigma_{\mathrm{train}}$", *[rf"$\sigma_{{\mathrm{{test}}}} = {s}$" for s in tests]]
    lines: list[str] = []
    for label, _, runs in run_families(paired):
        lines += [SPACE] if lines else []
        for name, run in runs.groupby("run", sort=False):
            own = run["sigma_train"].iloc[0]
            cells = [_gain_with_interval(run, sigma) for sigma in (lowest, own, highest)]
            lines.append(row([label if name == runs["run"].iloc[0] else "", own.replace("-", "--"), *cells]))
    return [[row(head)], lines]


def _gain_with_interval(run: pd.DataFrame, sigma: float | str) -> str:
    if isinstance(sigma, str) and "-" in sigma:
        return DASH
    cell = run[run["sigma_test"] == float(sigma)].iloc[0]
    return f"{signed(cell['psnr_gain'])} {small(interval(cell['psnr_gain_low'], cell['psnr_gain_high']))}".rstrip()


def single_level(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs trained at one sigma."""
    return table[table["sigma_train"].str.fullmatch(r"[\d.]+")]


def matched(table: pd.DataFrame) -> pd.DataFrame:
    """Rows with sigma_test = sigma_train."""
    rows = single_level(table)
    return rows[rows["sigma_test"] == rows["sigma_train"].astype(float)]


def swept(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The test sets with more than one sigma_test common to all runs, and their rows."""
    parts = [(name, table[table["test_set"] == name]) for name in table["test_set"].unique()]
    return [(name, rows) for name, rows in parts if len(set(sweep_ends(rows))) > 1]


def sweep_ends(table: pd.DataFrame) -> tuple[float, float]:
    """The lowest and highest sigma_test that all runs of the table share."""
    shared = table.groupby("sigma_test")["run"].nunique()
    shared = shared[shared == table["run"].nunique()].index
    return float(shared.min()), float(shared.max())


def run_families(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series, pd.DataFrame]]:
    """(label, the columns in common, rows) for each set of runs that differ by sigma_train alone.

    What tells two families apart enters their labels where they would otherwise be called the same.
    """
    families = [(dict(zip(_RUN_FAMILY, key)), rows) for key, rows in table.groupby(_RUN_FAMILY, sort=False)]
    found = [
        row_name(family["backbone"], family["variant"]) + OBJECTIVES.get(rows["objective"].iloc[0], "")
        for family, rows in families
    ]
    for label, (family, rows) in zip(found, families):
        namesakes = [other for other_label, (other, _) in zip(found, families) if other_label == label]
        yield escape(label + _distinction(family, namesakes)), pd.Series(family), rows


def _distinction(family: dict, namesakes: list[dict]) -> str:
    """The first property that no namesake shares, in brackets; all that differ where it takes several."""
    if len(namesakes) == 1:
        return ""
    columns = ("task", "recipe", "seed", "model", "train_set", "group")
    differing = [column for column in columns if len({other[column] for other in namesakes}) > 1]
    unique = [column for column in differing if len({other[column] for other in namesakes}) == len(namesakes)]
    return f" ({', '.join(str(family[column]) for column in unique[:1] or differing)})"
