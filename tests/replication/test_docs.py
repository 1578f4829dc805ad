"""The pages in docs/: examples that run, and generated pages that are up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.compatibility import CHECKS, COLUMNS
from benchmarks.exactness import CASES
from wne.imagefiles import write_image

pytestmark = pytest.mark.slow  # runs every command and example

ROOT = Path(__file__).parents[2]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["library.md", "tools.md"])
def test_the_examples_of_the_page_run(monkeypatch, page):
    monkeypatch.chdir(ROOT)
    torch.manual_seed(0)
    namespace: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, f"docs/{page}", "exec"), namespace)


def test_the_commands_of_the_command_line_page_run(tmp_path):
    noisy = np.random.default_rng(0).integers(0, 255, (24, 20)).astype(np.uint8)
    for name in ("noisy.png", "photos/a.png", "photos/b.tif", "scan.tif"):
        write_image(tmp_path / name, noisy)
    commands = [line for block in blocks("command-line.md", "bash") for line in block.splitlines() if line]
    assert len(commands) >= 5
    for command in commands:
        program = Path(sys.executable).parent / "wne"
        result = subprocess.run([program, *shlex.split(command)[1:]], cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, f"{command}: {result.stderr}"
    assert (tmp_path / "denoised/b.tif").exists() and (tmp_path / "clean.png").exists()


def table_rows(page: str) -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def test_the_exactness_page_has_every_case_and_every_check():
    rows = table_rows((ROOT / "docs/exactness.md").read_text())
    for case in CASES:
        assert float(rows[case.name][0]) < (0.05 if case.dtype in (torch.bfloat16, torch.float16) else 1), case.name
    for check in CHECKS:
        assert len(rows[check]) == len(COLUMNS)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_page_of_coverage_names_every_table_and_figure_and_the_profiles_that_have_it():
    rows = re.findall(
        r"^\| ((?:Table|Figure).*?) \|(.*)\|$", (ROOT / "docs/coverage.md").read_text(), flags=re.MULTILINE
    )
    marked = {}
    for names, cells in rows:
        for kind, numbers in re.findall(r"(Table|Figure)s? (\d+(?:, \d+)*)", names):
            for number in numbers.split(", "):
                marked[f"{kind} {number}"] = [cell.strip() == "yes" for cell in cells.split("|")[:3]]
    assert set(marked) == {f"Table {n}" for n in range(1, 13)} | {f"Figure {n}" for n in range(1, 22)}
    for column, profile in enumerate(("bsd400", "default", "published")):
        page = (ROOT / f"results/{profile}/README.md").read_text()
        sections = re.findall(r"^## ((?:Table|Figure) \d+):(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
        # A section that says in brackets why it is empty counts as missing.
        shown = [name for name, body in sections if not re.search(r"^\(", body, flags=re.MULTILINE)]
        assert {name for name, has in marked.items() if has[column]} == set(shown), profile
