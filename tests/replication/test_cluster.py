"""Submission: DVC's graph as jobs, on this machine and to a SLURM whose programs are stand-ins. tests/slurm has the real one."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
import torch
import yaml
from dvc.repo import Repo
from typer.testing import CliRunner

from replication.cli.app import app
from replication.cluster import local, shell, slurm, turns
from replication.cluster.batches import batches, check_kinds, describe
from replication.cluster.graph import Graph, opened, read_graph, record
from replication.cluster.job import StageJob
from replication.cluster.local import run_locally
from replication.cluster.records import is_recorded, last_line, log_file, read_jobs, write_jobs
from replication.cluster.status import states_of, table
from replication.study.params import Cluster, ParameterError, Params, load_params
from replication.study.paths import ProfilePaths

pytestmark = pytest.mark.slow  # together 10 to 20 s

ROOT = Path(__file__).parents[2]
PIPELINE, RECORDS = Path("dvc.yaml"), Path(".cluster/tiny").absolute()
# `ran` counts what runs: no output of a stage, so that DVC does not know it.
STAGES = """
stages:
  code:
    cmd: cp code.source code.yaml
    always_changed: true
    outs: [code.yaml: {cache: false, persist: true}]
  train:
    foreach: [a, b]
    do:
      cmd: mkdir -p trained && echo ${item} >> ran && cat source > trained/${item}
      deps: [source]
      params: [params.yaml: [seed], code.yaml: [train]]
      outs: ["trained/${item}"]
  evaluate:
    cmd: echo evaluate >> ran && cat trained/a trained/b > evaluated
    deps: [trained]
    outs: [evaluated]
