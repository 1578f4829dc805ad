"""How exact f(a y + b 1) = a f(y) + b 1 is in floating point, here and by the formulas in the paper and its code.

    here      s = sqrt(mean((y - m)^2)), z = (y - m) / s, 0 where s = 0; statistics in float32 or better   (Eqs. 3, 6)
    text      z = (y - m) / (s + 1e-5)                    (formulas.py)
    code      s with d - 1, z = (y - m) / s               (formulas.py)

and f(y) = s g(z) + m in all three. The error of a case is

    max |f(a y + b 1) - (a f(y) + b 1)| / (a std(y)),

in standard deviations of the image, f(y) and the expected value in float64 by the same formula with the same g, so that it
shows what the formula and its rounding do to the image of the case, and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from skimage import data
from torch import Tensor, nn

from benchmarks.compatibility import LIMIT, Table, measure
from benchmarks.formulas import CodeFormula, TextFormula
from wne.checkpoints import load_denoiser
from wne.files import write_text
from wne.wrapper import NormalizationEquivariant

SIZE = 48  # of the test image
GRADIENT_SCALES = (1e-30, 1e-22, 1.0, 1e19, 1e30)


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
    Case("float32, values to 1e-30", torch.float32, 1e-30, 0.0),
    Case("float32, values to 1e-22", torch.float32, 1e-22, 0.0),
    Case("float32, values to 1e-8", torch.float32, 1e-8, 0.0),
    Case("float32, values to 1e-4", torch.float32, 1e-4, 0.0),
    Case("float32, values to 255", torch.float32, 255.0, 0.0),
    Case("float32, values to 65535", torch.float32, 65535.0, 0.0),
    Case("float32, values to 1e8", torch.float32, 1e8, 0.0),
    Case("float32, values to 1e19", torch.float32, 1e19, 0.0),
    Case("float32, values to 1e30", torch.float32, 1e30, 0.0),
    Case("float32, contrast 1e30 on an offset of 1e30", torch.float32, 1e30, 1e30),
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


def gradient_error(formula: Callable[[nn.Module], nn.Module], backbone: nn.Module, y: Tensor, a: float) -> float:
    """The largest error of the gradient of sum(w f(a y)) / a in float32, relative to its largest entry in float64.

    w is the image turned around. f is homogeneous of degree 1, so the gradient with respect to a y times a is that at
    a = 1 in exact arithmetic.
    """
    found = []
    for dtype, scale in ((torch.float64, 1.0), (torch.float32, a)):
        f = formula(copy.deepcopy(backbone)).to(dtype).eval()
        image = (scale * y).to(dtype).requires_grad_()
        loss = (y.flip(2, 3).to(dtype) * (f(image) / scale)).sum()
        found.append(scale * torch.autograd.grad(loss, image)[0].double())
    return float((found[1] - found[0]).abs().max() / found[0].abs().max())


def large_image_error(formula: Callable[[nn.Module], nn.Module], a: float) -> float:
    """The error of a 2048 x 2048 image of values to `a` in float32, around tanh."""
    side = torch.linspace(0, 1, 2048, dtype=torch.float64)
    return error(formula, nn.Tanh(), (side[:, None] * side)[None, None], Case("", torch.float32, a, 0.0))


def rows(backbone: nn.Module, y: Tensor) -> list[tuple[str, dict[str, float]]]:
    """The whole table: a case, and its error by each formula."""
    table = [(case.name, {key: error(make, backbone, y, case) for key, make in FORMULAS.items()}) for case in CASES]
    found = {key: large_image_error(make, 1e18) for key, make in FORMULAS.items()}
    table.append(("float32, 2048 x 2048 pixels, values to 1e18", found))
    for a in GRADIENT_SCALES:
        found = {key: gradient_error(make, backbone, y, a) for key, make in FORMULAS.items()}
        table.append((f"float32, gradient, values to {a:g}", found))
    for value in (1e-30, 0.1, 255.0, 1e30):
        found = {key: constant_error(make, backbone, value) for key, make in FORMULAS.items()}
        table.append((f"float32, constant {value:g}", found))
    for bad in (float("nan"), float("inf")):
        found = {key: others_of_the_batch(make, backbone, y, bad) for key, make in FORMULAS.items()}
        table.append((f"float32, {bad} in another image of the batch", found))
    return table


def page(exact: list[tuple[str, dict[str, float]]], compatible: Table, versions: str) -> str:
    """docs/exactness.md from what was measured; `exact` of `rows`, `compatible` of `compatibility.measure`."""
    networks = list(next(iter(compatible.values())))
    notes = _Notes()
    measured = [
        f"| {check} | {' | '.join(notes.cell(cells[network]) for network in networks)} |"
        for check, cells in compatible.items()
    ]
    lines = [
        "# Exactness and compatibility",
        "",
        f"<!-- made by `python -m benchmarks.exactness`: {versions} -->",
        "",
        "## f(a y + b 1) = a f(y) + b 1 in floating point",
        "",
        "Largest error in standard deviations of the image, around the reduced-size DnCNN of sigma 25 in",
        f"`results/bsd400/weights`, on a test image of {SIZE} x {SIZE} pixels; `inf` and `nan`: no finite answer. *Text* is the formula",
        "in the paper (epsilon of 1e-5), *code* that of its published code (sample deviation, no guard); both in the dtype of",
        "the image, where the wrapper here takes its statistics in float32 or better. Each formula is compared with itself in float64 at",
        "a = 1, b = 0.",
        "",
        "| y in [0, 1] becomes a y + b 1 | here | text | code |",
        "|---|---|---|---|",
        *(f"| {name} | {' | '.join(_number(found[key]) for key in FORMULAS)} |" for name, found in exact),
        "",
        "Gradient: of a weighted sum of f(y) with respect to y, relative to its largest entry. Constant images:",
        "|f(c 1) - c| / c, which should be 0. Other image of the batch: the change of the images beside the one with a NaN or",
        "an infinity, which should be 0. Rounding is 1e-7 of the largest value in float32, 8e-3 in bfloat16 and 1e-3 in",
        "float16, of one operation; a network has many, and a large offset leaves fewer digits for the contrast.",
        "",
        "## Compatibility: compilation, export, parallel training",
        "",
        "Largest deviation from the same network run as it is: of the output in standard deviations of the image, for",
        "training of the gradient, relative to its largest entry. Autocast: the equivariance defect under autocast. On the",
        "CPU; small networks with random weights; *code*: the formula of the published code around the same network.",
        "DataParallel had no GPU, where it passes through. Traced with dynamic shapes, networks ran at another batch, height",
        "and width as well (a batch of one: trace it as such). We compiled them to machine code once per size,",
        "`torch.compile(f, dynamic=False)`; with dynamic shapes we traced them once and ran the trace. A check that took",
        f"over {LIMIT} s was broken off.",
        "",
        f"| | {' | '.join(networks)} |",
        f"|---|{'---|' * len(networks)}",
        *measured,
        "",
        *notes.lines,
    ]
    return "\n".join(lines).rstrip() + "\n"


class _Notes:
    """Numbered notes under the table: what torch said where a check failed, each message once."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def cell(self, value: float | str) -> str:
        if not isinstance(value, str):
            return _number(value)
        name, _, message = value.partition(": ")
        if not message:
            return value
        if message not in self.messages:
            self.messages.append(message)
        return f"{name} ({self.messages.index(message) + 1})"

    @property
    def lines(self) -> list[str]:
        return [f"{number}. `{message}`" for number, message in enumerate(self.messages, 1)]


def _number(value: float) -> str:
    return f"{value:.0e}" if 0 < value < float("inf") else f"{value:g}"


def main() -> None:
    """Measures docs/exactness.md, on one photograph through the released weights; some minutes."""
    image = torch.from_numpy(data.camera()[100 : 100 + SIZE, 200 : 200 + SIZE].astype("float64") / 255)
    backbone = load_denoiser("results/bsd400/weights/dncnn-wne-s25.safetensors").backbone.double()
    text = page(rows(backbone, image[None, None]), measure(), f"torch {torch.__version__}, CPU")
    write_text(Path(__file__).parents[1] / "docs/exactness.md", text)


if __name__ == "__main__":
    main()
