"""The audit finds every exact share, says where it lies, and does not cry wolf."""

import os

import numpy as np
import pytest

from replication.data.audit import audit
from replication.data.download import fetch_set
from replication.data.images import grey, image_paths, load_set, read_image
from replication.data.leaves import dead_leaves

MIRROR = os.environ.get("WNE_DATA_MIRROR")
needs_mirror = pytest.mark.skipif(not MIRROR, reason="needs Set12 and BSD400: set WNE_DATA_MIRROR to a copy of them")


@pytest.fixture(scope="module")
def leaves() -> list[np.ndarray]:
    return [dead_leaves("leaves-train", i, size=128) for i in range(4)]


def look(train: dict[str, np.ndarray], **test: np.ndarray):
    frame = audit({"train": train.items()}, {"test": test.items()}, progress=False)
    return {row.image: row for row in frame.itertuples()}


def test_a_crop_is_found_at_its_place(leaves):
    found = look({"a": leaves[0], "b": leaves[1]}, crop=leaves[1][13:90, 29:101, None])["crop"]
    assert (found.train_set, found.train_image, found.row, found.column) == ("train", "b", 13, 29)
    assert found.matched_fraction == 1.0 and found.leaked


def test_a_training_image_inside_a_test_image_is_found(leaves):
    found = look({"small": leaves[2][41:91, 17:77]}, large=leaves[2])["large"]
    assert (found.row, found.column) == (-41, -17)
    assert found.matched_fraction == pytest.approx(50 * 60 / 128**2) and found.leaked


def test_a_partial_overlap_counts_its_area(leaves):
    found = look({"left": leaves[0][:, :80]}, right=leaves[0][:, 53:])["right"]
    assert (found.row, found.column) == (0, 53)
    assert found.matched_fraction == pytest.approx(27 / 75)


def test_a_pasted_patch_is_found_and_a_tiny_one_is_no_leak(leaves):
    host = leaves[0].copy()
    host[40:72, 8:40] = leaves[1][:32, :32]
    found = look({"other": leaves[1]}, host=host)["host"]
    assert (found.row, found.column, found.train_image) == (-40, -8, "other")
    assert found.matched_fraction == pytest.approx(32**2 / 128**2, rel=0.1) and found.leaked
    tiny = leaves[0].copy()
    tiny[40:51, 40:51] = leaves[1][:11, :11]
    found = look({"other": leaves[1]}, tiny=tiny)["tiny"]
    assert 0 < found.matched_fraction < 0.01 and not found.leaked


def test_the_largest_share_is_reported(leaves):
    found = look({"part": leaves[3][:40], "whole": leaves[3], "none": leaves[0]}, image=leaves[3])["image"]
    assert found.train_image == "whole" and found.matched_fraction == 1.0


def test_unrelated_images_are_clean(leaves):
    rows = look({"a": leaves[0], "b": leaves[1]}, c=leaves[2], d=leaves[3])
    for row in rows.values():
        assert row.matched_fraction == 0 and not row.leaked and row.train_image == ""


@pytest.mark.parametrize(
    "change", [lambda x: x[:, ::-1], lambda x: x.T, lambda x: (x // 2 + 3).astype(np.uint8), lambda x: x[::2, ::2]]
)
def test_changed_copies_are_not_found_as_documented(leaves, change):
    assert not look({"a": leaves[0]}, copy=change(leaves[0]))["copy"].leaked


def test_equal_blank_areas_are_no_leak(leaves):
    one, two = leaves[0].copy(), leaves[1].copy()
    one[:64], two[:64] = 255, 255
    assert look({"a": one}, b=two)["b"].matched_fraction == 0


def test_an_image_without_structure_gets_no_verdict(leaves):
    tiles = np.tile(np.arange(64, dtype=np.uint8).reshape(8, 8), (16, 16))  # one window, repeated everywhere
    rows = look({"tiles": tiles, "leaves": leaves[0]}, blank=np.zeros((64, 64), np.uint8), tiles=tiles)
    for row in rows.values():
        assert np.isnan(row.matched_fraction) and not row.leaked


def test_images_smaller_than_a_window_and_lazy_iterables(leaves):
    train = ((name, pixels) for name, pixels in (("tiny", leaves[0][:5, :5]), ("a", leaves[0])))
    frame = audit({"train": train}, {"test": [("tiny", leaves[0][:7, :9]), ("b", leaves[0])]}, progress=False)
    assert frame.leaked.tolist() == [False, True] and np.isnan(frame.matched_fraction[0])


def test_colour_is_compared_as_grey(leaves):
    colour = np.stack(leaves[:3], axis=2)
    found = look({"a": colour}, crop=colour[8:72, 5:69], grey=grey(colour))
    assert (found["crop"].row, found["crop"].column, found["grey"].matched_fraction) == (8, 5, 1.0)


def test_other_arrays_are_refused(leaves):
    for bad in (leaves[0].astype(float), np.stack([leaves[0]] * 2, axis=2)):
        with pytest.raises(ValueError, match="bad: expected uint8"):
            look({"bad": bad}, a=leaves[0])


@needs_mirror
@pytest.mark.parametrize(
    "train_set, image, fraction, row, column",
    [("bsd400", "train_12003", 1.0, 7, 109), ("train400", "test_020", 180 * 106 / 256**2, -72, 74)],
)
def test_the_starfish_of_set12_is_in_the_training_set(tmp_path, train_set, image, fraction, row, column):
    for name in ("set12", train_set):
        fetch_set(name, tmp_path, MIRROR)
    train = ((path.stem, read_image(path, 1)) for path in image_paths(tmp_path, train_set))
    frame = audit({train_set: train}, {"set12": load_set(tmp_path, "set12", 1)}, progress=False)
    assert frame[frame.leaked].image.tolist() == ["04"]
    found = frame[frame.leaked].iloc[0]
    assert (found.train_image, found.row, found.column) == (image, row, column)
    assert found.matched_fraction == pytest.approx(fraction)
