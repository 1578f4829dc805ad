"""Training resumes to the last bit, learns, and stops with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from replication.data.degradations import degraded
from replication.data.metrics import psnr
from replication.data.noise import load_test_set, unit_intensity
from replication.data.patches import PatchSampler
from replication.experiments.evaluate import numpy_denoiser
from replication.experiments.train import TrainingError, _training_images, learning_rate, train, training_pair
from replication.experiments.trained import load_run
from replication.study.params import Recipe
from replication.study.rng import torch_generator
from tiny_profile import PAIRED, RUN, tiny_profile
from wne.checkpoints import CheckpointError, load_denoiser, read_config

CPU = torch.device("cpu")


def _checkpoint(paths) -> Path:
    return paths.checkpoints / "cnn" / f"{RUN}.safetensors"


def _weights(paths) -> dict[str, torch.Tensor]:
    return load_file(_checkpoint(paths))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    params, paths = tiny_profile(tmp_path_factory.mktemp("trained"))
    assert train(params, RUN, paths, CPU)
    return params, paths


@pytest.mark.parametrize("sessions", [1, 3])
def test_a_run_that_was_stopped_ends_with_the_same_weights_and_curve(trained, tmp_path, sessions):
    _, whole = trained
    params, paths = tiny_profile(tmp_path)
    for _ in range(sessions):
        assert not train(params, RUN, paths, CPU, max_seconds=0)  # one step, then stopped
        assert not _checkpoint(paths).exists()
    assert train(params, RUN, paths, CPU)
    expected, got = _weights(whole), _weights(paths)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    columns = ["step", "loss", "learning_rate"]
    curves = [pd.read_csv(p.training / f"{RUN}.csv")[columns] for p in (whole, paths)]
    pd.testing.assert_frame_equal(*curves)
    assert not (paths.states / f"{RUN}.pt").exists()


def test_a_paired_run_learns_and_resumes_to_the_last_bit(tmp_path):
    recipe = {"steps": 60, "lr": 1e-2, "schedule": "cosine", "lr_end": 1e-5, "optimizer": "adamw"}
    weights = []
    for sessions in (0, 2):
        params, paths = tiny_profile(tmp_path / str(sessions), recipe=recipe, **PAIRED)
        for _ in range(sessions):
            assert not train(params, RUN, paths, CPU, max_seconds=0)
        assert train(params, RUN, paths, CPU)
        weights.append(_weights(paths))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    loss = pd.read_csv(paths.training / f"{RUN}.csv")["loss"]
    assert loss.iloc[-5:].mean() < 0.5 * loss.iloc[:3].mean()
    clean = next(load_test_set(paths, "tiny"))
    denoised = numpy_denoiser(load_run(paths, params, RUN), CPU)(unit_intensity(clean.noisy))
    assert psnr(denoised, clean.clean_unit()) > psnr(unit_intensity(clean.noisy), clean.clean_unit()) + 1


def test_a_run_with_stochastic_depth_resumes_to_the_last_bit(tmp_path):
    weights = []
    for sessions, drop_path in ((0, 0.5), (2, 0.5), (0, 0.0)):
        params, paths = tiny_profile(
            tmp_path / f"{sessions}-{drop_path}", model="swinir", size={"drop_path": drop_path}, recipe={"steps": 6}
        )
        torch.manual_seed(sessions)  # what the process drew before does not matter
        for _ in range(sessions):
            assert not train(params, RUN, paths, CPU, max_seconds=0)
        assert train(params, RUN, paths, CPU)
        weights.append(_weights(paths))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


@pytest.mark.parametrize("model", ["dncnn", "swinir"])
def test_a_run_with_muon_resumes_to_the_last_bit(tmp_path, model):
    weights = []
    for sessions in (0, 2):
        recipe = {"steps": 6, "lr": 3e-3, "optimizer": "muon"}
        params, paths = tiny_profile(tmp_path / str(sessions), model=model, size={}, recipe=recipe)
        for _ in range(sessions):
            assert not train(params, RUN, paths, CPU, max_seconds=0)
        assert train(params, RUN, paths, CPU)
        weights.append(_weights(paths))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_random_streams_of_the_objectives_without_pairs_are_those_of_committed_results():
    """Pinned sums of the first training batch: published weights were trained on these numbers."""
    image = np.arange(40 * 44, dtype=np.uint32).reshape(40, 44, 1).astype(np.uint8)
    sums = {}
    for objective in ("supervised", "n2n", "soft_ne"):
        generator = torch_generator("training", 0, 0, 0)
        clean = PatchSampler([image], 24).sample(4, generator)
        run = SimpleNamespace(sigma_range=(25, 25), degradation="none")
        task = SimpleNamespace(objective=objective, noise="gaussian")
        noisy, target = training_pair(clean, run, task, generator)
        sums[objective] = (noisy.double().sum().item(), target.double().sum().item())
    assert sums == {
        "supervised": pytest.approx((1143.565595, 1145.474533), rel=1e-7),
        "n2n": pytest.approx((1143.565595, 1150.150400), rel=1e-7),
        "soft_ne": pytest.approx((1559.072462, 1560.532626), rel=1e-7),
    }


def test_pairs_are_cropped_and_turned_alike(tmp_path):
    """Clean is 255 - noisy: so it stays in every crop and orientation, and the crops are not all alike."""
    params, paths = tiny_profile(tmp_path, **PAIRED)
    folder = paths.image_set("tiny-train")
    noisy = np.asarray(Image.open(folder / "a_noisy.png"))
    for name in ("a", "b"):
        Image.fromarray(noisy).save(folder / f"{name}_noisy.png")
        Image.fromarray(255 - noisy).save(folder / f"{name}_clean.png")
    task = params.tasks["awgn"]
    images = _training_images(tmp_path / "data/images", params.run(RUN), task)
    batch = PatchSampler(images, 24).sample(64, torch_generator("alike"))
    first, second = training_pair(batch, params.run(RUN), task, torch_generator("unused"))
    assert first.shape == second.shape == (64, 3, 24, 24)
    assert torch.allclose(first + second, torch.ones(()), atol=1e-6)
    assert len({patch.numpy().tobytes() for patch in first}) > 50


def test_pairs_need_three_channels(tmp_path):
    params, paths = tiny_profile(tmp_path)
    task = SimpleNamespace(objective="paired", channels=1)
    with pytest.raises(TrainingError, match="task awgn has 1 channels"):
        _training_images(paths.root, params.run(RUN), task)


def test_a_killed_run_resumes_from_its_last_state(trained, tmp_path, monkeypatch):
    """Killed without warning in the middle of a step, after the state of step 5."""
    _, whole = trained
    params, paths = tiny_profile(tmp_path)
    real, steps = training_pair, iter(range(100))

    def dies_in_the_eighth_step(*args):
        if next(steps) == 7:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr("replication.experiments.train.training_pair", dies_in_the_eighth_step)
    with pytest.raises(KeyboardInterrupt):
        train(params, RUN, paths, CPU)
    assert torch.load(paths.states / f"{RUN}.pt", weights_only=True)["step"] == 5
    monkeypatch.setattr("replication.experiments.train.training_pair", real)
    assert train(params, RUN, paths, CPU)
    assert all(torch.equal(value, _weights(paths)[name]) for name, value in _weights(whole).items())


def test_a_state_of_other_parameters_is_not_resumed(tmp_path):
    params, paths = tiny_profile(tmp_path)
    train(params, RUN, paths, CPU, max_seconds=0)
    other, _ = tiny_profile(tmp_path, sigma=40)
    train(other, RUN, paths, CPU)
    assert pd.read_csv(paths.training / f"{RUN}.csv")["step"].iloc[0] == 1


def test_a_damaged_state_is_named(tmp_path):
    params, paths = tiny_profile(tmp_path)
    paths.states.mkdir(parents=True)
    (paths.states / f"{RUN}.pt").write_bytes(b"half a file")
    with pytest.raises(TrainingError, match=r"dncnn-wne-s25.pt: damaged"):
        train(params, RUN, paths, CPU)


@pytest.mark.parametrize("step", [-3, 0, 10**9, True, 2.5, None])
def test_a_state_of_a_step_that_training_does_not_save_is_refused(tmp_path, step):
    params, paths = tiny_profile(tmp_path)
    train(params, RUN, paths, CPU, max_seconds=0)
    state = torch.load(paths.states / f"{RUN}.pt", weights_only=True)
    torch.save(state | {"step": step}, paths.states / f"{RUN}.pt")
    with pytest.raises(TrainingError, match=rf"damaged training state \(step {step} of \d+\); delete it"):
        train(params, RUN, paths, CPU)


@pytest.mark.parametrize("part", ["fingerprint", "step", "rows", "model", "optimizers"])
def test_a_state_that_lacks_a_part_is_refused(tmp_path, part):
    params, paths = tiny_profile(tmp_path)
    train(params, RUN, paths, CPU, max_seconds=0)
    state = torch.load(paths.states / f"{RUN}.pt", weights_only=True)
    del state[part]
    torch.save(state, paths.states / f"{RUN}.pt")
    with pytest.raises(TrainingError, match=rf"damaged training state \('{part}'\); delete it"):
        train(params, RUN, paths, CPU)


def test_training_learns(tmp_path):
    """Constant images: the loss falls far below that of the untrained network."""
    params, paths = tiny_profile(tmp_path, recipe={"steps": 60, "lr": 1e-2})
    train(params, RUN, paths, CPU)
    loss = pd.read_csv(paths.training / f"{RUN}.csv")["loss"]
    assert loss.iloc[-5:].mean() < 0.5 * loss.iloc[:3].mean()


def test_wrapped_and_bare_start_from_the_same_weights_and_see_the_same_noise(tmp_path):
    curves = {}
    for variant in ("wne", "baseline"):
        params, paths = tiny_profile(tmp_path / variant, variant=variant, recipe={"steps": 1, "lr": 1e-30})
        train(params, RUN, paths, CPU)
        curves[variant] = _weights(paths)
    trainable = [n for n in curves["baseline"] if "running" not in n]
    for name in trainable:
        torch.testing.assert_close(curves["wne"][f"backbone.{name}"], curves["baseline"][name], rtol=0, atol=1e-20)


def test_a_loss_that_is_not_finite_stops_the_run_and_writes_no_weights(tmp_path, monkeypatch):
    params, paths = tiny_profile(tmp_path)
    monkeypatch.setattr("replication.experiments.train.training_pair", lambda clean, *_: (clean * torch.nan, clean))
    with pytest.raises(TrainingError, match=f"run {RUN}: the loss is nan at step 1"):
        train(params, RUN, paths, CPU)
    assert not _checkpoint(paths).exists()


def test_results_say_what_was_trained_how_long_on_what(trained):
    params, paths = trained
    facts = json.loads((paths.training / f"{RUN}.json").read_text())
    assert facts["fingerprint"] == params.fingerprint(RUN)
    assert facts["config"]["recipe"]["steps"] == facts["steps"] == 12
    assert facts["parameters"] == sum(
        v.numel() for n, v in _weights(paths).items() if "running" not in n and "num_" not in n
    )
    # Apart from it: what the machine took, another in every run.
    cost = json.loads((paths.cost / f"{RUN}.json").read_text())
    assert {"run", "seconds", "device", "threads", "versions", "date"} == cost.keys()
    assert not {"seconds", "date"} & facts.keys()


RECIPE = {"loss": "mse", "steps": 100, "batch": 1, "patch": 1, "lr": 1.0, "optimizer": "adam"}


def test_schedules():
    def rates(**schedule):
        recipe = Recipe(**{**RECIPE, "halve_every": None, "lr_end": None, **schedule})
        return np.array([learning_rate(recipe, step) for step in range(100)])

    assert np.all(rates(schedule="constant") == 1)
    assert np.array_equal(
        rates(schedule="halving", halve_every=40)[[0, 39, 40, 79, 80, 99]], [1, 1, 0.5, 0.5, 0.25, 0.25]
    )
    one_cycle = rates(schedule="one_cycle")
    assert one_cycle.argmax() in (4, 5) and one_cycle.max() == 1 and one_cycle[-1] < 1e-3
    cosine = rates(schedule="cosine", lr_end=0.1)
    assert cosine[0] == 1 and np.all(np.diff(cosine) < 0) and cosine[-1] == pytest.approx(0.1, abs=1e-3)


def _pair(objective: str, noise: str = "gaussian", sigma: object = 25):
    clean = torch.rand(64, 1, 32, 32, generator=torch_generator("clean"))
    run = SimpleNamespace(sigma_range=sigma if isinstance(sigma, tuple) else (sigma, sigma), degradation="none")
    task = SimpleNamespace(objective=objective, noise=noise)
    return clean, *training_pair(clean, run, task, torch_generator("pair"))


@pytest.mark.parametrize(("noise", "mean"), [("gaussian", 0), ("uniform", 0), ("laplace", 0), ("rayleigh", 1.913)])
def test_supervised_pairs_have_the_noise_asked_for(noise, mean):
    clean, noisy, target = _pair("supervised", noise)
    residual = (noisy - clean) * 255 / 25
    assert torch.equal(target, clean)
    assert residual.mean().item() == pytest.approx(mean, abs=0.02)
    assert residual.std().item() == pytest.approx(1, abs=0.02)


def test_noise2noise_pairs_have_independent_noise():
    clean, noisy, target = _pair("n2n")
    first, second = noisy - clean, target - clean
    assert second.std().item() == pytest.approx(25 / 255, rel=0.02)
    assert abs(torch.corrcoef(torch.stack((first.flatten(), second.flatten())))[0, 1].item()) < 0.02


def test_soft_ne_transforms_input_and_target_alike():
    clean, noisy, target = _pair("soft_ne")
    alpha = target.flatten(1).std(1) / clean.flatten(1).std(1)
    mu = target.flatten(1).mean(1) - alpha * clean.flatten(1).mean(1)
    assert alpha.min() > 0 and alpha.max() < 1 and mu.min() > -1e-5 and mu.max() < 1
    spread = (noisy - target).flatten(1).std(1) / (alpha * 25 / 255)
    assert torch.allclose(spread, torch.ones(64), atol=0.15)


def test_a_range_of_sigmas_is_drawn_uniformly_one_an_image():
    clean, noisy, _ = _pair("supervised", sigma=(0, 55))
    sigma = (noisy - clean).flatten(1).std(1) * 255
    assert sigma.min() < 6 and sigma.max() > 49
    assert sigma.mean().item() == pytest.approx(27.5, abs=5 * 55 / 12**0.5 / 8)


def test_checkpoint_knows_its_configuration_and_refuses_others(trained):
    params, paths = trained
    config, fingerprint = read_config(_checkpoint(paths))
    assert config["variant"] == "wne" and fingerprint == params.fingerprint(RUN)
    assert load_run(paths, params, RUN)(torch.rand(1, 1, 9, 9)).shape == (1, 1, 9, 9)
    other, _ = tiny_profile(paths.root, sigma=40)
    with pytest.raises(CheckpointError, match=r"sigma: 25(\.0)? != 40.*replicate train dncnn-wne-s25"):
        load_run(paths, other, RUN)


def test_missing_damaged_and_foreign_checkpoints_are_named(trained, tmp_path):
    _, paths = trained
    with pytest.raises(CheckpointError, match="replicate train absent"):
        load_denoiser(tmp_path / "absent.safetensors")
    whole = _checkpoint(paths).read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"\x80\x04pickle"):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            load_denoiser(tmp_path / "bad.safetensors")
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointError, match="has weights but not the network"):
        load_denoiser(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize("degradation", ["blur", "downsample"])
def test_a_degraded_pair_has_the_noise_of_the_plain_one(tmp_path, degradation):
    """y = D x + sigma n with the draws of y = x + sigma n; the target is x."""
    params, _ = tiny_profile(tmp_path)
    run, task = params.run(RUN), params.tasks["awgn"]
    clean = torch.rand((2, 1, 24, 24), generator=torch_generator("degraded"))
    plain, _ = training_pair(clean, run, task, torch_generator("pair"))
    changed = run.model_copy(update={"degradation": degradation})
    noisy, target = training_pair(clean, changed, task, torch_generator("pair"))
    assert target is clean
    torch.testing.assert_close(noisy - plain, degraded(clean, degradation) - clean, atol=1e-6, rtol=0)
    assert params.fingerprint(RUN) != params.model_copy(update={"runs": {RUN: changed}}).fingerprint(RUN)
