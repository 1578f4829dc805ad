"""What a claim is, and how tests make a verdict.

A claim has parts, a part has tests, and a test compares a quantity with a bound. Where the quantity has an
interval, the interval decides and not the point value: the test holds when the whole interval is on the right
side of the bound, fails when the whole interval is on the wrong side, and is open otherwise.

    reproduced                      every test of every part holds
    partly                          at least one test holds
    not reproduced                  none holds, and at least one fails
    not tested at this scale        every test is open, or the profile does not report what the claim is about

A claim that is tested in part only (a part without tests, a group of runs that the profile lacks, another data set
in place of the paper's) is "partly" at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from replication.results.summary import CollectError, Summary
from replication.study.params import Params
from replication.study.published import Published

Verdict = Literal["reproduced", "partly", "not reproduced", "not tested at this scale"]
REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED = "reproduced", "partly", "not reproduced", "not tested at this scale"
VERDICTS: tuple[str, ...] = (REPRODUCED, PARTLY, NOT_REPRODUCED, NOT_TESTED)


@dataclass(frozen=True)
class Test:
    """One comparison with a bound. `holds`: None where the interval has the bound inside, or where there is none.

    `margin`: by how much the end of the interval that decides is on the right side, in the unit of the value.
    """

    __test__ = False  # a name that pytest would collect

    label: str
    value: float
    low: float
    high: float
    holds: bool | None
    margin: float


@dataclass(frozen=True)
class Part:
    """Tests of one kind. `name` says of what, `style` writes a value, and `unit` follows it."""

    name: str
    tests: tuple[Test, ...]
    style: Callable[[float], str]
    unit: str = ""

    @property
    def worst(self) -> Test:
        """The least favourable test: a failed one before an open one, then by margin."""
        rank = {False: 0, None: 1, True: 2}
        return min(self.tests, key=lambda test: (rank[test.holds], test.margin))

    @property
    def interval(self) -> str:
        """Of the worst test; empty for a quantity without one."""
        worst = self.worst
        if math.isnan(worst.low) or math.isnan(worst.high):
            return ""
        return f"[{self.style(worst.low)}, {self.style(worst.high)}]"

    @property
    def number(self) -> str:
        """Value, interval and unit of the worst test."""
        return f"{self.style(self.worst.value)} {self.interval}".rstrip() + (f" {self.unit}" if self.unit else "")

    @property
    def held(self) -> int:
        return sum(test.holds is True for test in self.tests)

    @property
    def text(self) -> str:
        """Name, worst number and where it is, and how many tests hold."""
        made = f"{self.name}: {self.number}"
        if len(self.tests) == 1:
            return made
        return f"{made} at worst ({self.worst.label}), {self.held} of {len(self.tests)} hold"

    @property
    def short(self) -> str:
        """Name, worst number and the share of tests that hold."""
        share = f" ({self.held}/{len(self.tests)})" if len(self.tests) > 1 else ""
        return f"{self.name} {self.number}{share}"


@dataclass(frozen=True)
class Outcome:
    """What the results say. `note` goes before the numbers; `at_most`: the best verdict that may come out."""

    parts: tuple[Part, ...]
    n: str
    note: str = ""
    at_most: str = REPRODUCED


@dataclass(frozen=True)
class Rule:
    """How a claim is decided, written down before the run that decides it.

    `paper`: its number; None where the paper has a figure or a proof, whose name then stands for it.
    `groups`: of runs that it needs. `sections`: analyses that it needs, of groups that are reported.
    `command`: what makes the numbers again, in a profile. `decide`: from the collected tables.
    """

    id: str
    statement: str
    where: str
    rule: str
    groups: tuple[str, ...]
    sections: tuple[str, ...]
    command: Callable[[Params], str]
    evidence: tuple[str, ...]
    paper: Callable[[Published], str] | None
    decide: Callable[[Params, Summary], Outcome]


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


def at_least(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is at or above the bound."""
    holds = True if low >= bound else False if high < bound else None
    return Test(label, value, low, high, holds, _known(low - bound))


