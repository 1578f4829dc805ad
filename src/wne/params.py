"""params.yaml as frozen, typed objects. An unknown key, model or run is an error that names the nearest one.

There are no defaults: a number that changes a result is written in the file.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Distribution = Literal["gaussian", "uniform", "laplace", "rayleigh", "real"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]  # no dots: DVC reads them as nesting
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class ParameterError(ValueError):
    """params.yaml is wrong: one line that says where and what to do."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Frozen):
    """An experiment: the runs that name it. `title` in plain words.

    `report`: whether its results enter the summary, the figures and the tables. A profile whose runs of this
    group are not all done says false here; nothing is drawn from a part of a group.
    """

    title: str
    report: bool


class TestSet(_Frozen):
    """Images with fixed corruptions. `sigmas` in 8-bit units; each run adds the sigma it was trained at.

    A set of noisy and clean pairs has `noises: [real]`, one draw and no sigmas. `qualities`: of the JPEG
    files that tasks with `jpeg: true` are tested on as well. `defects`: the number of images, the first ones,
    on which the equivariance defect is measured.
    """

    images: Name
    channels: Literal[1, 3]
    crop: Count | None  # central crop of this side; null: the whole image
    noises: list[Distribution]
    draws: Count
    sigmas: list[Positive]
    qualities: list[Annotated[int, Field(ge=1, le=95)]]
    defects: Count


class Model(BaseModel):
    """A backbone and the keywords of its class."""

    model_config = ConfigDict(extra="allow", frozen=True)
    backbone: Name

    @property
    def size(self) -> dict[str, object]:
        return dict(self.model_extra or {})


class Recipe(_Frozen):
    """How to train. `lr` is the largest rate; `one_cycle`: linear warm-up, then a cosine to zero."""

    loss: Literal["mse", "l1"]
    steps: Count
    batch: Count
    patch: Count
    lr: Positive
    schedule: Literal["constant", "halving", "one_cycle", "cosine"]
    halve_every: Count | None
    lr_end: float | None  # of the cosine
    optimizer: Literal["adam", "adamw"]

    @model_validator(mode="after")
    def _schedule_has_its_numbers(self) -> Recipe:
        if (self.schedule == "halving") != (self.halve_every is not None):
            raise ValueError("halve_every belongs to schedule: halving, and is null otherwise")
        if (self.schedule == "cosine") != (self.lr_end is not None):
            raise ValueError("lr_end belongs to schedule: cosine, and is null otherwise")
        return self


class Task(_Frozen):
    """What is learned from what: the corruption in training, the objective, and where it is tested."""

    channels: Literal[1, 3]
    noise: Distribution
    objective: Literal["supervised", "soft_ne", "n2n", "paired"]
    test_sets: list[Name]
    jpeg: bool  # also tested on the JPEG files of its first test set (App. P)


