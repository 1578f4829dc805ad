"""What a claim is, and how tests make a verdict.

    reproduced                      every test of every part holds
    partly                          at least one test holds
    not reproduced                  none holds, and at least one fails
    not tested at this scale        every test is open, or the profile does not report what the claim is about

A claim that is tested in part only (a part without tests, a group of runs that the profile lacks, another data set
in place of the paper's) is "partly" at most. Tests of this repository check in numbers what the paper proves; the line
names them. A claim that is nothing but a proof needs no results: it counts as reproduced, and the tests must pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from replication.claims.parts import Outcome
from replication.results.summary import CollectError, Summary
from replication.study.params import Params
from replication.study.published import Published

REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED = "reproduced", "partly", "not reproduced", "not tested at this scale"
VERDICTS: tuple[str, ...] = (REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a claim is decided, written down before the run that decides it.

    `decide`: from the collected tables; None where tests of this repository say it all.
    `groups`: of runs that it needs. `section`: the analysis of them that it needs.
    `stage`: what makes the numbers again; by default the analysis, or the evaluation of the groups.
    `tests`: that check what is proved. `evidence`: figures and tables.
    `paper`: its number; None where the paper has a figure or a proof, whose name then stands for it.
    """

    id: str
    statement: str
    where: str
    rule: str
    decide: Callable[[Params, Summary], Outcome] | None = None
    groups: tuple[str, ...] = ()
    section: str = ""
    stage: str = ""
    tests: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    paper: Callable[[Published], str] | None = None


@dataclass(frozen=True)
class Claim:
    """A line of the ledger, all plain text.

    `ours`: for each part of the rule the least favourable number with its interval, where it is, and how many
    comparisons hold; `short`: the same without the place. `interval`: the intervals alone, in the same order.
    """

    id: str
    statement: str
    where: str
    rule: str
    paper: str
    ours: str
    short: str
    n: str
    interval: str
    verdict: str
    command: str
    evidence: str


def verdict(outcome: Outcome) -> str:
    """The four verdicts, by the rule at the head of this module."""
    states = [test.holds for part in outcome.parts for test in part.tests]
    if all(state is None for state in states):  # also where there are none
        return NOT_TESTED
    if not any(states):
        return NOT_REPRODUCED
    is_whole = all(states) and all(part.tests for part in outcome.parts) and not outcome.is_partial
    return REPRODUCED if is_whole else PARTLY


def settle(rule: Rule, params: Params, summary: Summary, published: Published) -> Claim:
    """The line of one claim in a profile.

    Raises:
        CollectError: runs or analyses that the profile reports are missing from the summary.
    """
    _refuse_missing(params, summary, rule)
    absent = [group for group in rule.groups if not params.is_reported(group)]
    unmade = [rule.section] if rule.section and not params.reported(rule.section) else []
    reasons = [f"this profile does not report {', '.join(absent + unmade)}"] if absent or unmade else []
    proof = [f"proved; checked in numbers by {' and '.join(rule.tests)}"] if rule.tests else []
    notes, parts, n = proof, [], ""
    if rule.decide is None:
        made = REPRODUCED
    elif unmade or (rule.groups and len(absent) == len(rule.groups)):
        made, notes = NOT_TESTED, []
    else:
        outcome = rule.decide(params, summary)
        made, n = verdict(outcome), outcome.n
        made = PARTLY if absent and made == REPRODUCED else made
        parts = [part for part in outcome.parts if part.tests]
        notes = [*proof, *([outcome.note] if outcome.note else [])]
        reasons += ["the intervals decide nothing"] if made == NOT_TESTED and parts else []
    return Claim(
        id=rule.id,
        statement=rule.statement,
        where=rule.where,
        rule=rule.rule,
        paper=rule.paper(published) if rule.paper else rule.where,
        ours="; ".join([*notes, *(part.text for part in parts), *reasons]),
        short="; ".join([*notes, *(part.short for part in parts)]),
        n=n,
        interval="; ".join(part.interval for part in parts if part.interval),
        verdict=made,
        command=_command(rule, params),
        evidence=", ".join((*rule.tests, *rule.evidence)),
    )


def _command(rule: Rule, params: Params) -> str:
    """The tests, or the DVC stages that make the numbers again and those that sum up.

    They start from the trained runs; without `-s` DVC trains what is missing.
    """
    if rule.tests:
        return " ".join(("pytest", *rule.tests))
    stage = rule.stage or rule.section or "evaluate"
    if stage == "evaluate":
        chosen = [name for name in rule.groups if params.is_reported(name)] or list(rule.groups)
    else:
        chosen = list(getattr(params, stage)) if stage != "timing" else []
    if chosen:
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
