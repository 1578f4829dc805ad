"""The 2 x 2 factorial ablation of wrapper and training recipe: what each contributes to the gain of one over the other.

With P(v, r) the PSNR of variant v (baseline or WNE) trained by recipe r, on one image:

    wrapper, under r            P(wne, r) - P(baseline, r)
    recipe, under v             P(v, r) - P(v, q)
    wrapper, mean of recipes    mean over r of the first
    recipe, mean of variants    mean over v of the second
    interaction                 (P(wne, r) - P(baseline, r)) - (P(wne, q) - P(baseline, q))
    both at once                P(wne, r) - P(baseline, q)

The last is what a comparison measures that trains the two variants by recipes of their own, as the paper's of
DnCNN does: the recipe's effect on the baseline plus the wrapper's under r.

Where an ablation was trained with several seeds, all of this once more over seeds and images together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
import pandas as pd

from replication.results.estimates import joined, mean_rows
from replication.results.files import CollectError, read_csv
from replication.results.identity import sigma_text
from replication.results.runs import image_means
from replication.study.params import Params, Run
from replication.study.paths import ProfilePaths

GROUP, MATCHED_GROUP = "recipe", "cnn"
BASELINE, WNE = "baseline", "wne"
ALL_SEEDS = "all"
_WHAT = ["effect", "variant", "recipe", "against", "crossed"]
_COLUMNS = ["model", "sigma_train", "train_set", "seed", "n_seeds", "test_set", "noise", "sigma_test", "n", *_WHAT,
            "value", "low", "high"]  # fmt: skip


@dataclass(frozen=True)
class Ablation:
    """The run of each (variant, recipe) of one model, training set, sigma_train and seed; the recipes of the design."""

    runs: dict[tuple[str, str], str]
    recipes: list[str]


def recipe_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """One row for each quantity, sigma_train, test set and sigma_test.

    Columns: model, sigma_train (text), train_set, seed (text, "all" for the rows over n_seeds seeds, where there are
    several), test_set, noise, sigma_test (8-bit units), n images; value in dB with low and high, its interval over
    images, over seeds and images where the seed is "all"; and what it is:

    | effect | variant | recipe | against | value |
    |---|---|---|---|---|
    | psnr | variant | recipe | | PSNR of that run |
    | wrapper | wne | recipe, or "mean" | baseline | the wrapper under this recipe, or over those of the design |
    | recipe | variant, or "mean" | recipe | other recipe | this recipe for the other |
    | interaction | wne | recipe | other recipe | by how much the wrapper's effect is larger under this recipe |
    | both | wne | recipe | other recipe | WNE by this recipe, against the baseline by the other |
    | seed_sd | variant | recipe | | standard deviation over seeds of the mean PSNR, no interval ("all" only) |

    `crossed`: whether all recipes of the row are of the design, the group `recipe`; the runs of the group `cnn` with
    the same model, training set, seed and sigma_train add theirs to all rows but the means. A recipe is compared with
    those before it, those of the design first, in the order of params.yaml; in `both` with all others. No rows where
    the group is not reported.

    Raises:
        CollectError: there is one recipe alone, a variant lacks one that the other has, or the images of two runs
            differ.
    """
    parts = []
    for seeds in _ablations(params):
        for ablation in seeds:
            parts += _rows(params, paths, [ablation])
        if len(seeds) > 1:
            parts += _rows(params, paths, seeds)
    return joined(parts, _COLUMNS)


def _ablations(params: Params) -> list[list[Ablation]]:
    """Those of the profile; a list for each setting, with an ablation for each seed."""
    found: dict[tuple, dict[tuple[str, str], str]] = {}
    for name in params.runs_of(GROUP) if params.is_reported(GROUP) else ():
        if (run := params.runs[name]).variant in (BASELINE, WNE):
            found.setdefault(_setting(run), {})[run.variant, run.recipe] = name
    settings: dict[tuple, list[Ablation]] = {}
    for setting, runs in found.items():
        recipes = list(dict.fromkeys(recipe for _, recipe in runs))
        where = f"{params.params_file}: the group {GROUP}"
        if len(recipes) == 1:
            raise CollectError(f"{where} crosses two recipes, it has {recipes[0]} alone; add runs of another")
        if missing := [f"{v} by {r}" for v, r in product((BASELINE, WNE), recipes) if (v, r) not in runs]:
            raise CollectError(f"{where} has no run of {', '.join(missing)}; add it")
        settings.setdefault(setting[:-1], []).append(Ablation(runs | _matched(params, setting, recipes), recipes))
    return list(settings.values())


def _setting(run: Run) -> tuple:
    return run.task, run.model, run.sigma, run.train_set, run.seed


def _matched(params: Params, setting: tuple, recipes: list[str]) -> dict[tuple[str, str], str]:
    """Runs of the core group that are alike but for a recipe of their own, where both variants have it."""
    found = {}
    for name in params.runs_of(MATCHED_GROUP) if params.is_reported(MATCHED_GROUP) else ():
        run = params.runs[name]
        if _setting(run) == setting and run.variant in (BASELINE, WNE) and run.recipe not in recipes:
            found[run.variant, run.recipe] = name
    return {(v, r): name for (v, r), name in found.items() if {(BASELINE, r), (WNE, r)} <= set(found)}


def _rows(params: Params, paths: ProfilePaths, seeds: list[Ablation]) -> list[pd.DataFrame]:
    """Rows of one ablation, or of several over their seeds: of the cells that all of them have."""
    first = params.runs[next(iter(seeds[0].runs.values()))]
    design = [recipe for recipe in seeds[0].recipes if all(recipe in other.recipes for other in seeds)]
    if len(design) < 2:
        raise CollectError(
            f"{params.params_file}: the seeds of the group {GROUP} have no two recipes in common; add runs"
        )
    cells = [cell for cell in seeds[0].runs if all(cell in other.runs for other in seeds)]
    task, seed = params.tasks[first.task], str(first.seed) if len(seeds) == 1 else ALL_SEEDS
    head = {"model": first.model, "sigma_train": sigma_text(first), "train_set": first.train_set, "noise": task.noise}
    head |= {"seed": seed, "n_seeds": len(seeds)}
    tables = [_psnr(params, paths, {cell: ablation.runs[cell] for cell in cells}) for ablation in seeds]
    parts = []
    for test_set in task.test_sets:
        psnr = [table.loc[test_set] for table in tables]
        if any(not table.index.equals(psnr[0].index) or table.isna().any(axis=None) for table in psnr):
            names = ", ".join(name for ablation in seeds for name in ablation.runs.values())
            raise CollectError(f"{test_set}: the images of {names} differ; make them again: dvc repro")
        for sigma in psnr[0].index.unique("level"):
            rows = _effect_rows(params, [table.xs(sigma, level="level") for table in psnr], design)
            parts.append(rows.assign(**head, test_set=test_set, sigma_test=sigma)[_COLUMNS])
    return parts


def _psnr(params: Params, paths: ProfilePaths, runs: dict[tuple[str, str], str]) -> pd.DataFrame:
    """(test_set, level, image) x (variant, recipe)"""
    files = {cell: paths.evaluated(params, name) / "psnr.csv" for cell, name in runs.items()}
    return pd.DataFrame({cell: image_means(read_csv(file), "psnr")["psnr"] for cell, file in files.items()})


def _effect_rows(params: Params, psnr: list[pd.DataFrame], design: list[str]) -> pd.DataFrame:
    """Rows of one sigma_test; `psnr`: for each seed (image) x (variant, recipe)."""
    effects = [_effects(table, design) for table in psnr]
    values = [pd.DataFrame(np.stack(list(effect.values()), axis=1)) for effect in effects]
    rows = pd.DataFrame(list(effects[0]), columns=_WHAT).join(mean_rows(values, params.statistics))
    if len(psnr) == 1:
        return rows
    deviation = pd.DataFrame([table.mean() for table in psnr]).std(ddof=1)
    return pd.concat([rows, pd.DataFrame(
        {"effect": "seed_sd", "variant": variant, "recipe": recipe, "crossed": recipe in design, "n": len(psnr[0]),
         "value": deviation[variant, recipe]} for variant, recipe in psnr[0].columns
    )])  # fmt: skip


def _effects(psnr: pd.DataFrame, design: list[str]) -> dict[tuple, np.ndarray]:
    """(the columns _WHAT) -> values of the images, for every row of the table of `recipe_table`."""
    p = {cell: psnr[cell].to_numpy() for cell in psnr.columns}
    recipes = list(dict.fromkeys(recipe for _, recipe in p))
    pairs = [(r, q) for i, r in enumerate(recipes) for q in recipes[:i]]
    inside = {pair: set(pair) <= set(design) for pair in product(recipes, recipes)}
    wrapper = {r: p[WNE, r] - p[BASELINE, r] for r in recipes}
    change = {(v, r, q): p[v, r] - p[v, q] for v in (BASELINE, WNE) for r, q in pairs}
    effects = {("psnr", v, r, None, inside[r, r]): values for (v, r), values in p.items()}
    effects |= {("wrapper", WNE, r, BASELINE, inside[r, r]): wrapper[r] for r in recipes}
    effects["wrapper", WNE, "mean", BASELINE, True] = np.mean([wrapper[r] for r in design], axis=0)
    effects |= {("recipe", v, r, q, inside[r, q]): values for (v, r, q), values in change.items()}
    for r, q in pairs:
        if inside[r, q]:
            effects["recipe", "mean", r, q, True] = (change[BASELINE, r, q] + change[WNE, r, q]) / 2
    effects |= {("interaction", WNE, r, q, inside[r, q]): wrapper[r] - wrapper[q] for r, q in pairs}
    both = permutations(recipes, 2)
    return effects | {("both", WNE, r, q, inside[r, q]): p[WNE, r] - p[BASELINE, q] for r, q in both}
