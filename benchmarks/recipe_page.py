"""docs/recipes.md from the scores of benchmarks/recipe.py: every number and every verdict is derived."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

NAMES = {
    "dncnn-baseline": "DnCNN", "dncnn-wne": "DnCNN, WNE",
    "fdncnn-baseline": "FDnCNN", "fdncnn-wne": "FDnCNN, WNE",
    "fdncnn-se_arch": "FDnCNN, SE-arch", "fdncnn-ne_arch": "FDnCNN, NE-arch",
    "swinir-baseline": "SwinIR", "swinir-wne": "SwinIR, WNE",
}  # fmt: skip
MAIN, ADAM, MUON = "dncnn-wne", "Adam", "Muon"
INPUT = 20 * math.log10(255 / 25)  # PSNR of the noisy image: a denoiser below it has failed
TOLERANCE = 0.5  # dB below a variant's best rate of Muon that count as a rate too large

Recipes = pd.DataFrame  # index variant, columns (change, rate); PSNR in dB at sigma 25


def page(table: pd.DataFrame, versions: str, pending: Sequence[str] = ()) -> str:
    """Markdown. `table`: the rows of recipe.csv. `pending`: changes that are listed in recipe.py and have not been run."""
    main = table[table["variant"] == MAIN]
    pixels = main["steps"] * main["batch"] * main["patch"] ** 2
    is_short = pixels == pixels.min()
    recipes = _recipes(table)
    trained = {(row.variant, row.change, row.rate) for row in table.itertuples()}
    seeds = table["seed"].nunique()
    lines = [
        "# Training recipes",
        "",
        f"<!-- made by `python -m benchmarks.recipe`: {versions} -->",
        "",
        *_findings(main[is_short], main[~is_short], recipes, trained),
        "",
        "The networks have the published depth and width, start near the identity unless the recipe says otherwise",
        "(FDnCNN with the skip of DnCNN), and train on BSD400 at sigma 25 with the mean squared error. PSNR in dB on",
        "central crops of the 32 images of the validation split of BSDS500 that are not in BSD68, one noise field each",
        "(SwinIR: the first 8); no image of a test set. "
        + ("Each recipe was trained with one seed, so small differences" if seeds == 1 else "Small differences"),
        "between recipes may be chance: the spread over seeds "
        + ("has not been measured for these recipes." if seeds == 1 else "is in the rows of other seeds."),
        "",
        "`s` is the time of the training alone, on two cores (SwinIR: on one); `load` is the mean number of processes",
        "that wanted a core in the minute before the training ended, this training included. Adam: 2e-3, one cycle, as",
        "bsd400 trains its convolutional networks. Muon: torch.optim.Muon on the hidden weights as matrices and Adam at",
        "2e-3 for the rest ([optimizers.py](../src/replication/experiments/optimizers.py)), with the same schedule.",
        "",
        "## DnCNN with WNE: one change at a time",
        "",
        *_table(main[is_short]),
        "",
        "## One recipe for every variant",
        "",
        f"PSNR at sigma 25; the noisy image has {INPUT:.2f} dB.",
        "",
        *_variants(table, recipes, trained),
    ]
    if not is_short.all():
        lines += ["", "## Longer schedules", "", *_table(main[~is_short])]
    if pending:
        lines += ["", f"Not run: {len(pending)} of the trials in benchmarks/recipe.py."]
    return "\n".join([*lines, ""])


def _recipes(table: pd.DataFrame) -> Recipes:
    """The plain recipes: an optimizer at a rate, the shortest schedule of each variant, seed 0."""
    plain = table[table["change"].isin((ADAM, MUON)) & (table["seed"] == 0)]
    plain = plain[plain["steps"] == plain.groupby("variant")["steps"].transform("min")]
    # In order of the columns: Adam, then Muon from the smallest rate.
    return plain.pivot(index="variant", columns=["change", "rate"], values="psnr_25").sort_index(axis=1)


def _findings(
    short: pd.DataFrame, long: pd.DataFrame, recipes: Recipes, trained: set[tuple[str, str, float]]
) -> list[str]:
    best, adam = short.loc[short["psnr_25"].idxmax()], recipes[ADAM].loc[MAIN].max()
    lines = [
        f"- DnCNN with WNE, {best['steps']} steps: {best['psnr_25']:.2f} dB with {_label(best)}, {adam:.2f} dB with Adam.",
        *_stable_rate(recipes, trained),
    ]
    for _, row in long.sort_values("psnr_25", ascending=False).head(1).iterrows():
        lines += [
            f"- The longest schedule, {row['steps']} steps in {row['seconds'] / 60:.1f} minutes: {row['psnr_25']:.2f} dB at "
            f"sigma 25, {row['psnr_5']:.2f} at 5 and {row['psnr_100']:.2f} at 100 ({_label(row)})."
        ]
    return lines


def _stable_rate(recipes: Recipes, trained: set[tuple[str, str, float]]) -> list[str]:
    """The largest rate of Muon that all variants were trained with, its gain over Adam, and what larger rates cost."""
    muon = recipes[MUON]
    common = [rate for rate in muon if (muon[rate] > INPUT).all()]
    if not common:
        return []
    rate = max(common)
    adam, tried_count = recipes[ADAM].max(axis=1), len(muon)
    gain = (muon[rate] - adam)[adam > INPUT]
    failed = adam[adam.notna() & (adam <= INPUT)]
    text = f"- Muon at {rate:g} trains the {tried_count} variants tried with it (of {len(NAMES)}), {gain.min():+.2f} to {gain.max():+.2f} dB against Adam"
    text += "".join(f"; Adam fails on {NAMES[v]} ({psnr:.2f} dB)" for v, psnr in failed.items()) + "."
    too_large = []
    for variant in (variant for variant in NAMES if variant in muon.index):
        best = muon.loc[variant].max()
        for larger in (r for r in muon if r > rate and (variant, MUON, r) in trained):
            loss = muon.loc[variant, larger] - best
            if not loss > -TOLERANCE:
                cost = "diverged" if pd.isna(loss) else f"{loss:+.2f} dB from its best rate"
                too_large.append(f"{NAMES[variant]} at {larger:g} ({cost})")
    return [text, *([f"- Too large a rate: {', '.join(too_large)}."] if too_large else [])]


def _label(row: pd.Series) -> str:
    return f"{row['change']}, rate {row['rate']:g}"


def _psnr(value: float) -> str:
    if pd.isna(value):
        return "diverged"
    return f"{value:.2f}" if value > INPUT else f"{value:.2f} (failed)"


def _table(rows: pd.DataFrame) -> list[str]:
    header = ["recipe", "rate", "steps", "batch", "patch", "seed", "sigma 25", "sigma 5", "sigma 100", "s", "load"]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for _, row in rows.sort_values("psnr_25", ascending=False).iterrows():
        cells = [row["change"], f"{row['rate']:g}", *(str(row[key]) for key in ("steps", "batch", "patch", "seed"))]
        cells += [_psnr(row["psnr_25"]), f"{row['psnr_5']:.2f}", f"{row['psnr_100']:.2f}"]
        cells += [f"{row['seconds']:.0f}", f"{row['load']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _variants(table: pd.DataFrame, recipes: Recipes, trained: set[tuple[str, str, float]]) -> list[str]:
    header = ["variant", "steps", "s a step", *(f"{change}, {rate:g}" for change, rate in recipes)]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for variant in (variant for variant in NAMES if variant in recipes.index):
        rows = table[table["variant"] == variant]
        cells = [NAMES[variant], str(rows["steps"].min()), f"{(rows['seconds'] / rows['steps']).min():.2f}"]
        cells += [_psnr(recipes.loc[variant, key]) if (variant, *key) in trained else "" for key in recipes]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
