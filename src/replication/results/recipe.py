"""The 2 x 2 factorial ablation of wrapper and training recipe: what each contributes to the gain of one over the other.

With P(v, r) the PSNR of variant v (baseline or WNE) trained by recipe r on one image, `value` is the mean over images
in dB, with the interval (low, high), of

| effect | variant | recipe | against | |
|---|---|---|---|---|
| psnr | v | r | | P(v, r) |
| wrapper | wne | r | baseline | P(wne, r) - P(baseline, r); recipe "mean": its mean over the recipes of the design |
| recipe | v | r | q | P(v, r) - P(v, q); variant "mean": its mean over both variants |
| interaction | wne | r | q | (P(wne, r) - P(baseline, r)) - (P(wne, q) - P(baseline, q)) |
| both | wne | r | q | P(wne, r) - P(baseline, q) |
| seed_sd | v | r | | standard deviation over seeds of the mean of P(v, r), no interval |

`both` is what a comparison measures that trains the two variants by recipes of their own, as the paper's of DnCNN
does: the recipe's effect on the baseline plus the wrapper's under r. Where an ablation was trained with several
seeds, all of this once more over seeds and images together, with the seed "all".

The design is the group `recipe`. The runs of the group `cnn` with the same model, training set, seed and sigma_train
add their recipe to all rows but the means; `in_design` says whether all recipes of a row are of the design. A recipe is
compared with those before it, those of the design first, in the order of params.yaml; in `both` with all others.
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
_WHAT = ["effect", "variant", "recipe", "against", "in_design"]
_COLUMNS = ["model", "sigma_train", "train_set", "seed", "n_seeds", "test_set", "noise", "sigma_test", "n", *_WHAT,
            "value", "low", "high"]  # fmt: skip


Cell = tuple[str, str]  # (variant, recipe)


@dataclass(frozen=True)
class Ablation:
    """The run of each cell, of one model, training set, sigma_train and seed; and the recipes of the design."""

    runs: dict[Cell, str]
    recipes: list[str]


def recipe_table(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """One row for each effect, sigma_train, seed, test set and sigma_test; none where the group is not reported.

    Raises:
        CollectError: there is one recipe alone, a variant lacks one that the other has, or the images of two runs
            differ.
    """
    parts = []
    for seeds in _ablations(params):
        for group in [*([ablation] for ablation in seeds), *([seeds] if len(seeds) > 1 else [])]:
            parts += _rows(params, paths, group)
    return joined(parts, _COLUMNS)


def _ablations(params: Params) -> list[list[Ablation]]:
    """Those of the profile; a list for each setting, with an ablation for each seed."""
    where = f"{params.params_file}: the group {GROUP}"
    found: dict[tuple, dict[Cell, str]] = {}
    for name, run in _runs(params, GROUP):
        found.setdefault(_setting(run), {})[run.variant, run.recipe] = name
    settings: dict[tuple, list[Ablation]] = {}
    for setting, runs in found.items():
        recipes = list(dict.fromkeys(recipe for _, recipe in runs))
        if len(recipes) == 1:
            raise CollectError(f"{where} compares two recipes, it has {recipes[0]} alone; add runs of another")
        if missing := [f"{v} by {r}" for v, r in product((BASELINE, WNE), recipes) if (v, r) not in runs]:
            raise CollectError(f"{where} has no run of {', '.join(missing)}; add it")
        matched = {
            (run.variant, run.recipe): name
            for name, run in _runs(params, MATCHED_GROUP)
            if _setting(run) == setting and run.recipe not in recipes
        }
        both = {(v, r): name for (v, r), name in matched.items() if {(BASELINE, r), (WNE, r)} <= set(matched)}
        settings.setdefault(setting[:-1], []).append(Ablation(runs | both, recipes))
    return list(settings.values())


def _runs(params: Params, group: str) -> list[tuple[str, Run]]:
    """The runs of the two variants, where the group is reported."""
    names = params.runs_of(group) if params.is_reported(group) else []
    return [(name, params.runs[name]) for name in names if params.runs[name].variant in (BASELINE, WNE)]


def _setting(run: Run) -> tuple:
    return run.task, run.model, run.sigma, run.train_set, run.seed


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
    tables = [_effects(_psnr(params, paths, {cell: own.runs[cell] for cell in cells}), design) for own in seeds]
    parts = []
    for test_set in task.test_sets:
        effects = [table.loc[test_set] for table in tables]
        if any(not table.index.equals(effects[0].index) or table.isna().any(axis=None) for table in effects):
            names = ", ".join(name for ablation in seeds for name in ablation.runs.values())
            raise CollectError(f"{test_set}: the images of {names} differ; make them again: dvc repro")
        for sigma in effects[0].index.unique("level"):
            rows = _means(params, [table.xs(sigma, level="level") for table in effects])
            parts.append(rows.assign(**head, test_set=test_set, sigma_test=sigma)[_COLUMNS])
    return parts


def _psnr(params: Params, paths: ProfilePaths, runs: dict[Cell, str]) -> pd.DataFrame:
    """(test_set, level, image) x (variant, recipe)"""
    files = {cell: paths.evaluated(params, name) / "psnr.csv" for cell, name in runs.items()}
    return pd.DataFrame({cell: image_means(read_csv(file), "psnr")["psnr"] for cell, file in files.items()})


def _effects(psnr: pd.DataFrame, design: list[str]) -> pd.DataFrame:
    """The table with the columns (variant, recipe) -> one with a column for each effect, named by _WHAT."""
    recipes = list(dict.fromkeys(recipe for _, recipe in psnr))
    pairs = [(r, q) for i, r in enumerate(recipes) for q in recipes[:i]]
    inside = {pair: set(pair) <= set(design) for pair in product(recipes, recipes)}
    wrapper = {r: psnr[WNE, r] - psnr[BASELINE, r] for r in recipes}
    change = {(v, r, q): psnr[v, r] - psnr[v, q] for v in (BASELINE, WNE) for r, q in pairs}
    effects = {("psnr", v, r, None, inside[r, r]): psnr[v, r] for v, r in psnr}
    effects |= {("wrapper", WNE, r, BASELINE, inside[r, r]): wrapper[r] for r in recipes}
    effects["wrapper", WNE, "mean", BASELINE, True] = sum(wrapper[r] for r in design) / len(design)
    effects |= {("recipe", v, r, q, inside[r, q]): values for (v, r, q), values in change.items()}
    means = {(r, q): (change[BASELINE, r, q] + change[WNE, r, q]) / 2 for r, q in pairs if inside[r, q]}
    effects |= {("recipe", "mean", r, q, True): values for (r, q), values in means.items()}
    effects |= {("interaction", WNE, r, q, inside[r, q]): wrapper[r] - wrapper[q] for r, q in pairs}
    both = {(r, q): psnr[WNE, r] - psnr[BASELINE, q] for r, q in permutations(recipes, 2)}
    return pd.DataFrame(effects | {("both", WNE, *pair, inside[pair]): values for pair, values in both.items()})


def _means(params: Params, effects: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of one sigma_test, from the effects on each image; with several seeds also the deviation between them."""
    rows = mean_rows(effects, params.statistics).rename_axis(_WHAT).reset_index()
    if len(effects) == 1:
        return rows
    deviation = pd.DataFrame([table.mean() for table in effects]).std(ddof=1)
    spread = rows.assign(effect="seed_sd", value=deviation.to_numpy(), low=np.nan, high=np.nan)
    return pd.concat([rows, spread[rows["effect"] == "psnr"]])
