"""FLOPs, bytes and operations are those that formulas give, without a tensor that holds data; and the bound on the time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from replication.experiments.counting import count_all, counted
from replication.results.counts import counts_table, roofline
from replication.results.files import CollectError
from replication.study.params import Card, Params, load_params
from replication.study.paths import ProfilePaths
from tiny_profile import tiny_profile
from wne import create_denoiser

ROOT = Path(__file__).resolve().parents[2]
FLOAT32 = 4


def test_flops_and_bytes_of_a_convolution_are_those_of_the_formula():
    layer, y = nn.Conv2d(3, 8, 5, padding=2), torch.rand(2, 3, 16, 12)
    (row,) = counted(layer, y).itertuples()
    assert (row.operation, row.calls, row.flops) == ("convolution", 1, 2 * 2 * 8 * 16 * 12 * 3 * 5 * 5)
    assert row.bytes == FLOAT32 * (y.numel() + 3 * 8 * 5 * 5 + 8 + 2 * 8 * 16 * 12)


def test_an_addition_reads_two_and_writes_one_and_views_cost_nothing():
    a, b = torch.rand(6, 10), torch.rand(10, 6)
    (row,) = counted(lambda: (a[1:].view(5, 10) + b.t()[1:]).reshape(50)).itertuples()
    assert (row.operation, row.calls, row.flops, row.bytes) == ("add", 1, 0, 3 * FLOAT32 * 50)


def test_what_is_overwritten_is_not_read_and_a_broadcast_tensor_is_read_once():
    x, row = torch.rand(8, 10), torch.rand(1, 10)
    made = counted(lambda: torch.empty_like(x).fill_(1.0).mul_(row.expand(8, 10))).set_index("operation")["bytes"]
    assert made.to_dict() == {"fill_": FLOAT32 * 80, "mul_": FLOAT32 * (80 + 10 + 80)}


@pytest.mark.parametrize("variant", ["baseline", "wne", "se_arch", "ne_arch"])
@pytest.mark.parametrize("is_training", [True, False])
def test_tensors_without_data_count_as_real_ones(variant, is_training):
    model = create_denoiser("fdncnn", variant, depth=3, width=4)

    def step(y: torch.Tensor) -> None:
        with torch.set_grad_enabled(is_training):
            loss = model(y).square().mean()
        if is_training:
            loss.backward()
            model.zero_grad(set_to_none=True)

    y = torch.rand(2, 1, 9, 8)
    real = counted(step, y)
    with FakeTensorMode(allow_non_fake_inputs=True):
        fake = counted(step, torch.empty(2, 1, 9, 8))
    assert real.equals(fake) and len(real) > 2


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[Params, ProfilePaths]:
    """FDnCNN of the paper's size and shape, counted."""
    params = load_params(ROOT / "profiles/paper/params.yaml")
    families = {"fdncnn": params.timing.families["fdncnn"]}
    params = params.model_copy(update={"timing": params.timing.model_copy(update={"families": families})})
    paths = ProfilePaths("paper", tmp_path_factory.mktemp("counted"))
    count_all(params, paths)
    return params, paths


def test_the_wrapper_adds_less_than_a_hundredth_and_ne_arch_more_than_the_half(published):
    table = counts_table(*published).drop_duplicates(["mode", "variant"]).set_index(["mode", "variant"])
    convolution = 2 * 16 * 128**2 * 9 * (18 * 64 * 64 + 2 * 64)  # all layers, a multiplication and an addition each
    for mode in ("training", "inference"):
        baseline, wne, ne_arch = (table.loc[(mode, variant)] for variant in ("baseline", "wne", "ne_arch"))
        assert wne["flops"] == ne_arch["flops"] == baseline["flops"]
        assert baseline["bytes"] < wne["bytes"] < 1.01 * baseline["bytes"] < 1.5 * baseline["bytes"] < ne_arch["bytes"]
        assert 0 < wne["operations"] - baseline["operations"] < 30
        assert 1 < wne["ratio"] < 1.02 and ne_arch["ratio"] > 1.5  # on the paper's card
    assert table.loc[("inference", "baseline"), "flops"] == convolution
    # Twice that for the gradients, but none for the input image.
    assert table.loc[("training", "baseline"), "flops"] == 3 * convolution - 2 * 16 * 128**2 * 9 * 64


def test_the_bound_adds_the_slower_of_arithmetic_and_memory_and_a_launch():
    rows = pd.DataFrame({"flops": [4e12, 0], "bytes": [1e12, 3e12], "calls": [2, 5]})
    card = Card(title="", teraflops=2, terabytes=4, launch=10)
    assert roofline(rows, card) == pytest.approx(2 * 2 + 5 * 0.75 + 7 * 1e-5)


def test_counts_of_another_shape_are_refused(tmp_path):
    params, paths = tiny_profile(tmp_path)
    count_all(params, paths)
    assert set(counts_table(params, paths)["card"]) == set(params.cards)
    file = paths.counts / "fdncnn.csv"
    pd.read_csv(file).assign(height=7).to_csv(file, index=False)
    with pytest.raises(CollectError, match=r"counts of fdncnn .*replicate counts"):
        counts_table(params, paths)
