"""What tables and the numbers of the text are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from replication.claims import Claim, claims
from replication.results.summary import Summary, read_summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import Published, read_published


class Source(NamedTuple):
    """The parameters, the results, the paper's numbers and the settled claims of a profile.

    former_rules: of data/former_rules.csv: id, rule, replaced (date), why, and the verdict in each profile.
    """

    params: Params
    summary: Summary
    published: Published
    claims: Sequence[Claim] = ()
    former_rules: pd.DataFrame = pd.DataFrame()


def read_source(params: Params, paths: ProfilePaths) -> Source:
    """
    Raises:
        CollectError: runs or analyses are missing from the summary.
    """
    summary, published = read_summary(params, paths), read_published(paths.root / "data/paper_values.csv")
    former = pd.read_csv(paths.root / "data/former_rules.csv")
    return Source(params, summary, published, claims(params, summary, published), former)
