"""The command line as its user sees it: help, one-line errors, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def wne(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from replication.cli import main; main()", *arguments],
        cwd=cwd, capture_output=True, text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip


def test_help_names_every_stage():
    shown = wne("--help").stdout
    for stage in (
        "download",
        "noise",
        "train",
        "evaluate",
        "timing",
        "audit",
        "difficulty",
        "filters",
        "errors",
        "sample",
        "controls",
        "collect",
        "figures",
        "tables",
    ):
        assert stage in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "dncnn-wne-s26"], "did you mean 'dncnn-wne-s25'"),
        (["noise", "set13"], "no test set 'set13'"),
        (["train", "dncnn-wne-s25", "--params", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["audit", "bsd"], "leakage has no 'bsd'"),
        (["difficulty", "bsd"], "difficulty has no 'bsd'"),
        (["filters", "fig5"], "filters has no 'fig5'; known: fig05"),
        (["sample", "painting"], "known: denoising, inpainting"),
        (["evaluate", "cnm"], "unknown name 'cnm'"),
        (["download", "set13"], "set13"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_1(arguments, message):
    result = wne(*arguments)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0]


def test_list_and_check():
    assert "swinir     wne" in wne("list").stdout
    result = wne("check", "--params", "profiles/paper/params.yaml")
    assert result.returncode == 0 and "66 runs, no mistakes found" in result.stdout


def test_a_stopped_training_ends_with_status_75_and_says_how_to_go_on(tmp_path):
    from tiny_profile import RUN, tiny_profile

    params, _ = tiny_profile(tmp_path)
    (tmp_path / "params.yaml").write_text(params.model_dump_json())  # JSON is YAML
    result = wne("train", RUN, "--max-seconds", "0", cwd=tmp_path)
    assert result.returncode == 75, result.stderr
    assert "goes on from here" in result.stderr
    result = wne("train", RUN, cwd=tmp_path)
    assert result.returncode == 0 and "resuming at step 1" in result.stderr


def test_figures_and_tables_import_no_torch():
    code = "import sys, replication.cli, replication.results.profile, replication.report.figures, replication.report.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
