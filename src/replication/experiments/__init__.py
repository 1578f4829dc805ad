"""What is trained, tested and measured. An analysis of trained runs is a module with a function

    analyse(params, name, paths, device)        writes the folder of one item of its section of params.yaml

and a line in ANALYSES. docs/extending.md has every step.
"""

from __future__ import annotations

from typing import NamedTuple


class Analysis(NamedTuple):
    module: str
    help: str


# Section of params.yaml, and command -> what it does.
ANALYSES = {
    "filters": Analysis("replication.experiments.filters", "Rows of the Jacobian of trained denoisers (Fig. 5)."),
    "errors": Analysis("replication.experiments.errors", "Normalized error against difficulty (Figs. 6 and 11)."),
    "samplers": Analysis(
        "replication.experiments.sampler",
        "Trained denoisers inside a sampler: denoising, inpainting, super-resolution, deblurring (App. N).",
    ),
    "exposure": Analysis(
        "replication.experiments.exposure",
        "Trained denoisers on inputs of another contrast and brightness (beyond the paper).",
    ),
    "controls": Analysis(
        "replication.experiments.controls",
        "Oracles, WNE at test time alone and classical denoisers over the noise sweep (beyond the paper).",
    ),
    "windows": Analysis(
        "replication.experiments.windows",
        "WNE with the statistics of windows, not of the whole image (beyond the paper).",
    ),
}
