"""README says what the results say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replication.report.readme import blocks, read_profiles, replace_block

ROOT = Path(__file__).parents[2]


def test_the_tables_are_those_of_the_committed_results():
    text = (ROOT / "README.md").read_text()
    made = blocks(*read_profiles(ROOT))
    assert set(made) == {"claims", "matched"}
    for name, block in made.items():
        assert text == replace_block(text, name, block), f"{name} is out of date; run: replicate readme"


def test_the_matched_table_stands_beside_the_paper():
    """DnCNN at sigma 25 on Set12: the paper prints 30.50 dB, and 30.43 wrapped."""
    block = blocks(*read_profiles(ROOT))["matched"]
    line = next(line for line in block.splitlines() if line.startswith("| 25 | DnCNN |"))
    ours, printed, difference = [cell.strip() for cell in line.split("|")[3:6]]
    assert printed == "*30.50*"
    assert float(ours.split()[0]) - 30.50 == pytest.approx(float(difference), abs=0.011)
    wrapped = next(line for line in block.splitlines() if line.startswith("| 25 | DnCNN-WNE |"))
    assert "*-0.07*" in wrapped


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 8
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing
