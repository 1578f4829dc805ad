"""The entries of each section of params.yaml as frozen, typed objects.

There are no defaults: a number that changes a result is written in the file.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Distribution = Literal["gaussian", "uniform", "laplace", "rayleigh", "real"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]  # no dots: DVC reads them as nesting
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class ParameterError(ValueError):
    """params.yaml is wrong: one line that says where and what to do."""


class Frozen(BaseModel):
    """No key beside the fields, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(Frozen):
    """An experiment: the runs that name it. `title` in plain words.

    `report`: whether its results enter the summary, the figures and the tables. A profile whose runs of this
    group are not all done says false here; nothing is drawn from a part of a group.
    """

    title: str
    report: bool


class TestSet(Frozen):
    """Images with fixed corruptions. `sigmas` in 8-bit units; each run adds the sigma it was trained at.

    A set of noisy and clean pairs has `noises: [real]`, one draw and no sigmas. `qualities`: of the JPEG
    files that tasks with `jpeg: true` are tested on as well. `defects`: the number of images, the first ones,
    on which the equivariance defect is measured.
    """

    images: Name
    channels: Literal[1, 3]
    crop: Count | None  # central crop of this side; null: the whole image
    noises: list[Distribution]
    draws: Count
    sigmas: list[Positive]
    qualities: list[Annotated[int, Field(ge=1, le=95)]]
    defects: Count


class Model(BaseModel):
    """A backbone and the keywords of its class."""

    model_config = ConfigDict(extra="allow", frozen=True)
    backbone: Name

    @property
    def size(self) -> dict[str, object]:
        return dict(self.model_extra or {})


class Recipe(Frozen):
    """How to train. `lr` is the largest rate; `one_cycle`: linear warm-up, then a cosine to zero."""

    loss: Literal["mse", "l1"]
    steps: Count
    batch: Count
    patch: Count
    lr: Positive
    schedule: Literal["constant", "halving", "one_cycle", "cosine"]
    halve_every: Count | None
    lr_end: float | None  # of the cosine
    optimizer: Literal["adam", "adamw"]

    @model_validator(mode="after")
    def _schedule_has_its_numbers(self) -> Recipe:
        if (self.schedule == "halving") != (self.halve_every is not None):
            raise ValueError("halve_every belongs to schedule: halving, and is null otherwise")
        if (self.schedule == "cosine") != (self.lr_end is not None):
            raise ValueError("lr_end belongs to schedule: cosine, and is null otherwise")
        return self


class Task(Frozen):
    """What is learned from what: the corruption in training, the objective, and where it is tested."""

    channels: Literal[1, 3]
    noise: Distribution
    objective: Literal["supervised", "soft_ne", "n2n", "paired"]
    test_sets: list[Name]
    jpeg: bool  # also tested on the JPEG files of its first test set (App. P)


