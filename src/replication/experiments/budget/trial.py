"""What a run will take, measured by `train` itself on the run's own images, into a folder that is thrown away.

first call     one step      all that comes before steps: imports, images, network, compilation
others         FEW and more steps, with the same start: the difference is steps alone
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from replication.data.noise import load_test_set
from replication.experiments.budget.plan import Trial
from replication.experiments.evaluate import cases, numpy_denoiser, score
from replication.experiments.train import train
from replication.experiments.trained import load_run
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.devices import choose_device

FEW, MANY = 4, 16  # steps
_DOUBLINGS = 8  # at most, of the steps that are timed


def try_run(params: Params, name: str, paths: ProfilePaths, device: str, seconds: float, begun: float) -> Trial:
    """Trains a run for about `seconds`, and evaluates it on one image of each of its test sets.

    begun: when the caller started this process, of time.time(): imports belong to the start of a run.
    """
    chosen = choose_device(device)
    with TemporaryDirectory() as folder:
        scratch = _elsewhere(paths, params, Path(folder))

        def timed(steps: int) -> float:
            train(with_steps(params, {params.runs[name].recipe: steps}), name, scratch, chosen)
            return float(json.loads((scratch.cost / f"{name}.json").read_text())["seconds"])

        timed(1)
        start = time.time() - begun
        few, following = timed(FEW), MANY
        for _ in range(_DOUBLINGS):
            many = following
            took = timed(many) - few
            if took >= seconds:
                break
            # Seconds are written with one digit: what is below two of them says nothing of the rate.
            following = FEW + (math.ceil(1.2 * (many - FEW) * seconds / took) if took > 0.2 else 4 * (many - FEW))
        step = max(took, 0.1) / (many - FEW)
        model = load_run(scratch, with_steps(params, {params.runs[name].recipe: many}), name, chosen)
        return Trial(step, start, _evaluation(params, name, paths, model, chosen))


def with_steps(params: Params, steps: dict[str, int]) -> Params:
    """The same profile with other numbers of steps. `steps`: by recipe."""
    changed = {key: params.recipes[key].model_copy(update={"steps": value}) for key, value in steps.items()}
    return params.model_copy(update={"recipes": params.recipes | changed})


def _elsewhere(paths: ProfilePaths, params: Params, folder: Path) -> ProfilePaths:
    """The images of a profile, and another place for all that is written."""
    scratch = ProfilePaths(params.profile, folder)
    scratch.root = paths.root
    return scratch


def _evaluation(params: Params, name: str, paths: ProfilePaths, model: torch.nn.Module, device: torch.device) -> float:
    """Seconds of the whole evaluation of a run, from those of the first image of each test set and the pixels of all."""
    task, denoise, total = params.tasks[params.run(name).task], numpy_denoiser(model, device), 0.0
    for test_set in task.test_sets:
        images = list(load_test_set(paths, test_set))
        first, begin = images[0], time.perf_counter()
        for case in cases(params, name, task, test_set, first, with_jpeg=task.jpeg and test_set == task.test_sets[0]):
            score(case, denoise(case.noisy), first.clean_unit(), {})
        seconds = time.perf_counter() - begin
        total += seconds * sum(image.clean.size for image in images) / first.clean.size
    return total
