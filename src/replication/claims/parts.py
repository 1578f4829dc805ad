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


def _test(label: str, value: float, low: float, high: float, holds: bool, fails: bool, margin: float) -> Test:
    state = True if holds else False if fails else None
    return Test(label, value, low, high, state, -math.inf if math.isnan(margin) else margin)


def at_least(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is at or above the bound."""
    return _test(label, value, low, high, low >= bound, high < bound, low - bound)


def at_most(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is at or below the bound."""
    return _test(label, value, low, high, high <= bound, low > bound, bound - high)


def above(label: str, value: float, low: float, high: float, bound: float = 0.0) -> Test:
    """Holds when the interval is above the bound and does not touch it."""
    return _test(label, value, low, high, low > bound, high <= bound, low - bound)


def below(label: str, value: float, low: float, high: float, bound: float = 0.0) -> Test:
    """Holds when the interval is below the bound and does not touch it."""
    return _test(label, value, low, high, high < bound, low >= bound, bound - high)


def within(label: str, value: float, low: float, high: float, bound: float) -> Test:
    """Holds when the interval is inside [-bound, bound], fails when it has no point in it."""
    inside, outside = -bound <= low and high <= bound, low > bound or high < -bound
    return _test(label, value, low, high, inside, outside, bound - max(abs(low), abs(high)))


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


def gains(name: str, rows: Iterable[tuple[str, pd.Series]], compare: Callable[..., Test], *bound: float) -> Part:
    """Mean paired differences in PSNR, of (label, row), compared with a bound."""
    return Part(name, tuple(compare(label, *estimate(row, "psnr_gain"), *bound) for label, row in rows), decibel, "dB")


def largest(name: str, table: pd.DataFrame, column: str, bound: float, label: Callable[[pd.Series], str]) -> Part:
    """Values that must not exceed the bound."""
    return Part(name, tuple(measured(label(row), row[column], bound - row[column]) for row in rows_of(table)), power)


def smallest(name: str, table: pd.DataFrame, column: str, bound: float, label: Callable[[pd.Series], str]) -> Part:
    """Values that must not fall below the bound."""
    return Part(name, tuple(measured(label(row), row[column], row[column] - bound) for row in rows_of(table)), power)


def rows_of(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def estimate(row: pd.Series, quantity: str) -> tuple[float, float, float]:
    """The value and the ends of its interval."""
    return row[quantity], row[f"{quantity}_low"], row[f"{quantity}_high"]


def on_first_set(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of every run on the test set that it has first: the one of its noise sweep."""
    return table.merge(table.drop_duplicates("run")[["run", "test_set"]], on=["run", "test_set"])


def counted(table: pd.DataFrame) -> str:
    """6 images (photographs): the test sets behind the rows, each with its number of images."""
    rows = table[["test_set", "n"]].drop_duplicates()
    return ", ".join(f"{row.n} images ({test_set_label(row.test_set)})" for row in rows.itertuples())


def decibel(value: float) -> str:
    """+0.12 dB, as a difference."""
    return f"{0.0 if abs(value) < 0.005 else value:+.2f}"


def power(value: float) -> str:
    """3e-07, two digits for what spans powers of ten."""
    return f"{value:.1e}"


def percent(value: float) -> str:
    return f"{100 * value:.0f} %"
