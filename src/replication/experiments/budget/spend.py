"""A budget spent: images, times (Tables 2, 5, 6), then each family of runs trained, evaluated and packed, in the order of
the parameter file. What fails is named and the rest goes on; what is done is kept, and a second call goes on from it."""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

from replication.data.download import fetch_set
from replication.data.noise import make_test_set
from replication.data.registry import set_names
from replication.experiments.budget.apart import Parts, apart
from replication.experiments.budget.pack import LARGEST, PART, pack
from replication.experiments.budget.plan import Trial, families, share, steps_within
from replication.experiments.budget.record import Record, is_evaluated, is_trained, read_record, write_params
from replication.study.params import Params, load_params
from replication.study.paths import IMAGES, ProfilePaths
from wne.console import say

NO_COMPILING = "TORCH_COMPILE_DISABLE"  # torch's own switch
_TRIAL = (0.5, 3.0, 0.002)  # seconds of a trial's steps: at least, at most, and its share of the budget


class Spending:
    """One call of `replicate budget`.

    source: the profile's parameter file. seconds: the budget, from now on. out: folder of the pack. images: a folder with
    the images, laid out as data/images or as a mirror; None for what data/images, WNE_DATA_MIRROR or the sources have.
    device: of `choose_device`. only: the families to train, all of them when empty. part, largest: of `pack`, in bytes.

    Raises:
        PartError: there is no such device.
        ParameterError: a schedule that does not end with a budget, or a family that does not exist.
        ValueError: a damaged record of earlier calls.
    """

    def __init__(
        self,
        source: Path,
        paths: ProfilePaths,
        seconds: float,
        out: Path,
        images: Path | None = None,
        device: str = "auto",
        only: Sequence[str] = (),
        part: int = PART,
        largest: int = LARGEST,
    ) -> None:
        self.begin = time.monotonic()
        self.end, self.trial_seconds = self.begin + seconds, min(max(_TRIAL[0], _TRIAL[2] * seconds), _TRIAL[1])
        self.source, self.paths, self.out, self.images, self.device = source, paths, out, images, device
        self.part, self.largest = part, largest
        self.parts, self.record = Parts(), read_record(paths)
        self.record.failures = self.parts.failures
        self.families = families(load_params(source), only)
        # In another process: once this one has a GPU open, it keeps memory there.
        name = _name_of(device) if device == "cpu" else apart(_name_of, device)
        say(f"budget: {seconds / 60:g} minutes on {name}")
        today = datetime.date.today().isoformat()
        compiled = all(call.get("compiled", True) for call in self.record.calls)
        self.record.calls.append({"minutes": seconds / 60, "device": name, "date": today, "seconds": 0.0})
        if not compiled:  # the steps of the families were chosen without
            say("without compiling networks, as an earlier call found")
            self._stop_compiling()
        self.params = self._save()
        self.tried = {  # kind of run -> its trial
            _kind(self.params, run): trial
            for family in self.record.families.values()
            for run, trial in family["trials"].items()
            if run in self.params.runs
        }

    def spend(self) -> Record:
        """All parts, each as far as the time goes."""
        self._prepare()
        if not (self.paths.timing / "samples.csv").is_file():
            self.parts.run("timing", _time, self.params, self.paths)
            self._pack()
        for recipe in self.families:
            self._family(recipe)
        self._pack()
        self._save()
        return self.record

    def unfinished(self) -> list[str]:
        """The runs, of the families that were asked for, that are not trained and evaluated."""
        asked = [name for runs in self.families.values() for name in runs]
        return [name for name in asked if not is_evaluated(self.params, self.paths, name)]

    def _prepare(self) -> None:
        """Images and noise of the families that were asked for; what is there and right stays."""
        params, root = self.params, self.paths.root / IMAGES
        runs = [params.runs[name] for names in self.families.values() for name in names]
        test_sets = dict.fromkeys(test_set for run in runs for test_set in params.tasks[run.task].test_sets)
        sets = [*(run.train_set for run in runs), *(params.test_sets[test_set].images for test_set in test_sets)]
        mirror = None if self.images is None else str(self.images)
        for name in dict.fromkeys(sets):
            if name in set_names():  # others are folders of your own in data/images
                self.parts.run(f"images {name}", fetch_set, name, root, mirror, here=True)
        for name in test_sets:
            self.parts.run(f"noise {name}", make_test_set, params, name, self.paths, here=True)

    def _family(self, recipe: str) -> None:
        waiting = [name for name in self.families[recipe] if name in self.unfinished()]
        if not waiting:
            return
        if recipe not in self.record.families and not self._plan(recipe, waiting):
            return
        trials = self.record.families[recipe]["trials"]
        for name in waiting:  # a trial that failed in an earlier call
            if name not in trials and time.monotonic() < self.end and (trial := self._trial(name)) is not None:
                trials[name] = trial
                self._save()
        planned = [trials[name] for name in waiting if name in trials]
        # The evaluations, and the start of their process.
        reserved = sum(trial.evaluation for trial in planned) + max((trial.start for trial in planned), default=0)
        for name in [name for name in waiting if not is_trained(self.params, self.paths, name)]:
            if name in trials and (left := self.end - time.monotonic() - reserved) > trials[name].start:
                deadline = time.time() + left
                self.parts.run(f"train {name}", _train, self.params, name, self.paths, self.device, deadline)
                self._pack()
        trained = [name for name in waiting if is_trained(self.params, self.paths, name)]
        if not trained:
            return
        reasons = self.parts.run(f"evaluate {recipe}", _evaluate, self.params, trained, self.paths, self.device)
        for name, reason in (reasons or {}).items():
            say(f"failed: evaluate {name}: {reason}")
            self.parts.failures[f"evaluate {name}"] = reason
        self._pack()

    def _plan(self, recipe: str, waiting: list[str]) -> bool:
        """Chooses the steps of a family; False where there is no trial that works, or no time."""
        begin = time.monotonic()
        seconds = share(self.end - begin, len(waiting), len(self.unfinished()))
        if seconds <= 0:
            return False
        say(f"{recipe}: {len(waiting)} runs, {seconds / 60:.1f} minutes; trying their steps")
        trials = {}
        for name in waiting:
            if time.monotonic() - begin >= seconds:
                break
            if (trial := self._trial(name)) is not None:
                trials[name] = trial
        left = seconds - (time.monotonic() - begin)
        most = load_params(self.source).recipes[recipe].steps
        steps = steps_within(left, trials.values(), most) if trials else 0
        if not steps:
            why = f"{max(left, 0):.0f} s are too few for {len(waiting)} runs" if trials else "no trial was made"
            say(f"{recipe}: {why}; left for another call")
            return False
        self.record.families[recipe] = {"steps": steps, "seconds": round(seconds, 1), "trials": trials}
        self.params = self._save()
        say(f"{recipe}: {steps:,} steps each")
        return True

    def _trial(self, name: str) -> Trial | None:
        """Of this run, or of one that differs from it in noise and seed alone."""
        kind = _kind(self.params, name)
        if kind not in self.tried:
            self.tried[kind] = self._measure(name)
        return self.tried[kind]

    def _measure(self, name: str) -> Trial | None:
        part, arguments = f"trial of {name}", (self.params, name, self.paths, self.device, self.trial_seconds)
        trial = self.parts.run(part, _try, *arguments, time.time())
        if trial is None and self.device != "cpu" and NO_COMPILING not in os.environ:
            say(f"{part}: again, without compiling the network")
            os.environ[NO_COMPILING] = "1"
            if (trial := self.parts.run(part, _try, *arguments, time.time())) is None:
                del os.environ[NO_COMPILING]
            else:
                del self.parts.failures[part]
                self._stop_compiling()
        return trial

    def _stop_compiling(self) -> None:
        """In the processes to come, of later calls too: what helps one network helps the others."""
        os.environ[NO_COMPILING], self.record.calls[-1]["compiled"] = "1", False

    def _save(self) -> Params:
        self.record.calls[-1]["seconds"] = round(time.monotonic() - self.begin, 1)
        self.record.write(self.paths)
        return write_params(self.source, self.record, self.paths)

    def _pack(self) -> None:
        self.params = self._save()
        limits = self.part, self.largest
        left_out = self.parts.run("pack", pack, self.params, self.paths, self.out, *limits, here=True)
        if left_out:
            self.parts.failures["pack"] = f"no room for the weights of {', '.join(left_out)}; raise --largest"


