"""What one entry of params.yaml says about another must be so: each check raises ValueError for the first mistake."""

from __future__ import annotations

from typing import Any

from replication.study.params.keywords import check_variant
from replication.study.params.names import check_known
from replication.study.params.sections import ANALYSES, Analysis, Exposure, Run, analysed_runs
from replication.study.params.types import LARGEST_PATCH


def check_runs(params: Any) -> None:
    for key, run in params.runs.items():
        check_known(f"runs.{key}.group", run.group, params.groups)
        check_known(f"runs.{key}.task", run.task, params.tasks)
        check_known(f"runs.{key}.model", run.model, params.models)
        check_known(f"runs.{key}.recipe", run.recipe, params.recipes)
        check_variant(f"runs.{key}.variant", run.variant, params.models[run.model].backbone)
        task = params.tasks[run.task]
        noise = task.noise
        if run.degradation != "none" and (task.objective != "supervised" or task.jpeg):
            raise ValueError(f"runs.{key}.degradation: needs a task with objective: supervised and jpeg: false")
        if (run.sigma is None) != (noise == "real"):
            raise ValueError(
                f"runs.{key}.sigma: is null for real noise and for no other; task {run.task} has {noise} noise"
            )


def check_groups(params: Any) -> None:
    """The runs of a group see the same inputs, whose scores are computed once."""
    for key in params.groups:
        found = {run.degradation for run in params.runs.values() if run.group == key}
        if len(found) > 1:
            raise ValueError(f"groups.{key}: its runs have several degradations, {', '.join(sorted(found))}")


def check_recipes(params: Any) -> None:
    for key, recipe in params.recipes.items():
        if recipe.patch > LARGEST_PATCH:
            raise ValueError(f"recipes.{key}.patch: must be at most {LARGEST_PATCH} pixels, not {recipe.patch}")
        if recipe.lr_end is not None and not 0 <= recipe.lr_end <= recipe.lr:
            raise ValueError(f"recipes.{key}.lr_end: must be from 0 to lr, not {recipe.lr_end:g}")
        if recipe.halve_every is not None and recipe.halve_every > recipe.steps:
            raise ValueError(f"recipes.{key}.halve_every: {recipe.halve_every} steps are more than the {recipe.steps}")


def check_tasks(params: Any) -> None:
    for key, task in params.tasks.items():
        for test_set in task.test_sets:
            check_known(f"tasks.{key}.test_sets", test_set, params.test_sets)
            tested = params.test_sets[test_set]
            if task.channels != tested.channels or task.noise not in tested.noises:
                raise ValueError(
                    f"tasks.{key} has {task.channels} channels and {task.noise} noise, "
                    f"test_sets.{test_set} has {tested.channels} and {', '.join(tested.noises)}"
                )
        if task.jpeg and not params.test_sets[task.test_sets[0]].qualities:
            raise ValueError(f"tasks.{key}.jpeg: test_sets.{task.test_sets[0]} has no qualities of JPEG")


def check_timing(params: Any) -> None:
    for key, family in params.timing.families.items():
        where = f"timing.families.{key}"
        check_known(f"{where}.model", family.model, params.models)
        for variant in family.variants:
            check_variant(f"{where}.variants", variant, params.models[family.model].backbone)


def check_leakage(params: Any) -> None:
    for key, test_sets in params.leakage.items():
        for test_set in test_sets:
            check_known(f"leakage.{key}", test_set, params.test_sets)


def check_examples(params: Any) -> None:
    for key, example in params.examples.items():
        check_known(f"examples.{key}.test_set", example.test_set, params.test_sets)
        _check_crop(f"examples.{key}.size", example.size, example.test_set, params)
        for name in example.runs:
            check_known(f"examples.{key}.runs", name, params.runs)
            _check_channels(f"examples.{key}", name, example.test_set, params)
            _check_noise(f"examples.{key}", name, example.test_set, params)
            _check_denoises(f"examples.{key}", name, params)


def check_weights(params: Any) -> None:
    for key, published in params.weights.items():
        check_known(f"weights.{key}", key, params.runs)
        check_known(f"weights.{key}.group", published.group, params.groups)
        if params.runs[key].group != published.group or not params.groups[published.group].report:
            raise ValueError(f"weights.{key}: names the group {published.group}; its own must be named and reported")
        _check_denoises(f"weights.{key}", key, params)


def check_analyses(params: Any) -> None:
    for section in ANALYSES:
        for key, item in getattr(params, section).items():
            _check_analysis(f"{section}.{key}", item, params)


