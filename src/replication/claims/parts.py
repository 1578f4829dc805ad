"""A claim has parts, a part has tests, and a test compares a quantity with bounds.

Where the quantity has an interval, the interval decides and not the point value: the test holds when the whole
interval is on the right side of the bound, fails when the whole interval is on the wrong side, and is open otherwise.
The paper's numbers have no intervals: their value is both ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from replication.study.labels import test_set_label


class Bounds(NamedTuple):
    """What a value must not leave. `strict`: nor touch."""

    lower: float = -math.inf
    upper: float = math.inf
    strict: bool = False

    def hold(self, low: float, high: float) -> bool | None:
        """None where the interval has a bound inside, or where there is no interval."""
        below, above = (np.less_equal, np.greater_equal) if self.strict else (np.less, np.greater)
        if below(high, self.lower) or above(low, self.upper):
            return False
        return None if np.isnan([low, high]).any() or below(low, self.lower) or above(high, self.upper) else True


@dataclass(frozen=True)
class Test:
    """One comparison. `holds`: None where it is open. Without an interval `low` and `high` are nan."""

    __test__ = False  # a name that pytest would collect

    label: str
    value: float
    low: float
    high: float
    holds: bool | None


def judged(label: str, value: float, low: float, high: float, bounds: Bounds) -> Test:
    """An estimate with its interval."""
    return Test(label, value, low, high, bounds.hold(low, high))


def measured(label: str, value: float, bounds: Bounds) -> Test:
    """A quantity without an interval: a largest value, a count."""
    return Test(label, value, math.nan, math.nan, bounds.hold(value, value))


class Counts(NamedTuple):
    """Comparisons that hold, are open and fail."""

    hold: int
    open: int
    fail: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


@dataclass(frozen=True)
class Part:
    """Tests of one kind. `name` says what they compare, `style` writes a value, and `unit` follows it."""

    name: str
    tests: tuple[Test, ...]
    bounds: Bounds
    style: Callable[[float], str]
    unit: str = ""

    @property
    def counts(self) -> Counts:
        states = [test.holds for test in self.tests]
        return Counts(*(sum(state is wanted for state in states) for wanted in (True, None, False)))

    @property
    def holds(self) -> bool | None:
        """True: no test fails, and at least as many hold as are open. False: more fail than hold. Else None."""
        hold, undecided, fail = self.counts
        if fail > hold:
            return False
        return True if hold and not fail and hold >= undecided else None

    @property
    def number(self) -> str:
        """The value with its interval; of several their median and range."""
        if len(self.tests) == 1:
            (test,) = self.tests
            ends = (
                ""
                if math.isnan(test.low) or test.low == test.high
                else f" [{self.style(test.low)}, {self.style(test.high)}]"
            )
            return f"{self.style(test.value)}{ends}{self.unit and f' {self.unit}'}"
        values = [test.value for test in self.tests]
        middle, least, most = map(self.style, (np.median(values), min(values), max(values)))
        unit = self.unit and f" {self.unit}"
        return f"{middle}{unit}" if least == most else f"median {middle}{unit} ({least} to {most})"

    @property
    def text(self) -> str:
        """What is compared, the number, and the comparisons that hold, are open and fail."""
        return f"{self.name}: {self.number}, {self.counts}"


@dataclass(frozen=True)
class Outcome:
    """What the results say. `note` goes before the numbers; `is_reduced`: other data or hardware than the paper's."""

    parts: tuple[Part, ...]
    n: str
    note: str = ""
    is_reduced: bool = False

    @property
    def counts(self) -> Counts:
        return Counts(*(sum(column) for column in zip((0, 0, 0), *(part.counts for part in self.parts))))


def decibel(value: float) -> str:
    """+0.12, as a difference."""
    return f"{0.0 if abs(value) < 0.005 else value:+.2f}"


def power(value: float) -> str:
    """3e-07, two digits for what spans powers of ten."""
    return f"{value:.1e}" if value else "0"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def count(value: float) -> str:
    return f"{value:.0f}"


def compared(
    name: str,
    rows: Iterable[tuple[str, pd.Series]],
    bounds: Bounds,
    of: str = "psnr_gain",
    style: Callable[[float], str] = decibel,
    unit: str = "dB",
) -> Part:
    """Estimates of (label, row), by default mean paired differences in PSNR; rows without a value are left out."""
    tests = [
        judged(label, row[of], row[f"{of}_low"], row[f"{of}_high"], bounds)
        for label, row in rows
        if not math.isnan(row[of])
    ]
    return Part(name, tuple(tests), bounds, style, unit)


def without_interval(
    name: str,
    table: pd.DataFrame,
    column: str,
    bounds: Bounds,
    label: Callable[[pd.Series], str],
    style: Callable[[float], str] = power,
    unit: str = "",
) -> Part:
    """Largest or smallest values, and counts."""
    tests = [measured(label(row), row[column], bounds) for row in rows_of(table.dropna(subset=column))]
    return Part(name, tuple(tests), bounds, style, unit)


def rows_of(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def counted(table: pd.DataFrame) -> str:
    """6 images (photographs): the test sets behind the rows, each with its number of images."""
    rows = table[["test_set", "n"]].drop_duplicates()
    return ", ".join(f"{row.n} images ({test_set_label(row.test_set)})" for row in rows.itertuples())
