"""Parameters are typed and complete, within their ranges, and a typo is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from PIL import Image

from replication.data.known import check_images
from replication.data.registry import DataError
from replication.study.params import ParameterError, load_params
from replication.study.params.keywords import VARIANTS
from wne.models import list_denoisers

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
        (("difficulty", "embedded-train", "sigmas"), [10, 10], "has 10.0 twice"),
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
        (("runs", "dncnn-wne-s25", "variant"), "wnee", "did you mean 'wne'"),
        (("runs", "dncnn-wne-s25", "variant"), "ne_arch", "replaces the layers of fdncnn"),
        (("timing", "families", "swinir", "variants"), ["wne", "basline"], "did you mean 'baseline'"),
        (("runs", "dncnn-wne-s25", "sigma"), [55, 0], "0 <= low < high"),
        (("runs", "dncnn-wne-s25", "sigma"), [-5, 55], "0 <= low < high"),
        (("runs", "dncnn-wne-s25", "sigma"), [0, float("inf")], "0 <= low < high"),
        (("runs", "dncnn-wne-s25", "sigma"), float("inf"), "a noise level greater than 0"),
        (("runs", "dncnn-wne-s25", "sigma"), float("nan"), "a noise level greater than 0"),
        (("runs", "dncnn-wne-s25", "sigma"), True, "a noise level greater than 0"),
        (("runs", "dncnn-wne-s25", "sigma"), [25], "a noise level greater than 0"),
        (("runs", "dncnn-wne-s25", "sigma"), "25", "a noise level greater than 0"),
        (("runs", "dncnn-wne-s25", "sigma"), None, "null for real noise and for no other"),
        (("runs", "dncnn-wne-s25", "seed"), -1, "greater than or equal to 0"),
        (("test_sets", "photos-test", "sigmas"), [5, True], "valid number"),
        (("test_sets", "photos-test", "sigmas"), [5, float("inf")], "finite number"),
        (("test_sets", "photos-test", "sigmas"), [5, -5], "greater than 0"),
        (("test_sets", "photos-test", "sigmas"), [], "no noise level"),
        (("test_sets", "photos-test", "channels"), True, "must be a number, not True"),
        (("test_sets", "photos-test", "noises"), ["real", "gaussian"], "stands alone"),
        (("models", "dncnn", "backbone"), "dncn", "did you mean 'dncnn'"),
        (("models", "dncnn", "depth"), -3, "models.dncnn: depth: Input should be greater than or equal to 1, not -3"),
        (("models", "dncnn", "depth"), True, "depth: Input should be a valid integer, not True"),
        (("models", "dncnn", "depht"), 3, "did you mean 'depth'"),
        (("models", "dncnn", "initialization"), "publishd", "'near_identity' or 'published'"),
        (("models", "swinir", "depths"), [2, 0], "depths.1: Input should be greater than or equal to 1"),
        (("models", "swinir", "mlp_ratio"), float("inf"), "mlp_ratio: Input should be a finite number"),
        (("models", "restormer", "layer_norm"), "bias-free", "'bias_free' or 'with_bias'"),
        (("recipes", "cnn", "patch"), 5000, "at most 1024 pixels, not 5000"),
        (("recipes", "cnn", "lr"), float("inf"), "finite number"),
        (("errors", "swinir", "patch"), 5000, "less than or equal to 1024"),
        (("filters", "fig05", "pixels"), [[0, 0], [99, 3]], "[99, 3] is outside the crop"),
        (("filters", "fig05", "pixels"), [[-1, 0]], "[-1, 0] is outside the crop"),
        (("filters", "fig05", "size"), 5000, "to which test_sets.photos-test is cropped"),
        (("windows", "cnn", "scored"), 5000, "to which test_sets.photos-test is cropped"),
        (("windows", "cnn", "windows"), [8, 33], "windows.cnn.windows: 33 pixels are more than the 32 to which"),
        (("samplers", "super-resolution", "amount"), 17, "blocks of 17 pixels do not fit into a crop of 16"),
        (("recipes", "cnn-halved", "halve_every"), 13, "halve_every: 13 steps are more than the 12"),
        (("samplers", "inpainting", "amount"), 1.5, "a share, greater than 0 and at most 1, not 1.5"),
        (("samplers", "super-resolution", "amount"), 2.5, "the side of a block in pixels, not 2.5"),
        (("samplers", "inpainting", "sigma_stop"), 999, "999 is above sigma_start"),
        (("windows", "cnn", "runs"), ["dncnn-baseline-s25"], "windows.cnn: dncnn-baseline-s25 is not a WNE run tested on"),
        (("windows", "cnn", "test_set"), "photos-colour-test", "is for images of 1 channel(s), test_sets.photos-colour-test has 3"),
        (("tasks", "awgn", "test_sets"), ["leaves-test"], "dncnn-baseline-s25 is not tested on photos-test; name one of leaves-test"),
        (("controls", "dncnn", "run"), "dncnn-wne-s25", "controls.dncnn: dncnn-wne-s25 is not a baseline trained at one sigma"),
        (("runs", "dncnn-baseline-s25", "sigma"), [0, 55], "controls.dncnn: dncnn-baseline-s25 is not a baseline trained at one sigma"),
        (("controls", "dncnn", "test_set"), "photos-colour-test", "controls.dncnn: dncnn-baseline-s25 is for images of 1 channel(s)"),
        (("exposure", "dncnn", "test_set"), "photos-colour-test", "exposure.dncnn: dncnn-baseline-s25 is for images of 1 channel(s)"),
        (("samplers", "inpainting", "test_set"), "photos-colour-test", "samplers.inpainting: dncnn-baseline-n2n-s25 is for images of"),
        (("filters", "fig05", "test_set"), "photos-colour-test", "filters.fig05: swinir-baseline-s25 is for images of 1 channel(s)"),
        (("examples", "fig02", "runs"), ["dncnn-wne-real"], "is for images of 3 channel(s), test_sets.photos-test has 1"),
        (("exposure", "dncnn", "contrasts"), [1, 1e300], "contrasts.1: Input should be less than or equal to 1000"),
        (("exposure", "dncnn", "brightnesses"), [0, -1e300], "brightnesses.1: Input should be greater than or equal to -1000"),
        (("exposure", "dncnn", "pictures"), [[1e300, 0]], "less than or equal to 1000"),
        (("exposure", "dncnn", "sigma"), 1e300, "less than or equal to 10000"),
        (("runs", "dncnn-wne-s25", "sigma"), 1e300, "all at most 10000"),
        (("models", "swinir", "drop_path"), 5.0, "drop_path: is a share of the blocks, at least 0 and below 1, not 5"),
        (("models", "swinir", "heads"), 16, "heads: 16 are more than the features, embed_dim: 8"),
        (("models", "restormer", "blocks"), [1], "blocks: needs 2 levels or more, and heads for each; has 1, heads 4"),
        (("models", "restormer", "heads"), [1, 1], "has 4, heads 2"),
        (("models", "restormer", "heads"), [3, 1, 2, 2], "heads: 3 do not divide the 8 features of level 0"),
        (("models", "restormer", "dim"), 7, "dim: must be even"),
        (("models", "restormer", "expansion"), 0.1, "expansion: 0.1 leaves nothing of dim: 8"),
        (("models", "mine"), {"backbone": "restormer", "blocks": [1] * 5}, "has 5, heads 4"),
        (("tasks", "awgn", "objective"), "paired", "belong together"),
        (("runs", "dncnn-wne-s25", "degradation"), "blurr", "'none', 'blur' or 'downsample'"),
        (("runs", "dncnn-wne-deblurring-s5", "degradation"), "downsample", "groups.deblurring: its runs have several degradations, blur, downsample"),
        (("weights",), {"dncnn-wne-deblurring-s5": {"group": "deblurring"}}, "weights.dncnn-wne-deblurring-s5: is for denoisers"),
        (("runs", "dncnn-wne-n2n-s25", "degradation"), "blur", "needs a task with objective: supervised and jpeg: false"),
        (("filters", "fig05"), {"group": "deblurring", "test_set": "photos-test", "image": "a", "size": 16, "sigmas": [25], "pixels": [[1, 1]],
         "runs": ["swinir-wne-deblurring-s5"]}, "is for denoisers, and swinir-wne-deblurring-s5 has degradation: blur"),
        (("weights",), {"dncnn-wne-s25": {"group": "cn"}}, "did you mean 'cnn'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(raw, tmp_path, path, value, message):
    section = raw
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    with pytest.raises(ParameterError, match=r"params\.yaml") as caught:
        _load(raw, tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key", "test_set", "message"),
    [
        ("filters", "fig05", "sensor", "filters.fig05: sensor has no grey images with gaussian noise"),
        ("samplers", "denoising", "sensor", "samplers.denoising: sensor has no gaussian noise to start from"),
        ("examples", "fig02", "sensor", "examples.fig02: its runs need gaussian noise, sensor has real"),
        ("exposure", "dncnn", "sensor", "exposure.dncnn: its runs need gaussian noise, sensor has real"),
        ("windows", "cnn", "sensor", "windows.cnn: dncnn-wne-s25 is not tested on sensor; name one of photos-test"),
    ],
)
def test_a_test_set_has_the_noise_that_its_results_need(raw, tmp_path, section, key, test_set, message):
    raw["test_sets"]["sensor"] = raw["test_sets"]["sensor-test"] | {"channels": 1}
    raw[section][key]["test_set"] = test_set
    with pytest.raises(ParameterError) as caught:
        _load(raw, tmp_path)
    assert message in str(caught.value)


def test_an_example_of_real_noise_is_refused(raw, tmp_path):
    raw["examples"]["fig02"] |= {"test_set": "sensor-test", "runs": ["dncnn-wne-real"]}
    with pytest.raises(
        ParameterError, match=r"examples\.fig02: has a sigma, but dncnn-wne-real is tested on real noise"
    ):
        _load(raw, tmp_path)


@pytest.mark.parametrize(
    "profile", ["", "profiles/smoke", "profiles/bsd400", "profiles/paper", "profiles/published", "profiles/gpu"]
)
def test_every_profile_is_in_order(profile):
    load_params(ROOT / profile / "params.yaml")


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
    (tmp_path / "params.yaml").write_bytes(b"profile: \xff")
    with pytest.raises(ParameterError, match="not a text file in UTF-8"):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("a: " + "[" * 100_000)
    with pytest.raises(ParameterError, match="nested too deeply"):
        load_params(tmp_path / "params.yaml")
    with pytest.raises(ParameterError, match="cannot be read"):
        load_params(tmp_path)


def test_a_key_that_stands_twice_is_named_with_both_lines(tmp_path):
    """YAML would take the last one."""
    text = (ROOT / "profiles/smoke/params.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("  dncnn-wne-s25:"))
    (tmp_path / "params.yaml").write_text(text.replace(line, f"{line}\n{line.replace('sigma: 25', 'sigma: 50')}"))
    first = text.splitlines().index(line) + 1
    message = rf"line {first + 1}: key 'dncnn-wne-s25' for the second time \(first in line {first}\)"
    with pytest.raises(ParameterError, match=message):
        load_params(tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text(text.replace("loss: mse,", "loss: mse, loss: l1,", 1))
    with pytest.raises(ParameterError, match="key 'loss' for the second time"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(("backbone", "variant"), list_denoisers())
def test_every_denoiser_of_the_library_is_known(raw, tmp_path, backbone, variant):
    raw["models"]["mine"] = {"backbone": backbone}
    raw["runs"]["mine"] = raw["runs"]["dncnn-wne-s25"] | {"model": "mine", "variant": variant}
    assert _load(raw, tmp_path).runs["mine"].variant == variant


def test_the_variants_are_those_of_the_library():
    assert set(VARIANTS) == {name.variant for name in list_denoisers()}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("runs", "dncnn-wne-s25", "train_set"), "embeded-train", "did you mean 'embedded-train'"),
        (("test_sets", "photos-test", "images"), "photo-test", "did you mean 'photos-test'"),
        (("errors", "swinir", "train_set"), "bsd4000", "did you mean 'bsd400'"),
        (("leakage",), {"embedded-tran": ["photos-test"]}, "did you mean 'embedded-train'"),
        (("examples", "fig02", "image"), "camra", "did you mean 'camera'"),
        (("filters", "fig05", "image"), "astronot", "did you mean 'astronaut'"),
        (("samplers", "inpainting", "pictures"), ["coinz"], "did you mean 'coins'"),
        (("difficulty", "embedded-train", "patch"), 300, "the smallest image of embedded-train has a side of 256"),
        (("windows", "cnn", "images"), 7, "windows.cnn.images: 7 images, but photos-test has 6"),
        (("exposure", "dncnn", "images"), 7, "exposure.dncnn.images: 7 images, but photos-test has 6"),
        (("test_sets", "photos-test", "defects"), 7, "test_sets.photos-test.defects: 7 images, but photos-test has 6"),
        (("test_sets", "sensor-test", "defects"), 5, "test_sets.sensor-test.defects: 5 images, but sensor-test has 4"),
    ],
)
def test_image_sets_images_and_patches_are_those_that_exist(raw, tmp_path, path, value, message):
    images = tmp_path / "images"
    (images / "embedded-train").mkdir(parents=True)
    (images / "embedded-train/index.csv").write_text("set,file,height,width,sha256\nphotos-train,a.png,256,300,0\n")
    check_images(_load(raw, tmp_path), images)
    section = raw
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    with pytest.raises(ValueError) as caught:
        check_images(_load(raw, tmp_path), images)
    assert message in str(caught.value)


def test_a_folder_of_your_own_is_an_image_set(raw, tmp_path):
    raw["runs"]["dncnn-wne-s25"]["train_set"] = "mine"
    with pytest.raises(ValueError, match=r"runs.dncnn-wne-s25.train_set: unknown name 'mine'"):
        check_images(_load(raw, tmp_path), tmp_path / "images")
    (tmp_path / "images/mine").mkdir(parents=True)
    check_images(_load(raw, tmp_path), tmp_path / "images")


@pytest.mark.parametrize(
    ("section", "value", "message"),
    [
        ("windows", {"images": 3}, "windows.cnn.images: 3 images, but mine has 2"),
        ("windows", {"scored": 41}, "windows.cnn.scored: 41 pixels, but the smallest image of mine has a side of 40"),
        ("windows", {"windows": [8, 50]}, "windows.cnn.windows: 50 pixels, but the smallest image of mine has a side of 40"),
        ("filters", {"image": "large", "size": 61}, "filters.fig05.size: 61 pixels, but its image has a side of 60"),
        ("filters", {"image": "lrage"}, "did you mean 'large'"),
        ("samplers", {"pictures": ["smll"]}, "did you mean 'small'"),
        ("samplers", {"crop": 41}, "samplers.inpainting.crop: 41 pixels, but the smallest image of mine has a side of 40"),
        ("test_sets", {"crop": 41}, "test_sets.photos-test.crop: 41 pixels, but the smallest image of mine has a side of 40"),
        ("errors", {"patch": 41}, "errors.swinir.patch: 41 pixels, but the smallest image of mine has a side of 40"),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_folder_of_your_own_is_there(raw, tmp_path, section, value, message):
    folder = tmp_path / "images/mine"
    folder.mkdir(parents=True)
    Image.new("L", (60, 70)).save(folder / "large.png")
    Image.new("L", (80, 40)).save(folder / "small.png")
    raw["test_sets"]["photos-test"] |= {"images": "mine", "crop": None}
    raw["errors"]["swinir"]["train_set"] = "mine"
    raw["filters"]["fig05"]["image"] = "large"
    for key in raw["examples"]:
        raw["examples"][key]["image"] = "large"
    for item in raw["samplers"].values():
        item["pictures"] = []
    check_images(_load(raw, tmp_path), tmp_path / "images")
    places = {
        "windows": "cnn",
        "filters": "fig05",
        "samplers": "inpainting",
        "test_sets": "photos-test",
        "errors": "swinir",
    }
    raw[section][places[section]] |= value
    with pytest.raises(ValueError) as caught:
        check_images(_load(raw, tmp_path), tmp_path / "images")
    assert message in str(caught.value)


def test_an_image_of_too_many_pixels_is_one_line(raw, tmp_path, monkeypatch):
    (tmp_path / "images/mine").mkdir(parents=True)
    Image.new("L", (3000, 1000)).save(tmp_path / "images/mine/a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)  # Pillow refuses twice as many
    raw["runs"]["dncnn-wne-s25"]["train_set"] = "mine"
    with pytest.raises(DataError, match=r"mine/a\.png: has more than 2 million pixels, which are not read; cut it"):
        check_images(_load(raw, tmp_path), tmp_path / "images")


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
