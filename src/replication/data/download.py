"""Image sets made complete on this machine: `replicate download <set>`.

    root/<set>/<file>       every file checked against data/registry.csv by sha256 and size
    root/<set>/contents.csv file, sha256, bytes, archive (its checksum): of the images that came in a large archive
    root/<set>/index.csv    set, file, height, width, sha256: of a composite set, which holds no image itself
    root/.archives/         unfinished downloads of archives (.part), resumed by the next call

Sources: the mirror first (`WNE_DATA_MIRROR`, a folder or an address), then the public address. The content
is checked in the same way wherever it comes from, so a mirror needs no trust.
"""

from __future__ import annotations

import csv
import difflib
import io
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from replication.data import registry
from replication.data.archives import extract_images
from replication.data.registry import COMPOSITES, Archive, DataError, RegisteredFile
from replication.data.transfer import Transfer, disk_full, file_hash, is_disk_full
from wne.files import PREFIX, replacing_folder, sweep, write_text

logger = logging.getLogger(__name__)

MIRROR = "WNE_DATA_MIRROR"
_THREADS = 8
_CONTENTS, _INDEX = "contents.csv", "index.csv"
_GRACE = 1.0  # seconds in which threads that are told to stop remove what they have not finished


def fetch_set(name: str, root: Path, mirror: str | None = None) -> Path:
    """Make the set `name` complete in `root/<name>` and give that folder. What is there and right stays.

    Args:
        name: one of `registry.set_names()`; a composite set fetches its members too.
        root: folder of all sets, data/images in this repository.
        mirror: folder or http(s) address, tried first; the value of WNE_DATA_MIRROR when None. A folder is laid out as
            the registry's `mirror_path` says, or as `root`.

    Raises:
        DataError: unknown set, unreadable mirror, no source with the right content, full disk, or a foreign
            file in the folder.
    """
    root = Path(root)
    mirror = os.environ.get(MIRROR) if mirror is None else mirror
    if name not in registry.set_names():
        near = difflib.get_close_matches(name, registry.set_names(), n=1)
        hint = f"did you mean {near[0]}?" if near else "known sets: " + ", ".join(registry.set_names())
        raise DataError(f"unknown image set {name!r}: {hint}")
    if mirror and not _is_address(mirror) and not os.access(Path(mirror).expanduser(), os.R_OK | os.X_OK):
        raise DataError(f"the mirror {mirror} is no folder that can be read: correct or unset {MIRROR}")
    try:
        (root / name).mkdir(parents=True, exist_ok=True)
        if name in COMPOSITES:
            _compose(name, root, mirror)
        elif name in registry.archives():
            _fetch_archives(name, registry.archives()[name], root, mirror)
        else:
            _fetch_files(registry.registered_files()[name], root / name, mirror)
    except OSError as error:
        raise disk_full(root / name) if is_disk_full(error) else _unwritable(root / name, error) from error
    return root / name


def _fetch_files(files: Sequence[RegisteredFile], folder: Path, mirror: str | None) -> None:
    _refuse_foreign(folder, {file.file for file in files})
    transfer = Transfer()

    def obtain(file: RegisteredFile) -> None:
        sources = [*_in_mirror(mirror, file.mirror_path), file.url]
        if mirror and not _is_address(mirror):  # a folder may also be laid out as `root` is
            sources.insert(1, str(Path(mirror).expanduser() / file.set / file.file))
        transfer.obtain(folder / file.file, f"sha256:{file.sha256}", file.bytes, sources)

    _in_parallel(obtain, files, folder.name, transfer.stop)


def _in_parallel(
    work: Callable[[RegisteredFile], None], files: Sequence[RegisteredFile], label: str, stop: Callable[[], None]
) -> None:
    """The first error, or Ctrl-C, ends it at once: Python would wait for a pool's threads, but not for these."""
    waiting: queue.SimpleQueue[RegisteredFile] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    for file in files:
        waiting.put(file)

    def run() -> None:
        while True:
            try:
                work(waiting.get_nowait())
            except queue.Empty:
                return
            except BaseException as error:
                outcomes.put(error)
                return
            outcomes.put(None)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(_THREADS, len(files)))]
    for thread in threads:
        thread.start()
    try:
        for _ in tqdm(files, desc=label, unit="file", disable=None):
            if error := outcomes.get():
                raise error
    except BaseException:
        while not waiting.empty():
            with suppress(queue.Empty):
                waiting.get_nowait()
        stop()
        end = time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        raise


