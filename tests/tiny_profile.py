"""A profile of one run on two small images, for tests that train and evaluate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from replication.data.noise import make_test_set
from replication.study.params import ANALYSES, Params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field

RUN = "dncnn-wne-s25"
PAIRED = {"objective": "paired", "noise": "real", "channels": 3, "sigma": None}  # pairs of photographs
_SMOKE = Path(__file__).parents[1] / "profiles/smoke/params.yaml"


def tiny_profile(root: Path, **changes: object) -> tuple[Params, ProfilePaths]:
    """Parameters and paths under `root`, with images and test set made.

    `changes` go into the run; `objective`, `noise`, `channels` and `jpeg` into its task; `recipe` into its recipe, `size`
    into its model; `defects`, `draws` and `crop` into its test set.
    """
    raw = yaml.safe_load(_SMOKE.read_text())
    task = raw["tasks"]["awgn"] | {"test_sets": ["tiny"]}
    task |= {key: changes.pop(key) for key in ("objective", "noise", "channels", "jpeg") if key in changes}
    is_paired = task["objective"] == "paired"
    bench = raw["test_sets"]["photos-test"] | {"images": "tiny-test", "noises": [task["noise"]], "defects": 2}
    bench |= {"channels": task["channels"], "sigmas": [] if is_paired else [10, 50]}
    bench |= {"draws": 1, "qualities": [10, 80] if task["jpeg"] else []}
    bench |= {key: changes.pop(key) for key in ("defects", "draws", "crop") if key in changes}
    raw["test_sets"], raw["tasks"] = {"tiny": bench}, {"awgn": task}
    raw["recipes"]["cnn"] |= {"optimizer": "adam"} | changes.pop("recipe", {})
    raw["models"][changes.get("model", "dncnn")] |= changes.pop("size", {})
    raw["runs"] = {RUN: {**raw["runs"][RUN], "train_set": "tiny-train", **changes}}
    raw["groups"] = {raw["runs"][RUN]["group"]: raw["groups"][raw["runs"][RUN]["group"]]}
    raw["examples"] = {"fig02": {"test_set": "tiny", "image": "a", "sigma": 90, "size": 16, "runs": [RUN]}}
    raw |= {section: {} for section in ANALYSES}
    if is_paired:
        raw["examples"] = {}
    raw["leakage"] = {"tiny-train": ["tiny"]}
    params = Params.model_validate(raw)
    for image_set in ("tiny-train", "tiny-test"):
        folder = root / "data/images" / image_set
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("a", "b"):
            _save_images(folder, image_set, name, task["channels"], is_paired)
    paths = ProfilePaths(params.profile, root)
    make_test_set(params, "tiny", paths)
    return params, paths


def _save_images(folder: Path, image_set: str, name: str, channels: int, is_paired: bool) -> None:
    # Smooth with a little texture: a network can learn to denoise it, which it cannot for noise.
    rows, columns = np.mgrid[:40, :44] / (8.0 if name == "a" else 5.0)
    texture = uniform_field((40, 44), image_set, name)
    clean = 100 + 50 * np.sin(rows) + 50 * np.cos(columns) + 20 * texture
    if channels == 3:
        clean = np.stack((clean, 0.8 * clean, 255 - clean), axis=2)
    if not is_paired:
        Image.fromarray(clean.astype(np.uint8)).save(folder / f"{name}.png")
        return
    noise = 60 * (uniform_field(clean.shape, image_set, name, "pair") - 0.5)
    for kind, pixels in (("noisy", clean + noise), ("clean", clean)):
        Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(folder / f"{name}_{kind}.png")
