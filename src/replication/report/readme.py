"""README's generated tables, from the summaries of the committed profiles: rewritten by `replicate readme`.

The ledger of claims, and the counterpart of the paper's Table 1: PSNR at matched noise, ours beside the paper's.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from replication.report.families import matched as matched_rows
from replication.report.families import of_groups
from replication.report.source import Source, read_source
from replication.report.table import Row, Table
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from replication.study.published import Published

START, END = "<!-- {name}: made by `replicate readme` -->", "<!-- end of {name} -->"
_PAPERS_SETS = ("set12", "bsd68")
_PROFILES = ("params.yaml", "profiles/bsd400/params.yaml")  # whose results are in the repository


def claims(profiles: list[Source]) -> Table:
    """The ledger: claim, the paper's number, ours with the verdict in each profile, and the command.

    Ours: for each part of the claim's rule the least favourable number with its interval, and in brackets how
    many of the comparisons hold. The rules: claims.csv of each profile.
    """
    rows: list[Row] = []
    for settled in zip(*(source.claims for source in profiles)):
        claim = settled[0]
        statement = claim.statement + ("" if claim.paper == claim.where else f" ({claim.where})")
        ours = [f"**{each.verdict}**: {each.short or each.ours}" for each in settled]
        rows.append([claim.id, statement, claim.paper, *ours, f"`{claim.command}`"])
    return Table(
        "", [["", "claim", "paper", *(f"`{source.params.profile}`" for source in profiles), "command"]], [rows]
    )


def matched(summary: Summary, published: Published) -> Table:
    """Table 1: for each training noise and denoiser PSNR with its interval, the paper's, the difference; on Set12 also
    without the images that are in the training set; and the gain of WNE over its baseline, and the paper's."""
    head: Row = ["sigma", "denoiser"]
    for test_set in _PAPERS_SETS:
        name = labels.test_set_label(test_set)
        head += [f"{name}, dB", "paper", "difference", *([f"{name} without 04"] if test_set == "set12" else [])]
        head += ["gain over baseline", "paper"]
    rows: list[Row] = []
    curves = matched_rows(pd.concat([of_groups(summary.curves, group) for group in ("cnn", "swinir")]))
    for sigma in sorted(curves["sigma_train"].unique(), key=float):
        for _, run in curves[curves["sigma_train"] == sigma].groupby("run", sort=False):
            row: Row = [sigma, labels.denoiser_label(run["backbone"].iloc[0], run["variant"].iloc[0])]
            for test_set in _PAPERS_SETS:
                row += _cells(summary, published, run[run["test_set"] == test_set].iloc[0])
            rows.append(row)
    return Table("", [head], [rows])


def _cells(summary: Summary, published: Published, row: pd.Series) -> Row:
    """PSNR, the paper's, the difference; on Set12 the mean without leaked images; gain and the paper's gain."""
    place = (row["test_set"], row["sigma_train"])
    printed = published.matched_psnr(row["backbone"], row["variant"], *place)
    cells: Row = [f"{row['psnr']:.2f} [{row['psnr_low']:.2f}, {row['psnr_high']:.2f}]"]
    cells += ["", ""] if printed is None else [f"*{printed:.2f}*", f"{row['psnr'] - printed:+.2f}"]
    if row["test_set"] == "set12":
        rest = _same(summary.unleaked, row, "run", "test_set")
        cells.append("" if rest.empty else f"{rest['psnr_unleaked'].iloc[0]:.2f}")
    pairs = _same(summary.paired, row, "run", "test_set", "sigma_test")
    if pairs.empty:
        return [*cells, "", ""]
    gain, low, high = pairs[["psnr_gain", "psnr_gain_low", "psnr_gain_high"]].iloc[0]
    family = "dncnn" if row["backbone"] == "fdncnn" else row["backbone"]  # the baseline of Table 1
    baseline = published.matched_psnr(family, "baseline", *place)
    papers = "" if None in (printed, baseline) else f"*{printed - baseline:+.2f}*"
    return [*cells, f"{gain:+.2f} [{low:+.2f}, {high:+.2f}]", papers]


def _same(table: pd.DataFrame, row: pd.Series, *columns: str) -> pd.DataFrame:
    return table[(table[list(columns)] == row[list(columns)]).all(axis=1)]


def read_profiles(root: Path = Path(".")) -> list[Source]:
    """The profiles whose results are in the repository."""
    profiles = [load_params(root / file) for file in _PROFILES]
    return [read_source(params, ProfilePaths(params.profile, root)) for params in profiles]


def blocks(default: Source, bsd400: Source) -> dict[str, str]:
    """Name of a block of README -> its table."""
    tables = {"claims": claims([default, bsd400]), "matched": matched(bsd400.summary, bsd400.published)}
    return {name: table.markdown() for name, table in tables.items()}


def replace_block(readme: str, name: str, block: str) -> str:
    """The text of README with the table between the two marks of that name replaced; ValueError: a mark is missing."""
    start, end = START.format(name=name), END.format(name=name)
    if start not in readme or end not in readme:
        raise ValueError(f"README.md: lacks the marks {start} and {end} around a generated table")
    before, rest = readme.split(start, 1)
    return f"{before}{start}\n{block}\n{end}{rest.split(end, 1)[1]}"
