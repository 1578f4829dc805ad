"""README's claim ledger, from the summaries of the committed profiles: rewritten by `wne readme`."""

from __future__ import annotations

from pathlib import Path

from wne.claims import Claim
from wne.claims import claims as settle_all
from wne.params import Params, load_params
from wne.paths import ProfilePaths
from wne.summary import Summary, read_summary
from wne.tables.published import Published, read_published

START, END = "<!-- claims: made by `wne readme` -->", "<!-- end of claims -->"
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


def replace_block(readme: str, block: str) -> str:
    """The text of README with the table between its two marks replaced.

    Raises:
        ValueError: a mark is missing.
    """
    if START not in readme or END not in readme:
        raise ValueError(f"README.md: lacks the marks {START} and {END} around its table of claims")
    before, rest = readme.split(START, 1)
    return f"{before}{START}\n{block}\n{END}{rest.split(END, 1)[1]}"
