"""The sampler of App. N against closed forms, on linear denoisers and on a prior whose best denoiser is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor

import replication.experiments.sampler
from conftest import random_images, tiny_denoiser
from replication.data.metrics import psnr, ssim
from replication.data.noise import TestImage
from replication.experiments.measurements import BlockAverage, LowFrequencies, Nothing, RandomPixels, random_mask
from replication.experiments.sampler import (
    Settings,
    Trajectory,
    initial_state,
    iterate,
    noise_factor,
    sample,
    step_size,
)
from replication.study.params import Sampler
from replication.study.rng import torch_generator, uniform_field

SIDE = 64
D = SIDE**2


def _streams(count: int, *name: str | int) -> list[torch.Generator]:
    return [torch_generator("tests", "sampler", *name, index) for index in range(count)]


def _pull(factor: float, centre: float = 0.3):
    """D(y) = c y + (1 - c) m."""
    return lambda y: factor * y + (1 - factor) * centre


def _rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def _mask(share: float, side: int = SIDE) -> RandomPixels:
    return RandomPixels(random_mask(share, side, side, "tests")[None])


def _states(denoise, project, measured, start, settings, name="states"):
    return list(iterate(denoise, project, measured, start, settings, _streams(len(start), name)))


# --- the update


def test_steps_grow_from_h0_to_one_by_hand():
    assert step_size(1, 0.01) == 0.01
    assert step_size(2, 0.01) == pytest.approx(0.02 / 1.01)
    assert step_size(101, 0.01) == pytest.approx(1.01 / 2)
    assert step_size(10**9, 0.01) == pytest.approx(1, abs=1e-6)


def test_injected_noise_by_hand():
    assert noise_factor(0.5, 1) == 0
    assert noise_factor(0.5, 0) == pytest.approx(np.sqrt(0.75))
    assert noise_factor(0.2, 0.5) == pytest.approx(np.sqrt(0.81 - 0.64))


@pytest.mark.parametrize("factor", [-0.5, 0.0, 0.7, 1.4])
def test_denoising_without_noise_is_a_product_of_contractions(factor, generator):
    """P = 0, beta = 1: y_t - m = prod_s (1 - h_s (1 - c)) (y_0 - m), and sigma_hat = |1 - c| ||y - m|| / sqrt(d)."""
    start = 0.3 + torch.randn(2, 1, 8, 8, generator=generator, dtype=torch.float64)
    states = _states(_pull(factor), Nothing(), torch.zeros_like(start), start, Settings(0.0, 0.05, 1.0, 30))
    assert [state.step for state in states] == list(range(31))
    t = np.arange(1, 31)
    h = 0.05 * t / (1 + 0.05 * (t - 1))
    for state, decay in zip(states, np.cumprod([1, *(1 - h * (1 - factor))])):
        torch.testing.assert_close(state.y - 0.3, decay * (start - 0.3))
        expected = abs((1 - factor) * decay) * (start - 0.3).flatten(1).square().mean(1).sqrt()
        torch.testing.assert_close(state.sigma, expected)


def test_it_stops_before_the_first_update_with_a_small_residual():
    """D(y) = 0 from ||y_0|| / sqrt(d) = 1: sigma_hat is the product of all 1 - h_s."""
    start = torch.ones(1, 1, 4, 4, dtype=torch.float64)
    h = [step_size(t, 0.01) for t in range(1, 400)]
    decay = np.cumprod([1, *(1 - np.array(h))])
    expected = int(np.argmax(decay <= 0.01))
    result = sample(
        torch.zeros_like, Nothing(), torch.zeros_like(start), start, Settings(0.01, 0.01, 1.0, 400), _streams(1), start
    )[0]
    assert (result.outcome, result.steps) == ("converged", expected)
    np.testing.assert_allclose(result.sigma, decay[: expected + 1])
    assert result.sigma[-1] <= 0.01 < result.sigma[-2]


def test_where_nothing_is_left_to_do_no_update_is_made():
    start = torch.zeros(1, 1, 4, 4)
    result = sample(_pull(0.5, 0.0), Nothing(), start, start, Settings(1e-3, 0.01, 1.0, 9), _streams(1), start)[0]
    assert (result.outcome, result.steps, result.sigma) == ("converged", 0, [0.0])


@pytest.mark.parametrize("beta", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("factor", [0.0, 0.6])
def test_the_variance_with_injected_noise_follows_its_recursion(beta, factor):
    """P = 0: s_t^2 = (1 - h (1 - c))^2 s_{t-1}^2 + ((1 - beta h)^2 - (1 - h)^2) (1 - c)^2 s_{t-1}^2.

    For c = 0 this is s_t = (1 - beta h) s_{t-1}. 1.5 % is four standard errors of 4 x 128 x 128 values.
    """
    start = 0.3 + torch.randn(4, 1, 128, 128, generator=torch_generator("tests", "variance"))
    states = _states(_pull(factor), Nothing(), torch.zeros_like(start), start, Settings(0.0, 0.1, beta, 12), "variance")
    for before, state in pairwise(states):
        h = step_size(state.step, 0.1)
        noise = ((1 - beta * h) ** 2 - (1 - h) ** 2) * (1 - factor) ** 2
        shrinkage = np.sqrt((1 - h * (1 - factor)) ** 2 + noise)
        assert _rms(state.y - 0.3) / _rms(before.y - 0.3) == pytest.approx(shrinkage, rel=0.015)
        if factor == 0:
            assert shrinkage == pytest.approx(1 - beta * h)


def test_both_subspaces_follow_the_formulas_of_the_appendix():
    """A mask of half the pixels, D(y) = c y + (1 - c) m: on them u = x_c - y, elsewhere u = (1 - c) (m - y)."""
    project, factor, settings = _mask(0.5, side=256), 0.4, Settings(0.0, 0.1, 0.3, 10)
    measured = project(random_images(1, 1, 256, 256))
    start = initial_state(measured, project, 1.0, _streams(1, "start"))
    states = _states(_pull(factor), project, measured, start, settings)
    target = torch.where(project.kept, measured, torch.full_like(measured, 0.3))
    for before, state in pairwise(states):
        h = step_size(state.step, settings.h0)
        inside, outside = (_rms((before.y - target)[where]) for where in (project.kept, ~project.kept))
        sigma = np.sqrt((inside**2 + ((1 - factor) * outside) ** 2) / 2)
        assert float(before.sigma[0]) == pytest.approx(sigma)
        gamma = np.sqrt((1 - settings.beta * h) ** 2 - (1 - h) ** 2) * sigma
        inside, outside = np.hypot((1 - h) * inside, gamma), np.hypot((1 - h * (1 - factor)) * outside, gamma)
        assert _rms((state.y - target)[project.kept]) == pytest.approx(inside, rel=0.015)
        assert _rms((state.y - target)[~project.kept]) == pytest.approx(outside, rel=0.015)


def test_the_start_has_the_measurement_and_grey_with_noise_on_both():
    project = _mask(0.3)
    clean = random_images(1, 1, SIDE, SIDE)
    start = initial_state(project(clean), project, 0.2, _streams(1))
    noise = start - torch.where(project.kept, clean, torch.full_like(clean, 0.5))
    for where in (project.kept, ~project.kept):
        assert float(noise[where].mean()) == pytest.approx(0, abs=5 * 0.2 / float(where.sum()) ** 0.5)
        assert float(noise[where].std()) == pytest.approx(0.2, rel=0.08)


# --- what comes out


def _gaussian_prior_denoiser(mean: float, deviation: float):
    """The least-squares denoiser of x ~ N(m, tau^2 I) for noise of unknown level.

    m + tau^2 / s^2 (y - m) with s^2 = tau^2 + sigma^2, which ||y - m||^2 / d estimates as well as one likes
    for many pixels.
    """

    def denoise(y: Tensor) -> Tensor:
        power = (y - mean).square().mean(dim=(1, 2, 3), keepdim=True)
        return mean + (deviation**2 / power).clamp(max=1) * (y - mean)

    return denoise


def test_it_samples_a_gaussian_prior():
    """From noise of 1 it ends where sigma_hat = s - tau^2 / s <= sigma_L: s between tau and tau + sigma_L / 2 or so."""
    mean, deviation = 0.5, 0.15
    streams = _streams(2, "prior")
    start = initial_state(torch.zeros(2, 1, SIDE, SIDE), Nothing(), 1.0, streams)
    results = sample(
        _gaussian_prior_denoiser(mean, deviation), Nothing(), torch.zeros_like(start), start,
        Settings(0.01, 0.01, 0.5, 1000), streams, torch.full_like(start, mean),
    )  # fmt: skip
    for result in results:
        assert result.outcome == "converged"
        s = np.sqrt(np.mean((result.restored - mean) ** 2))
        assert deviation <= s <= deviation + 0.006
        assert result.restored.mean() == pytest.approx(mean, abs=float(4 * s / SIDE))
    assert abs(np.corrcoef(results[0].restored.ravel(), results[1].restored.ravel())[0, 1]) < 0.1


@pytest.mark.parametrize("project", [_mask(0.2), BlockAverage(4), LowFrequencies(0.1, SIDE, SIDE)])
def test_measurements_hold_at_the_end_and_nothing_else_is_copied(project):
    clean = random_images(2, 1, SIDE, SIDE)
    measured = project(clean)
    start = initial_state(measured, project, 1.0, _streams(2))
    results = sample(
        _gaussian_prior_denoiser(0.5, 0.1), project, measured, start, Settings(0.02, 0.02, 0.1, 500), _streams(2), clean
    )
    restored = torch.from_numpy(np.stack([result.restored for result in results]))
    torch.testing.assert_close(project(restored), measured)
    assert _rms(restored - clean) > 0.1
    assert {result.outcome for result in results} == {"converged"}


def test_an_image_that_is_wholly_observed_comes_back():
    clean = random_images(1, 1, 8, 8)
    project = _mask(1.0, side=8)
    start = initial_state(project(clean), project, 1.0, _streams(1))
    settings = Settings(0.01, 0.01, 0.01, 2000)
    result = sample(_pull(-3.0), project, project(clean), start, settings, _streams(1), clean)[0]
    assert result.outcome == "converged"
    np.testing.assert_allclose(result.restored, clean[0].numpy(), rtol=0, atol=1e-15)


def test_a_trajectory_has_the_quality_of_its_projected_states():
    project, clean = BlockAverage(2), random_images(1, 1, 16, 16)
    measured = project(clean)
    start = initial_state(measured, project, 0.5, _streams(1, "quality"))
    settings = Settings(1e-3, 0.05, 0.5, 20)
    states = _states(_pull(0.2), project, measured, start, settings, "quality")
    result = sample(_pull(0.2), project, measured, start, settings, _streams(1, "quality"), clean)[0]
    assert (result.outcome, result.steps, len(result.sigma)) == ("unfinished", 20, 21)
    for state, value, error in zip(states, result.psnr, result.error):
        restored = (measured + state.y - project(state.y))[0].numpy()
        assert value == pytest.approx(psnr(np.clip(restored, 0, 1), clean[0].numpy()))
        assert error == pytest.approx(_rms(state.y - clean))
    np.testing.assert_allclose(result.restored, restored)
    first = _pull(0.2)(start)
    np.testing.assert_allclose(result.one_pass, (measured + first - project(first))[0].numpy())


# --- batches and failures


def test_a_batch_gives_what_its_images_give_alone():
    """Three images that stop at different steps, with a mask each."""
    clean = random_images(3, 1, 16, 16, dtype=torch.float32)
    masks = torch.stack([random_mask(0.3, 16, 16, "batch", index) for index in range(3)])
    denoise, settings = _gaussian_prior_denoiser(0.5, 0.1), Settings(0.03, 0.02, 0.1, 300)

    def run(images: list[int]) -> list[Trajectory]:
        project = RandomPixels(masks[images])
        streams = [torch_generator("batch", index) for index in images]
        measured = project(clean[images])
        start = initial_state(measured, project, torch.tensor([0.2, 1.0, 3.0])[images, None, None, None], streams)
        return sample(denoise, project, measured, start, settings, streams, clean[images])

    together = run([0, 1, 2])
    assert len({result.steps for result in together}) == 3
    for index, result in enumerate(together):
        alone = run([index])[0]
        assert (result.outcome, result.steps) == (alone.outcome, alone.steps)
        np.testing.assert_allclose(result.restored, alone.restored, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(result.sigma, alone.sigma, rtol=1e-3)


def test_finished_images_are_not_denoised_again():
    sizes = []

    def denoise(y: Tensor) -> Tensor:
        sizes.append(len(y))
        return torch.zeros_like(y)

    start = torch.ones(2, 1, 4, 4) * torch.tensor([0.1, 1.0])[:, None, None, None]
    results = sample(
        denoise, Nothing(), torch.zeros_like(start), start, Settings(0.05, 0.1, 1.0, 99), _streams(2), start
    )
    assert sizes == [2] * (results[0].steps + 1) + [1] * (results[1].steps - results[0].steps)
    assert 0 < results[0].steps < results[1].steps


def test_divergence_is_reported_with_the_last_finite_state():
    """D(y) = 7 y and h near 1: y grows sevenfold a step until ||u|| is no float32 any more."""
    start = torch.full((1, 1, 4, 4), 0.5)
    result = sample(_pull(7.0, 0.0), Nothing(), torch.zeros_like(start), start, Settings(0.01, 0.5, 1.0, 400),
                    _streams(1), 0.1 * start)[0]  # fmt: skip
    assert result.outcome == "diverged" and 20 < result.steps < 400
    assert np.isfinite(result.restored).all() and np.isfinite(result.psnr).all()
    assert not np.isfinite(result.sigma[-1]) and np.isfinite(result.sigma[:-1]).all()


def test_one_image_that_fails_leaves_the_others_alone():
    def denoise(y: Tensor) -> Tensor:
        failed = (y.flatten(1)[:, :1] > 2)[:, :, None, None]
        return torch.where(failed, torch.nan, 0.5 * y)

    start = torch.ones(2, 1, 4, 4) * torch.tensor([3.0, 1.0])[:, None, None, None]
    settings = Settings(0.01, 0.1, 1.0, 400)
    failed, other = sample(denoise, Nothing(), torch.zeros_like(start), start, settings, _streams(2), start)
    alone = sample(denoise, Nothing(), torch.zeros_like(start[1:]), start[1:], settings, _streams(2)[1:], start[1:])[0]
    assert (failed.outcome, failed.steps) == ("diverged", 0)
    np.testing.assert_array_equal(failed.restored, start[0].numpy())
    assert other.outcome == "converged" and other.sigma == alone.sigma


# --- equivariance


def _trajectory_of(denoise, a: float, b: float) -> list:
    """The problem a x + b 1 with everything else scaled along, and the same random numbers."""
    project, clean = _mask(0.3, side=16), random_images(1, 1, 16, 16)
    measured = project(clean)
    start = initial_state(measured, project, 1.0, _streams(1, "equivariance"))
    scaled = project(a * clean + b), a * start + b
    return _states(denoise, project, *scaled, Settings(0.0, 0.05, 0.2, 25), "equivariance path")


@pytest.mark.parametrize(("a", "b"), [(0.02, 0.0), (1.0, -7.0), (30.0, 4.0)])
def test_with_an_equivariant_denoiser_a_rescaled_problem_has_the_rescaled_trajectory(a, b):
    """D(a y + b 1) = a D(y) + b 1 gives u' = a u and sigma_hat' = a sigma_hat for any P: y_t' = a y_t + b 1."""
    wrapped, bare = (tiny_denoiser("dncnn", variant) for variant in ("wne", "baseline"))
    for one, other in zip(_trajectory_of(wrapped, 1.0, 0.0), _trajectory_of(wrapped, a, b)):
        torch.testing.assert_close(other.y, a * one.y + b, rtol=1e-8, atol=1e-8 * a)
        torch.testing.assert_close(other.sigma, a * one.sigma)
    ends = [_trajectory_of(bare, *scale)[-1].y for scale in ((1.0, 0.0), (a, b))]
    assert float((ends[1] - (a * ends[0] + b)).abs().max()) > 0.01 * a


