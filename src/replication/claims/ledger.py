"""What a claim is, and how comparisons make a verdict.

A part of a rule holds when none of its comparisons fails and at least as many hold as are open; it fails when more fail
than hold. A claim holds when all of its parts hold, and fails when all that are decided fail. Otherwise it is mixed
when a comparison fails, and open when none does.

    reproduced               holds, at the published scale or without regard to size and training
    refuted                  fails or is mixed, there
    at reduced scale only    holds, fails, is mixed or open below the published scale
    not tested               open at the published scale, or not run in this profile

Networks are at the published scale when they have the published size and come within SHORTFALL of the published PSNR, where
the paper prints or draws one: a large network after short training is not what the paper is about. A claim about trained networks
also needs all of its experiments: with some of them not reported it is at reduced scale only.

Tests of this repository check in numbers what the paper proves; the line names them. A claim that is nothing but a
proof needs no results: it counts as reproduced, and the tests must pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from replication.claims.paper import PaperSummary
from replication.claims.parts import Counts, Outcome, Part
from replication.results.summary import CollectError, Summary, matched
from replication.study.params import Params
from replication.study.published import Published, is_published_size

REPRODUCED, REFUTED, REDUCED, NOT_TESTED = "reproduced", "refuted", "at reduced scale only", "not tested"
VERDICTS: tuple[str, ...] = (REPRODUCED, REFUTED, REDUCED, NOT_TESTED)
SHORTFALL = 0.3  # dB
HOLDS, FAILS, MIXED, OPEN = "holds", "fails", "mixed", "open"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a claim is decided.

    `title`: the statement in about ten words. `fixed`: the day on which the rule took this form.
    `decide`: from the collected tables; None where tests of this repository say it all.
    `groups`: of runs that it needs. `backbones`: that these must have, where a profile may lack one of them.
    `section`: the analysis of them that it needs.
    `trained`: whether the claim is about trained networks, so that the size and training of these `variants` matter.
    `stage`: what makes the numbers again; by default the analysis, or the evaluation of the groups.
    `tests`: that check what is proved. `evidence`: figures and tables.
    `finding`: a remark on the paper's own numbers, beside those that fail under this rule.
    """

    id: str
    title: str
    statement: str
    where: str
    rule: str
    fixed: str
    decide: Callable[[Params, Summary | PaperSummary], Outcome] | None = None
    groups: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    section: str = ""
    trained: bool = True
    variants: tuple[str, ...] = ("baseline", "wne")
    stage: str = ""
    tests: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    finding: Callable[[Published], str] | None = None


@dataclass(frozen=True)
class Claim:
    """A line of the ledger.

    `parts` and `papers`: the comparisons, here and with the paper's own numbers; papers has the parts for which the
    paper prints numbers or draws curves that were read. `finding`: which of the paper's own numbers contradict the
    claim. `notes`: what goes before the numbers, and what was not run.
    `outcome`: holds, fails, mixed or open; empty where nothing was compared.
    """

    rule: Rule
    verdict: str
    outcome: str
    parts: tuple[Part, ...]
    papers: tuple[Part, ...]
    finding: str
    notes: tuple[str, ...]
    n: str
    command: str

    @property
    def counts(self) -> Counts:
        return Outcome(self.parts, "").counts

    @property
    def paper(self) -> str:
        """The paper's numbers under this rule; where there are none, the figure or proof."""
        return "; ".join(part.text for part in self.papers) or self.rule.where

    @property
    def ours(self) -> str:
        return "; ".join((*self.notes, *(part.text for part in self.parts)))

    @property
    def decided(self) -> str:
        """The verdict, and at reduced scale what came out there."""
        return f"{self.verdict}: {self.outcome}" if self.verdict == REDUCED else self.verdict

    def row(self) -> dict[str, object]:
        """As in claims.csv."""
        rule = self.rule
        return {
            "id": rule.id, "statement": rule.statement, "where": rule.where, "verdict": self.verdict,
            "outcome": self.outcome, **self.counts._asdict(), "ours": self.ours, "n": self.n, "paper": self.paper,
            "finding": self.finding, "rule": rule.rule, "fixed": rule.fixed, "command": self.command,
            "evidence": ", ".join((*rule.tests, *rule.evidence)),
        }  # fmt: skip


def outcome_of(parts: tuple[Part, ...]) -> str:
    """holds, fails, mixed or open, by the rule at the head of this module; empty where there is no comparison."""
    counts, states = Outcome(parts, "").counts, [part.holds for part in parts]
    if not any(counts):
        return ""
    if all(states):
        return HOLDS
    if True not in states and False in states:
        return FAILS
    return MIXED if counts.fail else OPEN


def reduced_outcomes(claims: Iterable[Claim]) -> list[str]:
    """["7 hold", "2 are mixed", ...]: what came out of the claims that are decided at reduced scale only."""
    words = {HOLDS: ("holds", "hold"), MIXED: ("is mixed", "are mixed"), OPEN: ("is open", "are open"),
             FAILS: ("fails", "fail")}  # fmt: skip
    found = Counter(claim.outcome for claim in claims if claim.verdict == REDUCED)
    return [f"{found[outcome]} {one if found[outcome] == 1 else more}" for outcome, (one, more) in words.items()
            if found[outcome]]  # fmt: skip


