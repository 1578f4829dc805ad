"""What makes the loss of FDnCNN SE-arch jump in the bsd400 profile, and what prevents it?

    python -m benchmarks.spikes     trains what benchmarks/spikes.csv lacks, then writes docs/spikes.md

The run fdncnn-se_arch-s25 of the bsd400 profile, one change at a time, scored on the part of the validation split of
BSDS500 that is in no test set; needs WNE_DATA_MIRROR (recipe_images.py). About 2 minutes a trial on two cores.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml

from benchmarks.recipe_images import training_images, validation_images
from benchmarks.recipe_train import CPU, SIGMAS, validation_psnr
from benchmarks.starts import append
from replication.experiments.train import Steps
from replication.results.jumps import JUMP, largest_jump
from replication.study.environment import environment
from replication.study.params import Params
from wne.files import write_text

ROOT = Path(__file__).parents[1]
PROFILE = ROOT / "profiles/bsd400/params.yaml"
SCORES, PAGE = ROOT / "benchmarks/spikes.csv", ROOT / "docs/spikes.md"
BASE = "fdncnn-se_arch-s25"
SETTLED = 0.1  # of the training, in which the loss falls from its start
WINDOW = 12  # steps of a mean of the loss, as in the committed curve


class Trial(NamedTuple):
    """The run with changes to its recipe or seed, the norm that its gradient is clipped to, or the threads."""

    change: str
    optimizer: str = "adam"
    rate: float = 2e-3
    seed: int = 0
    clip: float = math.inf
    threads: int = 2


TRIALS = (
    Trial("as committed"),
    Trial("gradients clipped to 0.1", clip=0.1),
    Trial("half the rate", rate=1e-3),
    Trial("seed 1", seed=1),
    Trial("seed 2", seed=2),
    Trial("Muon at 3e-3", optimizer="muon", rate=3e-3),
    Trial("one thread", threads=1),
)


def parameters(trial: Trial) -> Params:
    """The bsd400 profile with the trial as its run BASE."""
    raw = yaml.safe_load(PROFILE.read_text())
    run = raw["runs"][BASE]
    raw["recipes"]["trial"] = raw["recipes"][run["recipe"]] | {"optimizer": trial.optimizer, "lr": trial.rate}
    raw["runs"]["trial"] = run | {"recipe": "trial", "seed": trial.seed}
    return Params.model_validate(raw)


def row(trial: Trial, training: list[np.ndarray], validation: list) -> dict[str, object]:
    """Trains one trial and gives its row of the scores."""
    torch.set_num_threads(trial.threads)
    params = parameters(trial)
    steps = Steps(params, "trial", training, CPU)
    weights = [p for group in steps.chosen[0].param_groups for p in group["params"]]
    norms: list[float] = []

    def clip(*_: object) -> None:
        norms.append(torch.nn.utils.clip_grad_norm_(weights, trial.clip).item())

    steps.chosen[0].register_step_pre_hook(clip)
    losses = np.array([steps(step).item() for step in range(steps.recipe.steps)])
    jump, at = largest_jump(losses.reshape(-1, WINDOW).mean(axis=1), SETTLED)
    late = norms[round(SETTLED * len(norms)) :]
    facts = trial._asdict() | {"jump": f"{jump:.2f}", "step": WINDOW * (at + 1)}
    facts |= {"norm_median": f"{np.median(late):.2e}", "norm_largest": f"{max(late):.2e}"}
    return facts | {f"psnr_{s}": f"{validation_psnr(steps.model, validation, s):.3f}" for s in SIGMAS}


def page(table: pd.DataFrame, versions: str) -> str:
    """Markdown. `table`: the rows of `row`."""
    lines = [
        "# A jump of the loss",
        "",
        f"<!-- made by `python -m benchmarks.spikes`: {versions} -->",
        "",
        *_summary(table.set_index("change")),
        "",
        f"Largest jump: the mean loss of {WINDOW} steps over its smallest value before, after the first tenth. PSNR in dB: mean",
        "over 32 validation images that are in no test set. Each row is one training.",
        "",
        "| training | largest jump | gradient norm: median | largest | PSNR at 25 | at 5 | at 100 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for r in table.itertuples():
        psnrs = " | ".join(f"{value:.2f}" for value in (r.psnr_25, r.psnr_5, r.psnr_100))
        lines.append(f"| {r.change} | {r.jump:.1f} | {r.norm_median:.3f} | {r.norm_largest:.2f} | {psnrs} |")
    return "\n".join([*lines, ""])


def _summary(table: pd.DataFrame) -> list[str]:
    committed, jumps = table.loc[TRIALS[0].change], table["jump"] > JUMP
    alike = (table[["optimizer", "rate", "clip"]] == committed[["optimizer", "rate", "clip"]]).all(axis=1)
    gains = (table["psnr_25"] - committed["psnr_25"])[~alike]
    kept = " or ".join(table.index[~alike & ~jumps])
    return [
        f"**The rate is too high for this network**: {jumps[alike].sum()} of {alike.sum()} trainings at Adam's {committed['rate']:g} jump, "
        "and they differ in seed or number of threads alone, so chance decides. "
        f"The loss does not jump with {kept}; PSNR at sigma 25 is then {gains.min():.2f} to {gains.max():.2f} dB higher.",
        "",
        f"In the committed run of the `bsd400` profile, FDnCNN SE-arch at sigma 25, the loss rises to {committed['jump']:.1f} times its "
        f"smallest value at step {committed['step']:.0f} of 1,200. The norm of its gradient, {committed['norm_median']:.3f} in the "
        f"median, reaches {committed['norm_largest']:.1f}: the network has no BatchNorm, and the rate is still near its largest value. "
        "The loss falls again, but the short training does not make up for it.",
    ]


def main() -> None:
    training, validation = training_images(ROOT), validation_images()
    for trial in TRIALS:
        if not SCORES.exists() or trial.change not in set(pd.read_csv(SCORES)["change"]):
            append([row(trial, training, validation)], SCORES)
            print(SCORES.read_text().splitlines()[-1], flush=True)
    write_text(PAGE, page(pd.read_csv(SCORES), f"torch {environment(CPU)['versions']['torch']}, CPU"))


if __name__ == "__main__":
    main()