class Run(Frozen):
    """One trained denoiser. `sigma` in 8-bit units: a number, a range [low, high], or null for real noise."""

    group: Name
    task: Name
    model: Name
    variant: Name
    sigma: Positive | tuple[float, float] | None
    recipe: Name
    train_set: Name
    seed: int

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(low, high) in 8-bit units."""
        if self.sigma is None:
            raise ParameterError("this run is trained on real noise: it has no sigma")
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)


class TimedFamily(Frozen):
    """Variants of one backbone that are timed side by side, on (B, C, H, W) inputs of the shape given."""

    model: Name
    variants: list[Name]
    cpu_shape: tuple[Count, Count, Count, Count]
    cuda_shape: tuple[Count, Count, Count, Count]


class Timing(Frozen):
    repetitions: Count
    warmup: Count
    families: dict[Name, TimedFamily]


class Card(Frozen):
    """A GPU, for the bound on its time that is reckoned from counted operations (replication.results.counts).

    `teraflops`: peak, 1e12 FLOP a second. `terabytes`: bandwidth of its memory, 1e12 bytes a second. `launch`: the cost
    of one operation beside its arithmetic and its bytes, in microseconds.
    """

    title: str
    teraflops: Positive
    terabytes: Positive
    launch: Annotated[float, Field(ge=0)]


class Example(Frozen):
    """One noisy image denoised by the named runs and kept as a picture, for the qualitative figures."""

    test_set: Name
    image: str
    sigma: Positive
    size: Count  # central crop shown
    runs: list[Name]


class Difficulty(Frozen):
    """Random training patches whose difficulty in normalized coordinates is measured. `sigmas` in 8-bit units."""

    patches: Count
    patch: Count  # side in pixels
    sigmas: Annotated[list[Positive], Field(min_length=1)]

    @model_validator(mode="after")
    def _sigmas_differ(self) -> Difficulty:
        if len(set(self.sigmas)) < len(self.sigmas):
            raise ValueError("sigmas has a noise level twice")
        return self


class Analysis(Frozen):
    """Something that is measured on trained runs, `runs` or `run`, of one group.

    `report: false`, as that of a group, keeps out of the summary what has not been measured yet.
    """

    group: Name
    report: bool = True  # changes no result


class Filters(Analysis):
    """Rows of the Jacobian at some pixels of a noisy crop (Fig. 5). `sigmas` of the test, 8-bit units."""

    test_set: Name
    image: str
    size: Count  # side of the central crop
    sigmas: list[Positive]
    pixels: list[tuple[int, int]]  # (row, column) inside the crop
    runs: list[Name]


class Errors(Analysis):
    """Normalized error against difficulty on training patches (Figs. 6, 11). `sigmas` of the test, 8-bit units.

    `blur`: deviation in pixels of the Gaussian that serves as a null model.
    """

    train_set: Name
    patches: Count  # for each sigma
    patch: Count  # side in pixels
    bins: Count  # between 0 and 1.1 sqrt(d)
    blur: Positive
    sigmas: list[Positive]
    runs: list[Name]


class Sampler(Analysis):
    """The denoiser-residual sampler of App. N with one measurement. sigma_start and sigma_stop in 8-bit units."""

    operator: Literal["none", "random_pixels", "block_average", "blur"]
    amount: Positive | None  # share of pixels kept, side of a block, or share of the frequencies kept
    test_set: Name
    crop: Count | None
    sigma_start: Positive  # for the operator "none": of the noise on the image to be denoised
    sigma_stop: Positive
    h0: Positive
    beta: Annotated[float, Field(gt=0, le=1)]
    steps: Count  # at most
    pictures: list[str]  # images whose result is kept as a picture
    runs: list[Name]


class Controls(Analysis):
    """Denoisers without training of their own, through the noise sweep: beyond the paper.

    oracle: `run`, a baseline trained at one sigma, on inputs rescaled with their true noise level. wrapped at test
    time: `run` put into the wrapper afterwards. `classical`: scikit-image's, told the sigma that `run` was
    trained at and no other, alone and in the wrapper.
    """

    run: Name
    classical: list[Literal["tv", "nlm", "wavelet"]]
    test_set: Name


class Windows(Analysis):
    """WNE runs with mean and std over windows in place of the whole image: beyond the paper.

    `windows`: their sides in pixels. `scored`: side of the central square on which PSNR is measured.
    """

    test_set: Name
    images: Count  # the first ones
    windows: list[Count]
    scored: Count
    runs: list[Name]


class Weights(Frozen):
    """A run whose trained weights are published with a model card. `group`: its own."""

    group: Name


class Statistics(Frozen):
    confidence: Annotated[float, Field(gt=0, lt=1)]
    resamples: Count
    seed: int


# Sections of what is measured on trained runs.
ANALYSES: dict[str, type[Analysis]] = {
    "filters": Filters,
    "errors": Errors,
    "samplers": Sampler,
    "controls": Controls,
    "windows": Windows,
}


def analysed_runs(item: Analysis) -> list[str]:
    """The runs whose checkpoints an analysis reads."""
    return [item.run] if isinstance(item, Controls) else item.runs