# --- an item of params.samplers


class _Fixture:
    """Two grey images and a colourless denoiser instead of a test set and a checkpoint."""

    def __init__(self, monkeypatch, **changes: object):
        facts = {"group": "n2n", "operator": "random_pixels", "amount": 0.25, "test_set": "tiny", "crop": 16}
        facts |= {"sigma_start": 255.0, "sigma_stop": 2.55, "h0": 0.05, "beta": 0.1, "steps": 40}
        facts |= {"pictures": ["b"], "runs": ["shrink", "fail"]}
        self.spec = Sampler.model_validate(facts | changes)
        field = np.rint(2048 * (uniform_field((1, 20, 22, 1), "field") - 0.5)).astype(np.int16)
        self.test_sets = [
            TestImage(name, np.rint(255 * uniform_field((20, 22, 1), name)).astype(np.uint8), {"gaussian": field})
            for name in ("a", "b")
        ]
        models = {"shrink": _gaussian_prior_denoiser(0.5, 0.2), "fail": lambda y: y * torch.nan}
        monkeypatch.setattr(replication.experiments.sampler, "load_run", lambda paths, params, run, device: models[run])
        monkeypatch.setattr(
            replication.experiments.sampler, "load_test_set", lambda paths, test_set: iter(self.test_sets)
        )

    def analyse(self, root) -> pd.DataFrame:
        from replication.study.paths import ProfilePaths

        analyse_item(self.spec, ProfilePaths("tiny", root))
        self.folder = root / "results/tiny/samplers/item"
        return pd.read_csv(self.folder / "table.csv").set_index(["run", "image"])


