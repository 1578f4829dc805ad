"""docs/recipes.md from the scores of benchmarks/recipe.py: every number and every verdict is derived."""

from __future__ import annotations

import pandas as pd

NAMES = {
    "dncnn-baseline": "DnCNN", "dncnn-wne": "DnCNN, WNE",
    "fdncnn-baseline": "FDnCNN", "fdncnn-wne": "FDnCNN, WNE",
    "fdncnn-se_arch": "FDnCNN, SE-arch", "fdncnn-ne_arch": "FDnCNN, NE-arch",
    "swinir-baseline": "SwinIR", "swinir-wne": "SwinIR, WNE",
}  # fmt: skip
MAIN = "dncnn-wne"
NOISE_DB = {25: 20.17}  # PSNR of the noisy input, 20 log10(255 / sigma): a denoiser below it has failed


def page(table: pd.DataFrame, base: str, versions: str, images: int) -> str:
    """Markdown. `table`: recipe.csv. `base`: the change that others are compared with. `images`: of the validation."""
    steps = table[table["variant"] == MAIN]["steps"].min()
    main = table[table["variant"] == MAIN]
    is_long = main["steps"] * main["batch"] * main["patch"] ** 2 > 2 * steps * 16 * 48**2
    short, long = main[~is_long], main[is_long]
    reference = short[short["change"] == base]["psnr_25"].iloc[0]
    lines = [
        "# Training recipes",
        "",
        f"<!-- made by `python -m benchmarks.recipe`: {versions} -->",
        "",
        *_findings(table, short, long, reference, base),
        "",
        f"Published-size networks on BSD400 at sigma 25. PSNR in dB on {images} images of the validation split of BSDS500",
        "that are in no test set (the rest of that split is BSD68), central crops, one noise field each; on the first 8",
        "of them for SwinIR. Networks compared with each other have one seed's patches, noise and initial weights.",
        "Seconds are those of the training at the load given (processes that want one of 2 cores, this one included as 2),",
        "so they bound the seconds on an idle machine from above.",
        "",
        "## One change at a time, DnCNN with WNE, equal numbers of pixels",
        "",
        *_table(short, reference),
    ]
    if len(long):
        lines += ["", "## Longer schedules", "", *_table(long, None)]
    lines += ["", "## One recipe for every variant", "", *_stability(table)]
    return "\n".join([*lines, ""])


def has_failed(row: pd.Series) -> bool:
    """No finite output, or one that is worse than the noisy image."""
    return not row["psnr_25"] > NOISE_DB[25]


def _findings(table: pd.DataFrame, short: pd.DataFrame, long: pd.DataFrame, reference: float, base: str) -> list[str]:
    best = short.loc[short["psnr_25"].idxmax()]
    text = (
        f"After {short['steps'].mode()[0]} steps {_label(best)} is best, {best['psnr_25']:.2f} dB against {reference:.2f} dB "
        f"for {base}."
    )
    if len(long):
        last = long.loc[long["psnr_25"].idxmax()]
        text += f" The longest run of it reaches {last['psnr_25']:.2f} dB ({_label(last)}, {last['steps']} steps)."
    return [text]


def _label(row: pd.Series) -> str:
    return f"{row['change']} at {row['rate']:g}"


def _table(rows: pd.DataFrame, reference: float | None) -> list[str]:
    rows = rows.sort_values("psnr_25", ascending=False)
    gain = [] if reference is None else ["gain"]
    header = [
        "change",
        "rate",
        "steps",
        "batch",
        "patch",
        "seed",
        "sigma 25",
        *gain,
        "sigma 5",
        "sigma 100",
        "s",
        "load",
    ]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for _, row in rows.iterrows():
        cells = [row["change"], f"{row['rate']:g}", *(str(row[k]) for k in ("steps", "batch", "patch", "seed"))]
        cells += [_psnr(row["psnr_25"])]
        cells += [] if reference is None else [f"{row['psnr_25'] - reference:+.2f}"]
        cells += [_psnr(row["psnr_5"]), _psnr(row["psnr_100"]), f"{row['seconds']:.0f}", f"{row['load']:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _psnr(value: float) -> str:
    return f"{value:.2f}" if value == value else "diverged"


def _stability(table: pd.DataFrame) -> list[str]:
    """A row for each variant, a column for each recipe that several variants were trained with."""
    table = table[table["seed"] == 0]
    shortest = table[["change", "rate", "variant"]].assign(steps=table["steps"])
    table = table[shortest["steps"] == shortest.groupby(["change", "rate", "variant"])["steps"].transform("min")]
    counts = table.groupby(["change", "rate"])["variant"].nunique()
    recipes = [key for key, count in counts.items() if count > 1]
    header = ["variant", "steps", *(f"{change}, {rate:g}" for change, rate in recipes)]
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for variant, name in NAMES.items():
        rows = table[table["variant"] == variant].set_index(["change", "rate"])
        if rows.empty:
            continue
        cells = [_psnr(rows.loc[key, "psnr_25"]) if key in rows.index else "" for key in recipes]
        lines.append(f"| {name} | {rows['steps'].min()} | {' | '.join(cells)} |")
    return lines
