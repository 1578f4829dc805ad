"""The entries of each section of params.yaml as frozen, typed objects.

There are no defaults: a number that changes a result is written in the file. `types.py` has the types of the values,
`links.py` what one entry must know of another.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from replication.study.params.keywords import check_backbone
from replication.study.params.reading import ParameterError
from replication.study.params.types import (
    Brightness,
    Channels,
    Contrast,
    Count,
    Degradation,
    Different,
    Distribution,
    Exposed,
    Frozen,
    Name,
    Pixel,
    Positive,
    RunNames,
    Seed,
    Shape,
    Side,
    Sigma,
    Sigmas,
    TrainSigma,
)


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
    channels: Channels
    crop: Count | None  # central crop of this side; null: the whole image
    noises: Annotated[list[Distribution], Field(min_length=1), Different]
    draws: Count
    sigmas: Sigmas
    qualities: Annotated[list[Annotated[int, Field(ge=1, le=95)]], Different]
    defects: Count

    @model_validator(mode="after")
    def _real_noise_has_no_level(self) -> TestSet:
        if "real" in self.noises and (len(self.noises) > 1 or self.draws > 1 or self.sigmas):
            raise ValueError("noises: [real] stands alone, with draws: 1 and sigmas: []")
        if "real" not in self.noises and not self.sigmas:
            raise ValueError("sigmas has no noise level")
        return self


class Model(BaseModel):
    """A backbone and the keywords of its class."""

    model_config = ConfigDict(extra="allow", frozen=True)
    backbone: Name

    @model_validator(mode="after")
    def _keywords_exist(self) -> Model:
        check_backbone(self.backbone, self.size)
        return self

    @property
    def size(self) -> dict[str, object]:
        return dict(self.model_extra or {})


class Recipe(Frozen):
    """How to train. `lr` is the largest rate; `one_cycle`: linear warm-up, then a cosine to zero.

    `optimizer: muon` is Muon for the hidden weights and Adam for the rest (replication.experiments.optimizers).
    """

    loss: Literal["mse", "l1"]
    steps: Count
    batch: Count
    patch: Count
    lr: Positive
    schedule: Literal["constant", "halving", "one_cycle", "cosine"]
    halve_every: Count | None
    lr_end: float | None  # of the cosine
    optimizer: Literal["adam", "adamw", "muon"]

    @model_validator(mode="after")
    def _schedule_has_its_numbers(self) -> Recipe:
        if (self.schedule == "halving") != (self.halve_every is not None):
            raise ValueError("halve_every belongs to schedule: halving, and is null otherwise")
        if (self.schedule == "cosine") != (self.lr_end is not None):
            raise ValueError("lr_end belongs to schedule: cosine, and is null otherwise")
        return self


class Task(Frozen):
    """What is learned from what: the corruption in training, the objective, and where it is tested."""

    channels: Channels
    noise: Distribution
    objective: Literal["supervised", "soft_ne", "n2n", "paired"]
    test_sets: Annotated[list[Name], Field(min_length=1), Different]
    jpeg: bool  # also tested on the JPEG files of its first test set (App. P)

    @model_validator(mode="after")
    def _pairs_have_real_noise(self) -> Task:
        if (self.noise == "real") != (self.objective == "paired"):
            raise ValueError(
                f"noise: real and objective: paired belong together, not {self.noise} and {self.objective}"
            )
        return self


class Run(Frozen):
    """One trained network. `sigma` in 8-bit units: a number, a range [low, high], or null for real noise.

    `degradation`: what happens to the image before the noise (replication.data.degradations); left out for a denoiser.
    """

    group: Name
    task: Name
    model: Name
    variant: Name
    sigma: TrainSigma
    recipe: Name
    train_set: Name
    seed: Seed
    degradation: Degradation = "none"

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(low, high) in 8-bit units."""
        if self.sigma is None:
            raise ParameterError("this run is trained on real noise: it has no sigma")
        return self.sigma if isinstance(self.sigma, tuple) else (self.sigma, self.sigma)


class TimedFamily(Frozen):
    """Variants of one backbone that are timed side by side, on (B, C, H, W) inputs of the shape given."""

    model: Name
    variants: Annotated[list[Name], Field(min_length=1), Different]
    cpu_shape: Shape
    cuda_shape: Shape


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
    sigma: Sigma
    size: Count  # central crop shown
    runs: RunNames


