"""Which recipe trains the published-size networks best within minutes, and is it stable for every variant?

    python -m benchmarks.recipe     trains what benchmarks/recipe.csv lacks, then writes docs/recipes.md

Networks of published size on BSD400 at sigma 25, scored on the part of the validation split of BSDS500 that is in
no test set; needs WNE_DATA_MIRROR (recipe_images.py). About 100 s a trial of 200 steps on two cores with bfloat16
arithmetic; a killed command starts again with the trial that was cut off.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd

from benchmarks import recipe_page
from benchmarks.recipe_images import training_images, validation_images
from benchmarks.recipe_train import CPU, Trial, row
from replication.study.environment import environment
from wne.devices import backbone_dtype
from wne.files import write_text

ROOT = Path(__file__).parents[1]
SCORES, PAGE = ROOT / "benchmarks/recipe.csv", ROOT / "docs/recipes.md"
KEY = ["change", "variant", "optimizer", "rate", "steps", "batch", "patch", "seed"]

ADAM = Trial("Adam")
MUON = Trial("Muon", optimizer="muon", rate=1e-2)

MUON_SAFE = replace(MUON, rate=3e-3)  # suits every variant tried: docs/recipes.md

SWINIR = {"steps": 60, "batch": 8}  # a step takes several times as long

# Rates, and those variants that suffer first.
RATES = [
    *(replace(MUON, rate=rate) for rate in (2e-2, 1e-2, 5e-3, 3e-3)),
    *(replace(MUON, rate=rate, variant="fdncnn-wne") for rate in (1e-2, 5e-3)),
    replace(MUON, rate=5e-3, variant="fdncnn-ne_arch"),
    *(replace(MUON, variant=variant, **SWINIR) for variant in ("swinir-baseline", "swinir-wne")),
]

# One change at a time.
CHANGES = [
    replace(MUON, change="Muon, published start", initialization="published"),
    replace(MUON_SAFE, change="Muon, published start", initialization="published", variant="swinir-wne", **SWINIR),
    replace(MUON, change="Muon, half the batch, twice the steps", batch=8, steps=400),
    replace(MUON, change="Muon, rest at 5e-3", rest_rate=5e-3),
    replace(MUON, change="Muon, momentum 0.9", momentum=0.9),
    replace(MUON, change="Muon, linear decay", schedule="linear"),
    replace(MUON, change="Muon, patches of 32 in batches of 36", patch=32, batch=36),
    replace(ADAM, rate=4e-3),
    replace(MUON, change="Muon, warm-up over 20 %", warm_up=0.2),
    replace(MUON, change="Muon, no Nesterov", nesterov=False),
    replace(MUON, change="Muon, weights averaged (0.98)", average=0.98),
    replace(MUON, change="Muon, weight decay 0.5", weight_decay=0.5),
    replace(MUON, change="Muon, half-size patches in the first half", small=0.5),
    replace(MUON, change="Muon, gradients clipped to 0.01", clip=0.01),
]


# Ten minutes on two cores.
LONG = replace(MUON_SAFE, change="Muon, published start, 10 minutes", initialization="published", steps=1400)

# Every variant, with Adam and with Muon.
VARIANTS = (
    "fdncnn-ne_arch", "fdncnn-wne", "dncnn-wne", "dncnn-baseline", "fdncnn-baseline", "fdncnn-se_arch",
    "swinir-baseline", "swinir-wne",
)  # fmt: skip
STABILITY = [
    replace(base, variant=variant, **(SWINIR if variant.startswith("swinir") else {}))
    for variant in VARIANTS
    for base in (MUON_SAFE, ADAM)
]


def trials() -> list[Trial]:
    return list(dict.fromkeys([*RATES, *STABILITY[:-4], LONG, *STABILITY[-4:], *CHANGES]))


def is_done(trial: Trial) -> bool:
    """Whether the scores of this trial are in the file."""
    if not SCORES.exists():
        return False
    key = tuple(getattr(trial, name) for name in KEY)
    return key in set(pd.read_csv(SCORES)[KEY].itertuples(index=False, name=None))


def append(scores: dict[str, object]) -> None:
    is_new = not SCORES.exists()
    with SCORES.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(scores), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(scores)


def write_page() -> None:
    facts = environment(CPU)
    dtype = str(backbone_dtype("bfloat16", CPU)).removeprefix("torch.")
    versions = f"torch {facts['versions']['torch']}, CPU, {dtype}"
    write_text(PAGE, recipe_page.page(pd.read_csv(SCORES), versions, pending()))


def pending() -> list[str]:
    """The trials that have not been run."""
    return list(
        dict.fromkeys(
            f"{recipe_page.NAMES[trial.variant]}: {trial.change}, rate {trial.rate:g}"
            for trial in trials()
            if not is_done(trial)
        )
    )


def main() -> None:
    training, validation = training_images(ROOT), validation_images()
    for trial in trials():
        if not is_done(trial):
            append(row(trial, training, validation))
            print(SCORES.read_text().splitlines()[-1], flush=True)
    write_page()


if __name__ == "__main__":
    main()
