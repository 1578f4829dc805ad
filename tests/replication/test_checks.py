"""`replicate check`, `verify` and `relock`: what they compare, and what they let pass."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from replication.cli.checks import MEASURED, check_profile, compare_with, counted
from replication.cli.provenance import code_of
from replication.cli.relock import differences, measurements, move_hashes, relock
from replication.study.params import load_params
from replication.study.paths import ProfilePaths

ROOT = Path(__file__).parents[2]


@pytest.fixture
def committed(tmp_path, monkeypatch) -> Path:
    """A git repository with results of a profile called default."""
    monkeypatch.chdir(tmp_path)
    files = {
        "results/default/summary/estimates.csv": "run,value\na,1.0\nb,2.0\n",
        "results/default/cost/a.json": '{"seconds": 1}\n',
        "paper/default/tables/table01.tex": "% a table\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "results"]):
        subprocess.run(["git", *command], check=True)
    return tmp_path


PARAMS = load_params(ROOT / "params.yaml")


def test_the_same_results_are_identical_whatever_the_machine_took(committed):
    (committed / "results/default/cost/a.json").write_text('{"seconds": 2}\n')
    assert compare_with("HEAD", PARAMS) == (2, {})


def test_a_difference_is_named_with_its_size(committed):
    (committed / "results/default/summary/estimates.csv").write_text("run,value\na,1.5\nb,2.0\n")
    (committed / "paper/default/tables/table01.tex").unlink()
    found = compare_with("HEAD", PARAMS)
    assert found.same == 0
    assert found.different == {
        "results/default/summary/estimates.csv": "1 cells differ, numbers by up to 0.5",
        "paper/default/tables/table01.tex": "is not here",
    }


def test_an_unknown_commit_is_one_line(committed):
    with pytest.raises(RuntimeError, match=r"^git ls-tree: .*[^\n]$"):
        compare_with("no-such-commit", PARAMS)


@pytest.mark.parametrize(
    "name", ["results/x/cost/a.json", "results/x/timing/samples.csv", "paper/x/tables/table02.tex"]
)
def test_what_a_machine_takes_is_left_out(name):
    assert MEASURED.fullmatch(name)


@pytest.mark.parametrize(
    "name", ["results/x/training/a.csv", "results/x/summary/estimates.csv", "paper/x/figures/fig03.png"]
)
def test_what_was_found_is_compared(name):
    assert not MEASURED.fullmatch(name)


def test_code_yaml_of_other_code_stops_the_check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "code.yaml").write_text("train: {dncnn: 0000000000000000}\n")
    with pytest.raises(RuntimeError, match=r"code\.yaml: is not that of this code.*replicate code"):
        check_profile(PARAMS, ProfilePaths("default"))


def locked() -> dict:
    hashes = code_of(PARAMS)
    return {
        "train@dncnn-wne-s25": {
            "params": {"code.yaml": {"train.dncnn": "0123456789abcdef"}},
            "md5": "0123456789abcdef",
        },
        "train@swinir-wne-s25": {"params": {"code.yaml": {"train.swinir": hashes["train"]["swinir"]}}},
        "timing": {"params": {"code.yaml": {"timing": "1111111111111111"}}},
        "collect": {"params": {"code.yaml": {"collect": "1111111111111111"}}},
    }


def write_lock(folder: Path, stages: dict) -> None:
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))


def test_relocking_moves_the_hashes_of_changed_code_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lock, hashes = locked(), code_of(PARAMS)
    write_lock(tmp_path, lock)
    before = {"train.dncnn": "0123456789abcdef", "timing": "1111111111111111"}
    hashes = hashes | {"train": hashes["train"] | {"dncnn": "1663773468819158"}}  # YAML would read a number
    monkeypatch.setattr("replication.cli.relock.code_of", lambda params: hashes)
    assert move_hashes(PARAMS, before) == ["train@dncnn-wne-s25", "timing"]
    after = yaml.safe_load((tmp_path / "dvc.lock").read_text())["stages"]
    lock["train@dncnn-wne-s25"]["params"]["code.yaml"]["train.dncnn"] = hashes["train"]["dncnn"]
    lock["timing"]["params"]["code.yaml"]["timing"] = hashes["timing"]
    assert after == lock  # "collect" stays stale: what it makes is not compared


def test_a_stage_that_the_commit_did_not_make_is_not_relocked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lock(tmp_path, locked())
    text = (tmp_path / "dvc.lock").read_text()
    with pytest.raises(RuntimeError, match="timing was made by other code than that of the commit"):
        move_hashes(PARAMS, {"train.dncnn": "0123456789abcdef", "timing": "2222222222222222"})
    assert (tmp_path / "dvc.lock").read_text() == text


def test_weights_and_measurements_are_compared_and_neither_times_nor_what_is_made_of_them(tmp_path):
    compared = [
        "checkpoints/smoke/cnn/a.safetensors",
        "results/smoke/evaluation/cnn/a/psnr.csv",
        "results/smoke/training/a.csv",
    ]
    others = ["results/smoke/cost/a.json", "results/smoke/timing/cpu.csv", "results/smoke/summary/estimates.csv",
              "results/smoke/README.md", "results/smoke/metrics.json", "paper/smoke/tables/claims.tex"]  # fmt: skip
    for name in [*compared, *others]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert measurements(tmp_path) == {name: name.encode() for name in compared}


def test_a_new_run_is_no_difference_and_a_new_file_of_an_old_one_is():
    old = {
        "checkpoints/smoke/cnn/a": b"1",
        "results/smoke/evaluation/cnn/a/psnr.csv": b"2",
        "results/smoke/training/a.csv": b"3",
    }
    more = {
        "checkpoints/smoke/cnn/b": b"",
        "results/smoke/evaluation/cnn/b/psnr.csv": b"",
        "results/smoke/training/b.csv": b"",
    }
    assert differences(old, old | more) == []
    added = "results/smoke/evaluation/cnn/a/jpeg.csv"
    assert differences(old, old | {added: b"", "results/smoke/training/a.csv": b"4"}) == [
        added,
        "results/smoke/training/a.csv",
    ]
    assert differences(old, {}) == sorted(old)


def test_uncommitted_code_is_not_compared(committed):
    (committed / "src").mkdir()
    (committed / "src/new.py").write_text("changed = True\n")
    with pytest.raises(RuntimeError, match="commit what is compared first: src/"):
        relock([PARAMS], "HEAD")


def test_stages_are_counted_by_kind():
    assert counted(["train@a", "train@b", "profiles/bsd400/dvc.yaml:evaluate@cnn"]) == "train (2), evaluate (1)"
