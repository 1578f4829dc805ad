"""The notebooks: sources without outputs, executed copies of just these sources, no private names, no machine's paths."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = yaml.safe_load((FOLDER / "dvc.yaml").read_text())["stages"]["notebook"]["foreach"]


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text())["cells"]


def test_every_notebook_has_a_stage():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES and len(NAMES) == 4


@pytest.mark.parametrize("name", NAMES)
def test_the_source_has_a_title_and_no_outputs(name):
    source = cells(FOLDER / f"{name}.ipynb")
    assert "".join(source[0]["source"]).startswith("# ")
    code = [cell for cell in source if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_the_executed_copy_is_of_this_source_and_went_well(name):
    source, executed = cells(FOLDER / f"{name}.ipynb"), cells(FOLDER / "executed" / f"{name}.ipynb")
    assert [cell["source"] for cell in executed] == [cell["source"] for cell in source]
    code = [cell for cell in executed if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    outputs = [output for cell in code for output in cell["outputs"]]
    assert outputs and not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize("name", NAMES)
def test_the_executed_copy_is_small_and_names_no_machine(name):
    file = FOLDER / "executed" / f"{name}.ipynb"
    assert file.stat().st_size < 900_000
    assert not re.search(r'"[^"]*(/(home|root|tmp)/|site-packages)', file.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_only_public_names_are_used(name):
    code = "\n".join("".join(cell["source"]) for cell in cells(FOLDER / f"{name}.ipynb") if cell["cell_type"] == "code")
    assert "from wne" in code or "from replication" in code
    assert not re.search(r"from (wne|replication)[\w.]* import[^\n]*\b_\w", code)
