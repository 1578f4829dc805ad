"""Muon for the hidden weights and Adam for the rest."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from replication.experiments.optimizers import hidden_weights, optimizers
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
