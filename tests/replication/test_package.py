"""What is installed: a light import, type hints, a wheel without data or tests, weights that are found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from wne.registry import PUBLISHED

pytestmark = pytest.mark.slow  # builds a wheel

ROOT = Path(__file__).parents[2]

_IMPORTED = """
import sys
import torch, safetensors.torch, numpy
before = {name.split(".")[0] for name in sys.modules}
import wne
from wne import (NormalizationEquivariant, ScaleEquivariant, assert_normalization_equivariant, create_denoiser,
                 equivariance_defect, load_denoiser, tiled)
create_denoiser("dncnn", "wne", depth=3, width=4)
print(*sorted({name.split(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)))
"""


def test_the_library_needs_torch_and_safetensors_alone():
    found = subprocess.run([sys.executable, "-c", _IMPORTED], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["wne"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    # From a copy: a build leaves files beside the code.
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("src", "results/published/weights"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    # Without isolation: the tests work offline.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_the_code_the_types_and_the_published_weights_and_nothing_else(wheel):
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    modules = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src/wne").rglob("*.py")}
    weights = {f"wne/pretrained/{name}.{kind}" for name in PUBLISHED for kind in ("safetensors", "md")}
    assert set(names) == modules | weights | {"wne/py.typed"}
    assert sum(info.file_size for info in wheel.infolist()) < 12e6  # four networks of 2.7 MB


def test_the_wheel_denoises_without_the_repository(wheel, tmp_path):
    wheel.extractall(tmp_path / "site")
    code = """
import numpy as np, sys
from wne.denoise import ImageDenoiser
from wne.published import pretrained_folder
assert "site" in str(pretrained_folder()), pretrained_folder()
print(ImageDenoiser()(np.zeros((8, 9), np.uint8)).shape)
"""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{code}"]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert found.stdout.strip() == "(8, 9)", found.stderr


def test_the_wheel_s_command_is_the_library_s_and_needs_nothing_of_the_study(wheel, tmp_path):
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert wheel.read(entry).decode().split() == ["[console_scripts]", "wne", "=", "wne.start:main"]
    wheel.extractall(tmp_path)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['wne', 'list']; from wne.cli import main; main()"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert all(name in found.stdout for name in PUBLISHED), found.stderr


def test_without_its_extra_the_command_says_what_to_install():
    code = "import sys; sys.modules['typer'] = None; import wne.cli"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 1 and found.stderr == (
        "error: the wne command needs more than the library: pip install '.[cli]' in the repository\n"
    )
