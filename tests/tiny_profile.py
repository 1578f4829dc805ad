"""A profile of one or two runs on two small images, for tests that train and evaluate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from wne.noise import make_bench
from wne.params import Params
from wne.paths import ProfilePaths
from wne.rng import uniform_field

RUN = "dncnn-wne-s25"
_SMOKE = Path(__file__).parents[1] / "profiles/smoke/params.yaml"


def tiny_profile(root: Path, **changes: object) -> tuple[Params, ProfilePaths]:
    """Parameters and paths under `root`, with images and test bench made. `changes` go into the run."""
    raw = yaml.safe_load(_SMOKE.read_text())
    raw["test_sets"] = {"tiny": {**raw["test_sets"]["photos-test"], "images": "tiny-test", "sigmas": [10, 50]}}
    raw["tasks"]["awgn"]["test_sets"] = ["tiny"]
    raw["tasks"]["awgn"] |= {key: changes.pop(key) for key in ("objective", "noise") if key in changes}
    raw["test_sets"]["tiny"]["noises"] = [raw["tasks"]["awgn"]["noise"]]
    raw["recipes"]["cnn"] |= changes.pop("recipe", {})
    raw["runs"] = {RUN: {**raw["runs"][RUN], "train_set": "tiny-train", **changes}}
    raw["examples"] = {"fig02": {"test_set": "tiny", "image": "a", "sigma": 90, "size": 16, "runs": [RUN]}}
    raw["leakage"] = {"tiny-train": ["tiny"]}
    params = Params.model_validate(raw)
    for image_set in ("tiny-train", "tiny-test"):
        folder = root / "data/images" / image_set
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("a", "b"):
            # Smooth with a little texture: a network can learn to denoise it, which it cannot for noise.
            rows, columns = np.mgrid[:40, :44] / (8.0 if name == "a" else 5.0)
            texture = uniform_field((40, 44), image_set, name)
            pixels = (100 + 50 * np.sin(rows) + 50 * np.cos(columns) + 20 * texture).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")
    paths = ProfilePaths(params.profile, root)
    make_bench(params, "tiny", paths)
    return params, paths
