"""README says what the results say."""

from __future__ import annotations

import re
from pathlib import Path

from replication.report.readme import blocks, read_profiles, replace_block

ROOT = Path(__file__).parents[2]


def test_the_table_of_claims_is_that_of_the_committed_results():
    text = (ROOT / "README.md").read_text()
    made = blocks(read_profiles(ROOT))
    assert set(made) == {"claims"}
    assert text == replace_block(text, "claims", made["claims"]), "out of date; run: replicate readme"


def test_every_claim_has_one_row_from_the_strongest_profile_that_tests_it():
    block = blocks(read_profiles(ROOT))["claims"]
    rows = re.findall(r"^\| \[(C\d+)\]\[(\w+)\] ", block, flags=re.M)
    assert [claim for claim, _ in rows] == [f"C{number}" for number in range(1, 18)]
    assert dict(rows)["C4"] == "bsd400" and dict(rows)["C16"] == "default"  # not run in bsd400
    assert len(block) < 4000


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 8
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing
