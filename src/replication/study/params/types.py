"""The types of the values in params.yaml. They are strict: no boolean or text is taken for a number, and no infinity."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {value}")
    return value


def _differ(values: list) -> list:
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise ValueError(f"has {twice} twice")
    return values


def _level_or_range(value: object) -> object:
    numbers = value if isinstance(value, list | tuple) else [value]
    if value is not None:
        is_finite = all(type(n) in (int, float) and math.isfinite(n) and n <= LARGEST_SIGMA for n in numbers)
        is_level = is_finite and len(numbers) == 1 and numbers[0] > 0 and numbers is not value
        if not is_level and not (is_finite and len(numbers) == 2 and 0 <= numbers[0] < numbers[1]):
            raise ValueError(
                f"must be a noise level greater than 0, a range [low, high] with 0 <= low < high, or null, "
                f"all at most {LARGEST_SIGMA}, not {value}"
            )
    return value


Different = AfterValidator(_differ)  # no value of a list twice
Distribution = Literal["gaussian", "uniform", "laplace", "rayleigh", "real"]
Degradation = Literal["none", "blur", "downsample"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]  # no dots: DVC reads them as nesting
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
LARGEST_PATCH = 1024  # pixels; no set of training images is larger throughout
Side = Annotated[int, Field(ge=1, le=LARGEST_PATCH)]  # of a patch
Seed = Annotated[int, Field(ge=0)]
Pixel = Annotated[tuple[int, int], Field(strict=False)]  # (row, column) inside a crop
Contrast = Annotated[float, Field(ge=1e-3, le=1e3)]
Brightness = Annotated[float, Field(ge=-1e3, le=1e3)]
Exposed = Annotated[tuple[Contrast, Brightness], Field(strict=False)]
Shape = Annotated[tuple[Count, Count, Count, Count], Field(strict=False)]  # (B, C, H, W), a list in the file
Channels = Annotated[Literal[1, 3], BeforeValidator(_no_boolean)]  # to Python, True is 1
LARGEST_SIGMA = 10_000  # 8-bit units; images, noise and their squares stay far inside float32
Sigma = Annotated[float, Field(gt=0, le=LARGEST_SIGMA)]
Sigmas = Annotated[list[Sigma], Different]
TrainSigma = Annotated[
    float | Annotated[tuple[float, float], Field(strict=False)] | None, BeforeValidator(_level_or_range)
]
RunNames = Annotated[list[Name], Field(min_length=1), Different]


class Frozen(BaseModel):
    """No key beside the fields, no change after reading, each value of the type that is written here."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
