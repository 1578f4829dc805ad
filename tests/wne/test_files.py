"""Files are whole or absent, whenever a writer is killed; what it leaves is swept, what a living one writes is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wne import files
from wne.files import PREFIX, replacing, replacing_folder, sweep, write_text


def _writer(code: str, folder: Path) -> subprocess.Popen:
    """A process that runs `code` in `folder` and says "ready" when told so by the code."""
    head = "from pathlib import Path\nfrom wne.files import *\nimport os, signal, time\n"
    process = subprocess.Popen([sys.executable, "-c", head + code], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_block_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with replacing_folder(tmp_path / "set") as folder:
        (folder / "x").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(ValueError), replacing_folder(tmp_path / "set") as folder:
        (folder / "y").write_text("half")
        raise ValueError
    assert _names(tmp_path) == ["a.txt", "set"]
    assert (tmp_path / "a.txt").read_text() == "old" and _names(tmp_path / "set") == ["x"]


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path, monkeypatch):
    for exchange in (files._exchange, lambda one, other: False):  # also where the system cannot swap two folders
        monkeypatch.setattr(files, "_exchange", exchange)
        for content in ("x", "y"):
            with replacing_folder(tmp_path / "set") as folder:
                (folder / content).write_text(content)
            assert _names(tmp_path) == ["set"] and _names(tmp_path / "set") == [content]


def test_a_name_as_long_as_the_file_system_takes_keeps_its_ending(tmp_path):
    name = "n" * 251 + ".png"
    with replacing(tmp_path / name) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_text("x")
    assert _names(tmp_path) == [name]


def test_what_a_killed_writer_leaves_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    hold = "with replacing(Path('{}')) as t:\n t.write_text('half')\n print('ready', flush=True)\n time.sleep(60)"
    killed, living = (_writer(hold.format(name), tmp_path) for name in ("killed", "living"))
    killed.kill()
    killed.wait()
    assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 2 and not (tmp_path / "killed").exists()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.glob(f"{PREFIX}*/*")] == ["living"]
    living.terminate()
    living.wait()


def test_a_process_sweeps_a_folder_before_it_writes_there(tmp_path):
    killed = _writer("with replacing(Path('a')) as t:\n print('ready', flush=True)\n time.sleep(60)", tmp_path)
    killed.kill()
    killed.wait()
    write_text(tmp_path / "a", "whole")
    assert _names(tmp_path) == ["a"]


def test_a_kill_between_the_two_renames_loses_neither_folder(tmp_path):
    """Where two folders cannot be swapped in one step."""
    code = """
import wne.files
wne.files._exchange = lambda one, other: False
(Path('set')).mkdir(); Path('set/old').touch()
rename, done = os.replace, []
def dying(source, target):
    if done:
        print('ready', flush=True); os.kill(os.getpid(), signal.SIGKILL)
    done.append(rename(source, target))
os.replace = dying
with replacing_folder(Path('set')) as folder:
    (folder / 'new').touch()
"""
    _writer(code, tmp_path).wait()
    assert not (tmp_path / "set").exists()
    sweep(tmp_path)
    assert _names(tmp_path) == ["set"] and _names(tmp_path / "set") == ["old"]


def test_the_folder_is_there_at_every_moment(tmp_path):
    code = "for i in range(10**6):\n with replacing_folder(Path('set')) as f:\n  (f / 'x').touch()\n if not i: print('ready', flush=True)"
    writer = _writer(code, tmp_path)
    try:
        assert all(os.access(tmp_path / "set" / "x", os.F_OK) for _ in range(20_000))
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    def refused(prefix: str, dir: Path) -> str:
        raise PermissionError(13, "Permission denied", f"{dir}/{prefix}x")

    monkeypatch.setattr(files.tempfile, "mkdtemp", refused)
    with pytest.raises(PermissionError, match=rf"Permission denied: '{tmp_path}'"):
        write_text(tmp_path / "a", "x")
