"""What every analysis of trained runs writes: results/<profile>/<section>/<item>/ with its tables and pictures,
and source.json, by which `collect` knows that they belong to the current parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import replacing_folder

SOURCE = "source.json"


@contextmanager
def analysis_folder(params: Params, paths: ProfilePaths, section: str, name: str) -> Iterator[Path]:
    """A folder that replaces the item's results when the block ends without an error."""
    with replacing_folder(paths.analysis(section, name)) as folder:
        yield folder
        source = {"item": name, "fingerprint": params.analysis_fingerprint(section, name)}
        (folder / SOURCE).write_text(json.dumps(source) + "\n")


def analysis_problem(params: Params, paths: ProfilePaths, section: str, name: str) -> str | None:
    """Why the results of an item cannot be used, or None."""
    source = paths.analysis(section, name) / SOURCE
    if not source.is_file():
        return "not made"
    if json.loads(source.read_text()).get("fingerprint") != params.analysis_fingerprint(section, name):
        return "made with other parameters"
    return None
