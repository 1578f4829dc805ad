"""The smoke profile's whole pipeline under DVC, in a copy of the repository, as a newcomer runs it; and every recipe of
docs/extending.md there. One file, so that one process makes the pipeline once. Most stages take less time than the import
of torch, so `replicate` is that of tests/warm.py, which imports it once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from commands import BLOCK, RECIPES, follow, ran, shell
from replication.results.summary import read_summary
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from warm import warm_replicate

ROOT = Path(__file__).parents[2]
SMOKE = "profiles/smoke/dvc.yaml"
pytestmark = pytest.mark.pipeline


# What a clone has, without what was made in it, and without results.
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".dvc", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "executed", "images", "noise",
    "checkpoints", "dvc.lock", "results", "build",
)  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Iterator[Path]:
    """A fresh copy of the repository."""
    copy = tmp_path_factory.mktemp("clone") / "repository"
    shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
    for profile in ("default", "bsd400", "smoke"):
        shutil.rmtree(copy / "paper" / profile, ignore_errors=True)
    shutil.copytree(ROOT / "results/bsd400/weights", copy / "results/bsd400/weights")
    shutil.copytree(ROOT / "src/replication/results", copy / "src/replication/results", dirs_exist_ok=True)
    with warm_replicate() as programs:
        (copy / "bin").symlink_to(programs)
        shell(copy, "dvc init --no-scm --quiet")
        yield copy


@pytest.fixture(scope="module")
def reproduced(repository) -> Path:
    """The same after `dvc repro profiles/smoke/dvc.yaml`."""
    shell(repository, "dvc repro profiles/smoke/dvc.yaml")
    return repository


def _dvc(repository: Path, *arguments: str) -> str:
    return shell(repository, f"dvc {' '.join(arguments)}")


def test_one_command_makes_every_artefact(reproduced):
    for figure in (
        *(f"fig{number:02d}" for number in range(2, 22)),
        "overview",
        "inverse_problems",
        "controls",
        "exposure",
        "exposure_pictures",
        "exposure_tasks",
        "recipe",
        "length",
    ):
        for kind in ("pdf", "png"):
            assert (reproduced / f"paper/smoke/figures/{figure}.{kind}").stat().st_size > 1000
    # Table 4 lists the paper's hyperparameters: it is an input, and here the table "training".
    numbered = [f"table{number:02d}" for number in range(1, 13) if number != 4]
    for table in (
        *numbered,
        "training",
        "claims",
        "leakage",
        "numbers",
        "controls",
        "exposure",
        "exposure_tasks",
        "recipe",
        "length",
    ):
        assert (reproduced / f"paper/smoke/tables/{table}.tex").read_text().startswith("%")
    assert "fig03.png" in (reproduced / "results/smoke/README.md").read_text()


def test_wrapped_networks_are_equivariant_and_bare_ones_are_not(reproduced):
    """The one claim that holds however short the training."""
    largest = {
        name: pd.read_csv(
            reproduced
            / f"results/smoke/evaluation/{name.partition('-')[0] if 'swinir' in name else 'cnn'}/{name}/defect.csv"
        )["sharp"].max()
        for name in (
            "dncnn-baseline-s25",
            "dncnn-wne-s25",
            "fdncnn-ne_arch-s25",
            "swinir-baseline-s25",
            "swinir-wne-s25",
        )
    }
    assert max(largest[name] for name in largest if "baseline" not in name) < 1e-5
    assert min(largest[name] for name in largest if "baseline" in name) > 1e-3


def test_an_own_denoiser_joins_the_sweep(reproduced):
    (reproduced / "own_networks.py").write_text(
        "from torch import nn\n\ndef make():\n    return nn.Conv2d(1, 1, 3, padding=1)\n"
    )
    arguments = ("evaluate", "mine", "--backbone", "own_networks:make", "--variant", "wne")
    result = subprocess.run(
        [Path(sys.executable).parent / "replicate", *arguments, "--params", "profiles/smoke/params.yaml"],
        cwd=reproduced, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    own = reproduced / "results/smoke/own/mine"
    curves, run = (
        pd.read_csv(own / "curves.csv"),
        read_summary(load_params(ROOT / "profiles/smoke/params.yaml"), ProfilePaths("smoke", reproduced)).curves,
    )
    beside = run[run["run"] == "dncnn-wne-s25"]
    # The same noisy images as the runs of the profile, on all test sets.
    columns = ["test_set", "sigma_test", "input_psnr"]
    assert curves[columns].round(4).to_numpy().tolist() == beside[columns].round(4).to_numpy().tolist()
    assert pd.read_csv(own / "defect.csv")["sharp"].max() < 1e-4
    assert (own / "sweep.png").stat().st_size > 1000 and (own / "sweep.pdf").stat().st_size > 1000


def test_a_second_time_nothing_runs_but_the_hash_of_the_code(reproduced):
    assert ran(_dvc(reproduced, "repro", SMOKE)) == {"code"}


def test_metrics_and_plots_are_those_of_dvc(reproduced):
    shown = json.loads(_dvc(reproduced, "metrics", "show", "--json", "results/smoke/metrics.json"))
    metrics = shown[""]["data"]["results/smoke/metrics.json"]["data"]
    assert sum(metrics["claims"].values()) == 17 and metrics["largest_defect_of_wne"] < 1e-5
    page = _dvc(reproduced, "plots", "show", "paper/smoke/figures/overview.png").strip().splitlines()[-1]
    assert "overview.png" in Path(page.removeprefix("file://")).read_text()


def test_figures_come_from_results_alone(reproduced):
    """Without checkpoints, images and noise: what a clone of the repository has."""
    hidden = reproduced.parent / "hidden"
    left_out = shutil.ignore_patterns("checkpoints", "images", "noise", "cache")
    shutil.copytree(reproduced, hidden, symlinks=True, ignore=left_out)
    shutil.rmtree(hidden / "paper/smoke/figures")
    assert ran(_dvc(hidden, "repro", "-s", f"{SMOKE}:figures")) == {"figures"}
    drawn = sorted((hidden / "paper/smoke/figures").iterdir())
    assert drawn and all(f.read_bytes() == (reproduced / "paper/smoke/figures" / f.name).read_bytes() for f in drawn)


def test_the_paper_profile_is_a_complete_pipeline(repository):
    stages = ran(_dvc(repository, "repro", "--dry", "--force", "profiles/paper/dvc.yaml"))
    assert len({s for s in stages if s.startswith("train@")}) == 87
    assert len({s for s in stages if s.startswith("evaluate@")}) == 15
    assert {
        "download@waterloo",
        "compose-grey8694",
        "timing",
        "audit@grey8694",
        "collect",
        "figures",
        "tables",
    } <= stages


@pytest.fixture
def copy(reproduced, tmp_path) -> Path:
    """The repository with the results of the smoke profile."""
    target = tmp_path / "extended"
    shutil.copytree(reproduced, target, symlinks=True)
    return target


def change(copy: Path, run: str, old: str, new: str) -> None:
    """Replaces a part of the line of a run."""
    file = copy / "profiles/smoke/params.yaml"
    text = file.read_text()
    (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{run}:")]
    assert old in line
    file.write_text(text.replace(line, line.replace(old, new)))


def test_the_table_at_the_head_counts_the_files():
    """Files to open, without the new ones' copies in other profiles."""
    named = {
        title: {name for language, name, _ in BLOCK.findall(text) if language != "bash"}
        for title, text in RECIPES.items()
    }
    assert len(named["A backbone"]) == 3
    assert len(named["A run"]) == 1
    assert len(named["A figure"]) == len(named["A table"]) == 3
    assert len(named["An analysis of trained runs"]) == 7


def test_every_recipe_works_as_it_is_written(copy):
    """In the order of the page: a later one may use what an earlier one added. Nothing else runs again."""
    printed = follow("A backbone", copy)
    assert "profiles/smoke/code.yaml: up to date" in printed and " failed" not in printed

    printed = follow("A run", copy)
    assert "dncnn-baseline-s40, dncnn-wne-s40" in printed and printed.count("Running stage") == 2

    # Of a changed and two added runs, the changed one trains. The figure needs the added ones in the summary.
    change(copy, "fdncnn-se_arch-s25", "seed: 0", "seed: 1")
    assert ran(_dvc(copy, "repro", f"{SMOKE}:collect")) == {
        "code", "train@fdncnn-se_arch-s25", "evaluate@cnn", "controls@dncnn", "exposure@dncnn", "windows@cnn", "collect",
    }  # fmt: skip
    follow("A figure", copy)
    assert (copy / "paper/smoke/figures/gain.png").stat().st_size > 5000

    follow("A table", copy)
    assert "40" in (copy / "paper/smoke/tables/gain.tex").read_text()

    printed = follow("An analysis of trained runs", copy)
    assert ran(printed) == {"code", "rounding@dncnn", "collect", "weights@dncnn-wne-s25", "figures", "tables"}
    estimates = pd.read_csv(copy / "results/smoke/summary/estimates.csv")
    rows = estimates[estimates["kind"] == "rounding"].set_index("run")
    assert len(rows) == 6
    for run in ("dncnn-baseline-s25", "dncnn-wne-s25"):
        psnr = rows.loc[run].set_index("level")["value"]
        assert psnr[1] < psnr[4] - 1 and abs(psnr[4] - psnr[8]) < 1  # 4 bits are enough for this much noise, 1 is not
    page = (copy / "results/smoke/README.md").read_text()
    assert "Gain of WNE against the noise of the test" in page and "Gain of WNE in numbers" in page
