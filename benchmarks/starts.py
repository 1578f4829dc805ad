"""Does the starting point matter? Each variant trained from near_identity and from the published start.

    python -m benchmarks.starts     trains what benchmarks/starts.csv lacks, then writes docs/starting-points.md

Sizes and schedules of the default profile with Adam, sigma 25, two seeds. Scored on photographs of embedded-train that are
held out here and on dead leaves of their own stream: no image of a test set. About 20 minutes on one core.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml

from benchmarks.starts_page import page
from replication.data.download import fetch_set
from replication.data.images import read_image
from replication.data.leaves import dead_leaves
from replication.data.metrics import psnr
from replication.data.noise import TestImage, central_crop, noise_field
from replication.experiments.evaluate import noisy_image, numpy_denoiser
from replication.experiments.train import train
from replication.experiments.trained import load_run
from replication.study.environment import environment
from replication.study.params import Params
from replication.study.paths import IMAGES, ProfilePaths
from replication.study.rng import stream_key
from wne.files import write_text

ROOT = Path(__file__).parents[1]
SCORES, PAGE = ROOT / "benchmarks/starts.csv", ROOT / "docs/starting-points.md"
CPU = torch.device("cpu")

BASE_RUNS = (
    "dncnn-baseline-s25", "dncnn-wne-s25", "fdncnn-baseline-s25", "fdncnn-wne-s25", "fdncnn-se_arch-s25",
    "fdncnn-ne_arch-s25", "swinir-baseline-s25", "swinir-wne-s25",
)  # fmt: skip
STARTS: dict[str, dict[str, object]] = {
    "near_identity": {"initialization": "near_identity"},
    "published": {"initialization": "published"},
    # Published as well, but no start: it acts as long as the network trains.
    "published_drop_path": {"initialization": "published", "drop_path": 0.1},
}
# As the default profile trained before it took Muon.
ADAM = {"cnn": {"optimizer": "adam", "lr": 4e-3}, "swin": {"optimizer": "adam", "lr": 5e-3}}
SEEDS = (0, 1)
SIGMAS = (25, 5, 100)  # 8-bit units

SIDE = 160  # pixels, of the validation images
HELD_OUT = ("brick.png", "clock_motion.png", "ihc.png", "motorcycle_left.png")
DROPPED = ("motorcycle_right.png",)  # shows the scene of motorcycle_left
LEAVES = 4


class Trial(NamedTuple):
    """A run of the default profile from one start with one seed; `name` is its name in the parameters."""

    name: str
    base: str
    start: str
    seed: int


def trials() -> list[Trial]:
    return [
        Trial(f"{base}-{start}-seed{seed}", base, start, seed)
        for seed in SEEDS
        for base in BASE_RUNS
        for start in STARTS
        if start != "published_drop_path" or base.startswith("swinir")
    ]


def parameters() -> Params:
    """The default profile with a model for each start and a run for each trial."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    for recipe, changes in ADAM.items():
        raw["recipes"][recipe] |= changes
    for trial in trials():
        base = raw["runs"][trial.base]
        model = f"{base['model']}-{trial.start}"
        raw["models"][model] = raw["models"][base["model"]] | STARTS[trial.start]
        raw["runs"][trial.name] = base | {"model": model, "seed": trial.seed}
    return Params.model_validate(raw)


def prepare_training_set(root: Path) -> None:
    """embedded-train under `root`, without the images that are held out."""
    index = fetch_set("embedded-train", root / IMAGES) / "index.csv"
    table = pd.read_csv(index)
    table[~table["file"].isin((*HELD_OUT, *DROPPED))].to_csv(index, index=False)


def validation_images(root: Path) -> Iterator[TestImage]:
    """Held-out photographs and dead leaves, each with one noise field."""
    photographs = {Path(file).stem: read_image(root / IMAGES / "photos-train" / file, 1) for file in HELD_OUT}
    leaves = {f"leaves-{i}": dead_leaves("leaves-validation", i, SIDE)[..., None] for i in range(LEAVES)}
    for name, pixels in (photographs | leaves).items():
        clean = central_crop(pixels, SIDE)
        yield TestImage(name, clean, {"gaussian": noise_field("gaussian", clean.shape, "starts", name)[None]})


def scores(params: Params, trial: Trial, paths: ProfilePaths) -> list[dict[str, object]]:
    """Trains one trial and gives a row for each validation image and noise level."""
    # Stochastic depth draws from torch's global stream.
    torch.manual_seed(stream_key("starts", trial.name))
    train(params, trial.name, paths, CPU)
    backbone, variant = trial.base.split("-")[:2]
    facts = {"backbone": backbone, "variant": variant, "start": trial.start, "seed": trial.seed}
    facts |= {"fingerprint": params.fingerprint(trial.name)}
    return [facts | row for row in validation_scores(params, trial.name, paths)]


def validation_scores(params: Params, name: str, paths: ProfilePaths) -> Iterator[dict[str, object]]:
    """image, sigma (8-bit units) and PSNR (dB) of a trained run."""
    denoise = numpy_denoiser(load_run(paths, params, name), CPU)
    for image in validation_images(paths.root):
        for sigma in SIGMAS:
            denoised = np.clip(denoise(noisy_image(image, "gaussian", 0, sigma)), 0, 1)
            yield {"image": image.name, "sigma": sigma, "psnr": f"{psnr(denoised, image.clean_unit()):.4f}"}


def is_done(params: Params, trial: Trial) -> bool:
    """Whether the scores of this trial, with these parameters, are in the file."""
    return SCORES.exists() and params.fingerprint(trial.name) in set(pd.read_csv(SCORES)["fingerprint"])


def append(rows: list[dict[str, object]], file: Path) -> None:
    is_new = not file.exists()
    with file.open("a", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    torch.set_num_threads(1)
    params = parameters()
    with tempfile.TemporaryDirectory() as folder:
        paths = ProfilePaths(params.profile, Path(folder))
        prepare_training_set(paths.root)
        for trial in trials():
            if not is_done(params, trial):
                append(scores(params, trial, paths), SCORES)
    table = pd.read_csv(SCORES)
    current = {params.fingerprint(trial.name) for trial in trials()}
    facts = environment(CPU)
    write_text(PAGE, page(table[table["fingerprint"].isin(current)], f"torch {facts['versions']['torch']}, CPU"))


if __name__ == "__main__":
    main()
