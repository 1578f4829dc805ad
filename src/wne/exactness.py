"""How exact f(a y + b 1) = a f(y) + b 1 is in floating point, here and by the formulas in the paper and its code.

    here      s = sqrt(mean((y - m)^2)), z = (y - m) / s, 0 where s = 0; statistics in float32 or better   (Eqs. 3, 6)
    text      s as above, z = (y - m) / (s + 1e-5), everything in the dtype of the image     (Section 3 of the paper)
    code      s with d - 1, z = (y - m) / s without a guard, everything in the dtype of the image  (its published code)

and f(y) = s g(z) + m in all three. The error of a case is

    max |f(a y + b 1) - (a f(y) + b 1)| / (a std(y)),

in standard deviations of the image, f(y) and the expected value in float64 by the same formula with the same g, so that it
shows what the formula and its rounding do to the image of the case, and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from wne.compatibility import LIMIT
from wne.wrapper import NormalizationEquivariant

SIZE = 48  # of the test image


class TextFormula(nn.Module):
    """The paper's text: an epsilon of 1e-5 added to the deviation."""

    def __init__(self, backbone: nn.Module):
        super().__init__()
        self.backbone = backbone

    def forward(self, y: Tensor) -> Tensor:
        over = tuple(range(1, y.ndim))
        mean, std = y.mean(over, keepdim=True), y.std(over, correction=0, keepdim=True)
        return std * self.backbone((y - mean) / (std + 1e-5)) + mean


class CodeFormula(TextFormula):
    """The published code: the sample deviation, unguarded."""

    def forward(self, y: Tensor) -> Tensor:
        over = tuple(range(1, y.ndim))
        mean, std = y.mean(over, keepdim=True), y.std(over, keepdim=True)
        return std * self.backbone((y - mean) / std) + mean


FORMULAS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "here": NormalizationEquivariant,
    "text": TextFormula,
    "code": CodeFormula,
}


class Case(NamedTuple):
    """y in [0, 1] becomes a y + b 1 in `dtype`."""

    name: str
    dtype: torch.dtype
    a: float
    b: float


CASES = (
    Case("float64, a = 3, b = -7", torch.float64, 3.0, -7.0),
    Case("float32, a = 3, b = -7", torch.float32, 3.0, -7.0),
    Case("float32, values to 1e-8", torch.float32, 1e-8, 0.0),
    Case("float32, values to 1e-4", torch.float32, 1e-4, 0.0),
    Case("float32, values to 255", torch.float32, 255.0, 0.0),
    Case("float32, values to 65535", torch.float32, 65535.0, 0.0),
    Case("float32, values to 1e8", torch.float32, 1e8, 0.0),
    Case("float32, contrast 1 on an offset of 1e4", torch.float32, 1.0, 1e4),
    Case("float32, contrast 1 on an offset of 1e6", torch.float32, 1.0, 1e6),
    Case("bfloat16, values to 1", torch.bfloat16, 1.0, 0.0),
    Case("bfloat16, values to 255", torch.bfloat16, 255.0, 0.0),
    Case("float16, values to 1", torch.float16, 1.0, 0.0),
    Case("float16, values to 6e4", torch.float16, 6e4, 0.0),
)


def error(formula: Callable[[nn.Module], nn.Module], backbone: nn.Module, y: Tensor, case: Case) -> float:
    """The error of a case; NaN or inf where f has no finite answer.

    Args:
        backbone: in float64.
        y: (1, C, H, W), float64, in [0, 1], not constant.

    The image that f sees is the float64 value of a y + b 1 rounded to the dtype; so is the one that the expected
    value belongs to, in which y is (image - b) / a. The rounding of the image itself is no error of f.
    """
    image = (case.a * y + case.b).to(case.dtype)
    unscaled = (image.double() - case.b) / case.a
    reference = formula(copy.deepcopy(backbone)).double().eval()
    rounded = formula(copy.deepcopy(backbone)).to(case.dtype).eval()
    with torch.no_grad():
        expected = case.a * reference(unscaled) + case.b
        got = rounded(image).double()
    return float((got - expected).abs().max() / (case.a * unscaled.std(correction=0)))