"""


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A DVC repository of four stages, as the current folder."""
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    texts = {"dvc.yaml": STAGES, "params.yaml": "seed: 0\n", "code.source": "train: 1\n", "source": "text\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def records(repository) -> Path:
    return repository / ".cluster/tiny"


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """A folder for stand-ins of SLURM's programs, at the head of PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def ran(repository: Path) -> list[str]:
    file = repository / "ran"
    return sorted(file.read_text().split()) if file.exists() else []


def done(graph: Graph) -> set[str]:
    return set(graph.done)


def cluster(**stages: dict) -> Cluster:
    default = {"partition": None, "hours": 1.5, "cpus": 2, "memory": 4, "gpus": 0}
    stages = {kind: default | changes for kind, changes in {"default": {}, **stages}.items()}
    return Cluster.model_validate({"account": None, "requeues": 3, "stages": stages})


# --- the graph -----------------------------------------------------------------------------------------


def test_graph_is_that_of_dvc(repository, records):
    graph = read_graph(PIPELINE, records)
    assert [(task.name, task.needs) for task in graph.tasks.values()] == [
        ("train@a", ()), ("train@b", ()), ("evaluate", ("train@a", "train@b")),
    ]  # fmt: skip
    assert (repository / "code.yaml").read_text() == "train: 1\n"  # the stage that always runs has run
    first, second = batches(graph)
    assert [task.item or task.name for task in first.tasks] == ["train@a", "train@b"] and not first.needs
    assert [task.name for task in second.tasks] == ["evaluate"] and second.needs == ("train@a", "train@b")


def test_stages_that_dvc_knows_are_done_and_what_follows_a_change_is_not(repository, records):
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], check=True)
    assert not read_graph(PIPELINE, records).missing
    (repository / "code.source").write_text("train: 2\n")
    assert not done(read_graph(PIPELINE, records))
    (repository / "code.source").write_text("train: 1\n")
    (repository / "trained/b").unlink()
    assert done(read_graph(PIPELINE, records)) == {"train@a"}


def test_dvc_at_work_is_one_line(repository, records):
    with opened(), pytest.raises(RuntimeError, match="DVC is running in this repository"):
        read_graph(PIPELINE, records)


def test_resources_of_an_unknown_kind_of_stage():
    with pytest.raises(ValueError, match=r"cluster.stages.trian: unknown name 'trian'; did you mean 'train'"):
        check_kinds(cluster(trian={}), _with_kinds("train"))


def _with_kinds(*kinds: str) -> Graph:
    from replication.cluster.records import Task

    return Graph({k: Task(k, k, "", "true", "/", (), (), (), "") for k in kinds}, frozenset())


def test_description_has_command_resources_and_what_it_waits_for(repository, records):
    graph = read_graph(PIPELINE, records)
    first, second = batches(graph)
    spec = cluster(train={"partition": "gpu", "gpus": 1})
    assert describe(first, graph, spec).splitlines()[0] == "train: array of 2 (gpu, 1 GPU, 2 CPU, 4 GB, 1.5 h)"
    assert "evaluate: 1 job (default partition, 2 CPU, 4 GB, 1.5 h), after train" in describe(second, graph, spec)
    assert describe(second, graph, None).endswith("\n    echo evaluate >> ran && cat trained/a trained/b > evaluated")


# --- on this machine -----------------------------------------------------------------------------------


def test_local_jobs_leave_nothing_to_dvc_repro(repository, records):
    assert run_locally(read_graph(PIPELINE, records), 2, records) == []
    assert record(PIPELINE, records) == ["train@a", "train@b", "evaluate"]
    assert ran(repository) == ["a", "b", "evaluate"] and (repository / "evaluated").read_text() == "text\ntext\n"
    repro = subprocess.run([sys.executable, "-m", "dvc", "repro"], check=True, capture_output=True, text=True)
    assert re.findall(r"Running stage '(.*)'", repro.stdout) == ["code"]
    assert ran(repository) == ["a", "b", "evaluate"]


def test_after_a_failure_only_the_rest_runs(repository, records):
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source >", "test ${item} = a && cat source >"))
    assert run_locally(read_graph(PIPELINE, records), 2, records) == ["train@b"]
    graph = read_graph(PIPELINE, records)
    assert states_of(graph, records) == {"train@a": "done", "train@b": "failed", "evaluate": "cancelled"}
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source >", "test ${item} != c && cat source >"))
    assert run_locally(read_graph(PIPELINE, records), 2, records) == []
    assert ran(repository).count("evaluate") == 1
    assert record(PIPELINE, records) and not read_graph(PIPELINE, records).missing


def test_finished_stages_survive_a_submission_that_was_cut_off(repository, records):
    graph = read_graph(PIPELINE, records)
    StageJob(graph.tasks["train@a"], records)()
    assert done(read_graph(PIPELINE, records)) == {"train@a"}
    StageJob(graph.tasks["train@a"], records)()  # requeued after its end
    assert ran(repository) == ["a"]
    (repository / "params.yaml").write_text("seed: 1\n")
    assert not done(read_graph(PIPELINE, records)) and record(PIPELINE, records) == []
    (repository / "params.yaml").write_text("seed: 0\n")
    (repository / "trained/a").write_text("by hand\n")
    assert not is_recorded(graph.tasks["train@a"], records)


def test_a_note_does_not_hold_for_an_input_that_dvc_has_made_again(repository, records):
    assert run_locally(read_graph(PIPELINE, records), 2, records) == []
    (repository / "trained/a").write_text("again\n")  # by `dvc repro -s -f train@a`, say
    tasks = read_graph(PIPELINE, records).tasks
    assert not is_recorded(tasks["train@a"], records) and not is_recorded(tasks["evaluate"], records)
    assert record(PIPELINE, records) == ["train@b"]
    assert "evaluate" not in yaml.safe_load((repository / "dvc.lock").read_text())["stages"]


def test_an_input_that_is_gone_keeps_only_its_stage_out_of_the_record(repository, records, capsys):
    (repository / "dvc.yaml").write_text(STAGES.replace("deps: [source]", 'deps: ["source-${item}"]'))
    (repository / "source-b").touch()
    graph = read_graph(PIPELINE, records)
    for name in ("train@a", "train@b"):
        StageJob(graph.tasks[name], records)()
    assert record(PIPELINE, records) == ["train@b"]
    assert "train@a: not recorded: " in "".join(capsys.readouterr())


def test_local_stages_see_the_gpus_of_the_caller(repository, records, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,3")
    monkeypatch.setenv(shell.CALLERS_DEVICES, "")  # restored after the test
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source >", "printenv CUDA_VISIBLE_DEVICES >"))
    assert run_locally(read_graph(PIPELINE, records), 2, records) == []
    assert (repository / "trained/a").read_text() == "1,3\n"


@pytest.mark.parametrize(
    ("callers", "own", "seen"), [("every", "", None), ("", "", ""), ("1,3", "", "1,3"), (None, "2", "2")]
)
def test_gpus_of_a_stage(monkeypatch, callers, own, seen):
    monkeypatch.delenv(shell.CALLERS_DEVICES, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", own)
    if callers is not None:
        monkeypatch.setenv(shell.CALLERS_DEVICES, callers)
    assert shell.environment().get("CUDA_VISIBLE_DEVICES") == seen and shell.CALLERS_DEVICES not in shell.environment()


def test_a_killed_stage_runs_again_but_not_for_ever(repository, records, monkeypatch):
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source >", "exec sh once ${item} >"))
    (repository / "once").write_text("test $1 = b || test -f killed || { touch killed; kill -9 $$; }\ncat source\n")
    assert run_locally(read_graph(PIPELINE, records), 1, records) == []
    assert ran(repository) == ["a", "a", "b", "evaluate"]
    (repository / "once").write_text("test $1 = b || kill -9 $$\ncat source\n")
    (repository / "source").write_text("new\n")
    monkeypatch.setattr(local, "STARTS", 2)
    assert run_locally(read_graph(PIPELINE, records), 2, records) == ["train@a"]
    assert ran(repository).count("a") == 4


def test_a_job_waits_for_an_earlier_one_of_its_stage(repository, records, monkeypatch):
    waits = "touch started; while test ! -f go; do sleep 0.05; done; cat source >"
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source >", waits))
    task = read_graph(PIPELINE, records).tasks["train@a"]
    said = []
    monkeypatch.setattr(turns, "say", lambda line: (said.append(line), (repository / "go").touch()))
    earlier = Thread(target=StageJob(task, records))
    earlier.start()
    while not (repository / "started").exists():
        assert earlier.is_alive()
        sleep(0.01)
    StageJob(task, records)()
    assert said == ["train@a: an earlier job is still at work on it; this one waits until it has ended"]
    assert ran(repository) == ["a"] and (repository / "trained/a").read_text() == "text\n"
    earlier.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_killed_job_takes_its_stage_with_it(repository, records):
    (repository / "dvc.yaml").write_text(re.sub("cmd: mkdir.*", "cmd: sh once ${item}", STAGES))
    (repository / "once").write_text(
        "mkdir -p trained\ntest -f started || { touch started; exec sleep 60; }\ncat source > trained/$1\n"
    )
    task = read_graph(PIPELINE, records).tasks["train@a"]
    (repository / "job").write_bytes(pickle.dumps(StageJob(task, records)))
    job = subprocess.Popen([sys.executable, "-c", "import pickle; pickle.load(open('job', 'rb'))()"])
    while not (repository / "started").exists():
        assert job.poll() is None
        sleep(0.01)
    job.kill()
    start = monotonic()
    StageJob(task, records)()  # would wait for the lock of the other
    assert monotonic() - start < 30
    assert (repository / "trained/a").read_text() == "text\n"
    job.wait()


def test_a_job_waits_for_what_a_killed_one_has_left(repository, records, monkeypatch):
    leaves = "{ (while test ! -f go; do sleep 0.05; done; touch gone) & cat source > trained/${item}; }"
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source > trained/${item}", leaves))
    task = read_graph(PIPELINE, records).tasks["train@a"]
    StageJob(task, records)()  # its command has ended, but not all that this has started
    (repository / "source").write_text("new\n")
    monkeypatch.setattr(turns, "say", lambda line: (repository / "go").touch())
    StageJob(task, records)()
    assert (repository / "gone").exists() and (repository / "trained/a").read_text() == "new\n"


def test_a_stage_that_makes_nothing_has_failed(repository, records):
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source > trained/${item}", "true"))
    graph = read_graph(PIPELINE, records)
    with pytest.raises(RuntimeError, match=r"has not made .*trained/a; see "):
        StageJob(graph.tasks["train@a"], records)()
    assert "train@a" not in read_graph(PIPELINE, records).done


def test_outputs_that_dvc_would_delete_are_deleted_first(repository, records):
    (repository / "dvc.yaml").write_text(STAGES.replace("cat source > trained/${item}", "mkdir trained/${item}"))
    (repository / "trained/a").mkdir(parents=True)
    (repository / "trained/a/stale").touch()
    StageJob(read_graph(PIPELINE, records).tasks["train@a"], records)()
    assert list((repository / "trained/a").iterdir()) == []


# --- to SLURM ------------------------------------------------------------------------------------------


def test_jobs_have_resources_dependencies_and_a_last_one_that_records(repository, records, programs):
    program(programs, "srun", "")
    script = "n=$(($(ls scripts | wc -l) + 1))\ncp $1 scripts/$n\necho Submitted batch job $n"
    program(programs, "sbatch", script)  # numbers jobs from 1
    (repository / "scripts").mkdir()
    graph = read_graph(PIPELINE, records)
    jobs = slurm.submit(graph, cluster(train={"partition": "gpu", "gpus": 1}), PIPELINE, records, "tiny")
    assert jobs == {"train@a": "1_0", "train@b": "1_1", "evaluate": "2", "record": "3"}
    assert read_jobs(records) == {"engine": "slurm", "jobs": jobs}
    train, evaluate, last = ((repository / "scripts" / n).read_text() for n in "123")
    for flag in (
        "array=0-1%2",
        "partition=gpu",
        "gpus-per-node=1",
        "cpus-per-task=2",
        "mem=4096M",
        "time=90",
        "requeue",
    ):
        assert f"#SBATCH --{flag}\n" in train, flag
    assert "partition" not in evaluate and "#SBATCH --dependency=afterok:1_0:1_1\n" in evaluate
    assert "#SBATCH --dependency=afterany:1:2\n" in last and "kill-on-invalid-dep=yes" in evaluate
    assert "-lt 3 ] && scontrol requeue" in train


def test_a_job_is_requeued_a_limited_number_of_times(repository, records, monkeypatch):
    job = StageJob(read_graph(PIPELINE, records).tasks["evaluate"], records, requeues=2)
    for restarts, again in ((None, True), ("1", True), ("2", False)):
        monkeypatch.setenv("SLURM_RESTART_COUNT", restarts) if restarts else None
        assert (job.checkpoint() is not None) == again


@pytest.mark.parametrize(
    ("element", "status", "restarts", "requeued"),
    [("0", 137, "", "7_0\n"), (None, 137, "2", "7\n"), ("0", 137, "3", None), ("0", 1, "", None)],
)
def test_batch_script_requeues_its_own_element_alone(tmp_path, programs, element, status, restarts, requeued):
    program(programs, "squeue", "echo None")
    program(programs, "scontrol", f"echo $2 >> {tmp_path}/requeued")
    program(programs, "sleep", "")
    variables = {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": restarts}  # the first element of array 7
    variables |= {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": element} if element else {}
    script = f"{slurm.requeueing(3)}\nexit {status}"
    ended = subprocess.run(["bash", "-c", script], env={"PATH": os.environ["PATH"], **variables}, check=False)
    file = tmp_path / "requeued"
    assert ended.returncode == status and (file.read_text() if file.exists() else None) == requeued


def test_a_job_that_slurm_refuses_is_one_line_and_nothing_stays_queued(repository, records, programs):
    program(programs, "srun", "")
    program(programs, "scancel", 'echo "$@" > cancelled')
    program(
        programs,
        "sbatch",
        "if [ -f first ]; then cp .cluster/tiny/jobs.json seen; echo 'sbatch: error: Invalid account' >&2; exit 1; fi\n: > first\n"
        "echo Submitted batch job 7",
    )
    with pytest.raises(RuntimeError, match=r"^SLURM refuses a job of tiny: sbatch: error: Invalid account$"):
        slurm.submit(read_graph(PIPELINE, records), cluster(), PIPELINE, records, "tiny")
    assert (repository / "cancelled").read_text() == "7\n"
    assert json.loads((repository / "seen").read_text())["jobs"] == {"train@a": "7_0", "train@b": "7_1"}


def test_no_sbatch_and_an_unknown_partition_are_one_line(programs, monkeypatch):
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(
        RuntimeError, match=r"^no sbatch here: submit from a login node of a SLURM cluster, or use --local N$"
    ):
        slurm.check_slurm(cluster(), "params.yaml")
    program(programs, "sbatch", "")
    program(programs, "sinfo", "echo main; echo gpu")
    slurm.check_slurm(cluster(train={"partition": "gpu,main"}), "params.yaml")
    expected = r"^params.yaml: cluster.stages.train.partition: there is no 'gpuu' on this cluster; known: main, gpu$"
    with pytest.raises(ValueError, match=expected):
        slurm.check_slurm(cluster(train={"partition": "gpuu"}), "params.yaml")
    program(programs, "sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(RuntimeError, match=r"^sinfo fails: slurm_load_partitions: Unable to contact"):
        slurm.check_slurm(cluster(), "params.yaml")


def test_states_of_runs(repository, records, programs):
    graph = read_graph(PIPELINE, records)
    write_jobs(records, "slurm", {"train@a": "5_0", "train@b": "5_1"})
    program(programs, "squeue", "echo '5_0|RUNNING'; echo '5_1|PENDING'; echo '6|RUNNING'")
    assert slurm.queued(records) == {"train@a": "5_0", "train@b": "5_1"}
    assert states_of(graph, records) == {"train@a": "running", "train@b": "waiting", "evaluate": "not submitted"}
    program(programs, "squeue", "true")
    log = log_file(graph.tasks["train@b"], records)
    log.parent.mkdir()
    log.write_text("step 1\rstep 2\nerror: the loss is nan\n\n")
    assert slurm.queued(records) == {} and last_line(log) == "error: the loss is nan"
    assert states_of(graph, records) == {"train@a": "cancelled", "train@b": "failed", "evaluate": "not submitted"}


# --- the command ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def smoke() -> Params:
    return load_params(ROOT / "profiles/smoke/params.yaml")


def test_table_of_runs(smoke, tmp_path, programs):
    from replication.cluster.records import Task

    tasks = {run: Task(run, "train", run, "", "", (), (), (), "") for run in list(smoke.runs)[:3]}
    first, second, third = tasks
    tasks["collect"] = Task("collect", "collect", "", "", "", (), (), (first,), "")
    write_jobs(tmp_path, "slurm", {first: "1", second: "2", third: "3", "collect": "4"})
    program(programs, "squeue", "echo '1|RUNNING'; echo '4|PENDING'")
    log_file(tasks[second], tmp_path).parent.mkdir()
    log_file(tasks[second], tmp_path).write_text("error: lower the recipe's lr\n")
    paths = ProfilePaths("smoke", tmp_path)
    paths.states.mkdir(parents=True)
    state = {"step": 3, "rows": [{"step": 3, "loss": 0.25, "learning_rate": 1.0}], "seconds": 1800.0}
    torch.save(state, paths.states / f"{first}.pt")
    lines = table(Graph(tasks, frozenset({third})), smoke, paths, tmp_path)
    shown = [re.split(r"\s{2,}", line) for line in lines]
    assert shown[1] == [first, "running", "3/12", "2.50e-01", "1 h 30 min"]
    assert shown[2] == [second, "failed", "error: lower the recipe's lr"]
    assert shown[3] == [third, "done"] and lines[-1] == "collect: 1 waiting"


def submit(*arguments: str) -> str:
    """Its error line."""
    code = "from replication.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "submit", *arguments], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


def test_a_profile_without_resources_is_one_line(tmp_path):
    raw = yaml.safe_load((ROOT / "profiles/smoke/params.yaml").read_text())
    del raw["cluster"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    line = submit("--params", str(tmp_path / "params.yaml"))
    assert (
        line == f"error: {tmp_path}/params.yaml: has no section `cluster`, which SLURM needs; add it, or use --local N"
    )


def test_two_submissions_at_once_are_one_line(tmp_path, monkeypatch):
    from replication.cli.locks import locked

    monkeypatch.chdir(tmp_path)
    with locked([Path("submit")]):  # of another profile, perhaps
        line = submit("--params", str(ROOT / "profiles/smoke/params.yaml"))
    assert line == "error: smoke: another submission, of this profile or another, is at work; see --status"


def test_a_submission_that_has_not_ended_is_one_line(tmp_path, programs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_jobs(Path(".cluster/smoke"), "slurm", {"x": "5_0", "y": "5_1", "z": "6"})
    program(programs, "sbatch", "")
    program(programs, "sinfo", "echo main")
    program(programs, "squeue", "echo '5_1|PENDING'; echo '6|PENDING'")
    line = submit("--params", str(ROOT / "profiles/smoke/params.yaml"))
    assert line.endswith("smoke: 2 jobs of an earlier submission have not ended; see --status, or: scancel 5 6")


def test_two_profiles_do_not_make_the_same_stage(repository, records, programs):
    graph, other = read_graph(PIPELINE, records), records.with_name("other")
    write_jobs(records, "slurm", {"evaluate": "4"})
    write_jobs(other, "slurm", {"train@b": "5_0", "train@c": "5_1", "record": "6"})
    program(programs, "squeue", "echo '4|RUNNING'; echo '6|PENDING'")
    expected = "^tiny: jobs of the profile other make 1 of the stages that are missing here, train@b among them; submit"
    with pytest.raises(RuntimeError, match=expected):
        slurm.check_nothing_shared(graph, records, "tiny")
    program(programs, "squeue", "echo '4|RUNNING'")
    slurm.check_nothing_shared(graph, records, "tiny")
    write_jobs(other, "slurm", {"train@c": "5_1", "record": "6"})
    program(programs, "squeue", "echo '5_1|RUNNING'; echo '6|PENDING'")
    slurm.check_nothing_shared(graph, records, "tiny")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": {}}, "cluster: stages: needs default"),
        (
            {"stages": {"default": {"partition": None, "hours": 1, "cpus": 1, "memory": 1, "gpus": 4}}},
            "cluster.stages.default.gpus: 0 or 1, because a stage is one process; to train on several GPUs, start torchrun",
        ),
        ({"requeues": -1}, "cluster.requeues: Input should be greater than or equal to 0"),
        ({"acount": "x"}, "cluster.acount: unknown key; did you mean 'account'?"),
        ({"stages": {"default": {"partition": None}}}, "cluster.stages.default.hours: Field required"),
    ],
)
def test_mistakes_in_the_section(tmp_path, change, message):
    raw = yaml.safe_load((ROOT / "profiles/smoke/params.yaml").read_text())
    raw["cluster"] |= change
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(ParameterError, match=re.escape(message)):
        load_params(tmp_path / "params.yaml")


def test_no_stage_depends_on_the_resources():
    """The stages that depend on the parameter file as a whole name every section but `cluster`."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for stage in ("collect", "figures", "tables"):
        named = {section for entry in stages[stage]["params"] for section in entry.get("${params_file}", [])}
        assert named == set(Params.model_fields) - {"cluster"}
    listed = json.dumps([stage.get("params", stage.get("do", {}).get("params")) for stage in stages.values()])
    assert "null" not in re.findall(r'"\$\{params_file\}": (\w+)', listed) and '"cluster' not in listed


def test_help_says_what_it_does():
    assert "--dry-run" in CliRunner().invoke(app, ["submit", "--help"]).output