def at_most(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is at or below the bound."""
    holds = True if high <= bound else False if low > bound else None
    return Test(label, value, low, high, holds, _known(bound - high))


def above(label: str, value: float, low: float, high: float, bound: float = 0.0) -> Test:
    """Holds when the interval is above the bound and does not touch it."""
    holds = True if low > bound else False if high <= bound else None
    return Test(label, value, low, high, holds, _known(low - bound))


def below(label: str, value: float, low: float, high: float, bound: float = 0.0) -> Test:
    """Holds when the interval is below the bound and does not touch it."""
    holds = True if high < bound else False if low >= bound else None
    return Test(label, value, low, high, holds, _known(bound - high))


def within(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is inside [-bound, bound], fails when it has no point in it."""
    holds = True if -bound <= low and high <= bound else False if low > bound or high < -bound else None
    return Test(label, value, low, high, holds, _known(bound - max(abs(low), abs(high))))


def measured(label: str, value: float, margin: float) -> Test:
    """A quantity without an interval (a largest value, a count): holds when its margin is not negative."""
    nan = float("nan")
    return Test(label, value, nan, nan, bool(margin >= 0), margin)


def stages(stage: str, *names: str) -> Callable[[Params], str]:
    """The DVC stages of these names (groups of runs; none: all items that the section has), and those that sum up.

    They start from the trained runs; without `-s` DVC trains what is missing.
    """

    def command(params: Params) -> str:
        known = names or tuple(getattr(params, stage, ()))
        chosen = [name for name in known if stage != "evaluate" or params.is_reported(name)] or known
        first = stage if stage == "timing" else f"{stage}@{chosen[0] if len(chosen) == 1 else _braces(chosen)}"
        folder = Path(params.params_file).parent
        file = "" if folder == Path() else f"{(folder / 'dvc.yaml').as_posix()}:"
        return "dvc repro -s " + " ".join(f"{file}{name}" for name in (first, "collect", "tables"))

    return command


def _braces(names: Sequence[str]) -> str:
    return f"{{{','.join(names)}}}"


def _known(margin: float) -> float:
    return -math.inf if math.isnan(margin) else margin


def verdict(outcome: Outcome) -> str:
    """The four verdicts, by the rule at the head of this module."""
    states = [test.holds for part in outcome.parts for test in part.tests]
    if all(state is None for state in states):  # also where there are none
        return NOT_TESTED
    if all(states):
        made = REPRODUCED
    elif any(states):
        made = PARTLY
    else:
        made = NOT_REPRODUCED
    best = outcome.at_most if all(part.tests for part in outcome.parts) else PARTLY
    return max(made, best, key=VERDICTS.index)


def settle(rule: Rule, params: Params, summary: Summary, published: Published) -> Claim:
    """The line of one claim in a profile.

    Raises:
        CollectError: runs or analyses that the profile reports are missing from the summary.
    """
    refuse_missing(params, summary, rule)
    present = [group for group in rule.groups if params.is_reported(group)]
    absent = [group for group in rule.groups if group not in present]
    unmade = [section for section in rule.sections if not params.reported(section)]
    reasons = [f"this profile does not report {', '.join(absent + unmade)}"] if absent or unmade else []
    fields = {"id": rule.id, "statement": rule.statement, "where": rule.where, "rule": rule.rule}
    fields |= {
        "paper": rule.paper(published) if rule.paper else rule.where,
        "command": rule.command(params),
        "evidence": ", ".join(rule.evidence),
    }
    if unmade or (rule.groups and not present):
        return Claim(**fields, ours=reasons[0], short="", n="", interval="", verdict=NOT_TESTED)
    outcome = rule.decide(params, summary)
    made = verdict(outcome)
    if absent and made == REPRODUCED:
        made = PARTLY
    parts = [part for part in outcome.parts if part.tests]
    notes = [*([outcome.note] if outcome.note else []), *(part.text for part in parts), *reasons]
    if made == NOT_TESTED and parts:
        notes.append("the intervals decide nothing")
    return Claim(
        **fields,
        ours="; ".join(notes),
        short="; ".join([*([outcome.note] if outcome.note else []), *(part.short for part in parts)]),
        n=outcome.n,
        interval="; ".join(part.interval for part in parts if part.interval),
        verdict=made,
    )


def refuse_missing(params: Params, summary: Summary, rule: Rule) -> None:
    """One error with the runs of reported groups, and the analyses, that the summary lacks."""
    tested = {name for table in (summary.curves, summary.real) for name in table["run"].unique()}
    present = tested & set(summary.training["run"]) & set(summary.defects["run"])
    wanted = [run for group in rule.groups if params.is_reported(group) for run in params.runs_of(group)]
    missing = [run for run in wanted if run not in present]
    for section in rule.sections:
        rows = getattr(summary, section)
        items = set(rows["item"]) if len(rows) else set()
        missing += [f"{section}.{item}" for item in params.reported(section) if item not in items]
    if missing:
        raise CollectError(f"claim {rule.id}: the summary lacks {', '.join(missing)}; make it with: replicate collect")
