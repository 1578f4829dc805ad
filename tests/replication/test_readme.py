"""README says what the results say, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from replication.report.readme import blocks, read_profiles, replace_block

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_claims_are_those_of_the_committed_results():
    block = blocks(*read_profiles(ROOT))["claims"]
    assert replace_block(README, "claims", block) == README, "out of date; run: replicate readme"


def test_the_example_runs():
    torch.manual_seed(0)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_readme_is_short():
    """A page that is read in two minutes; all else is a link away."""
    start, end = README.index("<!-- claims"), README.index("<!-- end of claims -->")
    assert len((README[:start] + README[end:]).encode()) < 6200


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", README)
    assert len(links) > 8
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_anchor_that_readme_links_to_is_a_heading():
    for file, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