def constant_error(formula: Callable[[nn.Module], nn.Module], backbone: nn.Module, value: float) -> float:
    """max |f(c 1) - c| / c in float32, where it should be 0."""
    y = torch.full((1, 1, SIZE, SIZE), value)
    with torch.no_grad():
        return float((formula(copy.deepcopy(backbone)).float().eval()(y) - y).abs().max() / value)


def others_of_the_batch(formula: Callable[[nn.Module], nn.Module], backbone: nn.Module, y: Tensor, bad: float) -> float:
    """The largest change of the other images of a batch when one has an entry `bad`; 0 is right."""
    f = formula(copy.deepcopy(backbone)).float().eval()
    batch = torch.cat([y, y.flip(2), y.flip(3)]).float()
    spoilt = batch.clone()
    spoilt[1, 0, 0, 0] = bad
    with torch.no_grad():
        return float((f(spoilt) - f(batch))[[0, 2]].abs().max())


def rows(backbone: nn.Module, y: Tensor) -> list[tuple[str, dict[str, float]]]:
    """The whole table: a case, and its error by each formula."""
    table = [(case.name, {key: error(make, backbone, y, case) for key, make in FORMULAS.items()}) for case in CASES]
    for value in (0.1, 255.0):
        found = {key: constant_error(make, backbone, value) for key, make in FORMULAS.items()}
        table.append((f"float32, constant {value:g}", found))
    for bad in (float("nan"), float("inf")):
        found = {key: others_of_the_batch(make, backbone, y, bad) for key, make in FORMULAS.items()}
        table.append((f"float32, {bad} in another image of the batch", found))
    return table


def page(
    exact: list[tuple[str, dict[str, float]]], compatible: dict[str, dict[str, float | str]], versions: str
) -> str:
    """docs/exactness.md from what was measured.

    Args:
        exact: of `rows`.
        compatible: check -> network -> its deviation, or why it could not be run.
    """
    networks = list(next(iter(compatible.values())))
    lines = [
        "# Exactness and compatibility",
        "",
        f"<!-- made by `wne exactness`: {versions} -->",
        "",
        "## f(a y + b 1) = a f(y) + b 1 in floating point",
        "",
        "Largest error in standard deviations of the image, around the published DnCNN of sigma 25, on a test image of",
        f"{SIZE} x {SIZE} pixels; `inf` and `nan`: no finite answer. *Text* is the formula in the paper (epsilon of 1e-5),",
        "*code* that of its published code (sample deviation, no guard); both in the dtype of the image, where the wrapper",
        "here takes its statistics in float32 or better. Each formula is compared with itself in float64 at a = 1, b = 0.",
        "",
        "| y in [0, 1] becomes a y + b 1 | here | text | code |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(_number(found[key]) for key in FORMULAS)} |" for name, found in exact),
        "",
        "Constant images: |f(c 1) - c| / c, which should be 0. Other image of the batch: the change of the images beside",
        "the one with a NaN or an infinity, which should be 0. Rounding is 1e-7 of the largest value in float32, 8e-3 in",
        "bfloat16 and 1e-3 in float16, of one operation; a network has many, and an offset takes its digits from the contrast.",
        "",
        "## What a wrapped network goes through",
        "",
        "Largest deviation from the same network run as it is: of the output in standard deviations of the image, for",
        "training of the gradient, relative to its largest entry. Autocast: the equivariance defect under autocast. On the",
        "CPU; small networks with random weights. DataParallel had no GPU, where it passes through. Traced with dynamic shapes,",
        "networks ran at another batch, height and width as well (a batch of one: trace it as such). To machine code they were",
        "compiled for each size, `torch.compile(f, dynamic=False)`, which is what to use for networks that pad to a multiple:",
        f"torch's algebra on symbolic sizes takes long for them. A check that took over {LIMIT} s was broken off, on two busy cores.",
        "The ConvNeXt was exported at an image of one cell of its coarsest features, and its program refuses others: trace it at",
        "two cells or more. The plain ViT has no forward derivative (jvp), because torch's fused attention has none.",
        "",
        f"| | {' | '.join(networks)} |",
        f"|---|{'---|' * len(networks)}",
        *(
            f"| {check} | {' | '.join(_cell(cells[network]) for network in networks)} |"
            for check, cells in compatible.items()
        ),
        "",
    ]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:.0e}" if 0 < value < float("inf") else f"{value:g}"


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else _number(value)
