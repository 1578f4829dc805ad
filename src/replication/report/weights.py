"""Trained weights for others to use, in results/<profile>/weights: a copy of the checkpoint, small enough for git, and
a model card: what the network is, how it was trained, what it reaches and where it fails."""

from __future__ import annotations

import hashlib
import shutil

import pandas as pd

from replication.experiments.trained import load_run
from replication.report.table import Row, Table
from replication.results.summary import Summary, read_json, read_summary
from replication.study import labels
from replication.study.params import Params, Run
from replication.study.paths import ProfilePaths
from replication.study.published import is_published_size
from wne.files import replacing, write_text

_FORMULA = {
    "baseline": "the network itself, f(y) = g(y): not normalization equivariant",
    "wne": "f(y) = std(y) g((y - mean(y)) / std(y)) + mean(y), mean and std over all pixels of the image: "
    "f(a y + b) = a f(y) + b for all a > 0 and b",
    "se_arch": "layers without biases: f(a y) = a f(y) for all a > 0",
    "ne_arch": "affine convolutions, SortPool and an affine residual: f(a y + b) = a f(y) + b for all a > 0 and b",
}


_PURPOSES = {  # channels -> for what
    1: "grey images and Gaussian noise that does not depend on the pixel",
    3: "colour images and Gaussian noise that depends neither on the pixel nor on the other channels. Noise that the channels "
    "share, as in a grey image saved as RGB or in most JPEG files, stays in the image",
}


def export_weights(params: Params, name: str, paths: ProfilePaths) -> None:
    """Copies a checkpoint of the section `weights` and writes its card.

    Raises:
        CheckpointError: the run is not trained, or was trained with other parameters.
        CollectError: the summary lacks the current version of the run.
    """
    load_run(paths, params, name)  # refuses what does not fit
    source, target = paths.checkpoint(params, name), paths.weights / f"{name}.safetensors"
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    training = read_json(paths.training / f"{name}.json")
    write_text(paths.weights / f"{name}.md", card(params, name, digest, training, read_summary(params, paths)))


def card(params: Params, name: str, digest: str, training: dict, summary: Summary) -> str:
    """The model card as Markdown. `training`: what the training wrote; `digest`: sha256 of the weights."""
    run = params.runs[name]
    recipe, task = params.recipes[run.recipe], params.tasks[run.task]
    size = ", ".join(f"{key} {value}" for key, value in params.models[run.model].size.items())
    backbone, what = labels.backbone_label(params.models[run.model].backbone), labels.variant_label(run.variant)
    leaked = summary.leakage[summary.leakage["train_set"] == run.train_set]
    tested = {params.test_sets[test_set].images for test_set in task.test_sets}
    leaked = leaked[leaked["leaked"].astype(bool) & leaked["test_set"].isin(tested)]
    notes = [f"- `{row.test_set}/{row.image}` lies inside a training image." for row in leaked.itertuples()]
    return f"""\
# {name}

{backbone} ({size}), {what}, trained at {_levels(run)}. {training["parameters"]:,} parameters.

- **What it computes**: {_FORMULA[run.variant]}.
- **Input and output**: (B, {task.channels}, H, W), float32, clean range [0, 1], noise not clipped.
- **File**: `{name}.safetensors`, sha256 `{digest}`; made by `replicate weights {name} --params {params.params_file}`.

```python
from wne.checkpoints import load_denoiser

denoiser = load_denoiser("results/{params.profile}/weights/{name}.safetensors")
denoised = denoiser(noisy)  # inside torch.no_grad()
```

## Training

- Images: `{run.train_set}`; their source and terms: [data/README.md](../../../data/README.md).
- Loss {recipe.loss}, {recipe.steps:,} steps of {recipe.batch} patches of {recipe.patch} x {recipe.patch} pixels, \
{recipe.optimizer}, largest rate {recipe.lr:g}, schedule {recipe.schedule}; seed {run.seed}.
- Backbone in {training["backbone_dtype"]}; time and hardware: `results/{params.profile}/cost/{name}.json`.

## Results

PSNR in dB with {100 * params.statistics.confidence:g} % bootstrap intervals over images, Gaussian noise.

{_results(summary, name)}

{_gain(summary, name)}

## Intended use and limitations

{_scale(params, name, training["parameters"])} For {_PURPOSES[task.channels]}.

{chr(10).join([_worse_than_input(summary, name), *notes])}

The weights have the licence of this repository (MIT); the training images have their own terms.
"""


def _levels(run: Run) -> str:
    low, high = run.sigma_range
    return f"sigma {low:g} of 255 alone" if low == high else f"sigma {low:g} to {high:g} of 255"


def _scale(params: Params, name: str, parameters: int) -> str:
    run = params.runs[name]
    size = (
        "the published size" if is_published_size(params.models[run.model].backbone, parameters) else "a reduced size"
    )
    steps = params.recipes[run.recipe].steps
    return f"A network of {size} after {steps:,} training steps; the paper trains for hundreds of thousands."


def _results(summary: Summary, name: str) -> str:
    rows = summary.curves[summary.curves["run"] == name].itertuples()
    cells: list[Row] = [
        [f"{labels.test_set_label(row.test_set)} ({row.n})", f"{row.sigma_test:g}", f"{row.input_psnr:.2f}",
         f"{row.psnr:.2f} [{row.psnr_low:.2f}, {row.psnr_high:.2f}]"]
        for row in rows
    ]  # fmt: skip
    return Table("", [["test set", "sigma", "noisy", "denoised"]], [cells]).markdown()


def _worse_than_input(summary: Summary, name: str) -> str:
    worse = summary.curves[(summary.curves["run"] == name) & (summary.curves["psnr"] < summary.curves["input_psnr"])]
    levels = [f"{labels.test_set_label(row.test_set)} at sigma {row.sigma_test:g}" for row in worse.itertuples()]
    return f"- The output is worse than the noisy input, on average: {', '.join(levels) or 'never in this table'}."


def _gain(summary: Summary, name: str) -> str:
    """Its largest equivariance defect, and the gain over its baseline where it has one."""
    defect = summary.defects.set_index("run").loc[name, "paper_max"]
    text = f"Largest equivariance defect (eps_NE of App. E) on test images: {defect:.1e}."
    gains: pd.DataFrame = summary.paired[summary.paired["run"] == name]
    if len(gains):
        ends = gains[gains["test_set"] == gains["test_set"].iloc[0]].sort_values("sigma_test").iloc[[0, -1]]
        parts = [
            f"{row.psnr_gain:+.2f} dB [{row.psnr_gain_low:+.2f}, {row.psnr_gain_high:+.2f}] at sigma {row.sigma_test:g}"
            for row in ends.itertuples()
        ]
        text += f" Gain over `{gains['baseline'].iloc[0]}`: {', '.join(parts)}."
    return text
