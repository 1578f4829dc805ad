"""The summary of a whole profile: every file of it, written at once or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from replication.results.completeness import refuse_gaps, refuse_missing
from replication.results.estimates import joined
from replication.results.files import read_csv, read_json
from replication.results.recipe import recipe_table
from replication.results.registry import SECTIONS, input_files
from replication.results.runs import loss_table, read_run, run_estimates, training_table, unleaked_estimates
from replication.results.summary import FILES, fingerprints
from replication.results.timing import timing_table
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder


def collect(params: Params, paths: ProfilePaths) -> None:
    """Writes the summary of a profile (the files at the head of replication.results).

    Raises:
        CollectError: a run or analysis is missing, was made with other parameters, or has gaps.
    """
    refuse_missing(params, paths)
    files = tables(params, paths)
    source = {
        "profile": params.profile,
        "inputs": _hash_files(input_files(params, paths), paths.results),
        "fingerprints": fingerprints(params),
        "timing": read_json(paths.timing / "environment.json"),
    }
    with replacing_folder(paths.summary) as folder:
        for name in FILES:
            files[name].to_csv(folder / f"{name}.csv", index=False, float_format="%.7g")
        (folder / "source.json").write_text(json.dumps(source, indent=1) + "\n")


def tables(params: Params, paths: ProfilePaths) -> dict[str, pd.DataFrame]:
    """Name of the file -> table."""
    results = {name: read_run(params, paths, name) for name in params.reported_runs}
    refuse_gaps(params, results)
    sections = {name: section.collect(params, paths) for name, section in SECTIONS.items()}
    long = [run_estimates(params, results), unleaked_estimates(params, results, sections["leakage"])]
    long += [sections[name] for name, section in SECTIONS.items() if section.file == "estimates"]
    return {
        "estimates": joined([rows for rows in long if len(rows)]),
        "training": training_table(params, results),
        "loss": loss_table(results),
        "timing": timing_table(params, read_csv(paths.timing / "samples.csv")),
        "recipe": recipe_table(params, paths),
    } | {section.file: sections[name] for name, section in SECTIONS.items() if section.file != "estimates"}


def _hash_files(files: list[Path], root: Path) -> str:
    """Hash of names and contents, so that a table can say which results it was made from."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
