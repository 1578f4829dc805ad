"""Stages killed at random moments (SIGKILL), in processes forked from this one, so that a try costs no imports.

What must hold, whenever a stage dies:

    every output is whole: the same bytes as an undisturbed run gives, or absent if it was absent before
    the next run gives the bytes of an undisturbed run, and nothing is left beside them
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from replication.data.download import fetch_set
from replication.data.noise import make_test_set
from replication.experiments.evaluate import evaluate
from replication.experiments.train import train
from replication.report.figures import draw_all
from replication.report.tables import write_all
from replication.results.profile import collect
from synthetic_results import make_params, write_results
from tiny_profile import RUN, tiny_profile
from wne import files
from wne.files import PREFIX

CPU = torch.device("cpu")


class Stage(NamedTuple):
    """What runs, and the folders that it writes; `scratch`: what it keeps for itself until it is done.

    `anew`: whether it makes all that is in these folders, so that they may be absent when it starts.
    """

    run: Callable[[], object]
    outputs: list[Path]
    scratch: tuple[Path, ...] = ()
    anew: bool = True


def stages(root: Path) -> Iterator[tuple[str, Stage]]:
    """Each stage in a folder of its own below `root`, with what it reads."""
    torch.optim.Adam([torch.zeros(1)])  # imports for seconds what each child would import
    params, paths = tiny_profile(root / "tiny", recipe={"steps": 12})
    params = params.model_copy(update={"state_every": 4})
    yield "noise", Stage(lambda: make_test_set(params, "tiny", paths), [paths.test_sets])
    checkpoint = paths.checkpoint(params, RUN)
    yield "train", Stage(lambda: train(params, RUN, paths, CPU), [checkpoint.parent, paths.training], (paths.states,))
    train(params, RUN, paths, CPU)
    yield "evaluate", Stage(lambda: evaluate(params, RUN, paths, CPU), [paths.evaluation])
    yield "download", Stage(lambda: fetch_set("leaves-test", root / "images", ""), [root / "images"])
    reported = make_params(root / "report")
    results = write_results(reported, root / "report")
    yield "collect", Stage(lambda: collect(reported, results), [results.summary])
    collect(reported, results)
    yield "figures", Stage(lambda: draw_all(reported, results), [results.figures])
    draw_all(reported, results, ["fig02", "training"])  # what --only leaves as it is
    yield (
        "figures --only",
        Stage(lambda: draw_all(reported, results, ["fig02", "fig03"]), [results.figures], anew=False),
    )
    yield "tables", Stage(lambda: write_all(reported, results), [results.tables])


def try_stage(stage: Stage, kills: int, seed: int) -> list[str]:
    """Kills a stage that many times, every other time without outputs to begin with; returns what went wrong."""
    moments = random.Random(seed)
    start = time.monotonic()
    _die_after(stage.run, None)
    seconds, whole, wrong = time.monotonic() - start, _content(stage.outputs), []
    for number in range(kills):
        over_old = number % 2 == 0 or not stage.anew
        if not over_old:
            for folder in [*stage.outputs, *stage.scratch]:
                shutil.rmtree(folder, ignore_errors=True)
        _die_after(stage.run, moments.uniform(0, 1.1 * seconds))
        left = _content(stage.outputs)
        wrong += [f"{name} is not whole" for name, content in left.items() if whole.get(name) != content]
        wrong += [f"{name} is gone" for name in whole if over_old and name not in left]
        _die_after(stage.run, None)
        if _content(stage.outputs) != whole:
            wrong.append("the next run gives other files")
        wrong += [f"{path} is left" for folder in stage.outputs for path in folder.rglob(f"{PREFIX}*")]
    return wrong


def _die_after(run: Callable[[], object], seconds: float | None) -> None:
    """Runs in a child, which is killed after some time, or never."""
    child = os.fork()
    if child == 0:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1), os.dup2(silence, 2)
            torch.set_num_threads(1)
            files._sweep_once.cache_clear()  # as in a process of its own
            run()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert seconds is not None or status == 0, "the stage fails without being killed"


def _content(folders: list[Path]) -> dict[str, bytes]:
    """The files below the folders, without what is marked as unfinished."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): path.read_bytes() for path in files if PREFIX not in str(path)}
