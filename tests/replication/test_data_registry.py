"""The registry is consistent, and what ships with the project or is computed is what it says."""

import fnmatch
import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from replication.data.download import fetch_set
from replication.data.images import load_set
from replication.data.leaves import dead_leaves
from replication.data.png import stored_png
from replication.data.registry import COMPOSITES, SELECTIONS, archives, is_selected, registered_files, set_names

SIZES = {
    "photos-train": 11, "photos-test": 6, "leaves-train": 48, "leaves-test": 6, "sensor-train": 10, "sensor-test": 8,
    "set12": 12, "bsd68": 68, "cbsd68": 68, "train400": 400, "bsd400": 400, "kodak24": 24, "mcmaster": 18, "polyu": 201,
}  # fmt: skip
ROOT = Path(__file__).parents[2]


def test_every_row_is_complete_and_flat():
    assert {name: len(files) for name, files in registered_files().items()} == SIZES
    for name, files in registered_files().items():
        assert len({file.file.lower() for file in files}) == len(files), f"two files of one name in {name}"
        for file in files:
            assert len(file.sha256) == 64 and set(file.sha256) <= set("0123456789abcdef"), file
            assert file.bytes > 0 and Path(file.file).name == file.file, file
            assert file.url.split(":")[0] in ("https", "skimage", "leaves", "sensor") and " " not in file.url, file


def test_every_archive_has_a_pattern_and_a_count():
    for entry in (entry for members in archives().values() for entry in members):
        algorithm, _, digest = entry.checksum.partition(":")
        assert (algorithm, len(digest)) in (("sha256", 64), ("md5", 32), ("", 0)), entry
        assert entry.images > 0 and entry.pattern and entry.url.startswith("http"), entry


def test_composites_count_the_images_of_the_paper():
    images = {name: sum(entry.images for entry in members) for name, members in archives().items()} | SIZES
    assert sum(images[name] for name in COMPOSITES["grey8694"]) == 8694
    assert sum(images[name] for name in COMPOSITES["colour8294"]) == 8294


def test_no_file_is_in_a_training_and_in_a_test_set():
    train, test = ("photos-train", "leaves-train", "sensor-train", "train400", "bsd400"), set(SIZES)
    seen = {file.sha256 for name in train for file in registered_files()[name]}
    held_out = {file.sha256 for name in test - set(train) for file in registered_files()[name]}
    assert not seen & held_out


def _selected(composite: str) -> list[str]:
    files = [file.file for member in COMPOSITES[composite] for file in registered_files()[member]]
    return [file for file in files if is_selected(composite, file)]


def test_selections_take_part_of_a_composite_and_every_pattern_takes_something():
    for name, patterns in SELECTIONS.items():
        for pattern in patterns:
            assert any(fnmatch.fnmatchcase(file, pattern) for file in _selected(name)), f"{name}: {pattern}"
    everything = [file.file for file in registered_files()["photos-train"]]
    assert [file for file in everything if is_selected("embedded-train", file)] == everything


def test_no_scene_of_polyu_is_in_training_and_test():
    """Names are <camera>_<aperture>_<shutter>_<ISO>_<scene>_<number>_<real or mean>.JPG."""
    files = {name: _selected(name) for name in ("polyu-train", "polyu-test")}
    images = {file.file for file in registered_files()["polyu"]} - {"License.txt"}
    assert sorted(files["polyu-train"] + files["polyu-test"]) == sorted(images)
    scenes, cameras = ({name: {f.lower().split("_")[i] for f in files[name]} for name in files} for i in (4, 0))
    assert not scenes["polyu-train"] & scenes["polyu-test"]
    assert len(files["polyu-train"]) == 160 and len(files["polyu-test"]) == 40
    assert cameras["polyu-train"] == cameras["polyu-test"] and len(cameras["polyu-test"]) == 5


def test_dvc_has_a_stage_for_every_set():
    stages = yaml.safe_load((ROOT / "data/dvc.yaml").read_text())["stages"]
    composed = {name.removeprefix("compose-") for name in stages if name.startswith("compose-")}
    assert composed == set(COMPOSITES)
    assert set(stages["download"]["foreach"]) | composed == set(set_names())
    for name in composed:
        assert {f"data/images/{member}" for member in COMPOSITES[name]} <= set(stages[f"compose-{name}"]["deps"])


@pytest.mark.parametrize(
    "set_name, index, sha256",
    [
        ("leaves-train", 0, "9b1115f08a2f907e08dd77364099d6aff089346a60c4a735b45c991fee164ecc"),
        ("leaves-train", 47, "6048b71aa31195f4425fd46c3bfb7f752053b52efda8a20f12bd9cb7f01523fc"),
        ("leaves-test", 0, "37d1106fec92bcb6409c665a1f59c7ad2070e8babb5722391003721bed7e5fcc"),
    ],
)
def test_dead_leaves_are_the_same_on_every_machine(set_name, index, sha256):
    pixels = dead_leaves(set_name, index)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == sha256


def test_dead_leaves_differ_and_have_contrast():
    images = [dead_leaves(name, i, size=48) for name in ("leaves-train", "leaves-test") for i in range(3)]
    assert len({image.tobytes() for image in images}) == 6
    assert all(image.dtype == np.uint8 and image.shape == (48, 48) and image.std() > 10 for image in images)


@pytest.mark.parametrize("shape", [(3, 5), (300, 260), (7, 9, 3)])
def test_stored_png_is_read_back(tmp_path, shape):
    pixels = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    (tmp_path / "x.png").write_bytes(stored_png(pixels))
    with Image.open(tmp_path / "x.png") as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_embedded_test_sets_need_no_network(tmp_path, monkeypatch):
    monkeypatch.delenv("WNE_DATA_MIRROR", raising=False)
    for name in ("photos-test", "leaves-test"):
        fetch_set(name, tmp_path)
        assert [name for name, _ in load_set(tmp_path, name, 1)] == sorted(
            Path(file.file).stem for file in registered_files()[name]
        )
    fetch_set("photos-colour-test", tmp_path)
    colour = load_set(tmp_path, "photos-colour-test", 3)
    assert [name for name, _ in colour] == [f"photos-test/{n}" for n in ("astronaut", "chelsea", "coffee", "rocket")]
    assert all(np.ptp(pixels.astype(int), axis=2).max() > 50 for _, pixels in colour), "a grey photograph"
