"""The code behind each stage of a profile: code.yaml, which dvc.yaml names as parameters."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import yaml

from replication.experiments import ANALYSES
from replication.report.artefacts import modules
from replication.study.code import backbone_module, code_hash, imported
from replication.study.params import Params, analysed_runs
from wne.files import write_text

# Stage -> the modules that it runs.
STAGES: dict[str, tuple[str, ...]] = {
    "noise": ("replication.data.noise",),
    "timing": ("replication.experiments.timing",),
    "counts": ("replication.experiments.counting",),
    "audit": ("replication.data.leakage",),
    "difficulty": ("replication.experiments.difficulty",),
    "collect": ("replication.results.profile",),
    "weights": ("replication.report.weights",),
    "figures": ("replication.report.figures", *modules("figure")),
    "tables": ("replication.report.tables", *modules("table"), "replication.report.metrics"),
}
_HEAD = "# Made by `replicate code`: hash of the code behind each stage (replication.study.code).\n"


def code_file(params: Params) -> Path:
    return Path(params.params_file).with_name("code.yaml")


def code_of(params: Params) -> dict[str, object]:
    """Stage, and what it is repeated for -> hash. Training is by model, evaluation by group, analyses by item."""

    def with_backbones(modules: tuple[str, ...], models: list[str]) -> str:
        return code_hash([*modules, *(backbone_module(params.models[model].backbone) for model in models)])

    def models_of(runs: list[str]) -> list[str]:
        return [params.runs[run].model for run in runs]

    timed = [family.model for family in params.timing.families.values()]
    return {
        "train": {
            m: with_backbones(("replication.experiments.train",), [m]) for m in sorted(set(models_of(params.runs)))
        },
        "evaluate": {
            group: with_backbones(("replication.experiments.evaluate",), models_of(params.runs_of(group)))
            for group in params.groups
        },
        **{
            section: {
                name: with_backbones((analysis.module,), models_of(analysed_runs(item)))
                for name, item in getattr(params, section).items()
            }
            for section, analysis in ANALYSES.items()
        },
        **{
            stage: with_backbones(modules, timed if stage in ("timing", "counts") else [])
            for stage, modules in STAGES.items()
        },
    }


def as_text(hashes: dict) -> str:
    return _HEAD + yaml.safe_dump(hashes, sort_keys=False)


def write_code(file: Path, hashes: dict) -> bool:
    """Brings code.yaml up to date; returns whether it had to change."""
    if file.exists() and file.read_text() == as_text(hashes):
        return False
    write_text(file, as_text(hashes))
    return True


def notebook_code(folder: Path) -> dict[str, str]:
    """Notebook -> hash of the code that its cells import."""
    found = {}
    for file in sorted(folder.glob("*.ipynb")):
        cells = [cell["source"] for cell in json.loads(file.read_text())["cells"] if cell["cell_type"] == "code"]
        found[file.stem] = code_hash(imported(ast.parse("\n".join("".join(source) for source in cells))))
    return found
