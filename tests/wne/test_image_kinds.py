"""`wne denoise` on every kind of file in benchmarks/image_kinds.py: its pixels, or one line; nothing less without a word."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.image_kinds import KINDS, Kind
from wne.denoise import ImageDenoiser
from wne.imagefiles import RESULTS, ImageFileError, open_image
from wne.jobs import denoise_file

KNOWN = [kind for kind in KINDS if kind.pages is not None]
REFUSED = {
    "cut-pages.tif": "damaged", "half.jpg": "damaged.*[Pp]remature end", "half.png": "damaged", "half.tif": "damaged",
    "five-inks.tif": "inks or opacity beside CMYK; convert", "white-is-zero-float.tif": "0 is white in it",
    "lab.tif": "neither grey, RGB nor CMYK; convert", "volume.tif": "a volume in one page",
    "complex.tif": "damaged, or not of a kind that is read", "archive.npy": "an .npz archive of 2 arrays",
}  # fmt: skip


@cache
def denoiser() -> ImageDenoiser:
    return ImageDenoiser()


def image(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else pixels[..., None]


def of(kinds: list[Kind]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@of(KNOWN)
def test_the_pixels_of_every_page_are_read(tmp_path, kind):
    kind.write(tmp_path / kind.name)
    file = open_image(tmp_path / kind.name)
    pages = list(file.pages())
    assert file.count == len(pages) == len(kind.pages)
    for page, expected in zip(pages, kind.pages):
        assert page.pixels.dtype == expected.dtype == file.dtype and page.alpha == kind.alpha
        assert page.pixels.shape == image(expected).shape
        assert np.abs(page.pixels.astype(float) - image(expected)).max() <= kind.tolerance


@of(KNOWN)
def test_the_result_holds_the_denoised_pages(tmp_path, kind):
    source = tmp_path / kind.name
    kind.write(source)
    target = tmp_path / f"result{RESULTS[source.suffix]}"
    denoise_file(source, target, denoiser())
    back = open_image(target)
    read = [denoiser()(page.pixels, page.alpha) for page in open_image(source).pages()]
    assert back.count == len(read)
    for page, expected in zip(back.pages(), read):
        assert page.pixels.dtype == expected.dtype and page.alpha == kind.alpha
        np.testing.assert_array_equal(page.pixels, expected)


@of([kind for kind in KINDS if kind.pages is None])
def test_what_is_not_read_is_one_line_and_leaves_nothing(tmp_path, kind, capfd):
    kind.write(tmp_path / kind.name)
    with pytest.raises(ImageFileError, match=f"{kind.name}: .*{REFUSED[kind.name]}") as refusal:
        denoise_file(tmp_path / kind.name, tmp_path / f"out/result{RESULTS[Path(kind.name).suffix]}", denoiser())
    assert len(str(refusal.value).splitlines()) == 1 and capfd.readouterr().err == ""
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_every_refusal_is_listed():
    assert REFUSED.keys() == {kind.name for kind in KINDS if kind.pages is None}


def test_the_page_has_every_kind_and_none_that_goes_wrong_here():
    page = (Path(__file__).parents[2] / "docs/file-kinds.md").read_text()
    rows = [
        line.strip("| ").split(" | ") for line in page.split("## Metadata")[0].splitlines() if line.startswith("| ")
    ]
    verdicts = {row[0]: row[2] for row in rows if len(row) == 6 and row[0] not in ("file", "---")}
    assert verdicts == {kind.name: "refused" if kind.pages is None else "right" for kind in KINDS}
