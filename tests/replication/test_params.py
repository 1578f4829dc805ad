"""Parameters are typed and complete, and a slip of the pen is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from replication.study.params import ParameterError, load_params

ROOT = Path(__file__).parents[2]


@pytest.fixture
def raw() -> dict:
    return yaml.safe_load((ROOT / "profiles/smoke/params.yaml").read_text())


def _load(raw: dict, folder: Path):
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(raw))
    return load_params(file)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("stat_every",), 3, "did you mean 'state_every'"),
        (("recipes", "cnn", "step"), 3, "did you mean 'steps'"),
        (("timing", "families", "swinir", "varaints"), ["wne"], "did you mean 'variants'"),
        (("difficulty", "embedded-train", "pathces"), 3, "did you mean 'patches'"),
        (("difficulty", "embedded-train", "sigmas"), [10, 10], "a noise level twice"),
        (("runs", "dncnn-wne-s25", "model"), "dncn", "did you mean 'dncnn'"),
        (("runs", "dncnn-wne-s25", "sigma"), -1, "greater than 0"),
        (("recipes", "cnn", "schedule"), "halving", "halve_every"),
        (("recipes", "cnn", "loss"), "l3", "'mse' or 'l1'"),
        (("tasks", "awgn", "test_sets"), ["photo-test"], "did you mean 'photos-test'"),
        (("tasks", "awgn", "noise"), "uniform", "uniform noise"),
        (("examples", "fig02", "runs"), ["swinir-wne-s26"], "did you mean 'swinir-wne-s25'"),
        (("runs", "dncnn-wne-s25", "group"), "cn", "did you mean 'cnn'"),
        (("filters", "fig05", "size_of_crop"), 3, "known: group"),
        (("errors", "swinir", "runs"), ["dncnn-wne-s25"], "is in the group cnn, not swinir"),
        (("samplers", "inpainting", "operator"), "random", "random_pixels"),
        (("controls", "dncnn", "test_set"), "photos-tets", "did you mean 'photos-test'"),
    ],
)
def test_a_mistake_is_named_with_its_place(raw, tmp_path, path, value, message):
    section = raw
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    with pytest.raises(ParameterError, match=r"params\.yaml") as caught:
        _load(raw, tmp_path)
    assert message in str(caught.value)


def test_a_missing_number_is_an_error_because_there_are_no_defaults(raw, tmp_path):
    del raw["recipes"]["cnn"]["lr"]
    with pytest.raises(ParameterError, match=r"recipes.cnn.lr: Field required"):
        _load(raw, tmp_path)


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(ParameterError, match="no such file"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: [1")
    with pytest.raises(ParameterError, match="not valid YAML"):
        load_params(tmp_path / "params.yaml")


def test_unknown_run_is_named_with_the_nearest():
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(ParameterError, match="did you mean 'dncnn-wne-s25'"):
        params.run("dncn-wne-s25")


def test_fingerprint_depends_on_what_determines_the_weights_and_on_nothing_else(raw, tmp_path):
    before = _load(raw, tmp_path)
    raw["recipes"]["swin"]["lr"] *= 2
    raw["statistics"]["resamples"] = 7
    after = _load(raw, tmp_path)
    assert before.fingerprint("dncnn-wne-s25") == after.fingerprint("dncnn-wne-s25")
    assert before.fingerprint("swinir-wne-s25") != after.fingerprint("swinir-wne-s25")
    assert before.fingerprint("dncnn-wne-s25") != before.fingerprint("dncnn-baseline-s25")


def test_an_analysis_is_stale_when_a_run_of_it_changes(raw, tmp_path):
    before = _load(raw, tmp_path)
    raw["recipes"]["swin"]["lr"] *= 2
    after = _load(raw, tmp_path)
    assert before.analysis_fingerprint("filters", "fig05") != after.analysis_fingerprint("filters", "fig05")
    assert before.analysis_fingerprint("controls", "dncnn") == after.analysis_fingerprint("controls", "dncnn")


def test_a_run_is_swept_at_its_own_noise_as_well(raw, tmp_path):
    raw["test_sets"]["photos-test"]["sigmas"] = [5, 100]
    params = _load(raw, tmp_path)
    assert params.sweep("dncnn-wne-s25", "photos-test") == [5, 25, 100]
    assert params.sweep("dncnn-baseline-s0to55", "photos-test") == [5, 100]
    assert params.sweep("dncnn-wne-real", "sensor-test") == []
