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

Where a crossing was trained with several seeds, all of this once more over seeds and images together.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd

from replication.results.identity import sigma_text
from replication.results.runs import image_means
from replication.results.statistics import crossed_interval
from replication.results.summary import CollectError, read_csv
from replication.study.params import Params
from replication.study.paths import ProfilePaths

GROUP, MATCHED_GROUP = "recipe", "cnn"
BARE, WRAPPED = "baseline", "wne"
ALL_SEEDS = "all"
_KEYS = ["model", "sigma_train", "train_set", "seed", "n_seeds", "test_set", "noise", "sigma_test"]
_WHAT = ["effect", "variant", "recipe", "against", "crossed"]

Cells = dict[tuple[str, str], str]  # (variant, recipe) -> run


def recipe_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """One row for each quantity, sigma_train, test set and sigma_test.

    Columns: model, sigma_train (text), train_set, seed (text, "all" for the rows over n_seeds seeds, where there are
    several), test_set, noise, sigma_test (8-bit units), n images; value in dB with low and high, its interval over
    images, over seeds and images where the seed is "all"; and what it is:

    | effect | variant | recipe | against | value |
    |---|---|---|---|---|
    | psnr | variant | recipe | | PSNR of that run |
    | wrapper | wne | recipe, or "mean" | baseline | the wrapper under this recipe, or over the crossed ones |
    | recipe | variant, or "mean" | recipe | other recipe | this recipe for the other |
    | interaction | wne | recipe | other recipe | by how much the wrapper's effect is larger under this recipe |
    | both | wne | recipe | other recipe | wrapped by this recipe, against bare by the other |
    | seed_sd | variant | recipe | | standard deviation over seeds of the mean PSNR, no interval ("all" only) |

    `crossed`: whether all recipes of the row are of the group `recipe`; the runs of the group `cnn` with the same
    model, training set, seed and sigma_train add theirs to all rows but the means. A recipe is compared with those
    before it, the crossed ones first, in the order of params.yaml; in `both` with all others. No rows where the
    group is not reported.

    Raises:
        CollectError: there is one recipe alone, a variant lacks one that the other has, or the images of two runs
            differ.
    """
    rows = []
    groups: dict[tuple, list[tuple[Cells, list[str]]]] = {}  # crossings that differ by their seed alone
    for cells, crossed in _crossings(params):
        first = params.runs[next(iter(cells.values()))]
        groups.setdefault((first.task, first.model, first.sigma, first.train_set), []).append((cells, crossed))
    for crossings in groups.values():
        for crossing in crossings:
            rows += _crossing_rows(params, paths, [crossing])
        if len(crossings) > 1:
            rows += _crossing_rows(params, paths, crossings)
    return pd.DataFrame(rows, columns=[*_KEYS, "n", *_WHAT, "value", "low", "high"])


def _crossing_rows(params: Params, paths: ProfilePaths, crossings: list[tuple[Cells, list[str]]]) -> list[dict]:
    """Rows of one crossing, or of several over their seeds: of the cells that all of them have."""
    runs = [params.runs[next(iter(cells.values()))] for cells, _ in crossings]
    first, task = runs[0], params.tasks[runs[0].task]
    crossed = [recipe for recipe in crossings[0][1] if all(recipe in own for _, own in crossings)]
    if len(crossed) < 2:
        raise CollectError(f"{params.params_file}: the seeds of the group {GROUP} have no two recipes in common")
    shared = [cell for cell in crossings[0][0] if all(cell in cells for cells, _ in crossings)]
    head = {"model": first.model, "sigma_train": sigma_text(first), "train_set": first.train_set, "noise": task.noise}
    head |= {"seed": str(first.seed) if len(runs) == 1 else ALL_SEEDS, "n_seeds": len(runs)}
    # for each seed: (test_set, level, image) x (variant, recipe)
    means = [
        pd.DataFrame(
            {
                cell: image_means(read_csv(paths.evaluated(params, cells[cell]) / "psnr.csv"), "psnr")["psnr"]
                for cell in shared
            }
        )
        for cells, _ in crossings
    ]
    rows = []
    for test_set in task.test_sets:
        frames = [frame.loc[test_set] for frame in means]
        if any(not f.index.equals(frames[0].index) or f.isna().any(axis=None) for f in frames):
            names = ", ".join(name for cells, _ in crossings for name in cells.values())
            raise CollectError(f"{test_set}: the images of {names} differ; evaluate them again")
        for sigma in frames[0].index.unique("level"):
            parts = [frame.xs(sigma, level="level") for frame in frames]
            rows += _rows(head | {"test_set": test_set, "sigma_test": sigma}, parts, crossed, params)
    return rows


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


def _rows(head: dict, psnr: list[pd.DataFrame], crossed: list[str], params: Params) -> list[dict[str, object]]:
    """Rows of one sigma_test; for each seed a frame with a row for each image, a column for each (variant, recipe)."""
    of_seeds = [_quantities(frame, crossed) for frame in psnr]
    names = [what for what, _ in of_seeds[0]]
    values = np.stack([np.stack([value for _, value in quantities], axis=1) for quantities in of_seeds])
    rows = [
        head | {"n": len(psnr[0])} | dict(zip(_WHAT, what)) | {"value": value, "low": low, "high": high}
        for what, value, low, high in zip(names, *crossed_interval(values, params.statistics))
    ]
    if len(psnr) > 1:
        spread = pd.DataFrame([frame.mean() for frame in psnr]).std(ddof=1)
        for variant, recipe in psnr[0].columns:
            what = ("seed_sd", variant, recipe, None, recipe in crossed)
            row = dict(zip(_WHAT, what)) | {"value": spread[variant, recipe], "low": np.nan, "high": np.nan}
            rows.append(head | {"n": len(psnr[0])} | row)
    return rows


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
