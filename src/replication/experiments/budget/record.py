"""What a budget decided, beside its results, so that what was trained can be trained again and a second call goes on.

results/<profile>/budget.json     calls, the steps of each family with the trials behind them, failures
results/<profile>/params.yaml     the profile's parameter file with the steps that were trained, and report: false for
                                  groups whose runs are not all done
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from replication.experiments.budget.plan import Trial
from replication.study.params import Params, load_params
from replication.study.paths import ProfilePaths
from wne.files import write_text


@dataclass
class Record:
    """calls: one for each, with minutes, seconds, device, date, and compiled: false where networks could not be compiled.
    families: recipe -> steps, seconds (its share), trials (by run)."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    families: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # of the last call

    def write(self, paths: ProfilePaths) -> None:
        facts = {"calls": self.calls, "families": {}, "failures": self.failures}
        for recipe, family in self.families.items():
            trials = {name: trial._asdict() for name, trial in family["trials"].items()}
            facts["families"][recipe] = family | {"trials": trials}
        write_text(paths.results / "budget.json", json.dumps(facts, indent=1) + "\n")


def read_record(paths: ProfilePaths) -> Record:
    """The record of the calls before; an empty one before the first.

    Raises:
        ValueError: a file that was not written by `Record.write`.
    """
    file = paths.results / "budget.json"
    if not file.exists():
        return Record()
    try:
        record = Record(**json.loads(file.read_text()))
        for family in record.families.values():
            family["trials"] = {name: Trial(**trial) for name, trial in family["trials"].items()}
            family["steps"] = int(family["steps"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file}: damaged ({error}); delete it to plan again, finished runs stay") from None
    return record


def write_params(source: Path, record: Record, paths: ProfilePaths) -> Params:
    """Writes results/<profile>/params.yaml from the profile's file and gives what it says."""
    params, text = load_params(source), source.read_text(encoding="utf-8")
    values = {
        ("recipes", recipe, "steps"): str(family["steps"])
        for recipe, family in record.families.items()
        if recipe in params.recipes
    }
    file = paths.results / "params.yaml"
    write_text(file, with_values(text, values))
    used = load_params(file)
    unfinished = {run.group for name, run in used.runs.items() if not is_evaluated(used, paths, name)}
    unfinished -= {published.group for published in used.weights.values()}  # which must be reported
    values |= {("groups", group, "report"): "false" for group in unfinished}
    write_text(file, with_values(text, values))
    return load_params(file)


def with_values(text: str, values: dict[tuple[str, ...], str]) -> str:
    """A YAML file with other values at some places, each a path of keys, and all else as it is, comments too."""
    edits = []
    for keys, value in values.items():
        node = yaml.compose(text)
        for key in keys:
            node = next(child for name, child in node.value if name.value == key)
        edits.append((node.start_mark.index, node.end_mark.index, value))
    for start, end, value in sorted(edits, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def is_trained(params: Params, paths: ProfilePaths, name: str) -> bool:
    """Whether the weights of a run are here, of these parameters."""
    return paths.checkpoint(params, name).exists() and _is_current(paths.training / f"{name}.json", params, name)


def is_evaluated(params: Params, paths: ProfilePaths, name: str) -> bool:
    """Whether a run is trained and tested."""
    return is_trained(params, paths, name) and _is_current(paths.evaluated(params, name) / "run.json", params, name)


def _is_current(file: Path, params: Params, name: str) -> bool:
    return file.exists() and json.loads(file.read_text()).get("fingerprint") == params.fingerprint(name)
