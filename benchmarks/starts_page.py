"""docs/starting-points.md from the scores of benchmarks/starts.py: every number and every verdict is derived."""

from __future__ import annotations

import pandas as pd

NAMES = {
    ("dncnn", "baseline"): "DnCNN", ("dncnn", "wne"): "DnCNN, WNE",
    ("fdncnn", "baseline"): "FDnCNN", ("fdncnn", "wne"): "FDnCNN, WNE",
    ("fdncnn", "se_arch"): "FDnCNN, SE-arch", ("fdncnn", "ne_arch"): "FDnCNN, NE-arch",
    ("swinir", "baseline"): "SwinIR", ("swinir", "wne"): "SwinIR, WNE",
}  # fmt: skip
CONTRASTS = (
    (("dncnn", "wne"), ("dncnn", "baseline")),
    (("fdncnn", "wne"), ("fdncnn", "baseline")),
    (("swinir", "wne"), ("swinir", "baseline")),
    (("fdncnn", "ne_arch"), ("fdncnn", "wne")),
    (("fdncnn", "ne_arch"), ("dncnn", "wne")),
)
OURS, PUBLISHED, DROP_PATH = "near_identity", "published", "published_drop_path"

Scores = pd.Series  # index backbone, variant, start, seed; PSNR in dB, the mean over images


def page(table: pd.DataFrame, versions: str) -> str:
    """Markdown. `table`: backbone, variant, start, seed, image, sigma (8-bit units), psnr (dB)."""
    levels = {sigma: _means(part) for sigma, part in table.groupby("sigma", sort=False)}
    images, seeds = table["image"].nunique(), table["seed"].nunique()
    lines = [
        "# Starting points",
        "",
        f"<!-- made by `python -m benchmarks.starts`: {versions} -->",
        "",
        "By default networks here start near the identity; those of the paper start otherwise: NE-arch with another",
        "parameterization of its affine weights, DnCNN with small BatchNorm weights, FDnCNN and SE-arch as torch starts",
        "them, SwinIR with an unscaled last layer ([initialization.py](../src/wne/models/initialization.py)). This page",
        "trains both, with Adam and the sizes and schedules of the default profile at sigma 25.",
        "",
        f"PSNR in dB, mean over {images} validation images, which are in no test set and were not trained on, and over",
        f"{seeds} seeds; in brackets half the range over the seeds, which is no confidence interval.",
    ]
    for sigma, scores in levels.items():
        lines += ["", f"## Sigma {sigma:g}", "", *_variants(scores)]
        lines += ["", *_contrasts(scores), "", _verdict(scores, sigma)]
    if DROP_PATH in set(table["start"]):
        lines += ["", "## Stochastic depth", "", *_stochastic_depth(levels)]
    return "\n".join([*lines, ""])


def _means(part: pd.DataFrame) -> Scores:
    return part.groupby(["backbone", "variant", "start", "seed"])["psnr"].mean()


def _of(scores: Scores, variant: tuple[str, str], start: str) -> pd.Series:
    """PSNR by seed."""
    return scores.loc[(*variant, start)]


def _gain(scores: Scores, contrast: tuple[tuple[str, str], tuple[str, str]], start: str) -> pd.Series:
    """Difference of PSNR by seed."""
    first, second = contrast
    return _of(scores, first, start) - _of(scores, second, start)


def _cell(values: pd.Series, sign: str = "") -> str:
    return f"{values.mean():{sign}.2f} ({(values.max() - values.min()) / 2:.2f})"


def _row(name: str, ours: pd.Series, published: pd.Series, sign: str = "") -> str:
    return f"| {name} | {_cell(ours, sign)} | {_cell(published, sign)} | {_cell(published - ours, '+')} |"


def _variants(scores: Scores) -> list[str]:
    known = set(scores.index.droplevel(["start", "seed"]))
    rows = [
        _row(name, _of(scores, key, OURS), _of(scores, key, PUBLISHED)) for key, name in NAMES.items() if key in known
    ]
    return ["| variant | near identity | published | difference |", "|---|---|---|---|", *rows]


def _known_contrasts(scores: Scores) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    known = set(scores.index.droplevel(["start", "seed"]))
    return [contrast for contrast in CONTRASTS if set(contrast) <= known]


def _name(contrast: tuple[tuple[str, str], tuple[str, str]]) -> str:
    return " minus ".join(f"({NAMES[key]})" if ", " in NAMES[key] else NAMES[key] for key in contrast)


def _contrasts(scores: Scores) -> list[str]:
    rows = [
        _row(_name(contrast), _gain(scores, contrast, OURS), _gain(scores, contrast, PUBLISHED), "+")
        for contrast in _known_contrasts(scores)
    ]
    return ["| comparison | near identity | published | change |", "|---|---|---|---|", *rows]


def _verdict(scores: Scores, sigma: float) -> str:
    """Which comparisons keep their sign in every seed, which do not, and which one the start changes most."""
    by_sign: dict[str, list[str]] = {"kept": [], "reversed": [], "open": []}
    for contrast in _known_contrasts(scores):
        signs = [{*(_gain(scores, contrast, start) > 0)} for start in (OURS, PUBLISHED)]
        kind = "open" if any(len(sign) > 1 for sign in signs) else "kept" if signs[0] == signs[1] else "reversed"
        by_sign[kind].append(_name(contrast))
    count = len(_known_contrasts(scores))
    sentence = f"At sigma {sigma:g}, {len(by_sign['kept'])} of {count} comparisons have the same sign from both starts."
    if by_sign["reversed"]:
        sentence += f" Reversed: {', '.join(by_sign['reversed'])}."
    if by_sign["open"]:
        sentence += f" Of either sign over the seeds: {', '.join(by_sign['open'])}."
    changes = {c: (_gain(scores, c, PUBLISHED) - _gain(scores, c, OURS)).mean() for c in _known_contrasts(scores)}
    most = max(changes, key=lambda contrast: abs(changes[contrast]))
    return f"{sentence} The published start changes {_name(most)} most, by {changes[most]:+.2f} dB."


def _stochastic_depth(levels: dict[float, Scores]) -> list[str]:
    rows = [
        f"| {NAMES[key]} | {sigma:g} | {_cell(_of(scores, key, PUBLISHED))} | {_cell(_of(scores, key, DROP_PATH))} "
        f"| {_cell(_of(scores, key, DROP_PATH) - _of(scores, key, PUBLISHED), '+')} |"
        for sigma, scores in levels.items()
        for key in NAMES
        if (*key, DROP_PATH) in set(scores.index.droplevel("seed"))
    ]
    return [
        "The published SwinIR trains with stochastic depth, 0.1 in its last block. From the published start:",
        "",
        "| variant | sigma | without | with | difference |",
        "|---|---|---|---|---|",
        *rows,
    ]
