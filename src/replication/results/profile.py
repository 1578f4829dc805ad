"""The summary of a whole profile: every file of it, written at once or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from replication.results.estimates import joined
from replication.results.files import read_json
from replication.results.recipe import recipe_table
from replication.results.registry import SECTIONS, input_files, refuse_gaps, refuse_missing
from replication.results.runs import cost_table, loss_table, read_run, run_estimates, training_table
from replication.results.summary import FILES, fingerprints
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
    }
    machine = read_json(paths.timing / "environment.json")
    with replacing_folder(paths.summary) as folder:
        for name in FILES:
            files[name].to_csv(folder / f"{name}.csv", index=False, float_format="%.7g")
        (folder / "source.json").write_text(json.dumps(source, indent=1) + "\n")
        (folder / "machine.json").write_text(json.dumps(machine, indent=1) + "\n")


def tables(params: Params, paths: ProfilePaths) -> dict[str, pd.DataFrame]:
    """Name of the file -> table."""
    results = {name: read_run(params, paths, name) for name in params.reported_runs}
    refuse_gaps(params, results)
    found: dict[str, list[pd.DataFrame]] = {}
    for section in SECTIONS.values():
        found.setdefault(section.file, []).append(section.collect(params, paths))
    found["estimates"].insert(0, run_estimates(params, results, found["leakage"][0]))
    return {name: joined(parts, list(parts[0])) for name, parts in found.items()} | {
        "training": training_table(params, results),
        "cost": cost_table(results),
        "loss": loss_table(results),
        "recipe": recipe_table(params, paths),
    }


def _hash_files(files: list[Path], root: Path) -> str:
    """Hash of names and contents, so that a table can say which results it was made from."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
