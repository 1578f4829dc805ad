"""Muon for the hidden weights and Adam for the rest."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from replication.experiments.optimizers import ADAPTIVE, hidden_weights, optimizers
from wne.models import create_denoiser


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 1), nn.Conv2d(6, 1, 3)
    )


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_moves_a_hidden_convolution_by_an_orthogonal_matrix_of_adams_size(layout):
    """A step is 0.2 rate sqrt(max(rows, columns)) times a matrix whose singular values are all near 1."""
    model = network().to(memory_format=layout)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    chosen = optimizers(model, "muon", 0.1, channels=1, rest_rate=0.01)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    for optimizer in chosen:
        optimizer.step()
    moved = {name: (before[name] - parameter.detach()) for name, parameter in model.named_parameters()}
    for name in ("1.weight", "3.weight"):
        step = moved[name].flatten(1)
        singular = torch.linalg.svdvals(step / (0.1 * 0.2 * math.sqrt(max(step.shape))))
        assert singular.min() > 0.5 and singular.max() < 1.3
    # Adam's first step has the size of its rate for every entry.
    for name in ("0.weight", "0.bias", "2.weight", "4.weight", "4.bias"):
        torch.testing.assert_close(moved[name].abs(), torch.full_like(moved[name], 0.01), rtol=1e-3, atol=1e-5)


def test_hidden_weights_are_those_that_neither_read_nor_write_the_image():
    model = network()
    assert [w is h for w, h in zip((model[1].weight, model[3].weight), hidden_weights(model, 1))] == [True, True]
    swinir = create_denoiser("swinir", "wne", depths=[2], embed_dim=12, heads=3, window=4)
    names = [name for name, p in swinir.named_parameters() if any(p is h for h in hidden_weights(swinir, 1))]
    assert names and not [name for name in names if "bias" in name or "norm" in name]


@pytest.mark.parametrize("name", ["adam", "adamw", "muon"])
@pytest.mark.parametrize("variant", ["wne", "ne_arch"])
def test_every_parameter_has_one_optimizer_at_one_rate(variant, name):
    model = create_denoiser("fdncnn", variant, depth=3, width=4)
    groups = [group for optimizer in optimizers(model, name, 1e-2, channels=1) for group in optimizer.param_groups]
    assert sum(p.numel() for group in groups for p in group["params"]) == sum(p.numel() for p in model.parameters())
    assert {group["initial_lr"] for group in groups} == {1e-2}


def test_muon_leaves_a_frozen_weight_alone():
    model = network()
    model[1].weight.requires_grad_(False)
    before = model[1].weight.clone()
    chosen = optimizers(model, "muon", 0.1, channels=1)
    model(torch.randn(2, 1, 8, 8)).square().mean().backward()
    for optimizer in chosen:
        optimizer.step()
    assert torch.equal(model[1].weight, before)


def test_an_unknown_optimizer_is_named():
    with pytest.raises(ValueError, match="adam, adamw, muon, not 'sgd'"):
        optimizers(network(), "sgd", 1e-2, channels=1)


STORED = {  # how a weight of a hidden layer may lie in memory
    "contiguous": lambda w: w.contiguous(),
    "channels last": lambda w: w.contiguous(memory_format=torch.channels_last),
    "columns the other way round": lambda w: w.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2),
    "every other row": lambda w: torch.cat((w, w), 1).view(-1, *w.shape[1:])[::2],
}


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("stored", STORED)
def test_muon_moves_a_weight_however_it_lies_in_memory(stored, kernel):
    torch.manual_seed(0)
    moved = []
    for layout in ("contiguous", stored):
        model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Conv2d(5, 6, kernel), nn.Conv2d(6, 1, 3))
        start = torch.randn(6, 5, kernel, kernel, generator=torch.Generator().manual_seed(1))
        model[1].weight = nn.Parameter(STORED[layout](start.clone()))
        assert torch.equal(model[1].weight, start)
        muon = optimizers(model, "muon", 0.1, channels=1)[-1]
        model[1].weight.grad = torch.randn(start.shape, generator=torch.Generator().manual_seed(2))
        muon.step()
        moved.append(start - model[1].weight.detach())
    assert moved[0].abs().max() > 0.01
    torch.testing.assert_close(moved[1], moved[0], rtol=0, atol=0.02 * float(moved[0].abs().max()))  # bfloat16 inside


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_muon_moves_weights_of_volumes(layout):
    model = nn.Sequential(nn.Conv3d(1, 5, 3), nn.Conv3d(5, 6, 3), nn.Conv3d(6, 1, 3)).to(memory_format=layout)
    before = model[1].weight.detach().clone()
    muon = optimizers(model, "muon", 0.1, channels=1)[-1]
    model[1].weight.grad = torch.randn_like(before)
    muon.step()
    step = (before - model[1].weight.detach()).flatten(1) / (0.1 * 0.2 * math.sqrt(5 * 27))
    singular = torch.linalg.svdvals(step)
    assert singular.min() > 0.5 and singular.max() < 1.3


def test_a_weight_that_is_no_matrix_in_memory_is_refused():
    model = network()
    model[1].weight = nn.Parameter(torch.randn(4, 6, 3, 5)[..., ::2])
    with pytest.raises(
        ValueError, match=r"shape \(4, 6, 3, 3\) and strides .* is no matrix in memory; make it contiguous"
    ):
        optimizers(model, "muon", 0.1, channels=1)


def test_depthwise_weights_are_adams():
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 6, 1), nn.Conv2d(6, 1, 3))
    assert [w is model[2].weight for w in hidden_weights(model.to(memory_format=torch.channels_last), 1)] == [True]


def test_a_network_without_hidden_weights_is_refused_and_one_without_others_is_not():
    with pytest.raises(ValueError, match="muon is for hidden weights, and this network has none; use adam"):
        optimizers(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, 3)), "muon", 0.1, channels=1)
    assert len(optimizers(nn.Linear(4, 4, bias=False), "muon", 0.1, channels=1)) == 1


def test_weights_that_moved_after_muon_was_made_are_refused():
    model = network()
    muon = optimizers(model, "muon", 0.1, channels=1)[-1]
    model[1].weight.data = model[1].weight.data.clone()
    model[1].weight.grad = torch.ones_like(model[1].weight)
    with pytest.raises(ValueError, match=r"weights have moved since Muon was made; make it after model\.to"):
        muon.step()


def test_an_optimizer_that_a_device_does_not_fuse_says_so(monkeypatch, capsys):
    class Unfused(torch.optim.Adam):
        def __init__(self, parameters: object, lr: float, fused: bool | None = None):
            if fused:
                raise RuntimeError("`fused=True` requires another device")
            super().__init__(parameters, lr=lr)

    monkeypatch.setitem(ADAPTIVE, "adam", Unfused)
    assert type(optimizers(network(), "adam", 0.1, channels=1)[0]) is Unfused
    assert "note: Unfused is not fused here (`fused=True` requires another device)" in capsys.readouterr().err
