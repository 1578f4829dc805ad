"""The summary of a whole profile: every table of this package, written at once or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from replication.results.completeness import refuse_gaps, refuse_missing
from replication.results.contrasts import contrast_table
from replication.results.controls import controls_table
from replication.results.corpus import difficulty_file, difficulty_table, leakage_file, leakage_table
from replication.results.errors import errors_table
from replication.results.filters import filters_table
from replication.results.recipe import recipe_table
from replication.results.runs import (
    defect_level_table,
    defect_table,
    kinds_of,
    loss_table,
    paired_table,
    quality_table,
    read_run,
    training_table,
    unleaked_table,
)
from replication.results.samplers import samplers_table
from replication.results.summary import fingerprints, read_csv, read_json
from replication.results.timing import timing_table
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder


def collect(params: Params, paths: ProfilePaths) -> None:
    """Writes the summary of a profile (the tables at the head of replication.results).

    Raises:
        CollectError: a run or analysis is missing, was made with other parameters, or has gaps.
    """
    refuse_missing(params, paths)
    results = {name: read_run(params, paths, name) for name in params.reported_runs}
    refuse_gaps(params, results)
    leakage = leakage_table(params, paths)
    tables = {
        "curves": quality_table(params, results, "psnr", gains=False),
        "paired": paired_table(params, results),
        "contrasts": contrast_table(params, results),
        "jpeg": quality_table(params, results, "jpeg", gains=True),
        "real": quality_table(params, results, "real", gains=True),
        "defects": defect_table(params, results),
        "defect_levels": defect_level_table(params, results),
        "training": training_table(params, results),
        "loss": loss_table(results),
        "timing": timing_table(params, read_csv(paths.timing / "samples.csv")),
        "leakage": leakage,
        "unleaked": unleaked_table(params, results, leakage),
        "difficulty": difficulty_table(params, paths),
        "filters": filters_table(params, paths),
        "errors": errors_table(params, paths),
        "samplers": samplers_table(params, paths),
        "controls": controls_table(params, paths),
        "recipe": recipe_table(params, paths),
    }
    source = {
        "profile": params.profile,
        "inputs": _hash_files(_input_files(params, paths), paths.results),
        "fingerprints": fingerprints(params),
        "timing": read_json(paths.timing / "environment.json"),
    }
    with replacing_folder(paths.summary) as folder:
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, float_format="%.7g")
        (folder / "source.json").write_text(json.dumps(source, indent=1) + "\n")


def _input_files(params: Params, paths: ProfilePaths) -> list[Path]:
    files = []  # without what a machine took, which is another each time
    for name in params.reported_runs:
        files += [paths.training / f"{name}.csv", paths.training / f"{name}.json"]
        kinds = [f"{kind}.csv" for kind in kinds_of(params, name)]
        files += [paths.evaluated(params, name) / file for file in (*kinds, "defect.csv", "run.json")]
    for section in ANALYSES:
        for name in params.reported(section):
            files += [file for file in paths.analysis(section, name).iterdir() if file.suffix == ".csv"]
    files += [leakage_file(paths, train_set) for train_set in params.leakage]
    return files + [difficulty_file(paths, train_set) for train_set in params.difficulty]


def _hash_files(files: list[Path], root: Path) -> str:
    """Hash of names and contents, so that a table can say which results it was made from."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
