"""A claim has parts, a part has tests, and a test compares a quantity with a bound.

Where the quantity has an interval, the interval decides and not the point value: the test holds when the whole
interval is on the right side of the bound, fails when the whole interval is on the wrong side, and is open otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from replication.study.labels import test_set_label


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


def judged(
    label: str,
    value: float,
    low: float,
    high: float,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> Test:
    """An estimate with its interval. `above` and `below`: the interval must not touch the bound."""
    holds = at_least <= low and above < low and high <= at_most and high < below
    fails = high < at_least or high <= above or low > at_most or low >= below
    margin = min(low - max(at_least, above), min(at_most, below) - high)
    state = True if holds else False if fails else None
    return Test(label, value, low, high, state, -math.inf if math.isnan(margin) else margin)


def measured(label: str, value: float, margin: float) -> Test:
    """A quantity without an interval (a largest value, a count): holds when its margin is not negative."""
    return Test(label, value, math.nan, math.nan, bool(margin >= 0), margin)


@dataclass(frozen=True)
class Part:
    """Tests of one kind. `name` says what they compare, `style` writes a value, and `unit` follows it."""

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
        """The interval of the worst test; empty for a quantity without one."""
        ends = self.worst.low, self.worst.high
        return "" if any(map(math.isnan, ends)) else f"[{', '.join(map(self.style, ends))}]"

    @property
    def number(self) -> str:
        """Value, interval and unit of the worst test."""
        return " ".join(word for word in (self.style(self.worst.value), self.interval, self.unit) if word)

    @property
    def held(self) -> int:
        return sum(test.holds is True for test in self.tests)

    @property
    def text(self) -> str:
        """Name, worst number and where it is, and how many tests hold."""
        of_many = f" at worst ({self.worst.label}), {self.held} of {len(self.tests)} hold"
        return f"{self.name}: {self.number}" + (of_many if len(self.tests) > 1 else "")

    @property
    def short(self) -> str:
        """Name, worst number and the share of tests that hold."""
        return f"{self.name} {self.number}" + (f" ({self.held}/{len(self.tests)})" if len(self.tests) > 1 else "")


@dataclass(frozen=True)
class Outcome:
    """What the results say. `note` goes before the numbers; `is_partial`: "partly" is the best verdict possible."""

    parts: tuple[Part, ...]
    n: str
    note: str = ""
    is_partial: bool = False


def decibel(value: float) -> str:
    """+0.12 dB, as a difference."""
    return f"{0.0 if abs(value) < 0.005 else value:+.2f}"


def power(value: float) -> str:
    """3e-07, two digits for what spans powers of ten."""
    return f"{value:.1e}"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def compared(
    name: str,
    rows: Iterable[tuple[str, pd.Series]],
    of: str = "psnr_gain",
    style: Callable[[float], str] = decibel,
    unit: str = "dB",
    **bounds: float,
) -> Part:
    """Estimates of (label, row), by default mean paired differences in PSNR, each `judged` by these bounds."""
    tests = (judged(label, row[of], row[f"{of}_low"], row[f"{of}_high"], **bounds) for label, row in rows)
    return Part(name, tuple(tests), style, unit)


def largest(name: str, table: pd.DataFrame, column: str, bound: float, label: Callable[[pd.Series], str]) -> Part:
    """Values that must not exceed the bound."""
    return Part(name, tuple(measured(label(row), row[column], bound - row[column]) for row in rows_of(table)), power)


def smallest(name: str, table: pd.DataFrame, column: str, bound: float, label: Callable[[pd.Series], str]) -> Part:
    """Values that must not fall below the bound."""
    return Part(name, tuple(measured(label(row), row[column], row[column] - bound) for row in rows_of(table)), power)


def rows_of(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def counted(table: pd.DataFrame) -> str:
    """6 images (photographs): the test sets behind the rows, each with its number of images."""
    rows = table[["test_set", "n"]].drop_duplicates()
    return ", ".join(f"{row.n} images ({test_set_label(row.test_set)})" for row in rows.itertuples())
