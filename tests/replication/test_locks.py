"""Two stages cannot write one output; the kernel releases the locks of one that is killed. Ctrl-C: one line, status 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from replication.cli.locks import locked

ROOT = Path(__file__).parents[2]
_HOLD = "from pathlib import Path; from replication.cli.locks import locked; import time\nwith locked([Path('{}')]): print('held', flush=True); time.sleep(60)"


def _holder(output: str, folder: Path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD.format(output)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize(
    ("first", "second", "collide"),
    [
        ("results/a/x.csv", "results/a/x.csv", True),
        ("results/a/x.csv", "results/a/y.csv", False),
        ("results/a", "results/a/x.csv", True),  # a group, and a run of it
        ("results/a/x.csv", "results/a", True),
        ("results/a", "results/b", False),
    ],
)
def test_one_writer_for_each_output(tmp_path, monkeypatch, first, second, collide):
    monkeypatch.chdir(tmp_path)
    holder = _holder(first, tmp_path)
    try:
        if collide:
            with (
                pytest.raises(RuntimeError, match=rf"process {holder.pid} on .* is writing results/a"),
                locked([Path(second)]),
            ):
                pass
        else:
            with locked([Path(second)]):
                pass
    finally:
        holder.kill()
        holder.wait()
    with locked([Path(second)]):  # whoever was killed holds nothing
        pass


def test_a_stage_that_outlived_its_dvc_is_named(tmp_path):
    """The command refuses in one line, and writes nothing."""
    (tmp_path / "data").mkdir()
    for table in ("registry.csv", "archives.csv"):
        (tmp_path / "data" / table).write_bytes((ROOT / "data" / table).read_bytes())
    holder = _holder("data/images/photos-test", tmp_path)
    command = [sys.executable, "-m", "replication", "download", "photos-test"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    holder.kill()
    holder.wait()
    assert done.returncode == 1 and done.stderr.startswith(f"error: process {holder.pid} on ")
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "data/images").exists()


@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.3, 0.6, 1.0])
def test_ctrl_c_while_it_starts_is_one_line_and_status_130(seconds, tmp_path):
    # Before `listen` Python starts; what it does with Ctrl-C then is its own.
    code = "from wne.interrupts import listen; listen(); print('started', flush=True); from replication.cli import main; main()"
    arguments = ["noise", "set12", "--params", str(ROOT / "profiles/bsd400/params.yaml")]
    command = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"WNE_TRACEBACK": ""},
    )  # fmt: skip
    command.stdout.readline()
    time.sleep(seconds)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    if errors.startswith("error:"):  # it had said before that the set is not there, and perhaps was about to exit
        assert command.returncode in (1, -signal.SIGINT)
    else:
        assert (command.returncode, errors) == (130, "interrupted\n")