def _kind(params: Params, name: str) -> str:
    """What the time of a step depends on."""
    facts = params.describe(name)
    kind = {key: value for key, value in facts.items() if key not in ("run", "sigma", "seeds", "recipe")}
    kind["recipe"] = {key: facts["recipe"][key] for key in ("loss", "batch", "patch", "optimizer")}
    kind["test_sets"] = params.tasks[params.run(name).task].test_sets
    return json.dumps(kind, sort_keys=True)


# The parts, each in a process of its own; modules that import torch are imported there.


def _name_of(device: str) -> str:
    from wne.devices import choose_device, device_name

    return device_name(choose_device(device))


def _time(params: Params, paths: ProfilePaths) -> None:
    from replication.experiments.timing import time_all

    time_all(params, paths)


def _try(params: Params, name: str, paths: ProfilePaths, device: str, seconds: float, begun: float) -> Trial:
    from replication.experiments.budget.trial import try_run

    return try_run(params, name, paths, device, seconds, begun)


def _train(params: Params, name: str, paths: ProfilePaths, device: str, deadline: float) -> bool:
    """deadline: of time.time(), so that the start of this process, which `train` does not see, counts too."""
    from replication.experiments.train import train
    from wne.devices import choose_device

    chosen = choose_device(device)
    return train(params, name, paths, chosen, deadline - time.time())


def _evaluate(params: Params, names: list[str], paths: ProfilePaths, device: str) -> dict[str, str]:
    """Run -> why it could not be evaluated."""
    from replication.experiments.evaluate import evaluate_run
    from wne.devices import choose_device

    chosen, reasons, input_scores = choose_device(device), {}, {}
    for name in names:
        try:
            evaluate_run(params, name, paths, chosen, input_scores)
        except Exception as error:  # of any library; the other runs are evaluated all the same
            reasons[name] = (str(error).strip() or type(error).__name__).splitlines()[0]
    return reasons
