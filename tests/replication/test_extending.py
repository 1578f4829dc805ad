"""docs/extending.md, followed to the letter in a copy of the repository: block by block, then the whole pipeline."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from commands import shell

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(python|diff|bash) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = dict(
    re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", (ROOT / "docs/extending.md").read_text(), re.MULTILINE | re.DOTALL)
)
pytestmark = [pytest.mark.pipeline, pytest.mark.xdist_group("pipeline")]


def follow(recipe: str, copy: Path) -> str:
    """Writes and edits the files of a recipe and runs its commands; gives what they print."""
    printed = ""
    for language, name, text in BLOCK.findall(RECIPES[recipe]):
        if language == "python":
            (copy / name).write_text(text)
        elif language == "diff":
            insert(copy / name, text)
        else:
            printed += shell(copy, text)
    return printed


def insert(file: Path, block: str) -> None:
    """Lines with a plus go where they stand between the others, which the file has, once, one after the other."""
    lines = block.splitlines()
    known = "\n".join(line[1:] for line in lines if not line.startswith("+")) + "\n"
    text = file.read_text()
    assert text.count(known) == 1, f"{file}: has this {text.count(known)} times:\n{known}"
    file.write_text(text.replace(known, "\n".join(line[1:] for line in lines) + "\n"))


@pytest.fixture
def copy(reproduced, tmp_path) -> Path:
    """The repository with the results of the smoke profile."""
    target = tmp_path / "extended"
    shutil.copytree(reproduced, target, symlinks=True)
    return target


def test_the_table_at_the_head_counts_the_files():
    """Files to open, without the new ones' copies in other profiles."""
    named = {
        title: {name for language, name, _ in BLOCK.findall(text) if language != "bash"}
        for title, text in RECIPES.items()
    }
    assert len(named["A backbone"]) == 3
    assert len(named["A run"]) == 1
    assert len(named["A figure"]) == len(named["A table"]) == 3
    assert len(named["An analysis of trained runs"]) == 7


def test_every_recipe_works_as_it_is_written(copy):
    """In the order of the page: a later one may use what an earlier one added."""
    printed = follow("A backbone", copy)
    assert "profiles/smoke/code.yaml: up to date" in printed and " failed" not in printed

    printed = follow("A run", copy)
    assert "dncnn-baseline-s40, dncnn-wne-s40" in printed and printed.count("Running stage") == 2

    # The summary lacks the new runs, and says so; with them the figure is drawn.
    shell(copy, "dvc repro profiles/smoke/dvc.yaml")
    follow("A figure", copy)
    assert (copy / "paper/smoke/figures/gain.png").stat().st_size > 5000

    follow("A table", copy)
    assert "40" in (copy / "paper/smoke/tables/gain.tex").read_text()

    follow("An analysis of trained runs", copy)
    estimates = pd.read_csv(copy / "results/smoke/summary/estimates.csv")
    rows = estimates[estimates["kind"] == "exposure"]
    assert len(rows) == 6
    wne = rows.loc[rows["run"] == "dncnn-wne-s25", "value"]
    baseline = rows.loc[rows["run"] == "dncnn-baseline-s25", "value"]
    assert wne.max() - wne.min() < 1e-3 < baseline.max() - baseline.min()  # WNE does not see the contrast
    page = (copy / "results/smoke/README.md").read_text()
    assert "Gain of WNE against the noise of the test" in page and "Gain of WNE in numbers" in page