class Run(_Frozen):
    """One trained denoiser. `sigma` in 8-bit units: a number, a range [low, high], or null for real noise."""

    group: Name
    task: Name
    model: Name
    variant: Name
    sigma: Positive | tuple[float, float] | None
    recipe: Name
    train_set: Name
    seed: int

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(low, high) in 8-bit units."""
        if self.sigma is None:
            raise ParameterError("this run is trained on real noise: it has no sigma")
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)


class TimedFamily(_Frozen):
    """Variants of one backbone that are timed side by side, on (B, C, H, W) inputs of the shape given."""

    model: Name
    variants: list[Name]
    cpu_shape: tuple[Count, Count, Count, Count]
    cuda_shape: tuple[Count, Count, Count, Count]


class Timing(_Frozen):
    repetitions: Count
    warmup: Count
    families: dict[Name, TimedFamily]


class Example(_Frozen):
    """One noisy image denoised by the named runs and kept as a picture, for the qualitative figures."""

    test_set: Name
    image: str
    sigma: Positive
    size: Count  # central crop shown
    runs: list[Name]


class Difficulty(_Frozen):
    """Random training patches whose difficulty in normalized coordinates is measured. `sigmas` in 8-bit units."""

    patches: Count
    patch: Count  # side in pixels
    sigmas: Annotated[list[Positive], Field(min_length=1)]

    @model_validator(mode="after")
    def _sigmas_differ(self) -> Difficulty:
        if len(set(self.sigmas)) < len(self.sigmas):
            raise ValueError("sigmas has a noise level twice")
        return self


class Filters(_Frozen):
    """Rows of the Jacobian at some pixels of a noisy crop (Fig. 5). `sigmas` of the test, 8-bit units."""

    group: Name
    test_set: Name
    image: str
    size: Count  # side of the central crop
    sigmas: list[Positive]
    pixels: list[tuple[int, int]]  # (row, column) inside the crop
    runs: list[Name]


class Errors(_Frozen):
    """Normalized error against difficulty on training patches (Figs. 6, 11). `sigmas` of the test, 8-bit units."""

    group: Name
    train_set: Name
    patches: Count  # for each sigma
    patch: Count  # side in pixels
    bins: Count  # between 0 and 1.1 sqrt(d)
    sigmas: list[Positive]
    runs: list[Name]


class Sampler(_Frozen):
    """The denoiser-residual sampler of App. N with one measurement. sigma_start and sigma_stop in 8-bit units."""

    group: Name
    operator: Literal["none", "random_pixels", "block_average", "blur"]
    amount: Positive | None  # share of pixels kept, side of a block, or share of the frequencies kept
    test_set: Name
    crop: Count | None
    sigma_start: Positive  # for the operator "none": of the noise on the image to be denoised
    sigma_stop: Positive
    h0: Positive
    beta: Annotated[float, Field(gt=0, le=1)]
    steps: Count  # at most
    pictures: list[str]  # images whose result is kept as a picture
    runs: list[Name]


class Controls(_Frozen):
    """Denoisers without training of their own, through the noise sweep: beyond the paper.

    oracle: `run`, trained bare at one sigma, on inputs rescaled with their true noise level. wrapped at test
    time: `run` put into the wrapper afterwards. `classical`: scikit-image's, told the sigma that `run` was
    trained at and no other, bare and wrapped.
    """

    group: Name
    run: Name
    classical: list[Literal["tv", "nlm", "wavelet"]]
    test_set: Name


class Weights(_Frozen):
    """A run whose trained weights are published with a model card. `group`: its own."""

    group: Name


class Statistics(_Frozen):
    confidence: Annotated[float, Field(gt=0, lt=1)]
    resamples: Count
    seed: int


Analysis = Filters | Errors | Sampler | Controls
ANALYSES = ("filters", "errors", "samplers", "controls")  # sections of what is done with trained runs


def analysed_runs(item: Analysis) -> list[str]:
    """The runs whose checkpoints an analysis reads."""
    return [item.run] if isinstance(item, Controls) else item.runs


class Params(_Frozen):
    """A whole profile."""

    profile: Name
    root: str
    params_file: str
    seed: int
    precision: Literal["float32", "bfloat16"]
    state_every: Count  # training steps between two states that a killed run resumes from
    test_sets: dict[Name, TestSet]
    models: dict[Name, Model]
    recipes: dict[Name, Recipe]
    tasks: dict[Name, Task]
    groups: dict[Name, Group]
    runs: dict[Name, Run]
    examples: dict[Name, Example]
    filters: dict[Name, Filters]
    errors: dict[Name, Errors]
    samplers: dict[Name, Sampler]
    controls: dict[Name, Controls]
    leakage: dict[Name, list[Name]]  # training set: the test sets whose images are looked for in it
    difficulty: dict[Name, Difficulty]  # training set: its patches
    timing: Timing
    weights: dict[Name, Weights]  # run
    statistics: Statistics

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        for key, run in self.runs.items():
            _check(f"runs.{key}.group", run.group, self.groups)
            _check(f"runs.{key}.task", run.task, self.tasks)
            _check(f"runs.{key}.model", run.model, self.models)
            _check(f"runs.{key}.recipe", run.recipe, self.recipes)
        for key, task in self.tasks.items():
            for test_set in task.test_sets:
                _check(f"tasks.{key}.test_sets", test_set, self.test_sets)
                bench = self.test_sets[test_set]
                if task.channels != bench.channels or task.noise not in bench.noises:
                    raise ValueError(
                        f"tasks.{key} has {task.channels} channels and {task.noise} noise, "
                        f"test_sets.{test_set} has {bench.channels} and {', '.join(bench.noises)}"
                    )
        for key, family in self.timing.families.items():
            _check(f"timing.families.{key}.model", family.model, self.models)
        for key, test_sets in self.leakage.items():
            for test_set in test_sets:
                _check(f"leakage.{key}", test_set, self.test_sets)
        for key, example in self.examples.items():
            _check(f"examples.{key}.test_set", example.test_set, self.test_sets)
            for name in example.runs:
                _check(f"examples.{key}.runs", name, self.runs)
        for key, published in self.weights.items():
            _check(f"weights.{key}", key, self.runs)
            if self.runs[key].group != published.group or not self.groups[published.group].report:
                raise ValueError(
                    f"weights.{key}: names the group {published.group}; its own must be named and reported"
                )
        for section in ANALYSES:
            for key, item in getattr(self, section).items():
                self._check_analysis(f"{section}.{key}", item)
        return self

    def _check_analysis(self, where: str, item: Analysis) -> None:
        _check(f"{where}.group", item.group, self.groups)
        if hasattr(item, "test_set"):
            _check(f"{where}.test_set", item.test_set, self.test_sets)
        for name in analysed_runs(item):
            _check(f"{where}.runs", name, self.runs)
            if self.runs[name].group != item.group:
                raise ValueError(f"{where}: run {name} is in the group {self.runs[name].group}, not {item.group}")

    def run(self, name: str) -> Run:
        """The run of that name; an unknown one is an error with the nearest name."""
        try:
            _check("run", name, self.runs)
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
        }

    def fingerprint(self, name: str) -> str:
        """Hash of `describe`: a checkpoint carries it, and evaluation refuses one that does not match."""
        return _hash(self.describe(name))

    def analysis_fingerprint(self, section: str, name: str) -> str:
        """Hash of all that determines the results of an item of `filters`, `errors`, `samplers` or `controls`."""
        item = getattr(self, section)[name]
        facts = {"item": item.model_dump(mode="json"), "seed": self.seed, "runs": {}}
        facts["runs"] = {run: self.fingerprint(run) for run in analysed_runs(item)}
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
    def reported_runs(self) -> dict[str, Run]:
        """The runs of the groups that are reported, in the order of the file."""
        return {name: run for name, run in self.runs.items() if self.groups[run.group].report}

    def reported(self, section: str) -> dict[str, Analysis]:
        """The items of a section of ANALYSES whose group is reported."""
        return {name: item for name, item in getattr(self, section).items() if self.groups[item.group].report}

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
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ParameterError(f"{path}: no such file; run from the repository root, or give --params") from None
    except yaml.YAMLError as error:
        raise ParameterError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParameterError("\n".join(f"{path}: {_explain(e)}" for e in error.errors())) from None


_SECTIONS: dict[str, type[BaseModel]] = {
    "test_sets": TestSet, "recipes": Recipe, "tasks": Task, "groups": Group, "runs": Run, "examples": Example,
    "filters": Filters, "errors": Errors, "samplers": Sampler, "controls": Controls,
    "difficulty": Difficulty, "timing": Timing, "weights": Weights, "statistics": Statistics,
}  # fmt: skip


def _hash(facts: object) -> str:
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _explain(error: dict) -> str:
    where = [str(part) for part in error["loc"] if part not in ("constrained-str", "function-after")]
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        return f"{'.'.join(where)}: {message}" if where else message
    *parents, key = where
    owner = Params if not parents else TimedFamily if "families" in parents else _SECTIONS.get(parents[0], Params)
    near = difflib.get_close_matches(key, owner.model_fields, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(owner.model_fields)}"
    return f"{'.'.join(where)}: unknown key; {hint}"


def _check(where: str, name: str, known: dict[str, object]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise ValueError(f"{where}: unknown name {name!r}; {hint}")