def settle(rule: Rule, params: Params, summary: Summary, published: Published) -> Claim:
    """The line of one claim in a profile.

    Raises:
        CollectError: runs or analyses that the profile reports are missing from the summary.
    """
    _refuse_missing(params, summary, rule)
    papers = rule.decide(params, PaperSummary(published)).parts if rule.decide else ()
    absent = [group for group in rule.groups if not params.is_reported(group)]
    run_here = set(summary.training.loc[summary.training["group"].isin(rule.groups), "backbone"])
    lacking = [] if len(absent) == len(rule.groups) else [b for b in rule.backbones if b not in run_here]
    unmade = [rule.section] if rule.section and not params.reported(rule.section) else []
    notes = [f"proved; checked in numbers by {' and '.join(rule.tests)}"] if rule.tests else []
    parts, n, made, outcome = (), "", NOT_TESTED, ""
    if rule.decide is None:
        made, outcome = REPRODUCED, HOLDS
    elif unmade or (rule.groups and len(absent) == len(rule.groups)):
        notes = []
    else:
        found = rule.decide(params, summary)
        parts, n, notes = tuple(part for part in found.parts if part.tests), found.n, [*notes, found.note]
        outcome = outcome_of(parts)
        if outcome:
            whole = {HOLDS: REPRODUCED, OPEN: NOT_TESTED}.get(outcome, REFUTED)
            below = _shortfall(rule, summary, published) if rule.trained else 0.0
            partly = rule.trained and bool(absent or lacking)
            made = REDUCED if found.is_reduced or partly or below > SHORTFALL else whole
            if SHORTFALL < below < math.inf:
                notes.append(f"published size, up to {below:.2f} dB below the published PSNR ({SHORTFALL} dB allowed)")
    notes += [f"not run: {', '.join((*absent, *unmade, *lacking))}"] if absent or unmade or lacking else []
    return Claim(
        rule=rule,
        verdict=made,
        outcome=outcome,
        parts=parts,
        papers=tuple(part for part in papers if part.tests),
        finding=_finding(rule, papers, published),
        notes=tuple(filter(None, notes)),
        n=n,
        command=_command(rule, params),
    )


def _finding(rule: Rule, papers: tuple[Part, ...], published: Published) -> str:
    failing = [
        f"{part.name} {part.style(test.value)}{part.unit and f' {part.unit}'} ({test.label})"
        for part in papers
        for test in part.tests
        if test.holds is False
    ]
    words = [f"the paper's own numbers fail this rule: {', '.join(failing)}"] if failing else []
    return "; ".join([*words, *([rule.finding(published)] if rule.finding else [])])


def _shortfall(rule: Rule, summary: Summary, published: Published) -> float:
    """How far the networks behind the claim are below the published PSNR, at most, in dB; infinite for a smaller network."""
    runs = summary.training
    runs = runs[runs["group"].isin(rule.groups) & runs["variant"].isin(rule.variants)]
    if not all(is_published_size(row.backbone, row.parameters) for row in runs.itertuples()):
        return math.inf
    supervised = runs.loc[runs["objective"] == "supervised", "run"]  # what the paper prints
    rows = matched(summary.curves[summary.curves["run"].isin(supervised)])
    printed = []
    for row in rows.itertuples():
        place = row.backbone, row.variant, row.test_set, row.sigma_train
        is_gaussian = row.noise == "gaussian"
        printed.append(published.matched_psnr(*place) if is_gaussian else published.corrupted_psnr(row.noise, *place))
    return max((paper - ours for paper, ours in zip(printed, rows["psnr"]) if paper is not None), default=0.0)


def _command(rule: Rule, params: Params) -> str:
    """The tests, or the DVC stages that make the numbers again and those that sum up; empty where there are none.

    They start from the trained runs; without `-s` DVC trains what is missing.
    """
    if rule.tests:
        return " ".join(("pytest", *rule.tests))
    stage = rule.stage or rule.section or "evaluate"
    if stage != "timing":
        chosen = [name for name in rule.groups if params.is_reported(name)]
        chosen = chosen if stage == "evaluate" else list(getattr(params, stage))
        if not chosen:
            return ""
        stage += f"@{chosen[0]}" if len(chosen) == 1 else f"@{{{','.join(chosen)}}}"
    folder = Path(params.params_file).parent
    file = "" if folder == Path() else f"{(folder / 'dvc.yaml').as_posix()}:"
    return "dvc repro -s " + " ".join(f"{file}{name}" for name in (stage, "collect", "tables"))


def _refuse_missing(params: Params, summary: Summary, rule: Rule) -> None:
    """One error with the runs of reported groups, and the analyses, that the summary lacks."""
    tested = {name for table in (summary.curves, summary.real) for name in table["run"].unique()}
    present = tested & set(summary.training["run"]) & set(summary.defects["run"])
    wanted = [run for group in rule.groups if params.is_reported(group) for run in params.runs_of(group)]
    missing = [run for run in wanted if run not in present]
    if rule.section:
        rows = getattr(summary, rule.section)
        items = set(rows["item"]) if len(rows) else set()
        missing += [f"{rule.section}.{item}" for item in params.reported(rule.section) if item not in items]
    if missing:
        raise CollectError(f"claim {rule.id}: the summary lacks {', '.join(missing)}; make it with: replicate collect")
