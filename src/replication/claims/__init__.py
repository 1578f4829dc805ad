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

__all__ = ["RULES", "VERDICTS", "Claim", "claims", "ledger"]

_ALL = (*analyses.RULES, *equivariance.RULES, *noise.RULES)
RULES: tuple[Rule, ...] = tuple(sorted(_ALL, key=lambda rule: int(rule.id.removeprefix("C"))))


def claims(params: Params, summary: Summary, published: Published) -> list[Claim]:
    """C1 to C17, in order.

    Raises:
        CollectError: runs of a group that the profile reports are missing from the summary.
    """
    return [settle(rule, params, summary, published) for rule in RULES]


def ledger(lines: list[Claim]) -> pd.DataFrame:
    """One row for each claim, the columns of Claim: results/<profile>/claims.csv."""
    return pd.DataFrame([vars(line) for line in lines])
