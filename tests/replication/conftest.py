"""The smoke profile's whole pipeline, once, for every test that needs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from commands import shell

ROOT = Path(__file__).parents[2]
# What a clone has, without what was made in it, and without results.
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".dvc", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "executed", "images", "noise",
    "checkpoints", "dvc.lock", "results", "build",
)  # fmt: skip


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> Path:
    """A fresh copy of the repository."""
    copy = tmp_path_factory.mktemp("clone") / "repository"
    shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
    for profile in ("default", "bsd400", "smoke"):
        shutil.rmtree(copy / "paper" / profile, ignore_errors=True)
    shutil.copytree(ROOT / "results/bsd400/weights", copy / "results/bsd400/weights")
    shutil.copytree(ROOT / "src/replication/results", copy / "src/replication/results", dirs_exist_ok=True)
    shell(copy, "dvc init --no-scm --quiet")
    return copy


@pytest.fixture(scope="session")
def reproduced(repository) -> Path:
    """The same after `dvc repro profiles/smoke/dvc.yaml`."""
    shell(repository, "dvc repro profiles/smoke/dvc.yaml")
    return repository
