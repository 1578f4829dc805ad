"""README's generated tables, from the summaries of the committed profiles: rewritten by `replicate readme`.

The ledger of claims, and the counterpart of the paper's Table 1: PSNR at matched noise, ours beside the paper's.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from replication.claims import Claim
from replication.claims import claims as settle_all
from replication.results.summary import Summary, of_group, read_summary
from replication.study import labels
from replication.study.params import Params, load_params
from replication.study.paths import ProfilePaths
from replication.study.published import Published, read_published

START, END = "<!-- {name}: made by `replicate readme` -->", "<!-- end of {name} -->"
_PAPERS_SETS = ("set12", "bsd68")
_PROFILES = ("params.yaml", "profiles/bsd400/params.yaml")  # whose results are in the repository


def claims(profiles: dict[str, tuple[Params, Summary]], published: Published) -> str:
    """The ledger as Markdown: claim, the paper's number, ours with the verdict in each profile, and the command.

    Ours: for each part of the claim's rule the least favourable number with its interval, and in brackets how
    many of the comparisons hold. The rules: claims.csv of each profile.
    """
    ledgers = [settle_all(params, summary, published) for params, summary in profiles.values()]
    head = ["", "claim", "paper", *(f"`{name}`" for name in profiles), "command"]
    lines = [head, ["---"] * len(head)]
    for columns in zip(*ledgers):
        claim = columns[0]
        statement = claim.statement + ("" if claim.paper == claim.where else f" ({claim.where})")
        lines.append([claim.id, statement, claim.paper, *map(_cell, columns), f"`{claim.command}`"])
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _cell(claim: Claim) -> str:
    """The verdict and the numbers; the reason where there are none."""
    return f"**{claim.verdict}**: {claim.short or claim.ours}"


def read_profiles(root: Path = Path(".")) -> tuple[dict[str, tuple[Params, Summary]], Published]:
    """Parameters and summaries of the profiles whose results are in the repository, and the paper's numbers."""
    profiles = {}
    for file in _PROFILES:
        params = load_params(root / file)
        profiles[params.profile] = params, read_summary(params, ProfilePaths(params.profile, root))
    return profiles, read_published(root / "data/paper_values.csv")


def matched(summary: Summary, published: Published) -> str:
    """Table 1 as Markdown: for each training noise and denoiser PSNR with its interval, the paper's, the difference;
    on Set12 also without the images that are in the training set; and the gain of WNE over its baseline, and the paper's.
    """
    head = ["sigma", "denoiser"]
    for test_set in _PAPERS_SETS:
        name = labels.test_set_label(test_set)
        head += [f"{name}, dB", "paper", "difference", *([f"{name} without 04"] if test_set == "set12" else [])]
        head += ["gain over baseline", "paper"]
    lines = [head, ["---"] * len(head)]
    curves = pd.concat([of_group(summary.curves, group) for group in ("cnn", "swinir")])
    curves = curves[curves["sigma_test"] == curves["sigma_train"].astype(float)]
    for sigma in sorted(curves["sigma_train"].unique(), key=float):
        for _, rows in curves[curves["sigma_train"] == sigma].groupby("run", sort=False):
            first = rows.iloc[0]
            cells = [sigma, labels.denoiser_label(first["backbone"], first["variant"])]
            for test_set in _PAPERS_SETS:
                cells += _matched_cells(summary, published, rows[rows["test_set"] == test_set].iloc[0])
            lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _matched_cells(summary: Summary, published: Published, row: pd.Series) -> list[str]:
    """PSNR, the paper's, the difference; on Set12 the mean without leaked images; gain and the paper's gain."""
    place = (row["test_set"], row["sigma_train"])
    printed = published.matched_psnr(row["backbone"], row["variant"], *place)
    cells = [f"{row['psnr']:.2f} [{row['psnr_low']:.2f}, {row['psnr_high']:.2f}]"]
    cells += ["", ""] if printed is None else [f"*{printed:.2f}*", f"{row['psnr'] - printed:+.2f}"]
    if row["test_set"] == "set12":
        rest = summary.unleaked[(summary.unleaked["run"] == row["run"]) & (summary.unleaked["test_set"] == "set12")]
        cells.append("" if rest.empty else f"{rest['psnr_unleaked'].iloc[0]:.2f}")
    pairs = summary.paired[(summary.paired["run"] == row["run"]) & (summary.paired["test_set"] == row["test_set"])]
    pairs = pairs[pairs["sigma_test"] == row["sigma_test"]]
    if pairs.empty:
        return [*cells, "", ""]
    gain = pairs.iloc[0]
    cells.append(f"{gain['psnr_gain']:+.2f} [{gain['psnr_gain_low']:+.2f}, {gain['psnr_gain_high']:+.2f}]")
    family = "dncnn" if row["backbone"] == "fdncnn" else row["backbone"]  # the baseline of Table 1
    bare = published.matched_psnr(family, "baseline", *place)
    return [*cells, "" if None in (printed, bare) else f"*{printed - bare:+.2f}*"]


def blocks(profiles: dict[str, tuple[Params, Summary]], published: Published) -> dict[str, str]:
    """Name of a block of README -> its table."""
    return {"claims": claims(profiles, published), "matched": matched(profiles["bsd400"][1], published)}


def replace_block(readme: str, name: str, block: str) -> str:
    """The text of README with the table between the two marks of that name replaced.

    Raises:
        ValueError: a mark is missing.
    """
    start, end = START.format(name=name), END.format(name=name)
    if start not in readme or end not in readme:
        raise ValueError(f"README.md: lacks the marks {start} and {end} around a generated table")
    before, rest = readme.split(start, 1)
    return f"{before}{start}\n{block}\n{end}{rest.split(end, 1)[1]}"
