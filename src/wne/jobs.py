"""`wne denoise`: which files become which, and one after the other, whatever becomes of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from wne.console import progress, say
from wne.denoise import ImageDenoiser
from wne.devices import choose_device
from wne.imagefiles import READ, RESULTS, check_writable, open_image, write_pages
from wne.interrupts import is_interrupt
from wne.metadata import metadata_names
from wne.pages import ImageFileError, Page, why


@dataclass(frozen=True)
class Plan:
    """(input, output) of every image; how many results were there already and how many files are no images by their names;
    folders that could not be read, with the reason."""

    jobs: list[tuple[Path, Path]]
    skipped: int = 0
    others: int = 0
    problems: list[str] = field(default_factory=list)


def plan(source: Path, target: Path, force: bool = False, skip_existing: bool = False) -> Plan:
    """What to do for a file or for all images in a folder and its subfolders.

    A file goes into `target`, or into the folder `target` if there is one, or into a new folder if `target` does not
    exist and has no suffix; of a folder, the same names in the folder `target`.

    Raises:
        ImageFileError: no such input, no images in it, two that would have one result, or results that exist,
            unless `force` overwrites or `skip_existing` keeps them.
    """
    problems: list[str] = []
    others = 0
    if source.is_dir():
        if target.is_file():
            raise ImageFileError(f"{target}: is a file; the results of a folder need a folder")
        found = _files(source, target, problems)
        files = [path for path in found if path.suffix.lower() in READ]
        others = len(found) - len(files)
        if not files and not problems:
            raise ImageFileError(f"{source}: holds no images ({', '.join(READ)})")
        jobs = [(path, _written_name(target / path.relative_to(source))) for path in files]
    elif source.is_file():
        into_folder = target.is_dir() or not (target.suffix or target.exists())
        jobs = [(source, _written_name(target / source.name) if into_folder else target)]
    else:
        raise ImageFileError(f"{source}: no such file or folder")
    outputs = [output for _, output in jobs]
    if twice := [output for output, count in Counter(outputs).items() if count > 1]:
        both = " and ".join(path.name for path, output in jobs if output == min(twice))
        raise ImageFileError(f"{min(twice)}: two images would be written there, {both}; rename one of them")
    there = [output for output in outputs if output.exists()]
    if skip_existing:
        missing = [(path, output) for path, output in jobs if not output.exists()]
        return Plan(missing, len(jobs) - len(missing), others, problems)
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ImageFileError(
            f"{there[0]}{more}: exists already; use --force to overwrite, or --skip-existing to go on after an interruption"
        )
    return Plan(jobs, 0, others, problems)


def _files(source: Path, target: Path, problems: list[str]) -> list[Path]:
    """The files below `source` in alphabetic order, without hidden ones and without those in `target`."""
    inside = target.resolve()

    def refused(error: OSError) -> None:
        problems.append(f"{error.filename}: this folder cannot be read ({why(error)})")

    found = []
    for folder, subfolders, names in os.walk(source, onerror=refused):
        below = [Path(folder, name) for name in subfolders if not name.startswith(".")]
        subfolders[:] = [path.name for path in below if path.resolve() != inside]
        for path in below:  # os.walk goes into no link
            if path.is_symlink() and not path.resolve().is_relative_to(source.resolve()):
                problems.append(f"{path}: a link to a folder, which is not followed; give that folder as IN")
        found += [Path(folder) / name for name in names if not name.startswith(".")]
    return sorted(found)


def _written_name(path: Path) -> Path:
    suffix = RESULTS.get(path.suffix.lower(), path.suffix)
    return path if suffix == path.suffix.lower() else path.with_suffix(suffix)


def denoise_files(jobs: list[tuple[Path, Path]], denoise: ImageDenoiser) -> int:
    """Denoises each; one that cannot be is reported and the rest goes on. The number of those that could not."""
    failed, notes = 0, {}
    for source, target in progress(jobs, "denoise", disable=len(jobs) == 1):
        try:
            for note in denoise_file(source, target, denoise):
                notes.setdefault(note, []).append(source)
        except (Exception, SystemExit) as error:  # a user's network may call sys.exit
            if is_interrupt(error) or os.environ.get("WNE_TRACEBACK"):
                raise
            failed += 1
            say(f"error: {error if isinstance(error, ImageFileError) else f'{_place(error, source)}: {why(error)}'}")
    for note, files in notes.items():
        say(f"note: {files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {note}")
    return failed


def denoise_file(source: Path, target: Path, denoise: ImageDenoiser) -> list[str]:
    """Denoises the pages of a file one by one; what the user should know of the result, in words.

    Raises:
        ImageFileError, ValueError, OSError, RuntimeError: a file that cannot be read, denoised or written.
    """
    file = open_image(source)
    check_writable(target, file.dtype)
    said = metadata_names(source)  # now, for the result may take the place of the source

    doubts: list[str | None] = []

    def denoised() -> Iterator[Page]:
        for number, page in enumerate(file.pages(), 1):
            doubts.append(denoise.doubt(page.pixels, page.alpha))
            try:
                pixels = denoise(page.pixels, page.alpha)
            except ValueError as error:
                if file.count == 1:
                    raise
                raise ValueError(f"page {number}: {why(error)}") from error
            yield replace(page, pixels=pixels)

    write_pages(target, denoised(), file.shape, file.count)
    doubt = doubts[0] if all(doubts) else None  # a dark page among others is no mistake
    not_kept = sorted(said - metadata_names(target))
    return [*file.notes, *([doubt] if doubt else []), *([f"not kept: {', '.join(not_kept)}"] if not_kept else [])]


def _place(error: BaseException, source: Path) -> Path | str:
    """The file that an error of the system is about, or the image."""
    return error.filename if isinstance(error, OSError) and error.filename else source


def best_device(name: str) -> torch.device:
    """ "auto" is CUDA, else Apple's GPU, else the CPU; anything else is a torch device name."""
    if name == "auto" and not torch.cuda.is_available() and torch.backends.mps.is_available():
        return torch.device("mps")
    if name.partition(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise ValueError(f"--device {name}: unknown; known: auto, cpu, cuda, mps")
    if name.startswith("mps") and not torch.backends.mps.is_available():
        raise ValueError(f"--device {name}: torch sees no GPU of Apple's here; use --device cpu")
    return choose_device(name)
