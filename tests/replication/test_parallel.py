"""One run on two processes (gloo): the weights of one process up to the order of summation, and the same files."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from torch import Tensor, nn

from replication.experiments.parallel import ALONE, Processes, joined
from replication.experiments.states import TrainingError
from replication.experiments.synchronized import SynchronizedBatchNorm2d, synchronize
from replication.experiments.train import train
from tiny_profile import PAIRED, RUN, tiny_profile

CPU = torch.device("cpu")


class Kind(NamedTuple):
    """Changes of the tiny profile, and the bound on the difference of weights, over the largest change in training."""

    changes: dict
    bound: float


# Adam divides by the size of the gradient, which makes much of its last bits where it is small.
# Muon rounds its orthogonal matrix to bfloat16, which makes a last bit of the gradient 2^-8 of a step.
KINDS = {
    "fdncnn": Kind({"model": "fdncnn", "variant": "wne"}, 1e-3),
    "dncnn": Kind({}, 1e-3),
    "stochastic depth": Kind({"model": "swinir", "size": {"drop_path": 0.5}}, 1e-3),
    "muon": Kind({"recipe": {"optimizer": "muon"}}, 1e-2),
    "pairs": Kind({**PAIRED, "variant": "baseline"}, 1e-3),
}
RESUMED = "fdncnn"


def profile(root: Path, kind: str, **recipe: object):
    changes = {key: dict(value) if isinstance(value, dict) else value for key, value in KINDS[kind].changes.items()}
    changes["recipe"] = {"steps": 8, **changes.get("recipe", {}), **recipe}
    params, paths = tiny_profile(root, **changes)
    return params.model_copy(update={"precision": "float32"}), paths


def _one_of_two(rank: int, jobs: list[tuple]) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    with joined(CPU) as (processes, device):
        for params, paths, max_seconds in jobs:
            finished = train(params, RUN, paths, device, max_seconds, processes)
            assert finished == (max_seconds is None)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """<kind>/one and two: trained by that many processes; one-two and two-one: begun by one number, ended by the other."""
    root = tmp_path_factory.mktemp("parallel")
    for kind in KINDS:
        params, paths = profile(root / kind / "one", kind)
        assert train(params, RUN, paths, CPU)
    jobs = [(*profile(root / kind / "two", kind), None) for kind in KINDS]
    begun, other = profile(root / "one-two", RESUMED), profile(root / "two-one", RESUMED)
    assert not train(begun[0], RUN, begun[1], CPU, max_seconds=0)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # or gloo looks for the address of the machine's name
    # Forked: a new interpreter would import for longer than it trains.
    mp.start_processes(_one_of_two, ([*jobs, (*begun, None), (*other, 0)],), nprocs=2, start_method="fork")
    assert train(other[0], RUN, other[1], CPU)
    return root


def _weights(root: Path, kind: str) -> dict[str, Tensor]:
    params, paths = profile(root, kind)
    return load_file(paths.checkpoint(params, RUN))


def _difference(one: dict[str, Tensor], two: dict[str, Tensor], fresh: dict[str, Tensor]) -> float:
    """Largest over weights of the largest difference, over the largest change in training."""
    assert one.keys() == two.keys()
    return max(
        float((one[n] - two[n]).abs().max() / (one[n] - fresh[n]).abs().max())
        for n in one
        if one[n].is_floating_point()
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_train_the_weights_of_one(trained, tmp_path, kind):
    params, paths = profile(tmp_path, kind, lr=1e-30)
    train(params, RUN, paths, CPU)  # keeps the weights of the start
    one, two = (_weights(trained / kind / which, kind) for which in ("one", "two"))
    fresh = load_file(paths.checkpoint(params, RUN))
    fresh |= {name: torch.zeros_like(value) for name, value in fresh.items() if "running" in name}
    assert _difference(one, two, fresh) < KINDS[kind].bound
    curves = [pd.read_csv(profile(trained / kind / w, kind)[1].training / f"{RUN}.csv") for w in ("one", "two")]
    pd.testing.assert_frame_equal(*curves, rtol=1e-3 if kind != "muon" else 1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["two-one", "one-two"])
def test_a_run_goes_on_with_another_number_of_processes(trained, which):
    whole, resumed = _weights(trained / RESUMED / "one", RESUMED), _weights(trained / which, RESUMED)
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_one_process_writes_and_says_how_many_there_were(trained):
    _, paths = profile(trained / RESUMED / "two", RESUMED)
    assert json.loads((paths.cost / f"{RUN}.json").read_text())["processes"] == 2
    assert not list(paths.states.iterdir())


def test_one_process_has_the_whole_batch_and_its_own_layers():
    batch, model = torch.rand(5, 1, 2, 2), nn.Sequential(nn.BatchNorm2d(3))
    ALONE.synchronize(model)
    assert ALONE.part(batch) is batch and type(model[0]) is nn.BatchNorm2d and ALONE.averaged(model, CPU) is model


def test_parts_make_the_batch():
    batch = torch.rand(6, 1, 2, 2)
    assert torch.equal(torch.cat([Processes(rank, 3).part(batch) for rank in range(3)]), batch)


@pytest.mark.parametrize("layer", [nn.Dropout(0.1), nn.BatchNorm1d(3)])
def test_layers_that_cannot_see_the_whole_batch_are_named(layer):
    kind = type(layer).__name__
    with pytest.raises(TrainingError, match=rf"body\.1 is a {kind}, which depends on the whole batch; train with one"):
        synchronize(nn.ModuleDict({"body": nn.Sequential(nn.Dropout(0.0), layer)}), 0, 2)


@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("affine", [True, False])
def test_synchronized_batch_norm_of_one_process_is_batch_norm(monkeypatch, affine, momentum):
    monkeypatch.setattr("replication.experiments.synchronized._mean", lambda value: value.clone())
    monkeypatch.setattr("torch.distributed.get_world_size", lambda: 1)
    plain = nn.BatchNorm2d(4, affine=affine, momentum=momentum)
    for parameter in plain.parameters():
        nn.init.uniform_(parameter, 0.5, 2)
    ours = SynchronizedBatchNorm2d(4, affine=affine, momentum=momentum)
    ours.load_state_dict(plain.state_dict())
    for _ in range(2):
        x = (3 * torch.randn(5, 4, 6, 7) + 2).requires_grad_()
        results = []
        for layer in (plain, ours):
            y = layer(x)
            gradient = torch.autograd.grad(y.pow(3).sum(), [x, *layer.parameters()])
            results.append([y, *gradient, layer.running_mean, layer.running_var, layer.num_batches_tracked])
        for one, other in zip(*results):
            torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    x = torch.randn(2, 4, 3, 3)
    torch.testing.assert_close(ours.eval()(x), plain.eval()(x))


def test_a_batch_without_equal_parts_is_refused_in_one_line(tmp_path):
    params, paths = profile(tmp_path, "dncnn", batch=3)
    with pytest.raises(TrainingError, match="recipe cnn: a batch of 3 has no 2 equal parts; use a number of processes"):
        train(params, RUN, paths, CPU, processes=Processes(0, 2))
