"""The hash of the code behind a stage: it covers what runs, and moves for changes of what runs alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from replication.cli.provenance import STAGES, as_text, code_file, code_of, notebook_code
from replication.experiments import ANALYSES
from replication.study.code import LEFT_OUT, closure, code_hash
from replication.study.params import load_params

pytestmark = pytest.mark.slow  # a process for each change

ROOT = Path(__file__).parents[2]
ENTRIES = {
    "train": ("replication.experiments.train",),
    "evaluate": ("replication.experiments.evaluate",),
    **{section: (analysis.module,) for section, analysis in ANALYSES.items()},
    **STAGES,
}


@pytest.mark.parametrize(
    "profile", ["params.yaml", *(f"profiles/{p}/params.yaml" for p in ("smoke", "bsd400", "published", "gpu", "paper"))]
)
def test_code_yaml_is_that_of_the_code(profile, monkeypatch):
    monkeypatch.chdir(ROOT)
    params = load_params(Path(profile))
    assert code_file(params).read_text() == as_text(code_of(params)), f"run: replicate code --params {profile}"


def test_code_of_the_notebooks_is_that_of_the_code():
    hashes = notebook_code(ROOT / "notebooks")
    assert (ROOT / "notebooks/code.yaml").read_text() == as_text(hashes), "run: replicate code --notebooks"


_LOADED = """
import json, sys
from importlib import import_module

def ours():
    return [name for name in sys.modules if name.split(".")[0] in ("wne", "replication")]

loaded = {}
for stage, modules in json.load(sys.stdin).items():
    for name in ours():
        del sys.modules[name]
    for module in modules:
        import_module(module)
    loaded[stage] = ours()
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """Stage -> the modules of this repository that Python loads for it. One process: torch is loaded once."""
    command = [sys.executable, "-c", _LOADED]
    done = subprocess.run(command, input=json.dumps(ENTRIES), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("stage", ENTRIES)
def test_the_closure_has_every_module_that_python_loads(stage, loaded):
    assert len(loaded[stage]) > 2
    assert set(loaded[stage]) <= {*closure(ENTRIES[stage]), *LEFT_OUT}


def copied(folder: Path) -> Path:
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "data").mkdir()
    for table in ("registry.csv", "archives.csv"):
        shutil.copy(ROOT / "data" / table, folder / "data")
    return folder


@pytest.fixture
def copy(tmp_path) -> Path:
    """The sources and the parameters, to be changed."""
    return copied(tmp_path)


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> dict[str, str]:
    """The hashes of a copy that is not changed."""
    return hashes(copied(tmp_path_factory.mktemp("unchanged")))


def hashes(copy: Path) -> dict[str, str]:
    """What the copy's own code says, flat: "train.dncnn" -> hash."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    command = [sys.executable, "-m", "replication", "code"]
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    found = yaml.safe_load((copy / "code.yaml").read_text())
    flat = {f"{stage}.{key}": value for stage, of in found.items() if isinstance(of, dict) for key, value in of.items()}
    return flat | {stage: value for stage, value in found.items() if isinstance(value, str)}


def moved(copy: Path, before: dict[str, str]) -> set[str]:
    after = hashes(copy)
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file}: the test expects {old!r}"
    file.write_text(text.replace(old, new, 1))


def test_comments_docstrings_and_layout_move_nothing(copy, before):
    wrapper = copy / "src/wne/wrapper.py"
    edit(wrapper, '"""', '"""Another text. ')
    edit(wrapper, "\nimport ", "\n\n# a remark\nimport ")
    assert moved(copy, before) == set()


def test_a_file_that_moves_moves_nothing(copy, before):
    (copy / "src/wne/moments.py").rename(copy / "src/wne/statistics_of_images.py")
    for file in (copy / "src").rglob("*.py"):
        file.write_text(file.read_text().replace("wne.moments", "wne.statistics_of_images"))
    assert moved(copy, before) == set()


def test_a_new_backbone_moves_nothing(copy, before):
    (copy / "src/wne/models/unet.py").write_text("from torch import nn\n\n\nclass UNet(nn.Module):\n    pass\n")
    edit(copy / "src/wne/registry.py", '    "dncnn":', '    "unet": "wne.models.unet:UNet",\n    "dncnn":')
    assert moved(copy, before) == set()


def test_a_line_of_swinir_moves_what_uses_swinir(copy, before):
    with (copy / "src/wne/models/swinir.py").open("a") as file:
        file.write("\nANOTHER = 1\n")
    changed = moved(copy, before)
    groups = yaml.safe_load((copy / "params.yaml").read_text())["runs"].values()
    with_swinir = {f"evaluate.{run['group']}" for run in groups if run["model"] == "swinir"}
    assert {"train.swinir", "timing", *with_swinir} <= changed
    assert not {"train.dncnn", "train.fdncnn", "train.restormer", "evaluate.cnn", "noise", "collect"} & changed


def test_a_line_of_the_wrapper_moves_every_training_and_no_test_set(copy, before):
    edit(copy / "src/wne/moments.py", "0.5", "0.25")
    changed = moved(copy, before)
    assert {key for key in before if key.startswith(("train.", "evaluate."))} <= changed
    assert not {"noise", "audit", "difficulty", "collect", "figures", "tables"} & changed


def test_the_same_name_from_another_module_is_another_import(copy, before):
    """`from a import f` that becomes `from b import f` runs other code, though the text of the imports is left out."""
    twin = copy / "src/replication/data/metrics_of_another_kind.py"
    twin.write_text((copy / "src/replication/data/metrics.py").read_text() + "\nANOTHER = 1\n")
    edit(
        copy / "src/replication/experiments/evaluate.py",
        "replication.data.metrics",
        "replication.data.metrics_of_another_kind",
    )
    assert {key for key in before if key.startswith("evaluate.")} <= moved(copy, before)


def test_the_hash_does_not_depend_on_the_order_of_the_roots():
    assert code_hash(["wne.moments", "wne.tiling"]) == code_hash(["wne.tiling", "wne.moments"])
