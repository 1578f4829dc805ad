"""The paper's theorems as numbers, in float64 and with numpy alone: a second, independent writing of the formulas.

    T(y) = (y - mean(y) 1) / std(y),   0 for a constant y                                        (Eq. 6)
    W_g(y) = std(y) g(T(y)) + mean(y) 1                                                          (Eq. 7)
    f NE  <=>  f = W_g for a g on M = {mean 0, std 1}, namely f restricted to M                  (Char. 1)
    ||W_g(y) - x||^2 = std(y)^2 ||g(T(y)) - x~||^2,   x~ = (x - mean(y) 1) / std(y)              (Prop. 3)
    y - std(y) h(T(y)) = W_g(y)   for g(z) = z - h(z)                                            (App. F)

Errors are relative to the contrast of the image: max |difference| / (a std(y)), with a = 1 where no affine map is
applied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from replication.study.rng import uniform_field

Image = np.ndarray
Map = Callable[[Image], Image]

_SHAPE = (12, 15)
_IMAGES = 40


class Check(NamedTuple):
    """The largest error over n images; `small`: whether it must vanish, or on the contrary be visible."""

    name: str
    error: float
    n: int
    small: bool


def normalize(y: Image) -> Image:
    """T(y) of Eq. 6."""
    std = y.std()
    return (y - y.mean()) / std if std > 0 else np.zeros_like(y)


def wrap(g: Map) -> Map:
    """W_g of Eq. 7."""
    return lambda y: y.std() * g(normalize(y)) + y.mean()


def _neighbours(y: Image) -> Image:
    """(9, H, W): each pixel and its neighbours, periodic."""
    return np.stack([np.roll(y, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)])


# NE by their form: order statistics and averages with weights that sum to 1, and steps of degree 1 in y.
EQUIVARIANT: dict[str, Map] = {
    "median filter": lambda y: np.median(_neighbours(y), axis=0),
    "middle of the extremes": lambda y: 0.5 * (_neighbours(y).min(axis=0) + _neighbours(y).max(axis=0)),
    "over-relaxed mean": lambda y: 2.5 * _neighbours(y).mean(axis=0) - 1.5 * y,
    "sorted pixels": lambda y: np.sort(y, axis=None).reshape(y.shape),
    "clipped step": lambda y: y + np.clip(np.roll(y, 1, 0) - y, -0.2 * np.ptp(y), 0.2 * np.ptp(y)),
}
# Without any symmetry, discontinuous ones among them.
ARBITRARY: dict[str, Map] = {
    "square": lambda z: z**2 + 0.5,
    "threshold": lambda z: (z > 0.3).astype(float),
    "position": lambda z: z * np.arange(z.shape[1]),
    "sine of sums": lambda z: np.sin(3 * z.cumsum(axis=0)),
    "constant": lambda z: np.full_like(z, 3.0),
}


def _images(purpose: str) -> list[Image]:
    """Images of many brightnesses and contrasts, the same at each call."""
    fields = uniform_field((_IMAGES, *_SHAPE), "theory", purpose)
    contrast = 10.0 ** np.linspace(-1.5, 1.5, _IMAGES)
    offset = np.linspace(-3, 3, _IMAGES)
    return [c * (field + b) for c, b, field in zip(contrast, offset, fields)]


def characterization() -> list[Check]:
    """Necessity, sufficiency, constants and uniqueness of Characterization 1, and what must not hold."""
    images = _images("characterization")
    return [
        Check(
            "necessity", max(_distance(f, wrap(f), y) for f in EQUIVARIANT.values() for y in images), 5 * _IMAGES, True
        ),
        Check("sufficiency", max(_defect(wrap(g), y) for g in ARBITRARY.values() for y in images), 5 * _IMAGES, True),
        Check("constants", max(_constant_error(wrap(g)) for g in ARBITRARY.values()), 5 * 3, True),
        Check("uniqueness", max(_on_m(g, y) for g in ARBITRARY.values() for y in images), 5 * _IMAGES, True),
        Check(
            "a map that is not NE", min(_distance(g, wrap(g), y) for g in _CURVED for y in images), 2 * _IMAGES, False
        ),
    ]


def identities() -> list[Check]:
    """Proposition 3, and the residual form of Appendix F."""
    pairs = list(zip(_images("noisy"), _images("clean")))
    return [
        Check("Prop. 3", max(_mse_error(g, y, x) for g in ARBITRARY.values() for y, x in pairs), 5 * _IMAGES, True),
        Check("App. F", max(_residual_error(h, y) for h in ARBITRARY.values() for y, _ in pairs), 5 * _IMAGES, True),
    ]


_CURVED: tuple[Map, ...] = (np.square, np.tanh)  # negative controls


def _distance(f: Map, other: Map, y: Image) -> float:
    return float(np.abs(f(y) - other(y)).max() / y.std())


def _defect(f: Map, y: Image) -> float:
    """Of f(a y + b 1) = a f(y) + b 1, for a and b of many sizes."""
    return max(
        float(np.abs(f(a * y + b) - (a * f(y) + b)).max() / (a * y.std()))
        for a, b in ((0.3, 0.2), (2.0, -1.0), (7.0, 0.0))
    )


def _constant_error(f: Map) -> float:
    return max(float(np.abs(f(np.full(_SHAPE, value)) - value).max()) for value in (0.0, 0.25, -2.0))


def _on_m(g: Map, y: Image) -> float:
    """W_g = g on M, so two different g give two different maps."""
    z = normalize(y)
    return float(np.abs(wrap(g)(z) - g(z)).max())


def _mse_error(g: Map, y: Image, x: Image) -> float:
    target = (x - y.mean()) / y.std()
    raw = np.sum((wrap(g)(y) - x) ** 2)
    return float(abs(raw - y.std() ** 2 * np.sum((g(normalize(y)) - target) ** 2)) / raw)


def _residual_error(h: Map, y: Image) -> float:
    residual = y - y.std() * h(normalize(y))
    return float(np.abs(residual - wrap(lambda z: z - h(z))(y)).max() / y.std())
