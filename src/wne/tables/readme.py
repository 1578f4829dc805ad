"""README's table of claims, from the summaries of the committed profiles: rewritten by `wne readme`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from wne.collect import Summary, covered, read_summary
from wne.params import load_params
from wne.paths import ProfilePaths
from wne.style import test_set_label
from wne.tables.published import Published, read_published

START, END = "<!-- claims: made by `wne readme` -->", "<!-- end of claims -->"
# where the paper has it -> the stage that measures it here
_COMMANDS = {
    "App. E": "wne evaluate RUN",
    "Table 1": "wne evaluate RUN",
    "Fig. 3": "wne evaluate RUN",
    "Fig. 4": "wne evaluate RUN",
    "Table 4": "wne train RUN",
    "Table 5": "wne timing",
    "Table 6": "wne timing",
    "Table 3, Fig. 7": "wne difficulty SET",
    "not audited": "wne audit SET",
}
_SIGMA = "25"  # the training noise that every profile has


def claims(summaries: dict[str, Summary], published: Published) -> str:
    """The table as Markdown: claim, figure or table, the paper's number, and ours in each profile.

    Differences are paired over images, in dB, with the bootstrap interval of the profile in brackets.
    """
    rows: list[tuple[str, str, str, Callable[[Summary], str]]] = [
        ("WNE is exactly NE: largest defect eps_NE, WNE \\| baselines' smallest", "App. E", "0", _defects),
        ("training: steps and minutes of each run", "Table 4", "500,000 to 900,000 steps, GPU", _cost),
        ("PSNR at sigma 25, DnCNN: baseline \\| WNE", "Table 1", _printed_psnr(published, "dncnn"), _psnr("dncnn")),
        ("PSNR at sigma 25, SwinIR: baseline \\| WNE", "Table 1", _printed_psnr(published, "swinir"), _psnr("swinir")),
        (
            "matched noise, DnCNN: WNE - baseline",
            "Table 1",
            _printed_matched(published, "dncnn"),
            _gain("dncnn", "matched"),
        ),
        (
            "matched noise, SwinIR: WNE - baseline",
            "Table 1",
            _printed_matched(published, "swinir"),
            _gain("swinir", "matched"),
        ),
        ("trained at 25, tested at 100, DnCNN: WNE - baseline", "Fig. 3", "curve", _gain("dncnn", "highest")),
        ("trained at 25, tested at 100, SwinIR: WNE - baseline", "Fig. 4", "curve", _gain("swinir", "highest")),
        ("trained at 25, tested at 5, DnCNN: WNE - baseline", "Fig. 3", "curve", _gain("dncnn", "lowest")),
        ("the same for SwinIR", "Fig. 4", "curve", _gain("swinir", "lowest")),
        ("largest distance of WNE from NE-arch over the sweep", "Fig. 3", "small", _distance),
    ]
    for family, label, variant in (
        ("fdncnn", "WNE", "wne"),
        ("fdncnn", "NE-arch", "ne_arch"),
        ("swinir", "WNE", "wne"),
    ):
        for mode, name in (("training", "training step"), ("inference", "inference")):
            place = "Table 5" if family == "swinir" else "Table 6"
            printed = published.time_ratio(family, variant, "cpu", mode)
            backbone = {"fdncnn": "FDnCNN", "swinir": "SwinIR"}[family]
            rows.append(
                (
                    f"time of {label} / baseline, {backbone}, CPU, {name}",
                    place,
                    f"{printed:.2f}",
                    _ratio(family, variant, mode),
                )
            )
    for train, test in ((10, 50), (50, 10)):
        name = f"overlap m({test}; {train}) of the difficulties at test and training noise"
        rows.append((name, "Table 3, Fig. 7", f"{published.coverage(train, test):.0f} %", _overlap(train, test)))
    rows.append(("test images inside the training set", "not audited", "-", _leaked))
    head = ["claim", "where", "command", "paper", *(f"`{name}`" for name in summaries)]
    lines = [head, ["---"] * len(head)]
    lines += [
        [claim, place, f"`{_COMMANDS[place]}`", paper, *(ours(s) for s in summaries.values())]
        for claim, place, paper, ours in rows
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def read_profiles(root: Path = Path(".")) -> tuple[dict[str, Summary], Published]:
    """The summaries of the profiles whose results are in the repository, and the paper's numbers."""
    summaries = {}
    for file in ("params.yaml", "profiles/bsd400/params.yaml"):
        params = load_params(root / file)
        summaries[params.profile] = read_summary(params, ProfilePaths(params.profile, root))
    return summaries, read_published(root / "data/paper_values.csv")


