"""Downloads end, whatever the server does: in bounded time, with a reason, and with no more bytes than registered."""

from __future__ import annotations

import hashlib
import logging
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import hostile
from replication.data import web
from replication.data.web import Limits, SourceError, Web

pytestmark = pytest.mark.slow  # together 10 to 20 s

BODY = bytes(range(256)) * 40


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(web, "LIMITS", Limits(connect=30, silence=30, wait=2, attempts=2, slowest=10_000))
    with hostile.hostile_server() as it:
        yield it


def _download(server: hostile.Hostile, answer: hostile.Answer, part: Path, size: int | None = len(BODY)) -> bytes:
    server.answers["x"] = answer
    Web().download(f"{server.address}/x", part, size, lambda number: None)
    return part.read_bytes()


@pytest.mark.parametrize("size", [len(BODY), None])
def test_a_whole_file_comes(server, tmp_path, size):
    assert _download(server, hostile.whole(BODY), tmp_path / "part", size) == BODY


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hostile.silent, r"no answer within 0.4 s, 2 times in a row, after 0 of 10240 bytes"),
        (hostile.stalling(BODY, 0), r"no (byte for|answer within) 0.4 s, 2 times in a row, after 0 of"),
        (hostile.dripping(BODY, 0.02), r"(fewer than 10000 bytes a second|no .* 0.4 s), 2 times in a row"),
    ],
)
def test_a_server_that_hangs_is_left_and_described(server, tmp_path, monkeypatch, answer, reason):
    monkeypatch.setattr(web, "LIMITS", replace(web.LIMITS, silence=0.4))
    with pytest.raises(SourceError, match=reason):  # the server itself would go on for a minute and more
        _download(server, answer, tmp_path / "part")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hostile.busy(BODY, 9, 100_000), r"HTTP 503 Service Unavailable: the server asks to wait 100000 s"),
        (hostile.busy(BODY, 9, "Wed, 21 Oct 2099 07:28:00 GMT"), r"the server asks to wait \d{10} s"),
        (hostile.busy(BODY, 9, 0), r"HTTP 503 Service Unavailable, 2 times in a row"),
        (hostile.endless, r"more bytes than the 10240 that were to come"),
        (hostile.announcing(500_000_000), r"500000000 bytes instead of 10240"),
        (hostile.compressed(50_000_000), r"\d+ bytes instead of 10240"),
    ],
)
def test_a_server_that_asks_to_wait_or_sends_something_else_is_left_and_described(server, tmp_path, answer, reason):
    with pytest.raises(SourceError, match=reason):
        _download(server, answer, tmp_path / "part")
    assert web.length(tmp_path / "part") <= len(BODY)


def test_a_server_that_is_busy_for_a_moment_is_asked_again_and_the_wait_is_said(server, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    assert _download(server, hostile.busy(BODY, 1, 1), tmp_path / "part") == BODY
    assert "HTTP 503 Service Unavailable; trying again in 1 s" in caplog.text


def test_a_retry_after_that_is_no_time_is_half_a_second(server, tmp_path):
    assert _download(server, hostile.busy(BODY, 1, "soon"), tmp_path / "part") == BODY


def test_an_unknown_size_that_the_server_does_not_say_either_is_refused(server, tmp_path):
    with pytest.raises(SourceError, match="neither the registry nor the server says how large"):
        _download(server, hostile.endless, tmp_path / "part", None)


# --- the command, killed and interrupted -----------------------------------------------------------------


@pytest.fixture
def registered(server, tmp_path):
    """A folder whose registry has a set of three files on the server."""
    (tmp_path / "data").mkdir()
    rows = ["set,file,sha256,bytes,url,mirror_path"]
    for name in ("a.png", "b.png", "c.png"):
        rows.append(f"tiny,{name},{hashlib.sha256(BODY).hexdigest()},{len(BODY)},{server.address}/{name},{name}")
        server.answers[name] = hostile.whole(BODY)
    (tmp_path / "data/registry.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "data/archives.csv").write_text("set,file,url,checksum,bytes,pattern,images,mirror_path\n")
    return tmp_path


def _command(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "replication", "download", "tiny"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def _wait_until_asked(server: hostile.Hostile, path: str) -> None:
    end = time.monotonic() + 60
    while path not in server.requests:
        assert time.monotonic() < end, "the command asked for nothing"
        time.sleep(0.01)


@pytest.mark.parametrize("answer", [hostile.silent, hostile.stalling(BODY, 100)])
def test_one_ctrl_c_ends_a_download_that_waits_for_a_server(server, registered, answer):
    server.answers["b.png"] = answer
    command = _command(registered)
    _wait_until_asked(server, "b.png")
    command.send_signal(signal.SIGINT)
    assert command.wait(50) == 130  # the server would wait for a minute, and be asked three times
    assert command.stderr.read().splitlines()[-1] == "interrupted"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_download_that_was_stopped_does_not_block_the_next(server, registered, how):
    server.answers["b.png"] = hostile.stalling(BODY, 100)
    command = _command(registered)
    _wait_until_asked(server, "b.png")
    command.send_signal(how)
    command.wait(60)
    server.answers["b.png"] = hostile.whole(BODY)
    again = _command(registered)
    assert again.wait(60) == 0, again.stderr.read()
    folder = registered / "data/images/tiny"
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png", "c.png"]
    assert all(path.read_bytes() == BODY for path in folder.iterdir())