def _fetch_archives(name: str, members: Sequence[Archive], root: Path, mirror: str | None) -> None:
    folder, store = root / name, root / ".archives"
    contents = read_contents(folder)
    _refuse_foreign(folder, {row["file"] for row in contents} | {_CONTENTS})
    if _is_complete(folder, contents, members):
        return
    paths, checksums = zip(*(_obtain_archive(archive, store, mirror) for archive in members))
    with replacing_folder(folder) as fresh:
        rows = [
            (file, file_hash(fresh / file), (fresh / file).stat().st_size, checksum)
            for path, checksum, archive in zip(paths, checksums, members)
            for file in extract_images(path, archive, fresh)
        ]
        write_text(fresh / _CONTENTS, _csv(("file", "sha256", "bytes", "archive"), sorted(rows)))
    for path in paths:
        if path.parent == store:  # the images are out: keeping both would double the space
            path.unlink()


def _is_complete(folder: Path, contents: list[dict[str, str]], members: Sequence[Archive]) -> bool:
    """Every image is there and right, and they came from the archives that are registered now."""
    published = {archive.checksum for archive in members if archive.checksum}
    if len(contents) != sum(archive.images for archive in members):
        return False
    if not published <= {row["archive"] for row in contents}:
        return False
    return all(_is_right(folder / row["file"], row) for row in tqdm(contents, desc=folder.name, disable=None))


def _obtain_archive(archive: Archive, store: Path, mirror: str | None) -> tuple[Path, str]:
    """Path and checksum of the archive: in the mirror when that is a folder, else downloaded."""
    target, remembered = store / archive.file, store / f"{archive.file}.sha256"
    write_text(store / ".gitignore", "*\n")
    known = archive.checksum or (remembered.read_text().strip() if remembered.exists() else None)
    for path in map(Path, _in_mirror(mirror, archive.mirror_path)):
        if path.is_file():
            algorithm, _, digest = (known or "sha256:").partition(":")
            is_whole = archive.bytes in (None, path.stat().st_size)
            if is_whole and (not digest or file_hash(path, algorithm) == digest):
                target = path
                break
            logger.warning("%s is not the registered archive: trying the public address", path)
    if target.parent == store:
        part = store / f"{archive.file}.part"
        sources = [*(s for s in _in_mirror(mirror, archive.mirror_path) if _is_address(s)), archive.url]
        with tqdm(total=archive.bytes, desc=archive.file, unit="B", unit_scale=True, disable=None) as bar:
            Transfer().obtain(target, known, archive.bytes, sources, part, bar.update)
    if not known:
        known = f"sha256:{file_hash(target)}"
        write_text(remembered, known + "\n")
        logger.warning(
            "%s has no published checksum; %s now holds that of this copy, %s", archive.file, remembered, known
        )
    return target, known


def _compose(name: str, root: Path, mirror: str | None) -> None:
    from replication.data.images import IMAGE_SUFFIXES, image_size

    _refuse_foreign(root / name, {_INDEX})
    rows = []
    for member in COMPOSITES[name]:
        folder = fetch_set(member, root, mirror)
        if member in registry.archives():
            hashes = {row["file"]: row["sha256"] for row in read_contents(folder)}
        else:
            hashes = {file.file: file.sha256 for file in registry.registered_files()[member]}
        for file in sorted(hashes):
            if Path(file).suffix.lower() in IMAGE_SUFFIXES and registry.is_selected(name, file):
                rows.append((member, file, *image_size(folder / file), hashes[file]))
    write_text(root / name / _INDEX, _csv(("set", "file", "height", "width", "sha256"), rows))


def read_contents(folder: Path) -> list[dict[str, str]]:
    """The rows of contents.csv of a set that came in archives; none when it is not there."""
    path = folder / _CONTENTS
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _is_right(path: Path, row: dict[str, str]) -> bool:
    return path.is_file() and path.stat().st_size == int(row["bytes"]) and file_hash(path) == row["sha256"]


def _refuse_foreign(folder: Path, known: set[str]) -> None:
    """The folder is an output with one checksum: a foreign file would change it. It may be somebody's, so it stays."""
    sweep(folder)
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith(PREFIX))
    foreign = [name for name in names if name not in known]
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        raise DataError(f"{folder} holds files that are not of this set: {', '.join(foreign[:3])}{more}; move them")


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _in_mirror(mirror: str | None, path: str) -> list[str]:
    if not mirror:
        return []
    if _is_address(mirror):
        from urllib.parse import quote

        return [f"{mirror.rstrip('/')}/{quote(path)}"]
    return [str(Path(mirror).expanduser() / path)]


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _unwritable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot write {folder}: {error.strerror or error}; check the permissions, or choose another folder"
    )
