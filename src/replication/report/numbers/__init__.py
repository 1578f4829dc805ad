"""The numbers of the report's text as LaTeX macros, so that none is typed by hand: exactly those that it uses.

    \\<Who>Gain<What>Test<Place>Range       \\WneGainDncnnTestHighestRange; see `effects`
    \\Study<Fact>, \\VerdictC<Number>        see `study`

A new kind of number is a function with a pattern of names, in `study` or `effects`.
"""

from replication.report.numbers import effects, study  # noqa: F401  they register their rules
from replication.report.numbers.rules import define, known, used_macros

__all__ = ["define", "known", "used_macros"]
