"""What makes a step fast on a GPU, as far as a CPU can tell: nothing waits, compilation fails safely, the benchmark counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.throughput import measure
from replication.experiments.compiled import compiled_network
from replication.experiments.parallel import ALONE
from replication.experiments.train import Steps
from tiny_profile import RUN, tiny_profile

CPU = torch.device("cpu")
SHAPE = (2, 1, 16, 16)
# Operations whose result the host needs: on a GPU it waits for them.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique", "_unique2"}


class Waiting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        name = operation._schema.name.removeprefix("aten::")
        has_mask = name == "index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in WAITING or has_mask:
            self.found.append(name)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("objective", ["supervised", "n2n", "soft_ne"])
@pytest.mark.parametrize(("model", "size"), [("dncnn", {}), ("swinir", {"drop_path": 0.5})])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_no_step_waits_for_the_device(tmp_path, optimizer, model, size, objective):
    recipe = {"optimizer": optimizer}
    params, _ = tiny_profile(tmp_path, model=model, size=dict(size), objective=objective, recipe=recipe)
    steps = Steps(params, RUN, [np.zeros((40, 40, 1), np.uint8)], CPU)
    steps(0)
    with Waiting() as waiting:
        loss = steps(1)
    assert waiting.found == []
    with Waiting() as waiting:
        float(loss)
    assert waiting.found == ["_local_scalar_dense"]


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 3, padding=1)).train()


def compiles_in(monkeypatch, *working: str) -> list[str]:
    """torch.compile that works in some modes alone, and otherwise fails once the network has been called; the modes tried."""
    tried = []

    def compile(model: nn.Module, mode: str) -> nn.Module:
        tried.append(mode)

        class Compiled(nn.Module):
            def forward(self, y):
                result = model(y)
                if mode not in working:
                    raise RuntimeError(f"no kernel in {mode}\nand many lines more")
                return result

        return Compiled()

    monkeypatch.setattr(torch, "compile", compile)
    return tried


@pytest.mark.parametrize("working", [["reduce-overhead", "default"], ["default"], []])
def test_compilation_that_fails_is_named_and_leaves_no_trace(monkeypatch, capsys, working):
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tried = compiles_in(monkeypatch, *working)
    result = compiled_network(model, SHAPE, CPU, torch.float32, ALONE)
    failed = [mode for mode in ("reduce-overhead", "default") if mode not in working]
    notes = [f"note: torch.compile(mode={m!r}) does not work here (RuntimeError: no kernel in {m})" for m in failed]
    notes += [] if working else ["note: training without compilation, which is slower"]
    assert capsys.readouterr().err.splitlines() == notes
    assert (result is model) == (not working) and tried[len(failed) :] == working[:1]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_benchmark_counts_the_flops_of_a_step(tmp_path):
    """A step of DnCNN with depth 3 and width 8: 2 FLOPs for each multiplication of its convolutions, three times, but for
    the gradient of the input."""
    params, _ = tiny_profile(tmp_path, variant="baseline")
    found = measure(params, RUN, CPU, seconds=0.05)
    pixels, products = 4 * 24 * 24, [9 * 8, 9 * 8 * 8, 9 * 8]
    assert found.flops == 2 * pixels * (3 * sum(products) - products[0])
    assert found.steps_per_second > 0 and found.share > 0 and found.peak > 1e6 and found.waits is None
    assert "not compiled, batch 4 of 24 x 24: " in str(found) and "% of" in str(found)


def test_the_peak_of_a_data_sheet(tmp_path):
    params, _ = tiny_profile(tmp_path)
    card = next(iter(params.cards))
    found = measure(params, RUN, CPU, card=card, seconds=0.05)
    assert found.peak == params.cards[card].teraflops * 1e12 and params.cards[card].title in found.peak_source
    with pytest.raises(ValueError, match="cards has no 'abacus'; known: "):
        measure(params, RUN, CPU, card="abacus")
