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


def test_the_example_of_an_experiment_is_that_of_the_repository():
    """Each line of it stands in the file that the sentence before it names."""
    section = (ROOT / "README.md").read_text().split("**Add an experiment**")[1].split("`dvc repro` trains")[0]
    blocks = re.findall(r"```(yaml|python)\n(.*?)```", section, flags=re.DOTALL)
    named = [ROOT / link for link in re.findall(r"\]\(([^)#:]+)\)", section)]
    files = {"yaml": [ROOT / "params.yaml"], "python": named}
    assert len(blocks) == 6
    for language, block in blocks:
        text = "\n".join(file.read_text() for file in files[language])
        for line in filter(None, map(str.strip, block.splitlines())):
            assert line in text, line
