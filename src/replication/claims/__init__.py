"""The claim ledger: each claim of the paper, the rule that decides it, and what it comes to in a profile.

The rules are text with numeric thresholds beside the code that applies them, one module for each subject; the
verdicts follow from the collected tables by `replication.claims.ledger`.
"""

from __future__ import annotations

import pandas as pd

from replication.claims import analyses, equivariance, noise
from replication.claims.ledger import VERDICTS, Claim, Rule, settle
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.published import Published

__all__ = ["RULES", "VERDICTS", "Claim", "claims", "comparisons", "ledger"]

_ALL = (*analyses.RULES, *equivariance.RULES, *noise.RULES)
RULES: tuple[Rule, ...] = tuple(sorted(_ALL, key=lambda rule: int(rule.id.removeprefix("C"))))


def claims(params: Params, summary: Summary, published: Published) -> list[Claim]:
    """C1 to C17, in order.

    Raises:
        CollectError: runs of a group that the profile reports are missing from the summary.
    """
    return [settle(rule, params, summary, published) for rule in RULES]


def ledger(lines: list[Claim]) -> pd.DataFrame:
    """One row for each claim: results/<profile>/claims.csv."""
    return pd.DataFrame([line.row() for line in lines])


def comparisons(lines: list[Claim]) -> pd.DataFrame:
    """One row for each comparison: results/<profile>/comparisons.csv.

    `lower` and `upper`: the bounds; `low` and `high`: the interval; `paper`: the paper's value of the same comparison.
    """
    rows = []
    for line in lines:
        printed = {(part.name, test.label): test.value for part in line.papers for test in part.tests}
        rows += [
            {
                "id": line.rule.id, "part": part.name, "unit": part.unit, "label": test.label, "value": test.value,
                "low": test.low, "high": test.high, "lower": part.bounds.lower, "upper": part.bounds.upper,
                "state": {True: "holds", None: "open", False: "fails"}[test.holds],
                "paper": printed.get((part.name, test.label)),
            }
            for part in line.parts for test in part.tests
        ]  # fmt: skip
    return pd.DataFrame(rows)
