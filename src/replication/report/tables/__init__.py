"""The LaTeX tables, the numbers of the text as macros, the claim ledger and the results page: from the collected
tables alone.

A new table: a function `table(params, summary, published) -> str` (LaTeX) in a module here, and a line in TABLES.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from replication.report.tables.latex import fitted, generated
from replication.results.summary import CollectError, Summary, read_summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import Published, read_published
from wne.files import replacing_folder, write_text

__all__ = ["TABLES", "Entry", "available", "write_all"]


class Entry(NamedTuple):
    """A table of the registry. It is written when the profile reports all `groups` of runs, and an item of every
    section of replication.study.params.ANALYSES in `sections`."""

    function: str  # "module:name", imported when it is written
    groups: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()

    def load(self) -> Callable[[Params, Summary, Published], str]:
        module, name = self.function.split(":")
        return getattr(import_module(module), name)

    def is_reported(self, params: Params) -> bool:
        return all(map(params.is_reported, self.groups)) and all(map(params.reported, self.sections))


TABLES = {
    "claims": Entry("replication.report.tables.claims:claims"),
    "table01": Entry("replication.report.tables.psnr:table01", ("cnn", "swinir")),
    "mismatch": Entry("replication.report.tables.psnr:mismatch", ("cnn", "swinir")),
    "mismatch_other": Entry("replication.report.tables.psnr:mismatch_other", ("cnn", "swinir")),
    "table02": Entry("replication.report.tables.timing:table02"),
    "table03": Entry("replication.report.tables.difficulty:table03"),
    "table04": Entry("replication.report.tables.recipes:table04"),
    "table05": Entry("replication.report.tables.timing:table05"),
    "table06": Entry("replication.report.tables.timing:table06"),
    "table07": Entry("replication.report.tables.psnr:table07", ("cnn", "fdncnn")),
    "table08": Entry("replication.report.tables.psnr:table08", ("restormer",)),
    "table09": Entry("replication.report.tables.psnr:table09", ("colour",)),
    "table10": Entry("replication.report.tables.psnr:table10", ("real-noise",)),
    "table11": Entry("replication.report.tables.samplers:table11", ("n2n",), ("samplers",)),
    "table12": Entry("replication.report.tables.samplers:table12", ("n2n",), ("samplers",)),
    "controls": Entry("replication.report.tables.controls:controls", ("cnn",), ("controls",)),
    "recipe": Entry("replication.report.tables.controls:recipe", ("recipe",)),
    "defects": Entry("replication.report.tables.audit:defects"),
    "training": Entry("replication.report.tables.audit:training"),
    "leakage": Entry("replication.report.tables.audit:leakage"),
    "unleaked": Entry("replication.report.tables.audit:unleaked"),
    "numbers": Entry("replication.report.tables.numbers:numbers"),
}
_WHOLE = ("numbers", "claims")  # that set their own size


def available(params: Params) -> dict[str, Entry]:
    """The tables whose runs and analyses the profile reports."""
    return {name: entry for name, entry in TABLES.items() if entry.is_reported(params)}


def write_all(params: Params, paths: ProfilePaths) -> None:
    """Writes paper/<profile>/tables/*.tex, results/<profile>/README.md and results/<profile>/claims.csv.

    Raises:
        CollectError: runs or analyses are missing from the summary.
    """
    from replication.claims import claims, ledger  # these read replication.study.published
    from replication.report.tables.page import page

    summary = read_summary(params, paths)
    published = read_published(paths.root / "data/paper_values.csv")
    with replacing_folder(paths.tables) as folder:
        for name, entry in available(params).items():
            refuse_missing(params, summary, name, entry)
            body = entry.load()(params, summary, published)
            body = body if name in _WHOLE else fitted(body)
            maker = entry.function.replace(":", ".")
            (folder / f"{name}.tex").write_text(generated(maker, params.profile, summary.source["inputs"], body))
    write_text(paths.results / "README.md", page(params, summary, published))
    lines = ledger(claims(params, summary, published))
    write_text(paths.results / "claims.csv", lines.to_csv(index=False, lineterminator="\n"))


def refuse_missing(params: Params, summary: Summary, name: str, entry: Entry) -> None:
    """One error with the runs and the analyses that a table needs and the summary lacks."""
    present = set(summary.training["run"])
    missing = [run for group in entry.groups for run in params.runs_of(group) if run not in present]
    for section in entry.sections:
        rows = getattr(summary, section)
        items = set(rows["item"]) if len(rows) else set()
        missing += [f"{section}.{item}" for item in params.reported(section) if item not in items]
    if missing:
        raise CollectError(f"table {name}: the summary lacks {', '.join(missing)}; make it with: replicate collect")
