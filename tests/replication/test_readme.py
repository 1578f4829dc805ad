"""README says what the results say, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from replication.report.readme import blocks, read_profiles, replace_block

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_table_of_claims_is_that_of_the_committed_results():
    made = blocks(read_profiles(ROOT))
    assert set(made) == {"claims"}
    assert replace_block(README, "claims", made["claims"]) == README, "out of date; run: replicate readme"


def test_every_claim_has_one_row_from_the_strongest_profile_that_tests_it():
    block = blocks(read_profiles(ROOT))["claims"]
    rows = re.findall(r"^\| \[(C\d+)\]\[(\w+)\] ", block, flags=re.M)
    assert [claim for claim, _ in rows] == [f"C{number}" for number in range(1, 18)]
    assert dict(rows)["C4"] == "bsd400" and dict(rows)["C16"] == "default"  # not run in bsd400
    assert len(block) < 4000


def test_the_example_runs():
    torch.manual_seed(0)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_readme_is_short():
    """A page that is read in two minutes; all else is a link away."""
    start, end = README.index("<!-- claims"), README.index("<!-- end of claims -->")
    assert len((README[:start] + README[end:]).encode()) < 5600


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", README)
    assert len(links) > 8
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_anchor_that_readme_links_to_is_a_heading():
    for file, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
