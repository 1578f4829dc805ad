"""A whole profile, read from its params.yaml. An unknown key, model or run is an error that names the nearest one."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ValidationError, model_validator

from replication.study.params import links, sections
from replication.study.params.cluster import Cluster
from replication.study.params.names import check_known, hint
from replication.study.params.reading import ParameterError, read_yaml
from replication.study.params.types import Count, Frozen, Name, Seed


class Params(Frozen):
    """A whole profile."""

    profile: Name
    root: str
    params_file: str
    code_file: str  # for dvc.yaml
    seed: Seed
    precision: Literal["float32", "bfloat16"]
    state_every: Count  # training steps between two states that a killed run resumes from
    test_sets: dict[Name, sections.TestSet]
    models: dict[Name, sections.Model]
    recipes: dict[Name, sections.Recipe]
    tasks: dict[Name, sections.Task]
    groups: dict[Name, sections.Group]
    runs: dict[Name, sections.Run]
    examples: dict[Name, sections.Example]
    filters: dict[Name, sections.Filters]
    errors: dict[Name, sections.Errors]
    samplers: dict[Name, sections.Sampler]
    exposure: dict[Name, sections.Exposure]
    controls: dict[Name, sections.Controls]
    windows: dict[Name, sections.Windows]
    leakage: dict[Name, list[Name]]  # training set: the test sets whose images are looked for in it
    difficulty: dict[Name, sections.Difficulty]  # training set: its patches
    timing: sections.Timing
    cards: dict[Name, sections.Card]  # the first is the paper's
    weights: dict[Name, sections.Weights]  # run
    statistics: sections.Statistics
    cluster: Cluster | None = None  # changes no result, so no stage depends on it

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        for check in links.CHECKS:
            check(self)
        return self

    def run(self, name: str) -> sections.Run:
        """The run of that name; an unknown one is an error with the nearest name."""
        try:
            check_known("run", name, self.runs)
        except ValueError as error:
            raise ParameterError(f"{self.params_file}: {error}") from None
        return self.runs[name]

    def describe(self, name: str) -> dict[str, object]:
        """All that determines the weights of a run, as plain JSON values."""
        run = self.run(name)
        return {
            "run": name,
            "model": {"backbone": self.models[run.model].backbone, **self.models[run.model].size},
            "variant": run.variant,
            "task": self.tasks[run.task].model_dump(include={"channels", "noise", "objective"}),
            "sigma": list(run.sigma) if isinstance(run.sigma, tuple) else run.sigma,
            "recipe": self.recipes[run.recipe].model_dump(),
            "train_set": run.train_set,
            "precision": self.precision,
            "seeds": [self.seed, run.seed],
        } | ({} if run.degradation == "none" else {"degradation": run.degradation})

    def fingerprint(self, name: str) -> str:
        """Hash of `describe`: a checkpoint carries it, and evaluation refuses one that does not match."""
        return _hash(self.describe(name))

    def analysis_fingerprint(self, section: str, name: str) -> str:
        """Hash of all that determines the results of an item of a section of ANALYSES."""
        item = getattr(self, section)[name]
        facts = {"item": item.model_dump(mode="json", exclude={"report"}), "seed": self.seed, "runs": {}}
        facts["runs"] = {run: self.fingerprint(run) for run in sections.analysed_runs(item)}
        if hasattr(item, "test_set"):
            facts["test_set"] = self.test_sets[item.test_set].model_dump(mode="json")
        return _hash(facts)

    def runs_of(self, group: str) -> list[str]:
        """The runs of a group, in the order of the file."""
        return [name for name, run in self.runs.items() if run.group == group]

    def is_reported(self, group: str) -> bool:
        """Whether the profile has the group and reports it."""
        return group in self.groups and self.groups[group].report

    @cached_property
    def reported_runs(self) -> dict[str, sections.Run]:
        """The runs of the groups that are reported, in the order of the file."""
        return {name: run for name, run in self.runs.items() if self.groups[run.group].report}

    def reported(self, section: str) -> dict[str, sections.Analysis]:
        """The items of a section of ANALYSES that are reported, and whose group is."""
        items = getattr(self, section).items()
        return {name: item for name, item in items if item.report and self.groups[item.group].report}

    def sweep(self, name: str, test_set: str) -> list[float]:
        """The sigma_test of a run, 8-bit units: those of the test set and the one it was trained at."""
        sigma = self.runs[name].sigma
        own = {float(sigma)} if isinstance(sigma, (int, float)) else set()
        return sorted({round(float(s), 6) for s in self.test_sets[test_set].sigmas} | own)


def load_params(path: Path) -> Params:
    """Reads and checks a params.yaml.

    Raises:
        ParameterError: one line for each mistake: the key, what is wrong, and the nearest known key.
    """
    raw = read_yaml(path)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParameterError("\n".join(f"{path}: {_explain(e)}" for e in error.errors())) from None


def _hash(facts: object) -> str:
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _explain(error: dict) -> str:
    where = [str(part) for part in error["loc"] if part not in ("constrained-str", "function-after")]
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"{'.'.join(where)}: {message}" if where else message
    *parents, key = where
    owner = _owner(Params, parents)
    return f"{'.'.join(where)}: unknown key; {hint(key, owner.model_fields)}"


def _owner(model: type[BaseModel], keys: list[str]) -> type[BaseModel]:
    """The class whose fields stand at a place in the file: a field that is a model, or a dictionary of models."""
    for key in keys:
        kind = model.model_fields[key].annotation if key in model.model_fields else None
        kinds = [kind] if isinstance(kind, type) else get_args(kind)
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return model
