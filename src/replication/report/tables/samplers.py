"""Denoisers reused in the sampler of App. N: denoising (Table 11), inpainting and beyond (Table 12)."""

from __future__ import annotations

import math

import pandas as pd

from replication.report.tables.latex import (
    DASH,
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
from replication.study.params import Params, Sampler
from replication.study.published import Published

_OBSERVED = "observed"  # in the column `run`
_PAPER = r"In grey: the paper, Set12, $\strain = 10$."  # of both tables
_TABLE11 = {
    "one_pass_psnr": "one-pass",
    "best_psnr": "best trajectory",
    "psnr": "final",
    "gap": "final - best",
    "change": "final - one-pass",
}
_TABLE12 = {"one_pass_psnr": "one-pass PSNR", "psnr": "final PSNR", "ssim": "SSIM", "gap": "gap", "steps": "steps"}
_DIGITS = {"ssim": 3, "steps": 1}  # of a quantity, 2 for the others
_SIGNED = ("gap", "change")


def table11(params: Params, summary: Summary, published: Published) -> str:
    """Residual-stopped denoising: means over images in dB, intervals of the differences, the paper's row in grey.

    The last column, ours: the images whose trajectory stopped by itself, of all.
    """
    items = _items(params, ("none",))
    if not items:
        return "(no noisy images are denoised by the sampler in this profile)"
    return stacked([_denoising(spec, _rows(summary, item), published) for item, spec in items.items()])


def _denoising(spec: Sampler, rows: pd.DataFrame, published: Published) -> str:
    head = [
        row(["", "One-", "Best", "", "Final", "Final", "Best/final", "Con-"]),
        row(["Model", "pass", "traj.", "Final", "$-$ best", "$-$ one-pass", "step", "verged"]),
    ]
    blocks = [head]
    for cell in _runs(rows):
        name = labels.trained_label(cell["variant"], cell["objective"])
        steps = f"{fixed(cell['best_step'])}/{fixed(cell['steps'])}"
        lines = [row([escape(name), *[_number(key, cell[key]) for key in _TABLE11], steps, _converged(cell)])]
        spans = [interval(cell[f"{key}_low"], cell[f"{key}_high"]) if key in _SIGNED else "" for key in _TABLE11]
        if any(spans):
            lines.append(row([small(r"\quad interval"), *map(small, spans), "", ""]))
        paper = {key: published.value(("Table 11",), name, column) for key, column in _TABLE11.items()}
        if None not in paper.values():
            printed = [published.value(("Table 11",), name, f"{which} step") for which in ("best", "final")]
            texts = [_number(key, value) for key, value in paper.items()] + ["/".join(map(fixed, printed)), ""]
            lines.append(row([small(grey(text)) if text else "" for text in (r"\quad paper", *texts)]))
        blocks.append(lines)
    seen = rows[rows["run"] == _OBSERVED].iloc[0]
    note = (
        f"{escape(labels.test_set_label(spec.test_set))}, {seen['n']} images, "
        rf"$\sigma_{{\mathrm{{init}}}} = {spec.sigma_start:g}$: {fixed(seen['psnr'])} dB. {_PAPER}"
    )
    return f"{tabular('l' + 'c' * 7, blocks)}\n\n\\smallskip\n{small(note)}"


def table12(params: Params, summary: Summary, published: Published) -> str:
    """Inverse problems: mean over images (standard deviation); the paper's row in grey for its one, inpainting.

    `gain`: mean difference to the baseline on the same images, with half the width of its interval. The last
    column is ours, as in Table 11.
    """
    items = _items(params, ("random_pixels", "block_average", "blur"))
    if not items:
        return "(no inverse problem is solved in this profile)"
    blocks = [[row(["Method", "One-pass", "Final", "SSIM", "Gap", "Steps", "Converged"])]]
    for item, spec in items.items():
        blocks.append(_inverse_problem(spec, _rows(summary, item), published))
    return f"{tabular('l' + 'c' * 6, blocks)}\n\n\\smallskip\n{small(_PAPER)}"


def _inverse_problem(spec: Sampler, rows: pd.DataFrame, published: Published) -> list[str]:
    seen = rows[rows["run"] == _OBSERVED].iloc[0]
    title = f"{_title(spec)}; {escape(labels.test_set_label(spec.test_set))}, {seen['n']} images"
    lines = [spanning(7, small(title), "@{}l@{}") + r" \\"]
    lines += [row([r"Observed $Px$", *_with_deviations(seen, ("psnr", "ssim")), ""])]
    lines += _paper(spec, "Observed", published)
    for cell in _runs(rows):
        name = labels.trained_label(cell["variant"], cell["objective"])
        lines.append(row([escape(name), *_with_deviations(cell, tuple(_TABLE12)), _converged(cell)]))
        if isinstance(cell["baseline"], str):
            gains = [_gain(cell, key) if key in ("psnr", "ssim") else "" for key in _TABLE12]
            lines.append(row([small(r"\quad gain"), *map(small, gains), ""]))
        lines += _paper(spec, name, published)
    return lines


def _title(spec: Sampler) -> str:
    return {
        "random_pixels": rf"Inpainting, {100 * spec.amount:g}\,\% of the pixels observed",
        "block_average": rf"Super-resolution (ours), means of ${spec.amount:g}\times{spec.amount:g}$ pixels observed",
        "blur": rf"Deblurring (ours), the lowest {100 * spec.amount:g}\,\% of the frequencies observed",
    }[spec.operator]


def _with_deviations(cell: pd.Series, keys: tuple[str, ...]) -> list[str]:
    return [_bracketed(key, cell[key], cell[f"{key}_std"]) if key in keys else DASH for key in _TABLE12]


def _bracketed(key: str, value: float, deviation: float | None) -> str:
    if math.isnan(value) or deviation is None or math.isnan(deviation):
        return _number(key, value)
    return f"{_number(key, value)} ({fixed(deviation, _DIGITS.get(key, 2))})"


def _paper(spec: Sampler, name: str, published: Published) -> list[str]:
    if spec.operator != "random_pixels":
        return []
    printed = {key: published.value(("Table 12",), name, column) for key, column in _TABLE12.items()}
    if printed["psnr"] is None:
        return []
    texts = [
        "" if value is None else _bracketed(key, value, published.deviation("Table 12", name, _TABLE12[key]))
        for key, value in printed.items()
    ]
    return [row([small(grey(text)) if text else "" for text in (r"\quad paper", *texts, "")])]


def _gain(cell: pd.Series, key: str) -> str:
    half = (cell[f"{key}_gain_high"] - cell[f"{key}_gain_low"]) / 2
    digits = _DIGITS.get(key, 2)
    return signed(cell[f"{key}_gain"], digits) + ("" if math.isnan(half) else rf"\,$\pm$\,{half:.{digits}f}")


def _number(key: str, value: float) -> str:
    return (signed if key in _SIGNED else fixed)(value, _DIGITS.get(key, 2))


def _converged(cell: pd.Series) -> str:
    """Images whose trajectory stopped by itself, of all, and how many diverged if any."""
    text, diverged = f"{cell['converged']:.0f}/{cell['n']}", cell["diverged"]
    return f"{text} {small(f'({diverged:.0f} diverged)')}" if diverged else text


def _items(params: Params, operators: tuple[str, ...]) -> dict[str, Sampler]:
    return {item: spec for item, spec in params.reported("samplers").items() if spec.operator in operators}


def _rows(summary: Summary, item: str) -> pd.DataFrame:
    return summary.samplers[summary.samplers["item"] == item]


def _runs(rows: pd.DataFrame) -> list[pd.Series]:
    return [cell for _, cell in rows[rows["run"] != _OBSERVED].iterrows()]
