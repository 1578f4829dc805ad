"""The registry of what the report is made of: every figure and every table, in the order of the results page.

To add one: write its function, add its line here, and show it in paper/sections/*.tex. It then appears on the
results page with its title, and `figures` or `tables` makes it for each profile that reports what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

from replication.study.params import ANALYSES, Params
from replication.study.params.names import hint


@dataclass(frozen=True)
class Artefact:
    """A figure or a table, and what a profile must report for it.

    groups: of runs; all of them must be reported. sections: of the parameters; they must not be empty ("filters"),
    or must have an item ("examples.fig02"). runs: the function of params that lists the runs, where a group has
    several families and a profile may lack one. Functions are "module:name" in replication.report: that of a figure
    takes (params, summary, paths), that of a table a `source.Source`.
    """

    kind: str  # figure or table
    name: str
    title: str
    function: str
    groups: tuple[str, ...]
    sections: tuple[str, ...]
    claims: tuple[str, ...]  # that it is evidence for
    runs: str = ""
    caption: str = ""  # on the results page, where the title does not say enough
    in_paper: bool = True  # False: README alone shows it

    def load(self) -> Callable:
        """The function, imported now: nothing else of the report is."""
        return _load(self.function)

    def why_not(self, params: Params) -> str | None:
        """Why the profile has no such artefact, or None."""
        if unreported := [group for group in self.groups if not params.is_reported(group)]:
            return f"{params.params_file} does not report {', '.join(unreported)}"
        if empty := [section for section in self.sections if not _says_something(params, section)]:
            return f"{params.params_file} has nothing reported in {', '.join(empty)}"
        if self.runs and not _load(self.runs)(params):
            return f"{params.params_file} has no runs of this family in {', '.join(self.groups)}"
        return None


def _load(function: str) -> Callable:
    module, name = function.split(":")
    return getattr(import_module(f"replication.report.{module}"), name)


def _says_something(params: Params, section: str) -> bool:
    section, _, item = section.partition(".")
    items = params.reported(section) if section in ANALYSES else getattr(params, section)
    return item in items if item else bool(items)


def _figure(name: str, title: str, function: str, needs: str = "", claims: str = "", **more: str | bool) -> Artefact:
    """needs: the groups, and with a plus the sections."""
    groups = tuple(word for word in needs.split() if word[0] != "+")
    sections = tuple(word[1:] for word in needs.split() if word[0] == "+")
    artefact = Artefact("figure", name, title, f"figures.{function}", groups, sections, tuple(claims.split()))
    return replace(artefact, **more)


def _table(name: str, title: str, function: str, *args: str, **more: str | bool) -> Artefact:
    return replace(_figure(name, title, "", *args), kind="table", function=f"tables.{function}", **more)


_CLAIMS = (
    "Each line gives one comparison with its interval, or the median of several and their range; then how many "
    "comparisons hold, are open or fail. A comparison holds or fails when its whole 95 % interval lies on one side of the "
    "bound, and is open otherwise. A part of a rule holds when none of its comparisons fails and at least half of them "
    "hold; a claim holds when all parts of its rule do, and fails when all that are decided fail; otherwise it is mixed where a "
    "comparison fails, and open where none does. At reduced scale only: the claim is about trained networks, and they "
    "are smaller than the published ones, more than 0.3 dB below the published PSNR, or some of its experiments were not "
    "run. The column Paper applies the same rules to the paper's own "
    "numbers. [The rules](#the-rules) are at the end of this page. As files: [claims.csv](claims.csv), "
    "[comparisons.csv](comparisons.csv)."
)
_COMPARISONS = (
    "Every comparison in dB with its 95 % interval: it holds (blue), is open (grey) or fails (vermillion). Shaded: "
    "what the rule allows. Diamonds: the paper's value."
)
_COVERAGE = (
    "Percent of the patches whose difficulty at sigma_test lies in the central 95 % of those at sigma_train. The share "
    "depends on the contrast of the patches and needs no model."
)
_PAPERS = (
    "Grey: the paper's own curves, read off its vector graphics (data/paper_curves.csv); drawn where the test images and "
    "sigma_train are the paper's."
)
_COLLAPSE = (
    "Bins of the difficulty Delta with five patches or more, each curve over the central part of Delta at its sigma."
)
_PICTURES = (
    "Ranks: by the final PSNR of WNE, among all images. Unfinished: noise still above sigma_L after the last step."
)
_ABLATION = (
    "Above, the four cells: parallel lines mean that wrapper and recipe do not interact. Below, effects with intervals; "
    "hollow: under one recipe, of one variant."
)
_LENGTH = (
    "Both networks of a difference are trained for equal steps, each length with its own schedule. Markers: single trainings "
    "with intervals over images; lines: means over seeds. Diamonds: the paper's differences, drawn at 500,000 steps (its NE-arch "
    "had 900,000; it does not say how many FDnCNN had). Nothing is extrapolated."
)
_GAINS = "SE-arch and NE-arch: over the baseline of FDnCNN where the experiment has one, else over that of DnCNN."
_LENGTHS = "PSNR in dB, mean over seeds; in italics the paper's, where the test set is the paper's."
_PARTS = (
    "FDnCNN-WNE minus NE-arch, same backbone and recipe, in dB; the PSNR is that of WNE at matched noise. One seed. Rows "
    "with larger patches change both networks."
)
_EXPOSURE = (
    "y = a x + b plus noise of deviation a sigma or sigma; training has a = 1, b = 0. PSNR of the output mapped back, "
    "(f(y) - b) / a, clipped to [0, 1], against x."
)
_TASKS = (
    "y = a D x + b plus noise on every pixel. D x is x after a Gaussian blur with a deviation of 1.5 pixels (deblurring), or x "
    "with the mean of each block of 2 x 2 pixels in place of its pixels (super-resolution)."
)
_EXPOSED = "The noise scales with the exposure. PSNR of the output mapped back, (f(y) - b) / a, clipped to [0, 1]."

ARTEFACTS = (
    _figure("overview", "Output PSNR against input PSNR", "mismatch:overview", "cnn swinir", in_paper=False),
    _table("claims", "The paper's claims", "claims:claims", caption=_CLAIMS),
    _figure("comparisons", "Every comparison beside the paper's", "comparisons:comparisons_figure", caption=_COMPARISONS),
    # Matched noise, and generalization across noise levels.
    _table("table01", "Table 1: PSNR at matched noise", "psnr:table01", "cnn", "C3"),
    _figure("fig02", "Figure 2: far above the training noise", "pictures:fig02", "swinir +examples.fig02"),
    _figure("fig03", "Figure 3: the DnCNN family", "mismatch:fig03", "cnn", "C4", caption=_PAPERS),
    _figure("fig04", "Figure 4: SwinIR", "mismatch:fig04", "swinir", "C5", caption=_PAPERS),
    _table("mismatch", "Gain over the baseline away from the training noise", "mismatch:mismatch", "cnn",
           "C4 C5", caption=_GAINS),
    _table("mismatch_other", "Gains in the other experiments", "mismatch:mismatch_other", "cnn", caption=_GAINS),
    _figure("fig12", "Figure 12: SSIM of the DnCNN family", "mismatch:fig12", "cnn", "C12"),
    _figure("fig13", "Figure 13: SSIM of SwinIR", "mismatch:fig13", "swinir", "C12"),
    _figure("fig10", "Figure 10: the FDnCNN family", "mismatch:fig10", "fdncnn cnn", "C4", caption=_PAPERS),
    _table("table07", "Table 7: the FDnCNN family at matched noise", "psnr:table07", "cnn fdncnn", "C3"),
    _figure("fig14", "Figure 14: Restormer", "mismatch:fig14", "restormer", "C5", caption=_PAPERS),
    _table("table08", "Table 8: Restormer at matched noise", "psnr:table08", "restormer", "C3"),
    _figure("fig15", "Figure 15: colour", "mismatch:fig15", "colour", "C13", caption=_PAPERS),
    _table("table09", "Table 9: colour at matched noise", "psnr:table09", "colour", "C13"),
    _table("table10", "Table 10: real noise", "real:table10", "real-noise", "C14"),
    # Why it works.
    _table("defects", "Equivariance defect", "defects:defects", "", "C1"),
    _figure("fig05", "Figure 5: adaptive filters", "filters:fig05", "swinir +filters", "C7"),
    _figure("fig07", "Figure 7: how hard the training patches are, in normalized coordinates", "difficulty:fig07",
            "+difficulty", "C9"),
    _table("table03", "Table 3: coverage", "difficulty:table03", "", "C9", caption=_COVERAGE),
    _figure("fig06", "Figure 6: normalized error against difficulty", "errors:fig06", "swinir +errors", "C8"),
    _figure("fig11", "Figure 11: normalized error against difficulty, WNE and baseline", "errors:fig11",
            "swinir +errors", "C8", caption=_COLLAPSE),
    _figure("fig18", "Figure 18: normalizing the input alone", "mismatch:fig18", "input-only cnn", "C10",
            caption=_PAPERS),
    _figure("fig19", "Figure 19: the same as pictures", "pictures:fig19", "input-only cnn +examples.fig19", "C10"),
    # Other ways to robustness, other noise, reuse in a sampler.
    _figure("fig08", "Figure 8: training on a range of noise, and the soft-NE objective", "objectives:fig08",
            "training-controls swinir", "C11"),
    _figure("fig09", "Figure 9: the equivariance defect of these controls", "objectives:fig09",
            "training-controls swinir", "C11"),
    _figure("fig20", "Figure 20: other noise and JPEG, DnCNN family", "corruptions:fig20", "non-gaussian", "C16",
            runs="figures.corruptions:cnn_runs"),
    _figure("fig21", "Figure 21: other noise and JPEG, SwinIR", "corruptions:fig21", "non-gaussian", "C16",
            runs="figures.corruptions:other_runs"),
    _figure("fig16", "Figure 16: Noise2Noise", "mismatch:fig16", "n2n", "C15"),
    _table("table11", "Table 11: residual-stopped denoising", "samplers:table11", "n2n +samplers", "C15"),
    _table("table12", "Table 12: inverse problems", "samplers:table12", "n2n +samplers", "C15"),
    _figure("fig17", "Figure 17: random inpainting with the Noise2Noise denoisers", "samplers:fig17", "n2n +samplers",
            "C15", caption=_PICTURES),
    _figure("inverse_problems", "Beyond the paper: super-resolution and deblurring", "samplers:inverse_problems",
            "n2n +samplers", caption=_PICTURES),
    _figure("trajectories", "Beyond the paper: trajectories of the sampler", "samplers:trajectories", "n2n +samplers"),
    # Beyond the paper.
    _figure("recipe", "Beyond the paper: 2 x 2 factorial ablation of wrapper and recipe", "ablation:recipe", "recipe",
            caption=_ABLATION),
    _table("recipe", "Effects of wrapper and recipe", "ablation:recipe", "recipe"),
    _figure("length", "Beyond the paper: the gaps against the length of training", "length:length", "cnn training-length",
            caption=_LENGTH),
    _table("length", "PSNR against the length of training", "length:length", "cnn training-length", caption=_LENGTHS),
    _table("parts", "Beyond the paper: WNE with parts of NE-arch", "parts:parts", "cnn fdncnn ne-parts", caption=_PARTS),
    _figure("controls", "Beyond the paper: controls without training", "controls:controls", "cnn +controls"),
    _table("controls", "The controls in numbers", "controls:controls", "cnn +controls"),
    _figure("exposure", "Beyond the paper: other exposures than that of training", "exposure:exposure", "+exposure",
            caption=_EXPOSURE, runs="figures.exposure:denoising"),
    _figure("exposure_pictures", "Other exposures as pictures", "exposure:exposure_pictures", "+exposure",
            caption=_EXPOSED, runs="figures.exposure:denoising"),
    _table("exposure", "Other exposures in numbers", "exposure:exposure", "+exposure", runs="tables.exposure:denoising"),
    _figure("exposure_tasks", "Beyond the paper: other exposures, deblurring and super-resolution", "exposure:exposure_tasks",
            "+exposure", caption=_TASKS, runs="figures.exposure:restoration"),
    _table("exposure_tasks", "Deblurring and super-resolution in numbers", "exposure:exposure_tasks", "+exposure",
           runs="tables.exposure:restoration"),
    _figure("windows", "Beyond the paper: statistics of windows in place of the whole image", "windows:windows", "+windows"),
    # Cost, data, training.
    _table("table02", "Table 2: time on the GPU, FDnCNN", "timing:table02", "", "C6"),
    _table("table05", "Table 5: time, SwinIR", "timing:table05", "", "C6"),
    _table("table06", "Table 6: time, FDnCNN", "timing:table06", "", "C6"),
    _table("counts", "Beyond the paper: the same counted, and a bound on the time of a GPU", "counts:counts", "", "C6"),
    _table("leakage", "Test images in the training set", "leakage:leakage"),
    _table("unleaked", "PSNR without the leaked images", "leakage:unleaked"),
    _table("table04", "Table 4: how every model was trained", "training:table04"),
    _table("training", "Size and cost of every run", "training:training"),
    _figure("training", "Training loss of every run", "training:training", "+reported_runs"),
    _table("rules", "The rules", "claims:rules"),
    _table("former_rules", "Former rules", "claims:former_rules"),
)  # fmt: skip
FIGURES = {artefact.name: artefact for artefact in ARTEFACTS if artefact.kind == "figure"}
TABLES = {artefact.name: artefact for artefact in ARTEFACTS if artefact.kind == "table"}


def reported(artefacts: dict[str, Artefact], params: Params) -> dict[str, Artefact]:
    """Those of FIGURES or TABLES that the profile has."""
    return {name: artefact for name, artefact in artefacts.items() if not artefact.why_not(params)}


def find_figure(name: str, params: Params) -> Artefact:
    """
    Raises:
        ValueError: an unknown figure, or one that the profile does not report.
    """
    if name not in FIGURES:
        raise ValueError(f"{name}: no such figure; {hint(name, FIGURES)}")
    if reason := FIGURES[name].why_not(params):
        raise ValueError(f"{name}: {reason}")
    return FIGURES[name]


def modules(kind: str) -> list[str]:
    """The modules that make all figures or all tables."""
    functions = [name for made in ARTEFACTS if made.kind == kind for name in (made.function, made.runs) if name]
    return sorted({f"replication.report.{function.split(':')[0]}" for function in functions})
