"""The command line as its user sees it: help, one-line errors, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import replication.cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def replicate(monkeypatch, capsys):
    """A command line, in this process: exit status, output, error output."""

    def run(*arguments: str, cwd: Path = ROOT) -> tuple[int, str, str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["replicate", *arguments])
        with pytest.raises(SystemExit) as ended:
            replication.cli.main()
            sys.exit(0)
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_help_names_every_stage(replicate):
    shown = replicate("--help")[1]
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])
    assert len(stages) >= 14
    for stage in ("download", *stages):
        assert f" {stage} " in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "dncnn-wne-s26"], "did you mean 'dncnn-wne-s25'"),
        (["noise", "set13"], "test_sets has no 'set13'"),
        (["train", "dncnn-wne-s25", "--params", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["audit", "bsd"], "leakage has no 'bsd'"),
        (["difficulty", "bsd"], "difficulty has no 'bsd'"),
        (["filters", "fig5"], "filters has no 'fig5'; known: fig05"),
        (["samplers", "painting"], "known: denoising, inpainting"),
        (["evaluate", "cnm"], "unknown name 'cnm'"),
        (["download", "set13"], "set13"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_1(replicate, arguments, message):
    status, _, errors = replicate(*arguments)
    assert status == 1
    lines = [line for line in errors.splitlines() if line.startswith("error:")]
    assert len(lines) == 1 and message in lines[0] and "Traceback" not in errors


def test_runs_checks_a_parameter_file(replicate):
    status, shown, _ = replicate("runs", "--params", "profiles/paper/params.yaml")
    assert status == 0 and "87 runs, no mistakes found" in shown


def test_a_stopped_training_ends_with_status_75_and_says_how_to_go_on(replicate, tmp_path):
    from tiny_profile import RUN, tiny_profile

    params, _ = tiny_profile(tmp_path)
    (tmp_path / "params.yaml").write_text(params.model_dump_json())  # JSON is YAML
    status, _, errors = replicate("train", RUN, "--max-seconds", "0", cwd=tmp_path)
    assert status == 75 and "goes on from here" in errors
    status, _, errors = replicate("train", RUN, cwd=tmp_path)
    assert status == 0 and "resuming at step 1" in errors


def test_figures_and_tables_import_no_torch():
    code = "import sys, replication.cli, replication.results.profile, replication.report.figures, replication.report.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
