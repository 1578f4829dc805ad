"""Fetching over a real local server: what arrives is right or absent, and the error says why."""

import dataclasses
import errno
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from replication.data import archives, download, registry, transfer, web
from replication.data.download import fetch_set
from replication.data.images import image_pairs, image_paths, load_pairs, load_set
from replication.data.registry import Archive, DataError, RegisteredFile
from replication.data.web import Limits


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; breaks a connection after `cut` bytes; waits for `together` simultaneous requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.requests, self.cut, self.together = {}, [], {}, None
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, asked = self.path.lstrip("/"), self.headers.get("Range")
        self.server.requests.append((path, asked))
        if self.server.together:
            self.server.together.wait()
        if path not in self.server.files:
            return self.send_error(404)
        body, start = self.server.files[path], 0
        if asked:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.server.cut.get(path, len(body))])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("WNE_DATA_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(web, "LIMITS", Limits(wait=2))
    with Server() as it:
        thread = threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield it
        it.shutdown()
        thread.join()


def png(seed: int, size: int = 16, channels: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, channels), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def tiny(server, monkeypatch):
    """A registered set of five images, all on the server."""
    server.files = {f"Tiny/{i}.png": png(i) for i in range(5)}
    files = tuple(
        RegisteredFile("tiny", f"{i}.png", sha256(body), len(body), f"{server.address}/{path}", path)
        for i, (path, body) in enumerate(server.files.items())
    )
    monkeypatch.setattr(registry, "registered_files", lambda: {"tiny": files})
    return server


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_fetches_every_file_once(tiny, tmp_path):
    folder = fetch_set("tiny", tmp_path)
    assert names(folder) == [f"{i}.png" for i in range(5)]
    assert all((folder / f"{i}.png").read_bytes() == tiny.files[f"Tiny/{i}.png"] for i in range(5))
    assert (folder / "0.png").stat().st_mode & 0o777 == 0o644
    fetch_set("tiny", tmp_path)
    assert len(tiny.requests) == 5, "a file that was there and right was fetched again"


def test_replaces_a_damaged_file_only(tiny, tmp_path):
    folder = fetch_set("tiny", tmp_path)
    (folder / "3.png").write_bytes(b"half")
    fetch_set("tiny", tmp_path)
    assert tiny.requests[5:] == [("Tiny/3.png", None)]
    assert (folder / "3.png").read_bytes() == tiny.files["Tiny/3.png"]


def test_files_come_in_parallel(tiny, tmp_path):
    tiny.together = threading.Barrier(5, timeout=5)  # nobody is answered before all five have asked
    fetch_set("tiny", tmp_path)
    assert len(names(tmp_path / "tiny")) == 5


@pytest.mark.parametrize(
    "damage, reason",
    [
        (lambda s: s.files.update({"Tiny/2.png": s.files["Tiny/2.png"][:-1] + b"x"}), "other content than registered"),
        (lambda s: s.files.update({"Tiny/2.png": s.files["Tiny/2.png"] + b"x"}), "bytes instead of"),
        (lambda s: s.files.pop("Tiny/2.png"), "HTTP 404"),
        (lambda s: s.cut.update({"Tiny/2.png": 0}), "the connection broke off, 3 times in a row, after 0 of"),
    ],
)
def test_a_bad_source_leaves_nothing_and_says_why(tiny, tmp_path, damage, reason):
    damage(tiny)
    with pytest.raises(DataError, match=reason) as caught:
        fetch_set("tiny", tmp_path)
    message = str(caught.value)
    assert "2.png" in message and tiny.address in message and "WNE_DATA_MIRROR" in message and "\n" not in message
    assert set(names(tmp_path / "tiny")) <= {"0.png", "1.png", "3.png", "4.png"}


def test_a_broken_connection_is_taken_up_where_it_broke(tiny, tmp_path, monkeypatch):
    tiny.cut = {"Tiny/1.png": 100}
    folder = fetch_set("tiny", tmp_path)
    assert (folder / "1.png").read_bytes() == tiny.files["Tiny/1.png"]
    assert ("Tiny/1.png", "bytes=100-") in tiny.requests


def test_an_unreachable_host_is_asked_once(tiny, tmp_path, monkeypatch):
    asked = []

    def get(_session, url, **_):
        asked.append(url)
        raise web.requests.ConnectionError

    monkeypatch.setattr(web.requests.Session, "get", get)
    monkeypatch.setattr(download, "_THREADS", 1)
    with pytest.raises(DataError, match="the host cannot be reached"):
        fetch_set("tiny", tmp_path, mirror="http://127.0.0.1:9")
    assert asked[0].startswith("http://127.0.0.1:9/Tiny/") and asked[1].startswith(tiny.address)
    assert names(tmp_path / "tiny") == []
    asked.clear()
    shared = transfer.Transfer()
    for _ in range(3):
        with pytest.raises(DataError):
            shared.obtain(tmp_path / "x", None, None, [f"{tiny.address}/x"])
    assert len(asked) == 1


def test_a_full_disk_is_named(tiny, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(transfer.Transfer, "_write", full)
    with pytest.raises(DataError, match=r"the disk is full while writing .*tiny.*free some space"):
        fetch_set("tiny", tmp_path)
    assert names(tmp_path / "tiny") == []


def test_a_mirror_folder_comes_first(tiny, tmp_path, monkeypatch):
    mirror = tmp_path / "mirror"
    (mirror / "Tiny").mkdir(parents=True)
    for path, body in tiny.files.items():
        (mirror / path).write_bytes(body)
    fetch_set("tiny", tmp_path / "a", mirror=str(mirror))
    monkeypatch.setenv("WNE_DATA_MIRROR", str(mirror))
    fetch_set("tiny", tmp_path / "b")
    assert not tiny.requests
    fetch_set("tiny", tmp_path / "c", mirror="")
    assert len(tiny.requests) == 5, "an empty mirror switches the environment variable off"


def test_a_mirror_address_comes_first(tiny, tmp_path):
    tiny.files |= {f"copy/{path}": body for path, body in tiny.files.items()}
    fetch_set("tiny", tmp_path, mirror=f"{tiny.address}/copy/")
    assert {path for path, _ in tiny.requests} == {f"copy/Tiny/{i}.png" for i in range(5)}


def test_a_wrong_mirror_file_falls_through_with_a_note(tiny, tmp_path, caplog):
    mirror = tmp_path / "mirror"
    (mirror / "Tiny").mkdir(parents=True)
    (mirror / "Tiny/0.png").write_bytes(tiny.files["Tiny/1.png"][:-1] + b"x")
    (mirror / "Tiny/1.png").write_bytes(tiny.files["Tiny/1.png"][:-1] + b"x")
    folder = fetch_set("tiny", tmp_path / "images", mirror=str(mirror))
    assert all((folder / f"{i}.png").read_bytes() == tiny.files[f"Tiny/{i}.png"] for i in range(5))
    assert "Tiny/1.png has other content than the registry says" in caplog.text


def test_every_source_is_named_when_all_fail(tiny, tmp_path):
    tiny.files.clear()
    (tmp_path / "mirror").mkdir()
    with pytest.raises(DataError, match=r"mirror/Tiny/\d.png: No such file or directory; .*http://.*: HTTP 404"):
        fetch_set("tiny", tmp_path, mirror=str(tmp_path / "mirror"))


def test_a_mirror_that_is_not_there_is_an_error(tiny, tmp_path):
    with pytest.raises(DataError, match=r"mistyped is no folder that can be read: correct or unset WNE_DATA_MIRROR"):
        fetch_set("tiny", tmp_path, mirror=str(tmp_path / "mistyped"))


def test_foreign_files_are_refused_and_stay(tiny, tmp_path):
    folder = fetch_set("tiny", tmp_path)
    (folder / "holiday.png").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"files that are not of this set: holiday.png; move them"):
        fetch_set("tiny", tmp_path)
    assert (folder / "holiday.png").exists()


def test_an_unknown_set_gets_a_suggestion(tmp_path):
    with pytest.raises(DataError, match="unknown image set 'set-12': did you mean set12"):
        fetch_set("set-12", tmp_path)


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


def zipped_tightly(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return file.getvalue()


def tarred(members: dict[str, bytes | str]) -> bytes:
    """A str is the target of a symbolic link."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(body, str):
                member.type, member.linkname = tarfile.SYMTYPE, body
                archive.addfile(member)
            else:
                member.size = len(body)
                archive.addfile(member, io.BytesIO(body))
    return file.getvalue()


@pytest.fixture
def serve_archive(server, monkeypatch):
    """Registers an archive of the set "big" that holds two images named NNNN.png."""

    def serve(body: bytes, file: str = "big.zip", checksum: str | None = None, images: int = 2):
        server.files[file] = body
        checksum = f"sha256:{sha256(body)}" if checksum is None else checksum
        pattern = "[0-9][0-9][0-9][0-9].png"
        entry = Archive("big", file, f"{server.address}/{file}", checksum, len(body), pattern, images, f"Big/{file}")
        monkeypatch.setattr(registry, "archives", lambda: {"big": (entry,)})
        return server

    return serve


IMAGES = {"Big_HR/0001.png": png(1), "Big_HR/0002.png": png(2)}
OTHERS = {"Big_LR/0001x2.png": png(3), "__MACOSX/Big_HR/._0001.png": b"", "readme.txt": b"about"}


@pytest.mark.parametrize("file, pack", [("big.zip", zipped), ("big.tar", tarred)])
def test_an_archive_becomes_a_flat_folder(serve_archive, tmp_path, file, pack):
    server = serve_archive(pack(IMAGES | OTHERS), file)
    folder = fetch_set("big", tmp_path)
    assert names(folder) == ["0001.png", "0002.png", "contents.csv"]
    assert (folder / "0002.png").read_bytes() == IMAGES["Big_HR/0002.png"]
    assert [path.name for path in image_paths(tmp_path, "big")] == ["0001.png", "0002.png"]
    assert names(tmp_path / ".archives") == [".gitignore"], "the archive was not removed"
    fetch_set("big", tmp_path)
    assert len(server.requests) == 1
    (folder / "0001.png").write_bytes(b"damaged")
    fetch_set("big", tmp_path)
    assert (folder / "0001.png").read_bytes() == IMAGES["Big_HR/0001.png"]


def test_an_archive_resumes_in_the_next_run(serve_archive, tmp_path):
    body = zipped(IMAGES)
    server = serve_archive(body)
    (tmp_path / ".archives").mkdir()
    (tmp_path / ".archives/big.zip.part").write_bytes(body[:300])
    fetch_set("big", tmp_path)
    assert server.requests == [("big.zip", "bytes=300-")]


def test_a_part_of_another_file_is_dropped(serve_archive, tmp_path):
    body = zipped(IMAGES)
    serve_archive(body)
    (tmp_path / ".archives").mkdir()
    (tmp_path / ".archives/big.zip.part").write_bytes(b"x" * 300)
    with pytest.raises(DataError, match="other content than registered"):
        fetch_set("big", tmp_path)
    assert names(tmp_path / "big") == [] and names(tmp_path / ".archives") == [".gitignore"]
    fetch_set("big", tmp_path)


def test_a_newly_registered_archive_replaces_the_old_images(serve_archive, tmp_path):
    serve_archive(zipped(IMAGES))
    fetch_set("big", tmp_path)
    serve_archive(zipped({"0001.png": png(7), "0002.png": png(8)}))
    assert (fetch_set("big", tmp_path) / "0001.png").read_bytes() == png(7)


def test_an_archive_in_a_mirror_folder_is_used_in_place(serve_archive, tmp_path):
    server = serve_archive(zipped(IMAGES))
    (tmp_path / "mirror/Big").mkdir(parents=True)
    (tmp_path / "mirror/Big/big.zip").write_bytes(server.files["big.zip"])
    fetch_set("big", tmp_path, mirror=str(tmp_path / "mirror"))
    assert not server.requests and (tmp_path / "mirror/Big/big.zip").exists()


def test_a_checksum_that_nobody_published_is_remembered(serve_archive, tmp_path, caplog):
    body = zipped(IMAGES)
    server = serve_archive(body, checksum="")
    folder = fetch_set("big", tmp_path)
    assert "no published checksum" in caplog.text
    remembered = (tmp_path / ".archives/big.zip.sha256").read_text()
    assert remembered == f"sha256:{sha256(body)}\n"
    (folder / "0001.png").unlink()
    server.files["big.zip"] = body[:-1] + b"x"
    with pytest.raises(DataError, match="other content than registered"):
        fetch_set("big", tmp_path)


@pytest.mark.parametrize(
    "body, reason",
    [
        (zipped(IMAGES | {"../0003.png": b""}), "unsafe path '../0003.png'"),
        (tarred(IMAGES | {"/etc/0003.png": b""}), "unsafe path '/etc/0003.png'"),
        (tarred(IMAGES | {"Big_HR/0003.png": "/etc/hostname"}), "the link 'Big_HR/0003.png'"),
        (zipped(IMAGES | {"copy/0001.png": b""}), "two images named 0001.png"),
        (zipped({"0001.png": b""}), "holds 1 images named .*, not 2"),
        (zipped(IMAGES)[:200], "is broken"),
    ],
)
def test_an_unexpected_archive_is_refused_whole(serve_archive, tmp_path, body, reason):
    serve_archive(body, "big.archive")
    with pytest.raises(DataError, match=reason):
        fetch_set("big", tmp_path)
    assert names(tmp_path / "big") == [] and names(tmp_path) == [".archives", "big"]


def test_blocks_of_sidd_become_pairs(server, tmp_path, monkeypatch):
    entries = []
    for kind, seed in (("Noisy", 0), ("Gt", 1)):
        blocks = np.random.default_rng(seed).integers(0, 256, (2, 3, 8, 8, 3), np.uint8)
        file, key = io.BytesIO(), f"Validation{kind}BlocksSrgb"
        savemat(file, {key: blocks})
        server.files[f"{key}.mat"] = file.getvalue()
        size = len(file.getvalue())
        entries.append(Archive("sidd", f"{key}.mat", f"{server.address}/{key}.mat", "", size, "*", 6, f"{key}.mat"))
        expected = blocks[1, 2]
    monkeypatch.setattr(registry, "archives", lambda: {"sidd": tuple(entries)})
    fetch_set("sidd", tmp_path)
    pairs = image_pairs(tmp_path, "sidd")
    assert len(pairs) == 6 and pairs[5][0].name == "02_03_noisy.png"
    assert np.array_equal(dict(load_set(tmp_path, "sidd", 3))["02_03_clean"], expected)
    name, noisy, clean = load_pairs(tmp_path, "sidd")[5]
    assert name == "02_03" and np.array_equal(clean, expected) and not np.array_equal(noisy, clean)


def test_photographs_of_sidd_become_pairs(server, tmp_path, monkeypatch):
    """The archive's own layout: a folder for each scene, two pairs in it, and endings in capitals."""
    members = {"SIDD_Medium_Srgb/ReadMe_sRGB.txt": b"about"}
    for scene in ("0001_001_S6_00100_00060_3200_L", "0002_001_S6_00100_00020_3200_N"):
        for part in ("010", "011"):
            for kind, seed in (("NOISY", 1), ("GT", 2)):
                name = f"{scene[:4]}_{kind}_SRGB_{part}.PNG"
                members[f"SIDD_Medium_Srgb/Data/{scene}/{name}"] = png(int(scene[:4]) * int(part) * seed, channels=3)
    body = zipped(members)
    server.files["SIDD_Medium_Srgb.zip"] = body
    registered = registry.archives()["sidd-medium"][0]
    entry = dataclasses.replace(
        registered, url=f"{server.address}/SIDD_Medium_Srgb.zip", bytes=len(body), images=8,
        checksum=f"md5:{hashlib.md5(body).hexdigest()}",
    )  # fmt: skip
    monkeypatch.setattr(registry, "archives", lambda: {"sidd-medium": (entry,)})
    fetch_set("sidd-medium", tmp_path)
    pairs = load_pairs(tmp_path, "sidd-medium")
    assert [name for name, _, _ in pairs] == ["0001_010", "0001_011", "0002_010", "0002_011"]
    with Image.open(io.BytesIO(png(2 * 11 * 2, channels=3))) as clean:
        assert np.array_equal(pairs[3][2], np.asarray(clean))


def test_a_composite_set_may_select(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(registry.COMPOSITES, "polyu-test", ("tiny",))
    monkeypatch.setitem(registry.SELECTIONS, "polyu-test", ("3.png", "[01]*"))
    fetch_set("polyu-test", tmp_path)
    assert [name for name, _ in load_set(tmp_path, "polyu-test", 1)] == ["tiny/0", "tiny/1", "tiny/3"]
    assert names(tmp_path / "tiny") == [f"{i}.png" for i in range(5)]


def test_a_composite_set_is_a_list_of_its_members(tiny, serve_archive, tmp_path, monkeypatch):
    serve_archive(zipped(IMAGES))
    monkeypatch.setitem(registry.COMPOSITES, "embedded-train", ("tiny", "big"))
    folder = fetch_set("embedded-train", tmp_path)
    assert names(folder) == ["index.csv"]
    lines = (folder / "index.csv").read_text().splitlines()
    assert lines[0] == "set,file,height,width,sha256" and len(lines) == 8
    assert lines[1].startswith("tiny,0.png,16,16,") and lines[-1].startswith("big,0002.png,16,16,")
    loaded = load_set(tmp_path, "embedded-train", 1)
    assert [name for name, _ in loaded] == [f"tiny/{i}" for i in range(5)] + ["big/0001", "big/0002"]


@pytest.mark.parametrize("pack", [zipped_tightly, tarred])
def test_an_archive_that_unpacks_to_far_more_than_it_has_is_refused(serve_archive, tmp_path, pack, monkeypatch):
    bomb = pack({"0001.png": bytes(50_000_000), "0002.png": b""})
    if pack is tarred:
        bomb = gzip.compress(bomb)
    serve_archive(bomb, "big.archive")
    written = []
    unpack = archives.extract_images
    monkeypatch.setattr(
        download, "extract_images", lambda path, archive, folder: _measured(unpack, path, archive, folder, written)
    )
    with pytest.raises(DataError, match=r"unpacks to more than 4 times its \d+ bytes"):
        fetch_set("big", tmp_path)
    assert written[0] <= 4 * len(bomb) + 1
    assert names(tmp_path / "big") == [] and names(tmp_path) == [".archives", "big"]


def _measured(unpack, path, archive, folder, written) -> list[str]:
    """Extracts, and notes the bytes that it wrote."""
    try:
        return unpack(path, archive, folder)
    finally:
        written.append(sum(file.stat().st_size for file in folder.iterdir()))


def test_blocks_that_unpack_to_far_more_than_their_file_are_refused(server, tmp_path, monkeypatch):
    file = io.BytesIO()
    savemat(file, {"ValidationGtBlocksSrgb": np.zeros((2, 3, 256, 256, 3), np.uint8)}, do_compression=True)
    server.files["Gt.mat"] = file.getvalue()
    size = len(file.getvalue())
    entry = Archive("sidd", "Gt.mat", f"{server.address}/Gt.mat", "", size, "*", 6, "Gt.mat")
    monkeypatch.setattr(registry, "archives", lambda: {"sidd": (entry,)})
    with pytest.raises(DataError, match=r"unpacks to more than 4 times its"):
        fetch_set("sidd", tmp_path)
