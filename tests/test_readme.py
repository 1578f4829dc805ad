"""README says what the results say."""

from __future__ import annotations

import re
from pathlib import Path

from wne.tables.readme import claims, read_profiles, replace_block

ROOT = Path(__file__).parents[1]


def test_the_table_of_claims_is_that_of_the_committed_results():
    text = (ROOT / "README.md").read_text()
    assert text == replace_block(text, claims(*read_profiles(ROOT))), "run: wne readme"


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 8
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing
