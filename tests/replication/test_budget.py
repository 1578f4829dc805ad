"""A budget of minutes on the CPU with toy networks: equal steps in a family, a record to train from again, a second call that
goes on, failures that take nothing else with them, and a pack that gives back what it took."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
import yaml

import replication.cli
from replication.cli.common import load_profile
from replication.cli.pipeline import UNFINISHED
from replication.data.download import fetch_set
from replication.data.registry import registered_files
from replication.experiments.budget import spend
from replication.experiments.budget import trial as trial_module
from replication.experiments.budget.apart import PartError, Parts, apart
from replication.experiments.budget.pack import half, pack
from replication.experiments.budget.plan import MARGIN, Trial, families, share, steps_within
from replication.experiments.budget.record import Record, read_record, with_values
from replication.experiments.evaluate import evaluate
from replication.experiments.trained import load_run
from replication.study.params import load_params
from replication.study.paths import ProfilePaths
from tiny_profile import RUN, tiny_profile
from wne.checkpoints import load_denoiser

pytestmark = pytest.mark.slow  # together 10 to 20 s

ROOT = Path(__file__).parents[2]
BARE = RUN.replace("wne", "baseline")


@pytest.fixture
def replicate(monkeypatch, capsys):
    """A command line, in this process: exit status, output, error output."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["replicate", *arguments])
        with pytest.raises(SystemExit) as ended:
            replication.cli.main()
            sys.exit(0)
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def profile(tmp_path, monkeypatch) -> Path:
    """The parameter file of two families of toys: DnCNN, baseline and WNE, and DnCNN at another noise."""
    params, _ = tiny_profile(tmp_path)
    raw = json.loads(params.model_dump_json())
    raw["examples"], raw["recipes"] = {}, {"cnn": raw["recipes"]["cnn"] | {"steps": 30}}
    raw["recipes"]["cnn-s50"] = raw["recipes"]["cnn"] | {"steps": 25}
    raw["groups"]["fdncnn"] = {"title": "another", "report": True}
    raw["runs"] = {
        RUN: raw["runs"][RUN],
        BARE: raw["runs"][RUN] | {"variant": "baseline"},
        "dncnn-wne-s50": raw["runs"][RUN] | {"group": "fdncnn", "sigma": 50, "recipe": "cnn-s50"},
    }
    raw["weights"] = {}
    raw["timing"] |= {"repetitions": 2, "warmup": 1}
    file = tmp_path / "params.yaml"
    file.write_text("# a comment that stays\n" + yaml.safe_dump(raw, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spend, "_TRIAL", (0.1, 0.1, 0))
    return file


class Clock:
    """In place of `time`: it stands still unless someone moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


@pytest.fixture
def clock(monkeypatch) -> Clock:
    monkeypatch.setattr(spend, "time", Clock())
    return spend.time


@pytest.mark.slow
def test_a_small_budget_goes_through_all_parts_and_a_second_call_goes_on(profile, replicate):
    arguments = ("budget", "30", "--params", "params.yaml", "--out", "out", "--device", "cpu")
    status, shown, errors = replicate(*arguments)
    assert status == 0, errors
    assert "3 of 3 runs done" in shown
    results, used = Path("results/smoke"), load_params(Path("results/smoke/params.yaml"))
    record = json.loads((results / "budget.json").read_text())
    assert "# a comment that stays" in (results / "params.yaml").read_text()
    for recipe, runs in families(used).items():
        assert record["families"][recipe]["steps"] == used.recipes[recipe].steps
        for name in runs:
            facts = json.loads((results / f"training/{name}.json").read_text())
            assert facts["steps"] == used.recipes[recipe].steps  # equal in a family
            assert facts["fingerprint"] == used.fingerprint(name)  # the file written is what was trained
    # All had time for what the profile asks at most, and of the same network one trial was enough.
    assert {name: family["steps"] for name, family in record["families"].items()} == {"cnn": 30, "cnn-s50": 25}
    trials = {name: family["trials"] for name, family in record["families"].items()}
    assert trials["cnn-s50"]["dncnn-wne-s50"] == trials["cnn"][RUN]
    assert all(group.report for group in used.groups.values())
    assert set(pd.read_csv(results / "timing/samples.csv")["variant"]) == {"baseline", "wne", "se_arch", "ne_arch"}

    # What is unpacked elsewhere evaluates to the same files.
    _unpack(Path("out/smoke"), Path("elsewhere"))
    paths = ProfilePaths("smoke", Path("elsewhere"))
    shutil.copytree("data", "elsewhere/data")
    scores = paths.evaluated(used, RUN) / "psnr.csv"
    packed = scores.read_bytes()
    scores.unlink()
    evaluate(used, RUN, paths, torch.device("cpu"))
    assert scores.read_bytes() == packed

    # A preemption that took one run and its evaluation: only they are made again, to the same weights.
    lost = Path("checkpoints/smoke/cnn") / f"{BARE}.safetensors"
    before, kept = lost.read_bytes(), (lost.parent / f"{RUN}.safetensors").stat().st_mtime_ns
    lost.unlink()
    status, shown, errors = replicate(*arguments)
    assert status == 0 and f"[budget] train {BARE}" in errors
    assert not any(f"[budget] {part}" in errors for part in (f"train {RUN}", "trial", "timing"))
    assert lost.read_bytes() == before and (lost.parent / f"{RUN}.safetensors").stat().st_mtime_ns == kept
    assert len(json.loads((results / "budget.json").read_text())["calls"]) == 2


@pytest.mark.slow
def test_what_fails_is_named_and_the_rest_goes_on(profile, replicate):
    raw = yaml.safe_load(profile.read_text())
    raw["recipes"]["cnn"] |= {"patch": 40, "lr": 1e30}  # a loss that is not finite, on patches of its own
    profile.write_text(yaml.safe_dump(raw, sort_keys=False))
    status, shown, errors = replicate("budget", "30", "--params", "params.yaml", "--out", "out", "--device", "cpu")
    assert status == 1 and "1 of 3 runs done" in shown, errors
    assert f"failed: trial of {RUN}: run {RUN}: the loss is " in errors
    used = load_params(Path("results/smoke/params.yaml"))
    assert used.groups["fdncnn"].report and not used.groups["cnn"].report
    assert Path("checkpoints/smoke/fdncnn/dncnn-wne-s50.safetensors").exists()


def test_a_budget_that_is_over_leaves_the_rest_for_another_call(profile, replicate, monkeypatch):
    Path("results/smoke/timing").mkdir(parents=True)
    Path("results/smoke/timing/samples.csv").write_text("measured before")
    clock = SimpleNamespace(monotonic=count(0, 3600).__next__, time=time.time)  # an hour between any two looks
    monkeypatch.setattr(spend, "time", clock)
    limits = []
    monkeypatch.setattr(spend, "pack", lambda *arguments: limits.append(arguments[3:]) or pack(*arguments))
    arguments = ("budget", "30", "--params", "params.yaml", "--out", "out", "--device", "cpu")
    status, shown, errors = replicate(*arguments, "--part-size", "2", "--largest", "5")
    assert status == UNFINISHED, errors
    assert set(limits) == {(2 * 2**20, 5 * 2**20)}
    assert "0 of 3 runs done" in shown and "the same command goes on from here" in errors
    assert "trial" not in errors and "evaluate" not in errors
    assert "results/smoke/timing/samples.csv" in json.loads(Path("out/smoke/manifest.json").read_text())["files"]


class FakeParts(Parts):
    """Parts that are named and not run. A trial fails for the runs in `failing`; trials and training take fake seconds."""

    def __init__(self, clock: Clock, trial: Trial, failing: tuple[str, ...] = (), trial_takes: float = 0) -> None:
        super().__init__()
        self.clock, self.trial, self.failing, self.trial_takes = clock, trial, failing, trial_takes
        self.names: list[str] = []
        self.arguments: dict[str, tuple] = {}

    def run(self, name, function, *arguments, here=False):
        self.names.append(name)
        self.arguments[name] = arguments
        if not name.startswith("trial of "):
            return None
        self.clock.now += self.trial_takes
        return None if name.removeprefix("trial of ") in self.failing else self.trial

    def named(self, start: str) -> list[str]:
        return [name.removeprefix(start) for name in self.names if name.startswith(start)]


def _spend(
    profile: Path, clock: Clock, parts: FakeParts, seconds: float = 600, only: tuple[str, ...] = ()
) -> FakeParts:
    spending = spend.Spending(profile, load_profile(profile)[1], seconds, Path("out"), device="cpu", only=only)
    spending.parts = parts
    spending.spend()
    return parts


def test_a_run_whose_trial_failed_is_tried_again_by_the_next_call_alone(profile, clock):
    trial = Trial(step=0.1, start=1, evaluation=1)
    first = _spend(profile, clock, FakeParts(clock, trial, failing=(BARE,)), only=("cnn",))
    assert first.named("trial of ") == [RUN, BARE] and first.named("train ") == [RUN]
    second = _spend(profile, clock, FakeParts(clock, trial), only=("cnn",))
    assert second.named("trial of ") == [BARE] and second.named("train ") == [RUN, BARE]
    third = _spend(profile, clock, FakeParts(clock, trial), only=("cnn",))
    assert third.named("trial of ") == [] and third.named("train ") == [RUN, BARE]


def test_training_ends_before_the_time_of_evaluations_and_does_not_begin_without_that_of_its_start(profile, clock):
    trial = Trial(step=0.1, start=50, evaluation=20)
    end = clock.now + 600
    parts = _spend(profile, clock, FakeParts(clock, trial), only=("cnn",))
    reserved = 2 * trial.evaluation + trial.start  # both evaluations, in one process
    assert [parts.arguments[f"train {name}"][-1] for name in (RUN, BARE)] == [end - reserved] * 2
    for seconds, begun in ((reserved + 49, []), (reserved + 51, [RUN, BARE])):
        assert _spend(profile, clock, FakeParts(clock, trial), seconds, only=("cnn",)).named("train ") == begun


def test_no_more_trials_once_they_have_used_the_share_of_their_family(profile, clock):
    parts = _spend(profile, clock, FakeParts(clock, Trial(0.1, 1, 1), trial_takes=400))  # 2 of 3 runs: 400 s of 600
    assert parts.named("trial of ") == [RUN]
    assert parts.named("train ") == ["dncnn-wne-s50"]  # the same network: its trial is made


def test_a_deadline_counts_what_comes_before_training(trained, tmp_path):
    params, paths = trained
    elsewhere = ProfilePaths(params.profile, tmp_path)
    shutil.copytree(paths.root / "data", tmp_path / "data")
    assert spend._train(params, RUN, elsewhere, "cpu", time.time() - 1) is False
    assert (elsewhere.states / f"{RUN}.pt").exists()
    assert spend._train(params, RUN, elsewhere, "cpu", time.time() + 1000) is True


def test_later_calls_do_not_compile_where_one_could_not(profile, clock, monkeypatch):
    monkeypatch.setenv(spend.NO_COMPILING, "of the user")  # so that it is put back
    monkeypatch.delenv(spend.NO_COMPILING)

    class WithoutCompiler(FakeParts):
        def run(self, name, function, *arguments, here=False):
            self.failing = () if spend.NO_COMPILING in os.environ else (RUN, BARE)
            result = super().run(name, function, *arguments, here=here)
            if name.startswith("trial of ") and result is None:
                self.failures[name] = "no compiler"
            return result

    spending = spend.Spending(profile, load_profile(profile)[1], 600, Path("out"), device="cpu", only=("cnn",))
    spending.parts, spending.device = WithoutCompiler(clock, Trial(0.1, 1, 1)), "cuda"
    spending.spend()
    assert spending.parts.named("trial of ") == [RUN, RUN, BARE] and spending.parts.failures == {}
    monkeypatch.delenv(spend.NO_COMPILING)  # the next call is another process
    for _ in range(2):
        spend.Spending(profile, load_profile(profile)[1], 600, Path("out"), device="cpu")
        assert os.environ[spend.NO_COMPILING] == "1"
        monkeypatch.delenv(spend.NO_COMPILING)
    assert [call["compiled"] for call in read_record(load_profile(profile)[1]).calls] == [False] * 3


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({"schedule": "constant"}, (), "recipes.cnn.schedule: constant does not end with a budget"),
        ({}, ("--families", "cnn,swim"), "unknown name 'swim'; known: cnn, cnn-s50"),
        ({}, ("--device", "cuda"), "--device cuda: torch sees no CUDA device here"),
    ],
)
def test_a_mistake_is_one_line_before_anything_is_done(profile, replicate, change, arguments, message):
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    raw = yaml.safe_load(profile.read_text())
    raw["recipes"]["cnn"] |= change
    profile.write_text(yaml.safe_dump(raw, sort_keys=False))
    status, _, errors = replicate("budget", "30", "--params", "params.yaml", *arguments)
    assert status == 1 and [message in line for line in errors.splitlines() if line.startswith("error:")] == [True]
    assert not Path("results/smoke/timing").exists()


def test_a_share_is_divided_by_runs_and_steps_are_those_that_fit():
    assert share(600, 4, 6) == 400
    trials = [Trial(step=0.1, start=5, evaluation=10), Trial(step=0.3, start=7, evaluation=10)]
    steps = steps_within(400, trials, most=10_000)
    assert steps == int(((1 - MARGIN) * 400 - 32 - 7) / 0.4) == 852
    assert 7 + sum(t.start + steps * t.step + t.evaluation for t in trials) <= (1 - MARGIN) * 400
    assert steps_within(400, trials, most=500) == 500
    assert steps_within(35, trials, most=500) == 0 == steps_within(-1, trials, most=500)


def test_values_change_in_place():
    text = "recipes: # all\n  cnn: {steps: 10, lr: 1} # short\n  swin:\n    steps: 20\ngroups: {a: {report: true}}\n"
    values = {
        ("recipes", "cnn", "steps"): "7",
        ("recipes", "swin", "steps"): "12345",
        ("groups", "a", "report"): "false",
    }
    expected = text.replace("10", "7").replace("20", "12345").replace("true", "false")
    assert with_values(text, values) == expected


def test_a_damaged_record_is_one_line(tmp_path):
    paths = ProfilePaths("gpu", tmp_path)
    record = Record(families={"cnn": {"steps": 5, "seconds": 1.0, "trials": {"a": Trial(1, 2, 3)}}})
    record.write(paths)
    assert read_record(paths) == record
    (paths.results / "budget.json").write_text("{")
    with pytest.raises(ValueError, match=r"budget\.json: damaged .*delete it"):
        read_record(paths)


def test_a_part_that_is_killed_or_fails_is_an_error_of_this_process():
    parts = Parts()
    assert apart(divmod, 7, 2) == (3, 1)
    assert parts.run("a division", divmod, 7, 0) is None
    assert parts.run("an end", os._exit, 9) is None
    assert "zero" in parts.failures["a division"] and "status 9" in parts.failures["an end"]
    with pytest.raises(PartError, match="zero"):
        apart(divmod, 1, 0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One trained toy."""
    from replication.experiments.train import train

    params, paths = tiny_profile(tmp_path_factory.mktemp("pack"), size={"width": 16})
    train(params, RUN, paths, torch.device("cpu"))
    return params, paths


def test_a_trial_that_never_takes_its_time_gives_the_rate_of_its_last_steps(trained, monkeypatch):
    params, paths = trained
    really_train = trial_module.train

    def train_at_a_second_a_step(changed, name, scratch, device):
        really_train(changed, name, scratch, device)
        cost = {"seconds": changed.recipes[changed.runs[name].recipe].steps}
        (scratch.cost / f"{name}.json").write_text(json.dumps(cost))

    monkeypatch.setattr(trial_module, "train", train_at_a_second_a_step)
    monkeypatch.setattr(trial_module, "_evaluation", lambda *_: 0.0)
    monkeypatch.setattr(trial_module, "_DOUBLINGS", 1)
    assert trial_module.try_run(params, RUN, paths, "cpu", seconds=100, begun=time.time()).step == 1


def test_a_pack_is_split_into_parts_that_join(trained, tmp_path):
    params, paths = trained
    assert pack(params, paths, tmp_path, part=1024) == []
    parts = sorted((tmp_path / "smoke").glob("pack.tar.*"))
    assert len(parts) > 10 and all(part.stat().st_size <= 1024 for part in parts)
    _unpack(tmp_path / "smoke", tmp_path / "there")
    checkpoint = paths.checkpoint(params, RUN)
    assert (tmp_path / "there" / checkpoint.relative_to(paths.root)).read_bytes() == checkpoint.read_bytes()


def test_weights_are_halved_where_they_do_not_fit_and_left_out_where_halves_do_not_fit(trained, tmp_path):
    params, paths = trained
    whole, size = load_run(paths, params, RUN), paths.checkpoint(params, RUN).stat().st_size
    (tmp_path / "half.safetensors").write_bytes(half(paths.checkpoint(params, RUN)))
    halved = load_denoiser(tmp_path / "half.safetensors")
    for a, b in zip(whole.state_dict().values(), halved.state_dict().values()):
        torch.testing.assert_close(a, b, rtol=2**-11, atol=1e-7)
    results = sum(file.stat().st_size for file in paths.results.rglob("*") if file.is_file())
    for room, dtype, left_out in ((0.8 * size, "float16", []), (0.1 * size, "float16", [RUN])):
        limit = results + 512 * 8 + 10240 + int(room)
        assert pack(params, paths, tmp_path, largest=limit) == left_out
        manifest = json.loads((tmp_path / "smoke/manifest.json").read_text())
        assert manifest["weights"] == dtype and manifest["left_out"] == left_out
    with pytest.raises(ValueError, match="the results alone are larger than 100 bytes"):
        pack(params, paths, tmp_path, largest=100)


def test_images_come_from_a_folder_laid_out_as_data_images(tmp_path):
    """Without a network, and checked as from anywhere else."""
    first = registered_files()["leaves-test"][0]
    fetch_set("leaves-test", tmp_path / "made")
    (tmp_path / "made/leaves-test" / first.file).rename(tmp_path / "kept")
    for content, is_taken in ((b"something else", False), ((tmp_path / "kept").read_bytes(), True)):
        (tmp_path / "made/leaves-test" / first.file).write_bytes(content)
        target = fetch_set("leaves-test", tmp_path / f"root-{is_taken}", str(tmp_path / "made"))
        assert (target / first.file).read_bytes() == (tmp_path / "kept").read_bytes()


def test_the_parts_need_no_dvc():
    code = (
        "import sys; sys.modules['dvc'] = None; import replication.cli.app, replication.experiments.budget.spend, "
        "replication.experiments.budget.trial, replication.experiments.budget.pack, replication.experiments.train, "
        "replication.experiments.evaluate, replication.experiments.timing; sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_profile_gpu_is_ready_to_spend():
    """Published sizes, and every family complete: what is compared has the same steps."""
    params = load_params(ROOT / "profiles/gpu/params.yaml")
    first = families(params)
    variants = {params.runs[name].variant for name in next(iter(first.values()))}
    assert variants == {"baseline", "wne", "se_arch", "ne_arch"}
    for runs in first.values():
        assert len({params.runs[name].sigma for name in runs}) == 1
        assert {"baseline", "wne"} <= {params.runs[name].variant for name in runs}


def _unpack(folder: Path, target: Path) -> None:
    """As the manifest says."""
    whole = target.with_suffix(".tar")
    parts = sorted(folder.glob("pack.tar.*"))
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    with tarfile.open(whole) as tar:
        tar.extractall(target, filter="data")
