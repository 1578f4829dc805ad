"""The tables of the report, the numbers of its text, the ledger of claims and the results page, from the collected
tables alone."""

from __future__ import annotations

from replication.claims import claims as settle_all  # `claims` is a module here
from replication.claims import ledger
from replication.report.artefacts import TABLES, Artefact, reported
from replication.report.numbers import define, used_macros
from replication.report.numbers.source import Source
from replication.report.page import page
from replication.report.table import Table, latex
from replication.results.summary import CollectError, Summary, read_summary
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.published import read_published
from wne.files import replacing_folder, write_text


def write_all(params: Params, paths: ProfilePaths) -> None:
    """Writes paper/<profile>/tables/*.tex, results/<profile>/README.md and results/<profile>/claims.csv.

    Raises:
        CollectError: runs or analyses are missing from the summary.
        ValueError: the text of the report uses a number that no code makes.
    """
    summary = read_summary(params, paths)
    published = read_published(paths.root / "data/paper_values.csv")
    lines = settle_all(params, summary, published)
    macros = define(used_macros(paths.root / "paper"), Source(params, summary, published, lines))
    tables: dict[str, list[Table]] = {}
    for name, artefact in reported(TABLES, params).items():
        refuse_missing(params, summary, artefact)
        tables[name] = artefact.load()(params, summary, published)
    with replacing_folder(paths.tables) as folder:
        bodies = {name: (TABLES[name].maker, latex(made)) for name, made in tables.items()}
        for name, (maker, body) in (bodies | {"numbers": ("report.numbers.define", macros)}).items():
            head = (
                f"% made by `python -m replication tables` ({maker}) from results/{params.profile} with hash "
                f"{summary.source['inputs']}; do not edit"
            )
            (folder / f"{name}.tex").write_text(f"{head}\n{body.rstrip()}\n")
    write_text(paths.results / "README.md", page(params, summary, tables))
    write_text(paths.results / "claims.csv", ledger(lines).to_csv(index=False, lineterminator="\n"))


def refuse_missing(params: Params, summary: Summary, artefact: Artefact) -> None:
    """One error with the runs and the analyses that a table needs and the summary lacks."""
    present = set(summary.training["run"])
    missing = [run for group in artefact.groups for run in params.runs_of(group) if run not in present]
    for section in artefact.sections:
        rows = getattr(summary, section)
        items = set(rows["item"]) if len(rows) else set()
        missing += [f"{section}.{item}" for item in params.reported(section) if item not in items]
    if missing:
        raise CollectError(
            f"table {artefact.name}: the summary lacks {', '.join(missing)}; make it with: python -m replication collect"
        )
