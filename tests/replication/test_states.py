"""Training states whose content is wrong are refused in one line, before the first step."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from replication.experiments.states import TrainingError
from replication.experiments.train import train
from tiny_profile import RUN, tiny_profile

CPU = torch.device("cpu")
VALUES = [
    None,
    True,
    -1,
    0,
    7,
    10**30,
    0.5,
    float("nan"),
    float("inf"),
    "x",
    b"x",
    [],
    {},
    [1],
    {"a": 1},
    (),
    torch.ones(2),
]


@pytest.fixture(scope="module", params=["adam", "muon"])
def stopped(request, tmp_path_factory):
    """A run of four steps that was stopped after one, and its state."""
    recipe = {"steps": 4, "optimizer": request.param}
    params, paths = tiny_profile(tmp_path_factory.mktemp(request.param), recipe=recipe)
    assert not train(params, RUN, paths, CPU, max_seconds=0)
    file = paths.states / f"{RUN}.pt"
    return params, paths, file, torch.load(file, weights_only=True)


def places(node: object, path: tuple = ()) -> Iterator[tuple]:
    """The way to everything inside nested containers."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def damaged(state: dict, chance: random.Random) -> tuple[dict, str]:
    """A copy with one thing replaced, removed, added, or, of a tensor, of another shape or type; and what was done."""
    state = copy.deepcopy(state)
    *way, key = chance.choice([place for place in places(state) if place != ("fingerprint",)])
    parent = state
    for step in way:
        parent = parent[step]
    old = parent[key]
    match chance.randrange(4):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent["another"] = old
        case 2 if isinstance(old, Tensor):
            others = [old[None], old.flatten()[:-1], old.double(), old.bool(), old.to("meta"), old.to_sparse(), -old]
            parent[key] = chance.choice(others)
        case _:
            parent[key] = chance.choice(VALUES)
    return state, f"{'.'.join(map(str, (*way, key)))} = {parent.get(key, 'gone') if isinstance(parent, dict) else '?'}"


def test_damaged_content_is_read_or_refused_in_one_line(stopped):
    params, paths, file, state = stopped
    chance, refused = random.Random(2), 0
    for _ in range(60):
        content, what = damaged(state, chance)
        torch.save(content, file)
        try:
            train(params, RUN, paths, CPU)
        except TrainingError as error:
            refused += 1
            assert ("\n" not in str(error) and "; delete it" in str(error)) or "the loss is nan" in str(error), what
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
    assert refused > 30


WRONG = {
    "rows": ([{"step": 1, "loss": 0.1}], "rows are not those of 1 steps"),
    "seconds": ("3", "seconds are '3'"),
    "loss_sum": (None, "loss_sum is None"),
    "loss_count": (2.0, r"loss_count is 2\.0"),
    "optimizers": ([], "other optimizers"),
    "model": ({}, "weights of another network"),
    "fingerprint": (3, "fingerprint is no text"),
}


@pytest.mark.parametrize("part", WRONG)
def test_a_part_of_the_wrong_kind_is_named(stopped, part):
    params, paths, file, state = stopped
    value, line = WRONG[part]
    torch.save(state | {part: value}, file)
    with pytest.raises(TrainingError, match=rf"{RUN}\.pt: damaged training state \({line}\); delete it"):
        train(params, RUN, paths, CPU)


def test_moments_of_another_shape_are_refused_before_the_first_step(stopped):
    params, paths, file, state = stopped
    state = copy.deepcopy(state)
    entry = state["optimizers"][-1]["state"][0]
    name = next(name for name in entry if name != "step")
    entry[name] = entry[name][..., :-1]
    torch.save(state, file)
    with pytest.raises(TrainingError, match=rf"{name} of parameter 0 is torch.float32 \(.*\), not torch.float32"):
        train(params, RUN, paths, CPU)
    del state["optimizers"][-1]["state"][0]
    torch.save(state, file)
    with pytest.raises(TrainingError, match="an optimizer lacks parameter 0"):
        train(params, RUN, paths, CPU)


def test_moments_in_another_order_of_memory_are_the_same_state(stopped):
    params, paths, file, state = stopped
    weights = []
    for layout in (torch.channels_last, torch.contiguous_format):
        content = copy.deepcopy(state)
        for entry in (entry for optimizer in content["optimizers"] for entry in optimizer["state"].values()):
            entry |= {k: v.contiguous(memory_format=layout) for k, v in entry.items() if v.ndim == 4}
        torch.save(content, file)
        assert train(params, RUN, paths, CPU)
        weights.append(paths.checkpoint(params, RUN).read_bytes())
    assert weights[0] == weights[1]


def test_a_state_that_may_not_be_read_is_not_called_damaged(stopped, monkeypatch):
    params, paths, file, state = stopped
    torch.save(state, file)

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(torch, "load", refuses)
    with pytest.raises(TrainingError, match=rf"{RUN}\.pt: cannot be read \(Permission denied\)"):
        train(params, RUN, paths, CPU)