class Difficulty(Frozen):
    """Random training patches whose difficulty in normalized coordinates is measured. `sigmas` in 8-bit units."""

    patches: Count
    patch: Side
    sigmas: Annotated[Sigmas, Field(min_length=1)]


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
    sigmas: Annotated[Sigmas, Field(min_length=1)]
    pixels: Annotated[list[Pixel], Field(min_length=1), Different]
    runs: RunNames

    @model_validator(mode="after")
    def _pixels_are_inside(self) -> Filters:
        outside = [list(pixel) for pixel in self.pixels if not all(0 <= place < self.size for place in pixel)]
        if outside:
            raise ValueError(f"pixels: {outside[0]} is outside the crop of {self.size} x {self.size}")
        return self


class Errors(Analysis):
    """Normalized error against difficulty on training patches (Figs. 6, 11). `sigmas` of the test, 8-bit units.

    `blur`: deviation in pixels of the Gaussian that serves as a null model.
    """

    train_set: Name
    patches: Count  # for each sigma
    patch: Side
    bins: Count  # between 0 and 1.1 sqrt(d)
    blur: Positive
    sigmas: Annotated[Sigmas, Field(min_length=1)]
    runs: RunNames


class Sampler(Analysis):
    """The denoiser-residual sampler of App. N with one measurement. sigma_start and sigma_stop in 8-bit units."""

    operator: Literal["none", "random_pixels", "block_average", "blur"]
    amount: Positive | None  # share of pixels kept, side of a block, or share of the frequencies kept
    test_set: Name
    crop: Count | None
    sigma_start: Sigma  # for the operator "none": of the noise on the image to be denoised
    sigma_stop: Sigma
    h0: Positive
    beta: Annotated[float, Field(gt=0, le=1)]
    steps: Count  # at most
    pictures: Annotated[list[str], Different]  # images whose result is kept as a picture
    runs: RunNames

    @model_validator(mode="after")
    def _operator_has_its_amount(self) -> Sampler:
        amount = self.amount
        if self.operator == "none":
            if amount is not None:
                raise ValueError("amount: belongs to an operator, and is null for operator: none")
        elif self.operator == "block_average":
            if amount is None or amount != int(amount):
                raise ValueError(f"amount: must be the side of a block in pixels, not {amount}")
        elif amount is None or amount > 1:
            raise ValueError(f"amount: must be a share, greater than 0 and at most 1, not {amount}")
        if self.sigma_stop > self.sigma_start:
            raise ValueError(f"sigma_stop: {self.sigma_stop:g} is above sigma_start, {self.sigma_start:g}")
        return self


class Exposure(Analysis):
    """Inputs of another contrast a and brightness b than those of training: beyond the paper.

    `contrasts` at b = 0 and `brightnesses` at a = 1 are swept on the first images of the test set. `pictures`: pairs (a, b)
    at which the result of the first image is kept as a picture. `sigma` of the noise at a = 1, 8-bit units.
    """

    test_set: Name
    images: Count
    sigma: Sigma
    contrasts: Annotated[list[Contrast], Different]
    brightnesses: Annotated[list[Brightness], Different]
    pictures: Annotated[list[Exposed], Different]
    runs: RunNames

    @model_validator(mode="after")
    def _has_the_exposure_of_training(self) -> Exposure:
        if 1 not in self.contrasts or 0 not in self.brightnesses:
            raise ValueError("contrasts must have 1 and brightnesses 0, which the others are compared with")
        return self


class Controls(Analysis):
    """Denoisers without training of their own, through the noise sweep: beyond the paper.

    oracle: `run`, a baseline trained at one sigma, on inputs rescaled with their true noise level. wrapped at test
    time: `run` put into the wrapper afterwards. `classical`: scikit-image's, told the sigma that `run` was
    trained at and no other, alone and in the wrapper.
    """

    run: Name
    classical: Annotated[list[Literal["tv", "nlm", "wavelet"]], Different]
    test_set: Name


class Windows(Analysis):
    """WNE runs with mean and std over windows in place of the whole image: beyond the paper.

    `windows`: their sides in pixels. `scored`: side of the central square on which PSNR is measured.
    """

    test_set: Name
    images: Count  # the first ones
    windows: Annotated[list[Side], Field(min_length=1), Different]
    scored: Count
    runs: RunNames


class Weights(Frozen):
    """A run whose trained weights are published with a model card. `group`: its own."""

    group: Name


class Statistics(Frozen):
    confidence: Annotated[float, Field(gt=0, lt=1)]
    resamples: Count
    seed: Seed


# Sections of what is measured on trained runs.
ANALYSES: dict[str, type[Analysis]] = {
    "filters": Filters,
    "errors": Errors,
    "samplers": Sampler,
    "exposure": Exposure,
    "controls": Controls,
    "windows": Windows,
}


def analysed_runs(item: Analysis) -> list[str]:
    """The runs whose checkpoints an analysis reads."""
    return [item.run] if isinstance(item, Controls) else item.runs
