"""The repository keeps its promises to itself: equal copies, equal dependency lists, a complete paper profile."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from replication.results.summary import RESTORATION
from replication.study.params import ANALYSES, load_params
from replication.study.published import is_published_size
from wne.models import create_denoiser

ROOT = Path(__file__).parents[2]
WHOLE = ["smoke", "bsd400", "paper"]  # with every experiment
PROFILES = [*WHOLE, "published", "gpu"]


def _params_file(profile: str) -> Path:
    return ROOT / "params.yaml" if profile == "default" else ROOT / "profiles" / profile / "params.yaml"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_runs_the_same_pipeline(profile):
    """But for the folders of sections of which a profile reports nothing: DVC refuses a dependency that is not there."""
    params, expected = load_params(_params_file(profile)), (ROOT / "dvc.yaml").read_text()
    for section in (*ANALYSES, "difficulty"):
        if not (params.reported(section) if section in ANALYSES else params.difficulty):
            expected = expected.replace(f"      - results/${{profile}}/{section}\n", "")
    assert (ROOT / "profiles" / profile / "dvc.yaml").read_text() == expected


@pytest.mark.parametrize("profile", ["default", *PROFILES])
def test_profile_is_valid_and_knows_where_it_lies(profile):
    file = _params_file(profile)
    params = load_params(file)
    assert params.profile == profile
    assert (file.parent / params.root).resolve() == ROOT
    assert ROOT / params.params_file == file


def test_paper_profile_has_all_runs_of_the_paper():
    params = load_params(_params_file("paper"))
    groups = {group: len(params.runs_of(group)) for group in params.groups}
    assert groups == {
        "cnn": 12, "swinir": 6, "fdncnn": 6, "restormer": 6, "colour": 6, "real-noise": 2,
        "training-controls": 3, "n2n": 2, "input-only": 1, "non-gaussian": 18, "recipe": 4, "training-length": 6, "ne-parts": 7,
        "deblurring": 4, "super-resolution": 4,
    }  # fmt: skip
    beyond = sum(groups[name] for name in ("recipe", "training-length", "ne-parts", "deblurring", "super-resolution"))
    assert sum(groups.values()) - beyond == 62


@pytest.mark.parametrize("profile", ["default", *WHOLE])
def test_every_profile_has_every_experiment(profile):
    params = load_params(_params_file(profile))
    assert list(params.groups) == list(load_params(_params_file("paper")).groups)
    assert all(params.runs_of(group) for group in params.groups)
    assert params.filters and params.errors and params.controls
    assert {sampler.operator for sampler in params.samplers.values()} == {
        "none", "random_pixels", "block_average", "blur",
    }  # fmt: skip


@pytest.mark.parametrize("profile", ["default", "smoke", "paper"])
def test_every_experiment_is_reported(profile):
    params = load_params(_params_file(profile))
    assert {params.models[params.runs[item.runs[0]].model].backbone for item in params.exposure.values()} == {
        "dncnn", "swinir",
    }  # fmt: skip
    assert list(params.reported_runs) == list(params.runs)


@pytest.mark.parametrize("profile", ["published", "gpu"])
def test_networks_of_the_published_size(profile):
    params = load_params(_params_file(profile))
    for run in params.runs.values():
        spec = params.models[run.model]
        count = sum(p.numel() for p in create_denoiser(spec.backbone, run.variant, **spec.size).parameters())
        assert is_published_size(spec.backbone, count)


@pytest.mark.parametrize("profile", ["default", *PROFILES])
def test_networks_that_do_more_than_denoise_are_told_apart_by_their_groups(profile):
    params = load_params(_params_file(profile))
    degraded = {run.group for run in params.runs.values() if run.degradation != "none"}
    assert degraded == set(RESTORATION) & set(params.groups)


def test_paper_profile_has_the_hyperparameters_of_table_4():
    params = load_params(_params_file("paper"))
    rows = {
        "dncnn-baseline-s25": (128, 70, "l1", 1e-4, 500_000, None),
        "fdncnn-se_arch-s25": (128, 70, "l1", 1e-4, 500_000, None),
        "fdncnn-ne_arch-s25": (128, 70, "mse", 1e-4, 900_000, None),
        "dncnn-wne-s25": (128, 70, "mse", 1e-4, 500_000, 100_000),
        "swinir-baseline-s25": (32, 64, "mse", 1e-4, 500_000, None),
        "swinir-wne-s25": (32, 64, "mse", 1e-4, 500_000, 100_000),
    }
    for name, expected in rows.items():
        r = params.recipes[params.runs[name].recipe]
        assert (r.batch, r.patch, r.loss, r.lr, r.steps, r.halve_every) == expected, name


_WITHOUT_BASELINE = ("ne-parts", "blind")  # compared with NE-arch (test_ne_parts.py), and with the input


@pytest.mark.parametrize("profile", ["default", "bsd400", "published", "gpu"])
def test_variants_are_compared_in_a_matched_recipe(profile):
    """Wrapped and bare differ in the wrapper alone: same recipe, data, noise and seed."""
    params = load_params(_params_file(profile))
    for name, run in params.runs.items():
        if run.variant == "wne" and run.group not in _WITHOUT_BASELINE:
            bare = params.runs[name.replace("-wne-", "-baseline-")]  # the recipe group too: each recipe has both
            assert run.model_dump(exclude={"variant"}) == bare.model_dump(exclude={"variant"})


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _declared(project: dict) -> list[str]:
    """All requirements but the project's own extras, which extras name."""
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    return [r for r in project["dependencies"] + extras if not r.startswith("wne[")]


def test_conda_environment_equals_pyproject():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    project = _project()
    declared = _declared(project)
    assert sorted(p for p in pip if not p.startswith("--")) == sorted(declared)


def test_lock_pins_every_dependency_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    pins = dict(line.split(" ;")[0].split("==") for line in lock)  # a marker says for which platform
    project = _project()
    declared = _declared(project)
    for requirement in declared:
        name = re.split(r"[>=]", requirement)[0]
        assert name.lower() in {pin.lower() for pin in pins}, f"requirements.lock lacks {name}"
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[A-Za-z0-9_.+\-]+( ; [^:/@]+)?", line) for line in lock)


def test_every_result_file_belongs_to_a_stage():
    """What an earlier version left behind would enter the hashes of folders, and mislead."""
    from dvc.repo import Repo

    tracked = subprocess.run(["git", "ls-files", "results", "paper"], cwd=ROOT, capture_output=True, text=True).stdout
    if not tracked:
        pytest.skip("no git repository here")
    with Repo(ROOT) as repo:
        outs = {Path(out.fs_path).relative_to(ROOT).as_posix() for out in repo.index.outs}
    by_hand = re.compile(r"results/[^/]+/(report\.pdf|budget\.json)|paper/[^/]+\.(tex|bib)|paper/sections/.*")
    orphans = [
        name
        for name in tracked.splitlines()
        if not by_hand.fullmatch(name) and not outs & {name, *(p.as_posix() for p in Path(name).parents)}
    ]
    assert not orphans, f"{len(orphans)} files that no stage makes: git rm {' '.join(orphans[:5])} ..."
