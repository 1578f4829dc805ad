"""Where everything lies, relative to the repository root. Every stage asks here; nothing builds a path itself."""

from __future__ import annotations

from pathlib import Path

from replication.study.params import Params

IMAGES = Path("data/images")  # <set>/<file>, made by `download`


class ProfilePaths:
    """The files of one profile: what each stage reads and writes."""

    def __init__(self, profile: str, root: Path = Path(".")):
        self.root = root
        self.test_sets = root / "data/noise" / profile  # <test set>/<image>.npz, by `noise`
        self.checkpoints = root / "checkpoints" / profile  # <group>/<run>.safetensors, by `train`
        self.states = root / "checkpoints" / profile / "unfinished"  # <run>.pt, training states to resume from
        self.results = root / "results" / profile
        self.training = self.results / "training"  # <run>.csv and <run>.json, by `train`
        self.cost = self.results / "cost"  # <run>.json, what a training took and on which machine, by `train`
        self.evaluation = self.results / "evaluation"  # <group>/<run>/*.csv, *.png, by `evaluate`
        self.timing = self.results / "timing"  # samples.csv and environment.json, by `timing`
        self.counts = self.results / "counts"  # <family>.csv, by `counts`
        self.leakage = self.results / "leakage"  # <training set>.csv, by `audit`
        self.difficulty = self.results / "difficulty"  # <training set>.csv, by `difficulty`
        self.summary = self.results / "summary"  # tidy tables of all runs, by `collect`
        self.weights = self.results / "weights"  # <run>.safetensors and <run>.md, by `weights`
        self.figures = root / "paper" / profile / "figures"  # by `figures`
        self.tables = root / "paper" / profile / "tables"  # by `tables`

    def checkpoint(self, params: Params, run: str) -> Path:
        return self.checkpoints / params.run(run).group / f"{run}.safetensors"

    def evaluated(self, params: Params, run: str) -> Path:
        """The folder of a run's evaluation."""
        return self.evaluation / params.run(run).group / run

    def analysis(self, section: str, name: str) -> Path:
        """The folder of one item of a section of `params.ANALYSES`, by `filters`, `errors`, ..."""
        return self.results / section / name

    def image_set(self, name: str) -> Path:
        return self.root / IMAGES / name
