"""The audit of a profile finds a test image that is a crop of a training image, and no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image

from replication.data.leakage import audit_training_set
from replication.data.noise import make_test_set
from replication.study.rng import uniform_field
from tiny_profile import tiny_profile


def test_a_planted_crop_is_found_where_it_lies(tmp_path):
    params, paths = tiny_profile(tmp_path)
    scene = (255 * uniform_field((90, 100), "scene")).astype(np.uint8)
    images = tmp_path / "data/images"
    Image.fromarray(scene).save(images / "tiny-train/scene.png")
    Image.fromarray(scene[20:60, 30:74]).save(images / "tiny-test/a.png")
    make_test_set(params, "tiny", paths)
    audit_training_set(params, "tiny-train", paths)
    found = pd.read_csv(paths.leakage / "tiny-train.csv").set_index("image")
    # The test set is the central 32 x 32 pixels of the 40 x 44 test image: 4 and 6 further in.
    assert found.loc["a", ["train_image", "row", "column", "leaked"]].tolist() == ["scene", 24, 36, True]
    assert found.loc["a", "matched_fraction"] == 1
    assert not found.loc["b", "leaked"]
    assert set(found["train_set"]) == {"tiny-train"}