def replace_block(readme: str, block: str) -> str:
    """The text of README with the table between its two marks replaced.

    Raises:
        ValueError: a mark is missing.
    """
    if START not in readme or END not in readme:
        raise ValueError(f"README.md: lacks the marks {START} and {END} around its table of claims")
    before, rest = readme.split(START, 1)
    return f"{before}{START}\n{block}\n{END}{rest.split(END, 1)[1]}"


def _printed_matched(published: Published, backbone: str) -> str:
    differences = []
    for test_set in ("set12", "bsd68"):
        pair = [published.matched_psnr(backbone, variant, test_set, _SIGMA) for variant in ("wne", "baseline")]
        differences.append(f"{pair[0] - pair[1]:+.2f} ({'Set12' if test_set == 'set12' else 'BSD68'})")
    return ", ".join(differences)


def _printed_psnr(published: Published, backbone: str) -> str:
    pair = [published.matched_psnr(backbone, variant, "set12", _SIGMA) for variant in ("baseline", "wne")]
    return f"{pair[0]:.2f} \\| {pair[1]:.2f} dB (Set12)"


def _psnr(backbone: str) -> Callable[[Summary], str]:
    def ours(summary: Summary) -> str:
        curves = summary.curves
        first = curves[(curves["test_set"] == curves["test_set"].iloc[0]) & (curves["backbone"] == backbone)]
        cells = first.set_index(["variant", "sigma_train", "sigma_test"])["psnr"]
        pair = [cells.loc[(variant, _SIGMA, float(_SIGMA))] for variant in ("baseline", "wne")]
        return f"{pair[0]:.2f} \\| {pair[1]:.2f} dB ({test_set_label(first['test_set'].iloc[0])})"

    return ours


def _cost(summary: Summary) -> str:
    steps, minutes = summary.training["steps"], summary.training["seconds"] / 60
    threads = summary.training["threads"].max()
    count = f"{steps.min():,}" + (f" to {steps.max():,}" if steps.max() > steps.min() else "")
    return f"{count} steps, {minutes.min():.1f} to {minutes.max():.1f} min on {threads} threads"


def _gain(backbone: str, place: str) -> Callable[[Summary], str]:
    def ours(summary: Summary) -> str:
        rows = summary.paired
        rows = rows[
            (rows["backbone"] == backbone) & (rows["variant"] == "wne") & (rows["sigma_train"].astype(str) == _SIGMA)
        ]
        rows = rows[rows["test_set"] == rows["test_set"].iloc[0]]
        sigma = {"matched": float(_SIGMA), "lowest": rows["sigma_test"].min(), "highest": rows["sigma_test"].max()}[
            place
        ]
        row = rows[rows["sigma_test"] == sigma].iloc[0]
        return f"{row['psnr_gain']:+.2f} [{row['psnr_gain_low']:+.2f}, {row['psnr_gain_high']:+.2f}]"

    return ours


def _distance(summary: Summary) -> str:
    curves = summary.curves
    first = curves[curves["test_set"] == curves["test_set"].iloc[0]].set_index(["sigma_train", "sigma_test"])
    wne = first[(first["backbone"] == "dncnn") & (first["variant"] == "wne")]["psnr"]
    arch = first[first["variant"] == "ne_arch"]["psnr"]
    return f"{(wne - arch).abs().max():.2f} dB"


def _ratio(family: str, variant: str, mode: str) -> Callable[[Summary], str]:
    def ours(summary: Summary) -> str:
        rows = summary.timing.set_index(["device", "family", "variant", "mode"])
        row = rows.loc[("cpu", family, variant, mode)]
        return f"{row['ratio']:.2f} [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"

    return ours


def _defects(summary: Summary) -> str:
    rows = summary.defects
    exact = rows[rows["variant"] == "wne"]["paper_max"].max()
    return f"{exact:.0e} \\| {rows[rows['variant'] == 'baseline']['paper_median'].min():.0e}"


def _overlap(train: int, test: int) -> Callable[[Summary], str]:
    def ours(summary: Summary) -> str:
        sets = summary.difficulty["train_set"].unique()
        cells = {name: covered(summary.difficulty, name).loc[train, test] for name in sets}
        return ", ".join(f"{100 * cell:.0f} % ({name})" for name, cell in cells.items())

    return ours


def _leaked(summary: Summary) -> str:
    leakage: pd.DataFrame = summary.leakage
    leaked = leakage[leakage["leaked"].astype(bool)]
    names = ", ".join(f"{row.test_set}/{row.image}" for row in leaked.itertuples())
    return f"{len(leaked)} of {len(leakage)}" + (f": {names}" if names else "")
