"""Compilation, export, ONNX, autocast, parallel training, checkpointing and transforms of wrapped networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backbones import backbone
from benchmarks.compatibility import CHECKS, autocast, compiled, exported
from conftest import random_images
from wne import NormalizationEquivariant

pytestmark = pytest.mark.slow  # compilation and export take minutes

# Rounding of float32, and for autocast of bfloat16 (2^-8) through some layers.
ALLOWED = {name: 1e-4 for name in CHECKS} | {"autocast to bfloat16": 0.05}


@pytest.mark.filterwarnings("ignore::Warning")  # of the exporters, about each other
@pytest.mark.parametrize("name", ["dncnn", "unet"])
@pytest.mark.parametrize("check", CHECKS)
def test_small_networks_go_through_everything(check, name):
    f = NormalizationEquivariant(backbone(name))
    assert CHECKS[check](f, random_images(2, 1, 16, 24, dtype=torch.float32)) <= ALLOWED[check]


@pytest.mark.filterwarnings("ignore::Warning")
def test_transformers_export():
    f = NormalizationEquivariant(backbone("restormer"))
    assert exported(f, random_images(2, 1, 16, 24, dtype=torch.float32)) <= 1e-4


def test_a_mask_compiles_with_the_wrapper():
    f, y = NormalizationEquivariant(backbone("dncnn")), random_images(2, 1, 16, 24, dtype=torch.float32)
    mask = y > 0.3
    torch.compiler.reset()
    with torch.no_grad():
        compiled_f = torch.compile(f, fullgraph=True, backend="aot_eager")
        torch.testing.assert_close(compiled_f(y, mask=mask), f(y, mask=mask))


def test_the_checks_can_fail():
    class Unstable(nn.Module):
        """Another answer in a compiled graph than outside."""

        def forward(self, y):
            return y + 0.1 if torch.compiler.is_compiling() else y

    assert compiled(Unstable(), random_images(1, 1, 8, 8, dtype=torch.float32)) > 0.1
    assert autocast(backbone("dncnn"), random_images(1, 1, 16, 16, dtype=torch.float32)) > 0.5