def _check_analysis(where: str, item: Analysis, params: Any) -> None:
    check_known(f"{where}.group", item.group, params.groups)
    if hasattr(item, "test_set"):
        check_known(f"{where}.test_set", item.test_set, params.test_sets)
        for key in ("size", "crop", "scored", "windows"):
            sides = getattr(item, key, None)
            if sides is not None:
                _check_crop(f"{where}.{key}", max(sides) if key == "windows" else sides, item.test_set, params)
    for name in analysed_runs(item):
        check_known(f"{where}.runs", name, params.runs)
        run: Run = params.runs[name]
        if run.group != item.group:
            raise ValueError(f"{where}: run {name} is in the group {run.group}, not {item.group}")
        if hasattr(item, "test_set"):
            _check_channels(where, name, item.test_set, params)
        if not isinstance(item, Exposure):
            _check_denoises(where, name, params)


def check_filters(params: Any) -> None:
    for key, item in params.filters.items():
        tested = params.test_sets[item.test_set]
        if tested.channels != 1 or "gaussian" not in tested.noises:
            raise ValueError(
                f"filters.{key}: {item.test_set} has no grey images with gaussian noise; name one that has"
            )


def check_samplers(params: Any) -> None:
    for key, item in params.samplers.items():
        if item.operator == "none" and "gaussian" not in params.test_sets[item.test_set].noises:
            raise ValueError(f"samplers.{key}: {item.test_set} has no gaussian noise to start from; add it to noises")
        crop = item.crop or params.test_sets[item.test_set].crop
        if item.operator == "block_average" and crop is not None and item.amount > crop:
            raise ValueError(
                f"samplers.{key}.amount: blocks of {item.amount:g} pixels do not fit into a crop of {crop}"
            )


def check_controls(params: Any) -> None:
    for key, item in params.controls.items():
        run = params.runs[item.run]
        if run.variant != "baseline" or not isinstance(run.sigma, int | float):
            raise ValueError(f"controls.{key}: {item.run} is not a baseline trained at one sigma; name one that is")
        _check_tested(f"controls.{key}", item.run, item.test_set, params)


def check_windows(params: Any) -> None:
    for key, item in params.windows.items():
        for name in item.runs:
            run = params.runs[name]
            if run.variant != "wne" or params.tasks[run.task].noise == "real":
                raise ValueError(f"windows.{key}: {name} is not a WNE run tested on synthetic noise; name one that is")
            _check_tested(f"windows.{key}", name, item.test_set, params)


def check_exposure(params: Any) -> None:
    for key, item in params.exposure.items():
        tasks = {params.runs[run].task for run in item.runs}
        if len(tasks) > 1:
            raise ValueError(
                f"exposure.{key}: its runs have several tasks, {', '.join(sorted(tasks))}; name runs of one"
            )
        if params.tasks[tasks.pop()].noise == "real":
            raise ValueError(f"exposure.{key}: its runs are tested on pairs of photographs, whose exposure is fixed")
        _check_noise(f"exposure.{key}", item.runs[0], item.test_set, params)


def _check_channels(where: str, run: str, test_set: str, params: Any) -> None:
    needed, has = params.tasks[params.runs[run].task].channels, params.test_sets[test_set].channels
    if needed != has:
        raise ValueError(f"{where}: {run} is for images of {needed} channel(s), test_sets.{test_set} has {has}")


def _check_noise(where: str, run: str, test_set: str, params: Any) -> None:
    noise, known = params.tasks[params.runs[run].task].noise, params.test_sets[test_set].noises
    if noise == "real":
        raise ValueError(f"{where}: has a sigma, but {run} is tested on real noise")
    if noise not in known:
        raise ValueError(f"{where}: its runs need {noise} noise, {test_set} has {', '.join(known)}")


def _check_denoises(where: str, run: str, params: Any) -> None:
    degradation = params.runs[run].degradation
    if degradation != "none":
        raise ValueError(f"{where}: is for denoisers, and {run} has degradation: {degradation}")


def _check_tested(where: str, run: str, test_set: str, params: Any) -> None:
    known = params.tasks[params.runs[run].task].test_sets
    if test_set not in known:
        raise ValueError(f"{where}: {run} is not tested on {test_set}; name one of {', '.join(known)}")


def _check_crop(where: str, side: int, test_set: str, params: Any) -> None:
    crop = params.test_sets[test_set].crop
    if crop is not None and side > crop:
        raise ValueError(f"{where}: {side} pixels are more than the {crop} to which test_sets.{test_set} is cropped")


CHECKS = (
    check_runs,
    check_groups,
    check_recipes,
    check_tasks,
    check_timing,
    check_leakage,
    check_examples,
    check_weights,
    check_analyses,
    check_filters,
    check_samplers,
    check_controls,
    check_windows,
    check_exposure,
)
