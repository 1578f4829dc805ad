"""Denoisers reused in the sampler of App. N: denoising (Table 11), inpainting and beyond (Table 12)."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from replication.report.cells import (
    DASH,
    EMPTY,
    Cell,
    cell,
    fixed,
    heading,
    interval,
    percent,
    product,
    signed,
    small,
)
from replication.report.families import mean_gain
from replication.report.source import Source
from replication.report.table import Message, Row, Table, paper_row, small_row
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params, Sampler
from replication.study.published import Published

_OBSERVED = "observed"  # in the column `run`
_PAPER = (
    Cell("In grey: the paper", "In italics: the paper")
    + ", Set12, "
    + Cell(r"$\strain = 10$", "sigma_train = 10")
    + "."
)  # of both tables
_TABLE11 = {
    "one_pass_psnr": "one-pass", "best_psnr": "best trajectory", "psnr": "final", "gap": "final - best",
    "change": "final - one-pass",
}  # fmt: skip
_HEAD: list[Row] = [  # LaTeX has two lines of it
    [EMPTY, *(Cell(line, "") for line in ("One-", "Best", "", "Final", "Final", "Best/final", "Con-"))],
    ["Model", Cell("pass", "One-pass"), Cell("traj.", "Best trajectory"), "Final", Cell("$-$ best", "Final - best"),
     Cell("$-$ one-pass", "Final - one-pass"), Cell("step", "Best/final step"), Cell("verged", "Converged")],
]  # fmt: skip
_TABLE12 = {"one_pass_psnr": "one-pass PSNR", "psnr": "final PSNR", "ssim": "SSIM", "gap": "gap", "steps": "steps"}
_DIGITS = {"ssim": 3, "steps": 1}  # of a quantity, 2 for the others
_SIGNED = ("gap", "change")


def table11(source: Source) -> list[Table]:
    """Residual-stopped denoising: means over images in dB, intervals of the differences, the paper's row in grey.

    The last column, ours: the images whose trajectory stopped by itself, of all.
    """
    items = _items(source.params, ("none",))
    made = [_denoising(spec, _rows(source.summary, item), source.published) for item, spec in items.items()]
    return made or [Message("no noisy images are denoised by the sampler in this profile")]


def _denoising(spec: Sampler, rows: pd.DataFrame, published: Published) -> Table:
    blocks = []
    for run in _runs(rows):
        name = labels.trained_label(run["variant"], run["objective"])
        steps = fixed(run["best_step"]) + "/" + fixed(run["steps"])
        block: list[Row] = [[name, *[_number(key, run[key]) for key in _TABLE11], steps, _converged(run)]]
        ends = [interval(run[f"{key}_low"], run[f"{key}_high"]) if key in _SIGNED else EMPTY for key in _TABLE11]
        block += small_row("interval", [*ends, EMPTY, EMPTY])
        paper = {key: published.value(("Table 11",), name, column) for key, column in _TABLE11.items()}
        if None not in paper.values():
            best, final = (fixed(published.value(("Table 11",), name, f"{which} step")) for which in ("best", "final"))
            block += paper_row([*[_number(*item) for item in paper.items()], best + "/" + final, EMPTY])
        blocks.append(block)
    seen = _seen(rows)
    sigma = Cell(rf"$\sigma_{{\mathrm{{init}}}} = {spec.sigma_start:g}$", f"sigma_init = {spec.sigma_start:g}")
    note = f"{labels.test_set_label(spec.test_set)}, {seen['n']} images, " + sigma + ": " + fixed(seen["psnr"])
    return Table("l" + "c" * 7, _HEAD, blocks, note + " dB. " + _PAPER)


def table12(source: Source) -> list[Table]:
    """Inverse problems: mean over images (standard deviation); the paper's row in grey for its one, inpainting.

    `gain`: mean difference to the baseline on the same images, with half the width of its interval. The last
    column is ours, as in Table 11.
    """
    items = _items(source.params, ("random_pixels", "block_average", "blur"))
    if not items:
        return [Message("no inverse problem is solved in this profile")]
    blocks = [_inverse_problem(spec, _rows(source.summary, item), source.published) for item, spec in items.items()]
    head = ["Method", "One-pass", "Final", "SSIM", "Gap", "Steps", "Converged"]
    return [Table("l" + "c" * 6, [head], blocks, _PAPER)]


def _inverse_problem(spec: Sampler, rows: pd.DataFrame, published: Published) -> list[Row]:
    seen = _seen(rows)
    title = _title(spec) + f"; {labels.test_set_label(spec.test_set)}, {seen['n']} images"
    block: list[Row] = [[heading(7, title, emphasized=False)]]
    block += [["Observed " + Cell("$Px$", "Px"), *_with_deviations(seen, ("psnr", "ssim")), ""]]
    block += _paper(spec, "Observed", published)
    for run in _runs(rows):
        name = labels.trained_label(run["variant"], run["objective"])
        block.append([name, *_with_deviations(run, _TABLE12), _converged(run)])
        if isinstance(run["baseline"], str):
            gains = [mean_gain(run, key, _DIGITS.get(key, 2)) if key in ("psnr", "ssim") else EMPTY for key in _TABLE12]
            block += small_row("gain", [*gains, EMPTY])
        block += _paper(spec, name, published)
    return block


def _title(spec: Sampler) -> Cell:
    share = percent(spec.amount)
    return {
        "random_pixels": "Inpainting, " + share + " of the pixels observed",
        "block_average": "Super-resolution (ours), means of " + product(spec.amount, spec.amount) + " pixels observed",
        "blur": "Deblurring (ours), the lowest " + share + " of the frequencies observed",
    }[spec.operator]


def _with_deviations(run: pd.Series, keys: Iterable[str]) -> list[Cell]:
    return [_bracketed(key, run[key], run[f"{key}_std"]) if key in keys else DASH for key in _TABLE12]


def _bracketed(key: str, value: float, deviation: float | None) -> Cell:
    """Mean (standard deviation)."""
    if pd.isna(value) or pd.isna(deviation):
        return _number(key, value)
    return _number(key, value) + " (" + fixed(deviation, _DIGITS.get(key, 2)) + ")"


def _paper(spec: Sampler, name: str, published: Published) -> list[Row]:
    if spec.operator != "random_pixels":
        return []
    values = {key: published.value(("Table 12",), name, column) for key, column in _TABLE12.items()}
    cells = [
        EMPTY if value is None else _bracketed(key, value, published.deviation("Table 12", name, _TABLE12[key]))
        for key, value in values.items()
    ]
    return [] if values["psnr"] is None else paper_row([*cells, EMPTY])


def _number(key: str, value: float) -> Cell:
    return (signed if key in _SIGNED else fixed)(value, _DIGITS.get(key, 2))


def _converged(run: pd.Series) -> Cell:
    """Images whose trajectory stopped by itself, of all, and how many diverged if any."""
    text, diverged = cell(f"{run['converged']:.0f}/{run['n']}"), run["diverged"]
    return text + Cell(" ", " ") + small(f"({diverged:.0f} diverged)") if diverged else text


def _items(params: Params, operators: tuple[str, ...]) -> dict[str, Sampler]:
    return {item: spec for item, spec in params.reported("samplers").items() if spec.operator in operators}


def _rows(summary: Summary, item: str) -> pd.DataFrame:
    return summary.samplers[summary.samplers["item"] == item]


def _seen(rows: pd.DataFrame) -> pd.Series:
    return rows[rows["run"] == _OBSERVED].iloc[0]


def _runs(rows: pd.DataFrame) -> list[pd.Series]:
    return [run for _, run in rows[rows["run"] != _OBSERVED].iterrows()]
