"""Oracles and wrapping at test time: identities that hold for any network, and what an item writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import random_images, tiny_denoiser
from replication.experiments.classical import classical_denoiser
from replication.experiments.controls import (
    Control,
    InTrainingRange,
    TypicalInput,
    analyse,
    control_defect,
    controls,
    oracle,
    typical_input,
)
from replication.experiments.evaluate import evaluate, numpy_denoiser
from replication.study.params import Params
from replication.study.paths import ProfilePaths
from replication.study.rng import uniform_field
from tiny_profile import RUN, tiny_profile
from wne.checkpoints import save_checkpoint
from wne.models import create_denoiser
from wne.wrapper import NormalizationEquivariant

CPU = torch.device("cpu")
TRAINED_AT = 25 / 255


def image(*shape: int, seed: int = 0) -> np.ndarray:
    return uniform_field(shape or (1, 16, 16), "controls", seed)


# --- the denoisers


def test_at_the_training_level_an_oracle_is_the_network_itself():
    network = numpy_denoiser(tiny_denoiser("dncnn", "baseline", dtype=torch.float32), CPU)
    noisy = image().astype(np.float32)
    for about_mean in (True, False):
        np.testing.assert_array_equal(oracle(network, 1.0, about_mean)(noisy), network(noisy))
        assert np.abs(oracle(network, 0.5, about_mean)(noisy) - network(noisy)).max() > 1e-3


@pytest.mark.parametrize("about_mean", [True, False])
@pytest.mark.parametrize("ratio", [0.2, 3.0])
def test_an_oracle_of_a_denoiser_that_takes_its_level_is_that_denoiser_at_the_true_level(ratio, about_mean):
    """D(a y; a sigma) = a D(y; sigma) for total variation, so scaling in and out only changes sigma."""
    noisy = image()
    expected = classical_denoiser("tv", ratio * TRAINED_AT)(noisy)
    actual = oracle(classical_denoiser("tv", TRAINED_AT), ratio, about_mean)(noisy)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_about_the_mean_keeps_brightness_and_about_zero_keeps_black():
    """Around the identity both are the identity; f0 sees a quarter of the contrast, and about 0 of the brightness."""
    seen = []

    def f0(noisy: np.ndarray) -> np.ndarray:
        seen.append(noisy)
        return noisy

    noisy = image()
    for about_mean in (True, False):
        np.testing.assert_allclose(oracle(f0, 4.0, about_mean)(noisy), noisy, atol=1e-14)
    assert seen[0].mean() == pytest.approx(noisy.mean()) and seen[1].mean() == pytest.approx(noisy.mean() / 4)
    assert seen[0].std() == pytest.approx(noisy.std() / 4) == seen[1].std()


def forms(network: torch.nn.Module, typical: TypicalInput) -> dict[tuple[str, bool], Control]:
    made = controls(network, TRAINED_AT, typical, ["tv"], CPU)
    return {(control.denoiser, control.is_wrapped): control for control in made}


@dataclass
class Wrapped:
    """Both forms of a tiny network in double precision."""

    network: torch.nn.Module
    bare: NormalizationEquivariant
    rescaled: NormalizationEquivariant


@pytest.fixture(scope="module")
def double() -> Wrapped:
    network = tiny_denoiser("dncnn", "baseline")
    rescaled = NormalizationEquivariant(InTrainingRange(network, TypicalInput(0.4, 0.2)))
    return Wrapped(network, NormalizationEquivariant(network), rescaled)


@given(exponent=st.floats(-3, 3), b=st.floats(-1e3, 1e3))
def test_wrapped_at_test_time_the_network_is_equivariant_to_rounding_and_bare_it_is_not(double, exponent, b):
    y, a = random_images(1, 1, 12, 12), 10.0**exponent
    spread = a * float(y.std())
    with torch.no_grad():
        for f in (double.bare, double.rescaled):
            error = float((f(a * y + b) - (a * f(y) + b)).abs().max()) / spread
            assert error < 1e4 * 2.0**-52 * (1 + abs(b) / spread)
        bare = float((double.network(3 * y + 1) - (3 * double.network(y) + 1)).abs().max()) / (3 * float(y.std()))
    assert bare > 0.05


def test_rescaled_the_network_sees_a_typical_image_as_it_is(double):
    y = random_images(1, 1, 12, 12)
    y = 0.4 + 0.2 * (y - y.mean()) / y.std(correction=0)
    with torch.no_grad():
        torch.testing.assert_close(double.rescaled(y), double.network(y))
        assert (double.bare(y) - double.network(y)).abs().max() > 1e-2


def test_the_typical_input_by_hand():
    """Means 1 and 3, deviations 1 and 4."""
    images = [np.array([[[0.0, 2.0]]]), np.array([[[-1.0, 7.0]]])]
    assert typical_input(images) == pytest.approx((2.0, 2.0))


def test_all_forms_are_made_and_only_oracles_listen_to_the_level():
    made = forms(tiny_denoiser("dncnn", "baseline", dtype=torch.float32), TypicalInput(0.4, 0.2))
    assert list(made) == [
        ("oracle", False),
        ("oracle_about_zero", False),
        ("wrapped_at_test", True),
        ("wrapped_at_test_rescaled", True),
        ("tv", False),
        ("tv", True),
    ]
    noisy = image().astype(np.float32)
    for (name, _), control in made.items():
        changed = np.abs(control.at(0.3)(noisy) - control.at(0.05)(noisy)).max()
        assert (changed > 1e-3) == name.startswith("oracle"), name


def test_the_defect_of_an_oracle_is_measured_with_the_level_of_each_input():
    """With total variation for the network the oracle is equivariant, and told one level for both it is not."""
    f0, sigma, noisy = classical_denoiser("tv", TRAINED_AT), 0.2, image()
    a, b = torch.tensor([0.6]), torch.tensor([0.1])
    told = Control("oracle", False, lambda level: oracle(f0, level / TRAINED_AT))
    fixed = Control("oracle", False, lambda level: oracle(f0, sigma / TRAINED_AT))
    assert control_defect(told, sigma, noisy, told.at(sigma)(noisy), a, b).sharp < 1e-7
    assert control_defect(fixed, sigma, noisy, fixed.at(sigma)(noisy), a, b).sharp > 1e-2


# --- an item


@pytest.fixture(scope="module")
def item(tmp_path_factory) -> tuple[Params, ProfilePaths]:
    """An untrained network, evaluated, and its controls."""
    params, paths = tiny_profile(tmp_path_factory.mktemp("controls"), variant="baseline", draws=2, defects=1, crop=24)
    params = with_controls(params)
    run = params.runs[RUN]
    torch.manual_seed(0)
    model = create_denoiser("dncnn", "baseline", channels=1, **params.models[run.model].size)
    save_checkpoint(paths.checkpoint(params, RUN), model, params.describe(RUN), params.fingerprint(RUN))
    evaluate(params, RUN, paths, CPU)
    analyse(params, "mine", paths, CPU)
    return params, paths


def with_controls(params: Params, **changes: object) -> Params:
    raw = params.model_dump()
    group = raw["runs"][RUN]["group"]
    raw["controls"] = {"mine": {"group": group, "run": RUN, "classical": ["tv", "wavelet"], "test_set": "tiny"}}
    raw["runs"][RUN] |= changes
    return Params.model_validate(raw)


def test_an_item_has_every_denoiser_image_draw_and_level_once(item):
    _, paths = item
    folder = paths.analysis("controls", "mine")
    table, defect = pd.read_csv(folder / "table.csv"), pd.read_csv(folder / "defect.csv")
    keys = ["denoiser", "wrapped", "image", "draw", "sigma_test"]
    assert len(table) == len(table.drop_duplicates(keys)) == 8 * 2 * 2 * 3
    assert len(defect) == 8 * 1 * 3 and set(defect["image"]) == {"a"}
    assert set(table["sigma_test"]) == {10, 25, 50}
    wrapped = defect[defect["wrapped"]]
    assert wrapped[["paper", "sharp"]].max(axis=None) < 2e-6 < 1e-2 < defect.loc[~defect["wrapped"], "sharp"].max()


def test_the_protocol_is_that_of_the_runs(item):
    """At sigma_train an oracle has the scores of the evaluated run; the inputs have its input PSNR everywhere."""
    params, paths = item
    keys = ["image", "draw", "sigma_test"]
    ours = pd.read_csv(paths.analysis("controls", "mine") / "table.csv").set_index(keys).sort_index()
    theirs = pd.read_csv(paths.evaluated(params, RUN) / "psnr.csv").set_index(keys).sort_index()
    for name in ("oracle", "oracle_about_zero"):
        rows = ours[ours["denoiser"] == name]
        for column in ("input_psnr", "input_psnr_clipped"):
            np.testing.assert_array_equal(rows[column], theirs[column])
        at_training = rows.xs(25, level="sigma_test"), theirs.xs(25, level="sigma_test")
        for column in ("psnr", "ssim"):
            np.testing.assert_array_equal(at_training[0][column], at_training[1][column])


def test_a_run_that_is_wrapped_or_tested_elsewhere_is_refused(item):
    params, paths = item
    with pytest.raises(ValueError, match=rf"controls\.mine: {RUN} is not a baseline trained at one sigma"):
        analyse(with_controls(params, variant="wne"), "mine", paths, CPU)
    with pytest.raises(ValueError, match=r"not a baseline trained at one sigma"):
        analyse(with_controls(params, sigma=(0, 55)), "mine", paths, CPU)
    task = params.tasks["awgn"].model_copy(update={"test_sets": ["other"]})
    with pytest.raises(ValueError, match=rf"{RUN} is not tested on tiny; name one of other"):
        analyse(params.model_copy(update={"tasks": {"awgn": task}}), "mine", paths, CPU)
