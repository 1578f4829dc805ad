"""README's tables, from the summaries of the committed profiles: rewritten by `replicate readme`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from replication.claims import VERDICTS, Claim
from replication.claims.ledger import NOT_TESTED, REDUCED, reduced_outcomes
from replication.claims.parts import Part, Test
from replication.report.source import Source, read_source
from replication.report.table import Row, Table
from replication.results.length import MAIN, gaps_by_steps, training_steps
from replication.study.params import load_params
from replication.study.paths import ProfilePaths

START, END = "<!-- {name}: made by `replicate readme` -->", "<!-- end of {name} -->"
_PROFILES = ("profiles/bsd400/params.yaml", "params.yaml")  # every claim; the stronger first
_PUBLISHED = "profiles/published/params.yaml"  # the DnCNN family alone
_CURVE = "DnCNN, sigma 25"  # of Fig. 3
_ON_CURVE = (_CURVE, *(f"{_CURVE}, {place} noise" for place in ("lowest", "highest")))
_AGAINST = {"WNE - baseline": "baseline", "DnCNN-WNE - NE-arch": "ne_arch", "WNE - SE-arch": "se_arch"}


def strongest(profiles: list[Source]) -> list[tuple[str, Claim]]:
    """Each claim, with the profile, from the first profile that tests it."""
    chosen = []
    for settled in zip(*(source.claims for source in profiles)):
        tested = [i for i, claim in enumerate(settled) if claim.verdict != NOT_TESTED]
        first = tested[0] if tested else 0
        chosen.append((profiles[first].params.profile, settled[first]))
    return chosen


def claims(profiles: list[Source]) -> str:
    """A sentence that counts the verdicts, and a row for each claim: title, the paper's number, ours, verdict."""
    chosen = strongest(profiles)
    found = Counter(claim.verdict for _, claim in chosen)
    outcomes = ", ".join(reduced_outcomes(claim for _, claim in chosen))
    within = {REDUCED: outcomes and f" ({outcomes})"}
    counts = ", ".join(f"{found[verdict]} {verdict}{within.get(verdict, '')}" for verdict in VERDICTS)
    rows: list[Row] = []
    for profile, claim in chosen:
        verdict = claim.decided if profile == chosen[0][0] else f"{claim.decided} ({profile})"
        rows.append([f"[{claim.rule.id}][{profile}] {claim.rule.title}", *_numbers(claim), verdict])
    table = Table("", [["claim", "paper", "ours", "verdict"]], [rows]).markdown()
    pages = (f"[{name}]: results/{name}/README.md#the-papers-claims" for name in dict.fromkeys(dict(chosen)))
    return "\n\n".join([f"**{counts}.**", table, "\n".join(pages)])


def beside_paper(published: Source) -> str:
    """A row for each comparison of C3 and C4 on one curve of Fig. 3 that the paper prints too: its value, ours in dB.

    Ours in a column for each length of training (mean over seeds); that of the DnCNN-WNE that the claims are decided on
    has the intervals.
    """
    params, steps = published.params, training_steps(published.params)
    main = next(steps[run] for run in params.runs_of(MAIN["dncnn"]) if params.runs[run].variant == "wne")
    gaps = gaps_by_steps(params, published.summary).query("backbone == 'dncnn' and sigma_train == '25'")
    means = gaps.groupby(["steps", "against_variant", "place"])["psnr_gain"].mean()
    lengths = sorted({main, *gaps["steps"]})
    rows: list[Row] = []
    for part, test, paper in _printed(published.claims):
        name, place = _comparison(part, test)
        decided = f"{part.style(test.value)} [{part.style(test.low)}, {part.style(test.high)}]"
        shorter = [means.get((n, _AGAINST[name], place)) for n in lengths]
        ours = ["not run" if gap is None else part.style(gap) for gap in shorter]
        ours[lengths.index(main)] = decided
        rows.append([f"{name}, {place} noise", part.style(paper), *ours])
    return Table("", [[f"{_CURVE}, dB", "paper", *(f"{n:,} steps" for n in lengths)]], [rows]).markdown()


def _printed(claims: Sequence[Claim]) -> Iterator[tuple[Part, Test, float]]:
    """The comparisons of C3 and C4 on the curve that the paper has too, with its value."""
    for claim in (claim for claim in claims if claim.rule.id in ("C3", "C4")):
        papers = {(part.name, test.label): test.value for part in claim.papers for test in part.tests}
        for part in claim.parts:
            for test in part.tests:
                if test.label in _ON_CURVE and (part.name, test.label) in papers:
                    yield part, test, papers[part.name, test.label]


def _comparison(part: Part, test: Test) -> tuple[str, str]:
    """What is compared, and the noise: "WNE - baseline" and "highest"."""
    words = f"{part.name}{test.label.removeprefix(_CURVE)}".split(", ")
    (place,) = (word for word in words if word.endswith(" noise"))
    (name,) = (word for word in words if word != place)
    return name, place.removesuffix(" noise")


def _numbers(claim: Claim) -> tuple[str, str]:
    """The paper's and ours, of the first part of the rule; where there is none, the place and the counts."""
    if not claim.parts:
        return claim.rule.where, "proved; the tests check it in numbers" if claim.rule.tests else "; ".join(claim.notes)
    part = claim.parts[0]
    printed = [paper.number for paper in claim.papers if paper.name == part.name]
    paper, ours = (number.removeprefix("median ") for number in ((printed or [claim.rule.where])[0], part.number))
    failing = "; ".join(
        f"{'' if other is part else f'{other.name} '}{_failing(other)}" for other in claim.parts if other.counts.fail
    )
    return paper, f"{part.name}: {ours}; {claim.counts}" + (failing and f" (fails: {failing})")


def _failing(part: Part) -> str:
    """The value that fails; of several on one side of the bounds their range."""
    values = [test.value for test in part.tests if test.holds is False]
    sides = [value for value in values if value < part.bounds.lower], [v for v in values if v >= part.bounds.lower]
    ranges = [" to ".join(dict.fromkeys(map(part.style, (min(side), max(side))))) for side in sides if side]
    return " and ".join(ranges) + (part.unit and f" {part.unit}")


def blocks(root: Path = Path(".")) -> dict[str, str]:
    """Name of a block of README -> its text, from the results in the repository."""
    *profiles, published = (_source(root, file) for file in (*_PROFILES, _PUBLISHED))
    return {"published": beside_paper(published), "claims": claims(profiles)}


def _source(root: Path, file: str) -> Source:
    params = load_params(root / file)
    return read_source(params, ProfilePaths(params.profile, root))


def replace_block(readme: str, name: str, block: str) -> str:
    """The text of README with what stands between the two marks of that name replaced; ValueError: a mark is missing."""
    start, end = START.format(name=name), END.format(name=name)
    if start not in readme or end not in readme:
        raise ValueError(f"README.md: lacks the marks {start} and {end} around a generated table")
    before, rest = readme.split(start, 1)
    return f"{before}{start}\n{block}\n{end}{rest.split(end, 1)[1]}"
