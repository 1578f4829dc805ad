"""README's table, from the summaries of the committed profiles: rewritten by `replicate readme`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from replication.claims import VERDICTS, Claim
from replication.claims.ledger import NOT_TESTED, REDUCED, reduced_outcomes
from replication.claims.parts import Part
from replication.report.source import Source, read_source
from replication.report.table import Row, Table
from replication.study.params import load_params
from replication.study.paths import ProfilePaths

START, END = "<!-- claims: made by `replicate readme` -->", "<!-- end of claims -->"
_PUBLISHED = "profiles/published/params.yaml"
_SMALL = ("profiles/bsd400/params.yaml", "params.yaml")  # every claim; the stronger first
_NOT_RUN = "not run"


def strongest(profiles: list[Source]) -> list[tuple[str, Claim]]:
    """Each claim, with the profile, from the first profile that tests it."""
    chosen = []
    for settled in zip(*(source.claims for source in profiles)):
        tested = [i for i, claim in enumerate(settled) if claim.verdict != NOT_TESTED]
        first = tested[0] if tested else 0
        chosen.append((profiles[first].params.profile, settled[first]))
    return chosen


def claims(published: Source, small: list[Source]) -> str:
    """A sentence that counts the verdicts, and a row for each claim: the paper's number, and ours for both sizes.

    The number is that of the first part of the rule. Small networks: from the first profile that tests the claim.
    """
    chosen, first = strongest(small), small[0].params.profile
    rows: list[Row] = []
    for large, (profile, claim) in zip(published.claims, chosen):
        name = claim.parts[0].name if claim.parts else ""
        other = "" if profile == first else f" ([{profile}])"
        numbers = (_papers(claim, name), _ours(large, name), _ours(claim, name) + other)
        rows.append([f"{claim.rule.id} {claim.rule.title}", name or "proved; tested in numbers", *numbers])
    head = ["claim", "first comparison", "paper", f"[{published.params.profile}] size", f"small networks ([{first}])"]
    counts = (("Published size", published.claims), ("Small networks", [claim for _, claim in chosen]))
    sentences = " ".join(f"{size}: {_counted(settled)}." for size, settled in counts)
    names = dict.fromkeys((published.params.profile, first, *dict(chosen)))
    pages = (f"[{name}]: results/{name}/README.md#the-papers-claims" for name in names)
    return "\n\n".join([f"**{sentences}**", Table("", [head], [rows]).markdown(), "\n".join(pages)])


def _counted(settled: Iterable[Claim]) -> str:
    """4 reproduced, 0 refuted, 13 at reduced scale only (6 hold, 6 are mixed, 1 is open), 0 not tested."""
    settled = list(settled)
    found, outcomes = Counter(claim.verdict for claim in settled), ", ".join(reduced_outcomes(settled))
    within = {REDUCED: outcomes and f" ({outcomes})"}
    return ", ".join(f"{found[verdict]} {verdict}{within.get(verdict, '')}" for verdict in VERDICTS)


def _papers(claim: Claim, name: str) -> str:
    """The paper's number; where it prints none, the place."""
    return next((_number(part) for part in claim.papers if part.name == name), claim.rule.where)


def _ours(claim: Claim, name: str) -> str:
    """The verdict, at reduced scale its outcome; the counts of all parts; the number of the part `name`."""
    if not claim.outcome:
        return "not run"
    verdict = claim.outcome if claim.verdict in (REDUCED, NOT_TESTED) else f"**{claim.verdict}**"
    decided = f"{verdict}, {claim.counts}" if claim.parts else verdict
    return ": ".join([decided, *(_number(part) for part in claim.parts if part.name == name)])


def _number(part: Part) -> str:
    return part.number.removeprefix("median ")


def made_table(root: Path = Path(".")) -> str:
    """The table from the results in the repository, as it stands in README."""
    published, *small = (_source(root, file) for file in (_PUBLISHED, *_SMALL))
    return claims(published, small)


def _source(root: Path, file: str) -> Source:
    params = load_params(root / file)
    return read_source(params, ProfilePaths(params.profile, root))


def with_table(readme: str, table: str) -> str:
    """The text of README with what stands between the two marks replaced; ValueError: a mark is missing."""
    if START not in readme or END not in readme:
        raise ValueError(f"README.md: lacks the marks {START} and {END} around the generated table")
    before, rest = readme.split(START, 1)
    return f"{before}{START}\n{table}\n{END}{rest.split(END, 1)[1]}"
