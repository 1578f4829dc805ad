"""The tables of the report, the numbers of its text, the ledger of claims and the results page."""

from __future__ import annotations

from replication.claims import comparisons, ledger
from replication.report.artefacts import TABLES, reported
from replication.report.numbers import define, used_macros
from replication.report.page import page
from replication.report.source import read_source
from replication.report.table import latex
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder, write_text


def write_all(params: Params, paths: ProfilePaths) -> None:
    """Writes paper/<profile>/tables/*.tex, and README.md, claims.csv and comparisons.csv of results/<profile>.

    Raises:
        CollectError: runs or analyses are missing from the summary.
        ValueError: the text of the report uses a number that no code makes.
    """
    source = read_source(params, paths)
    files = {"numbers": ("report.numbers.define", define(used_macros(paths.root / "paper"), source))}
    tables = {}
    for name, artefact in reported(TABLES, params).items():
        tables[name] = artefact.load()(source)
        files[name] = f"report.{artefact.function.replace(':', '.')}", latex(tables[name])
    with replacing_folder(paths.tables) as folder:
        for name, (maker, body) in files.items():
            origin = f"results/{params.profile} with hash {source.summary.source['inputs']}"
            head = f"% made by `replicate tables` ({maker}) from {origin}; do not edit"
            (folder / f"{name}.tex").write_text(f"{head}\n{body.rstrip()}\n")
    write_text(paths.results / "README.md", page(source, tables))
    for name, table in (("claims", ledger(source.claims)), ("comparisons", comparisons(source.claims))):
        text = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        write_text(paths.results / f"{name}.csv", text)
