"""Wrapper and training recipe, crossed: what each of them contributes to the gain of one over the other.

With P(v, r) the PSNR of variant v (bare or wrapped) trained by recipe r, on one image:

    wrapper, under r            P(wne, r) - P(baseline, r)
    recipe, under v             P(v, r) - P(v, q)
    wrapper, mean of recipes    mean over r of the first
    recipe, mean of variants    mean over v of the second
    interaction                 (P(wne, r) - P(baseline, r)) - (P(wne, q) - P(baseline, q))
    both at once                P(wne, r) - P(baseline, q)

The last is what a comparison measures that trains the two variants by recipes of their own, as the paper's of
DnCNN does: the recipe's effect on the baseline plus the wrapper's under r.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd

from wne.collect.identity import sigma_text
from wne.collect.runs import image_means
from wne.params import Params
from wne.paths import ProfilePaths
from wne.statistics import mean_interval
from wne.summary import CollectError, read_csv

GROUP, MATCHED_GROUP = "recipe", "cnn"
BARE, WRAPPED = "baseline", "wne"
_KEYS = ["model", "sigma_train", "train_set", "seed", "test_set", "noise", "sigma_test"]
_WHAT = ["effect", "variant", "recipe", "against", "crossed"]

Cells = dict[tuple[str, str], str]  # (variant, recipe) -> run


def recipe_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """One row for each quantity, sigma_train, test set and sigma_test.

    Columns: model, sigma_train (text), train_set, seed, test_set, noise, sigma_test (8-bit units), n images; value
    in dB with low and high, its interval over images; and what it is:

    | effect | variant | recipe | against | value |
    |---|---|---|---|---|
    | psnr | variant | recipe | | PSNR of that run |
    | wrapper | wne | recipe, or "mean" | baseline | the wrapper under this recipe, or over the crossed ones |
    | recipe | variant, or "mean" | recipe | other recipe | this recipe for the other |
    | interaction | wne | recipe | other recipe | by how much the wrapper's effect is larger under this recipe |
    | both | wne | recipe | other recipe | wrapped by this recipe, against bare by the other |

    `crossed`: whether all recipes of the row are of the group `recipe`; the runs of the group `cnn` with the same
    model, training set, seed and sigma_train add theirs to all rows but the means. A recipe is compared with those
    before it, the crossed ones first, in the order of params.yaml; in `both` with all others. No rows where the
    group is not reported.

    Raises:
        CollectError: there is one recipe alone, a variant lacks one that the other has, or the images of two runs
            differ.
    """
    rows = []
    for cells, crossed in _crossings(params):
        first = params.runs[next(iter(cells.values()))]
        task = params.tasks[first.task]
        head = {"model": first.model, "sigma_train": sigma_text(first), "train_set": first.train_set}
        head |= {"seed": first.seed, "noise": task.noise}
        # (test_set, level, image) x (variant, recipe)
        means = pd.DataFrame(
            {
                cell: image_means(read_csv(paths.evaluated(params, run) / "psnr.csv"), "psnr")["psnr"]
                for cell, run in cells.items()
            }
        )
        for test_set in task.test_sets:
            frame = means.loc[test_set]
            if frame.isna().any(axis=None):
                raise CollectError(f"{test_set}: the images of {', '.join(cells.values())} differ; evaluate them again")
            for sigma, part in frame.groupby("level"):
                rows += _rows(head | {"test_set": test_set, "sigma_test": sigma}, part, crossed, params)
    return pd.DataFrame(rows, columns=[*_KEYS, "n", *_WHAT, "value", "low", "high"])


def _crossings(params: Params) -> list[tuple[Cells, list[str]]]:
    """The cells of each crossing of the group, and its own recipes; recipes in the order of the file."""
    own: dict[tuple, Cells] = {}
    for name in params.runs_of(GROUP) if params.is_reported(GROUP) else ():
        run = params.runs[name]
        if run.variant in (BARE, WRAPPED):
            key = (run.task, run.model, run.sigma, run.train_set, run.seed)
            own.setdefault(key, {})[run.variant, run.recipe] = name
    crossings = []
    for key, cells in own.items():
        recipes = list(dict.fromkeys(recipe for _, recipe in cells))
        if len(recipes) == 1:
            raise CollectError(
                f"{params.params_file}: the group {GROUP} crosses two recipes, it has {recipes[0]} alone"
            )
        missing = [f"{v} by {r}" for v in (BARE, WRAPPED) for r in recipes if (v, r) not in cells]
        if missing:
            raise CollectError(f"{params.params_file}: the group {GROUP} has no run of {', '.join(missing)}; add it")
        crossings.append((cells | _matched(params, key, recipes), recipes))
    return crossings


def _matched(params: Params, key: tuple, recipes: list[str]) -> Cells:
    """Runs of the core group that are alike but for a recipe of their own, where both variants have it."""
    found: Cells = {}
    for name in params.runs_of(MATCHED_GROUP) if params.is_reported(MATCHED_GROUP) else ():
        run = params.runs[name]
        alike = (run.task, run.model, run.sigma, run.train_set, run.seed) == key
        if alike and run.variant in (BARE, WRAPPED) and run.recipe not in recipes:
            found[run.variant, run.recipe] = name
    return {cell: name for cell, name in found.items() if {(BARE, cell[1]), (WRAPPED, cell[1])} <= set(found)}


def _rows(head: dict, psnr: pd.DataFrame, crossed: list[str], params: Params) -> list[dict[str, object]]:
    """Rows of one sigma_test; `psnr` has a row for each image and a column for each (variant, recipe)."""
    quantities = _quantities(psnr, crossed)
    estimate = mean_interval(np.stack([values for _, values in quantities], axis=1), params.statistics)
    return [
        head | {"n": len(psnr)} | dict(zip(_WHAT, what)) | {"value": value, "low": low, "high": high}
        for (what, _), value, low, high in zip(quantities, *estimate)
    ]


def _quantities(psnr: pd.DataFrame, crossed: list[str]) -> list[tuple[tuple, np.ndarray]]:
    """(the columns _WHAT, values of the images) for every row of the table of `recipe_table`."""
    p = {cell: psnr[cell].to_numpy() for cell in psnr.columns}
    recipes = list(dict.fromkeys(recipe for _, recipe in p))
    wrapper = {recipe: p[WRAPPED, recipe] - p[BARE, recipe] for recipe in recipes}
    pairs = [(r, q) for i, r in enumerate(recipes) for q in recipes[:i]]
    change = {(v, r, q): p[v, r] - p[v, q] for v in (BARE, WRAPPED) for r, q in pairs}

    def of_group(*names: str) -> bool:
        return set(names) <= set(crossed)

    rows = [(("psnr", v, r, None, of_group(r)), values) for (v, r), values in p.items()]
    rows += [(("wrapper", WRAPPED, r, BARE, of_group(r)), wrapper[r]) for r in recipes]
    rows.append((("wrapper", WRAPPED, "mean", BARE, True), np.mean([wrapper[r] for r in crossed], axis=0)))
    rows += [(("recipe", v, r, q, of_group(r, q)), values) for (v, r, q), values in change.items()]
    rows += [
        (("recipe", "mean", r, q, True), (change[BARE, r, q] + change[WRAPPED, r, q]) / 2)
        for r, q in pairs
        if of_group(r, q)
    ]
    rows += [(("interaction", WRAPPED, r, q, of_group(r, q)), wrapper[r] - wrapper[q]) for r, q in pairs]
    return rows + [
        (("both", WRAPPED, r, q, of_group(r, q)), p[WRAPPED, r] - p[BARE, q]) for r, q in permutations(recipes, 2)
    ]
