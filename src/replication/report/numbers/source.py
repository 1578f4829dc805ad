"""What the numbers of the text are read from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from replication.claims import Claim
from replication.report.cells import Cell
from replication.results.summary import Summary
from replication.study.params import Params
from replication.study.published import Published


class Source(NamedTuple):
    """The parameters, the results, the paper's numbers and the settled claims of a profile."""

    params: Params
    summary: Summary
    published: Published
    claims: Sequence[Claim]


Value = Cell | str | int | None  # a string is LaTeX; None: the profile lacks the experiment
Number = Callable[[Source], Value]
