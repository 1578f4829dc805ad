"""The LaTeX tables, the numbers of the text as macros, the claim ledger and the results page: from the collected
tables alone.

A new table: a function `table(params, summary, published) -> str` (LaTeX) in a module here, and a line in TABLES.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from wne.files import replacing_folder, write_text
from wne.params import Params
from wne.paths import ProfilePaths
from wne.summary import CollectError, Summary, read_summary
from wne.tables.latex import fitted, generated
from wne.tables.published import Published, read_published

__all__ = ["TABLES", "Entry", "available", "write_all"]


class Entry(NamedTuple):
    """A table of the registry. It is written when the profile reports all `groups` of runs, and an item of every
    section of wne.params.ANALYSES in `sections`."""

    function: str  # "module:name", imported when it is written
    groups: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()

    def load(self) -> Callable[[Params, Summary, Published], str]:
        module, name = self.function.split(":")
        return getattr(import_module(module), name)

    def is_reported(self, params: Params) -> bool:
        return all(map(params.is_reported, self.groups)) and all(map(params.reported, self.sections))


TABLES = {
    "claims": Entry("wne.tables.claims:claims"),
    "table01": Entry("wne.tables.psnr:table01", ("cnn", "swinir")),
    "mismatch": Entry("wne.tables.psnr:mismatch", ("cnn", "swinir")),
    "mismatch_other": Entry("wne.tables.psnr:mismatch_other", ("cnn", "swinir")),
    "table02": Entry("wne.tables.timing:table02"),
    "table03": Entry("wne.tables.difficulty:table03"),
    "table04": Entry("wne.tables.recipes:table04"),
    "table05": Entry("wne.tables.timing:table05"),
    "table06": Entry("wne.tables.timing:table06"),
    "table07": Entry("wne.tables.psnr:table07", ("cnn", "fdncnn")),
    "table08": Entry("wne.tables.psnr:table08", ("restormer",)),
    "table09": Entry("wne.tables.psnr:table09", ("colour",)),
    "table10": Entry("wne.tables.psnr:table10", ("real-noise",)),
    "table11": Entry("wne.tables.samplers:table11", ("n2n",), ("samplers",)),
    "table12": Entry("wne.tables.samplers:table12", ("n2n",), ("samplers",)),
    "controls": Entry("wne.tables.controls:controls", ("cnn",), ("controls",)),
    "recipe": Entry("wne.tables.controls:recipe", ("recipe",)),
    "defects": Entry("wne.tables.audit:defects"),
    "training": Entry("wne.tables.audit:training"),
    "leakage": Entry("wne.tables.audit:leakage"),
    "unleaked": Entry("wne.tables.audit:unleaked"),
    "numbers": Entry("wne.tables.numbers:numbers"),
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
    from wne.claims import claims, ledger  # these read wne.tables.published
    from wne.tables.page import page

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
        raise CollectError(f"table {name}: the summary lacks {', '.join(missing)}; make it with: wne collect")