class _Params:
    """What `analyse` asks of params."""

    def __init__(self, spec: Sampler):
        self.samplers, self.seed = {"item": spec}, 0

    def analysis_fingerprint(self, section: str, name: str) -> str:
        return f"{section} {name}"


def analyse_item(spec: Sampler, paths) -> None:
    replication.experiments.sampler.analyse(_Params(spec), "item", paths, torch.device("cpu"))


def test_an_item_writes_its_tables_and_pictures(monkeypatch, tmp_path):
    fixture = _Fixture(monkeypatch)
    table = fixture.analyse(tmp_path)
    assert list(table.index) == [("shrink", "a"), ("shrink", "b"), ("fail", "a"), ("fail", "b")]
    assert (table.loc["fail", "outcome"] == "diverged").all() and (table.loc["fail", "steps"] == 0).all()
    assert table.loc["fail", "one_pass_psnr"].isna().all() and table.loc["fail", "psnr"].notna().all()
    assert (table["best_psnr"] >= table["psnr"]).all()
    shared = table[["observed_psnr", "observed_ssim"]]
    pd.testing.assert_frame_equal(shared.loc["shrink"], shared.loc["fail"])

    clean, observed, restored = (
        np.asarray(Image.open(fixture.folder / f"b-{key}.png")) for key in ("clean", "observed", "shrink")
    )
    np.testing.assert_array_equal(clean, fixture.test_sets[1].clean[2:18, 3:19, 0])  # the middle 16 x 16 of 20 x 22
    kept = random_mask(0.25, 16, 16, 0, "item", "tiny", "b")[0].numpy()
    np.testing.assert_array_equal(observed, np.where(kept, clean, 0))
    np.testing.assert_array_equal(restored[kept], clean[kept])
    unit = (observed[None] / np.float32(255), clean[None] / np.float32(255))
    assert table.loc[("shrink", "b"), "observed_psnr"] == pytest.approx(psnr(*unit), abs=1e-4)
    assert table.loc[("shrink", "b"), "observed_ssim"] == pytest.approx(ssim(*unit), abs=1e-4)
    assert sorted(path.name for path in fixture.folder.glob("*.png")) == [
        f"b-{key}.png" for key in ("clean", "fail", "observed", "shrink")
    ]


