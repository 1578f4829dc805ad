"""Which optimizer and rate suit all variants of a backbone in the default profile?

    python -m benchmarks.rates     trains what benchmarks/rates.csv lacks, then writes docs/rates.md

Sizes and schedules of the default profile, sigma 25, one seed, scored as in benchmarks/starts.py: no image of a test
set. About 15 minutes on one core.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
import yaml

from benchmarks.starts import BASE_RUNS, CPU, ROOT, append, prepare_training_set, validation_scores
from replication.experiments.train import TrainingError, train
from replication.study import labels
from replication.study.environment import environment
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.files import write_text

SCORES, PAGE = ROOT / "benchmarks/rates.csv", ROOT / "docs/rates.md"
BASES = (*BASE_RUNS, "restormer-baseline-s25", "restormer-wne-s25")
RECIPES = {"dncnn": "cnn", "fdncnn": "cnn", "swinir": "swin", "restormer": "restormer"}
ADAM = {"cnn": 4e-3, "swin": 5e-3, "restormer": 2e-3}  # the rates of the default profile before it took Muon
MUON = (3e-3, 6e-3, 1.2e-2)


class Trial(NamedTuple):
    """A run of the default profile with another optimizer; `name` is its name in the parameters."""

    base: str
    optimizer: str
    rate: float

    @property
    def name(self) -> str:
        return f"{self.base}-{self.optimizer}-{self.rate * 1e4:.0f}"


def parameters() -> tuple[Params, list[Trial]]:
    """The default profile with a recipe and a run for each trial, and the trials."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    trials = []
    for base in BASES:
        run = raw["runs"][base]
        for optimizer, rate in (("adam", ADAM[run["recipe"]]), *(("muon", rate) for rate in MUON)):
            trial = Trial(base, optimizer, rate)
            recipe = raw["recipes"][run["recipe"]] | {"optimizer": optimizer, "lr": rate}
            raw["recipes"][trial.name] = recipe
            raw["runs"][trial.name] = run | {"recipe": trial.name}
            trials.append(trial)
    return Params.model_validate(raw), trials


def scores(params: Params, trial: Trial, paths: ProfilePaths) -> list[dict[str, object]]:
    """Trains one trial and gives a row for each validation image and noise level; of a diverged run one without scores."""
    facts = {**trial._asdict(), "fingerprint": params.fingerprint(trial.name)}
    try:
        train(params, trial.name, paths, CPU)
    except TrainingError:
        return [facts | {"image": "", "sigma": "", "psnr": ""}]
    return [facts | row for row in validation_scores(params, trial.name, paths)]


def choices(table: pd.DataFrame) -> pd.DataFrame:
    """Mean gain over Adam in dB at sigma 25 of each rate of Muon (columns), over the networks of each recipe (rows).

    `table`: base, optimizer, rate, image, sigma (8-bit units), psnr (dB; empty where the training diverged).
    """
    means = table[table["sigma"] == 25].groupby(["base", "optimizer", "rate"])["psnr"].mean()
    adam, muon = means.xs("adam", level="optimizer").droplevel("rate"), means.xs("muon", level="optimizer")
    gains = (muon - adam).unstack("rate").reindex(adam.index).fillna(-math.inf)
    backbones = gains.index.str.split("-").str[0]
    return gains.groupby([RECIPES[backbone] for backbone in backbones], sort=False).mean()


def page(table: pd.DataFrame, versions: str) -> str:
    """Markdown. `table`: as for `choices`."""
    gains = choices(table)
    lines = [
        "# Optimizers and rates of the default profile",
        "",
        f"<!-- made by `python -m benchmarks.rates`: {versions} -->",
        "",
        "Muon for the hidden weights (and Adam for the rest, at the same rate) against Adam for all. One choice for all "
        "variants of a backbone, that with the largest mean validation PSNR at sigma 25:",
        "",
        *(f"- `{recipe}`: {_choice(row)}." for recipe, row in gains.iterrows()),
        "",
        f"PSNR in dB, mean over {table['image'].dropna().nunique()} validation images that are in no test set; one seed, so that "
        "differences of a tenth may be chance.",
    ]
    means = table.groupby(["sigma", "base", "optimizer", "rate"], sort=False)["psnr"].mean()
    for sigma in means.index.unique("sigma"):
        head = ["network", "Adam", *(f"Muon, {rate:g}" for rate in MUON)]
        lines += ["", f"## Sigma {sigma:g}", "", f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
        for base, row in means[sigma].groupby("base", sort=False):
            backbone, variant = base.split("-")[:2]
            cells = " | ".join(f"{value:.2f}" for value in row)
            lines.append(f"| {labels.backbone_label(backbone)} {labels.variant_label(variant)} | {cells} |")
    return "\n".join([*lines, ""])


def _choice(gains: pd.Series) -> str:
    spans = ", ".join(f"{gain:+.2f} dB at {rate:g}" for rate, gain in gains.items())
    best = f"Muon at {gains.idxmax():g}" if gains.max() > 0 else "Adam"
    return f"{best} (Muon over Adam, mean: {spans})"


def main() -> None:
    torch.set_num_threads(1)
    params, trials = parameters()
    with tempfile.TemporaryDirectory() as folder:
        paths = ProfilePaths(params.profile, Path(folder))
        prepare_training_set(paths.root)
        for trial in trials:
            done = set(pd.read_csv(SCORES)["fingerprint"]) if SCORES.exists() else set()
            if params.fingerprint(trial.name) not in done:
                append(scores(params, trial, paths), SCORES)
    write_text(PAGE, page(pd.read_csv(SCORES), f"torch {environment(CPU)['versions']['torch']}, CPU"))


if __name__ == "__main__":
    main()