def test_a_written_trajectory_has_its_ends_and_agrees_with_the_table(monkeypatch, tmp_path):
    monkeypatch.setattr(replication.experiments.sampler, "_POINTS", 10)
    fixture = _Fixture(monkeypatch)
    table = fixture.analyse(tmp_path)
    trajectory = pd.read_csv(fixture.folder / "trajectory.csv")
    for key, rows in trajectory.groupby(["run", "image"]):
        assert rows["step"].iloc[0] == 0 and rows["step"].iloc[-1] == table.loc[key, "steps"]
        assert rows["psnr"].iloc[-1] == pytest.approx(table.loc[key, "psnr"], rel=1e-4)
        assert len(rows) <= 11
    first = trajectory[(trajectory["run"] == "shrink") & (trajectory["step"] == 0)]
    assert first["error"].to_numpy() == pytest.approx(255, rel=0.2)  # sigma_start


def test_denoising_starts_from_the_noise_of_the_test_set(monkeypatch, tmp_path):
    changes = {"operator": "none", "amount": None, "sigma_start": 25.0, "beta": 1.0, "runs": ["shrink"]}
    fixture = _Fixture(monkeypatch, **changes)
    table = fixture.analyse(tmp_path)
    image = fixture.test_sets[0]
    clean, noise = (x[:, 2:18, 3:19] for x in (image.clean_unit(), image.field_unit("gaussian", 0)))
    noisy = clean + np.float32(25 / 255) * noise
    assert table.loc[("shrink", "a"), "observed_psnr"] == pytest.approx(psnr(noisy, clean), abs=1e-4)
    one_pass = _gaussian_prior_denoiser(0.5, 0.2)(torch.from_numpy(noisy)[None])[0].numpy()
    assert table.loc[("shrink", "a"), "one_pass_psnr"] == pytest.approx(psnr(np.clip(one_pass, 0, 1), clean), abs=1e-4)


def test_blocks_crop_the_image_to_what_they_fill(monkeypatch, tmp_path):
    fixture = _Fixture(monkeypatch, operator="block_average", amount=4, crop=None, runs=["shrink"])
    fixture.analyse(tmp_path)
    assert Image.open(fixture.folder / "b-clean.png").size == (20, 20)  # of 22 x 20


def test_an_unknown_picture_and_a_missing_noise_are_named(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match=r"samplers\.item\.pictures: tiny has no image called c"):
        _Fixture(monkeypatch, pictures=["c"]).analyse(tmp_path)
    fixture = _Fixture(monkeypatch, operator="none", amount=None)
    fixture.test_sets = [image._replace(fields={}) for image in fixture.test_sets]
    with pytest.raises(ValueError, match=r"samplers\.item: tiny has no gaussian noise"):
        fixture.analyse(tmp_path)
