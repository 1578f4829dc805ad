"""Controls beyond the paper: oracles, the wrapper at test time, classical denoisers (`replication.experiments.controls`)."""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import difference, estimates, facts, joined
from replication.results.files import read_csv
from replication.results.runs import image_means
from replication.study.params import Params
from replication.study.paths import ProfilePaths

_FORMS = ["denoiser", "wrapped"]


def control_estimates(params: Params, paths: ProfilePaths) -> pd.DataFrame:
    """Quality, gain and defects of every denoiser of the reported items at every sigma_test, alone and in the wrapper.

    A classical denoiser in the wrapper gains over itself alone, where it has no gain; the others gain over
    the trained run. The defects are median and largest over the images that they are measured on.

    Raises:
        CollectError: the run was evaluated on other images or levels than the item.
    """
    parts = []
    for item, spec in params.reported("controls").items():
        folder, noise = paths.analysis("controls", item), params.tasks[params.runs[spec.run].task].noise
        place = {"kind": "controls", "item": item, "run": spec.run, "test_set": spec.test_set, "corruption": noise}
        trained = image_means(read_csv(paths.evaluated(params, spec.run) / "psnr.csv"), "psnr")
        forms = {
            form: image_means(rows, "psnr").loc[spec.test_set]
            for form, rows in read_csv(folder / "table.csv").groupby(_FORMS, sort=False)
        }
        defects = read_csv(folder / "defect.csv").groupby([*_FORMS, "sigma_test"])[["paper", "sharp"]]
        defects = defects.agg(["median", "max"])
        defects.columns = ["_".join(column) for column in defects.columns]
        for (denoiser, wrapped), values in forms.items():
            keys = place | {"denoiser": denoiser, "wrapped": wrapped}
            images = values.index.unique("image").size
            parts.append(estimates(values, params.statistics, **keys))
            against, reference = spec.run, trained.loc[spec.test_set]
            if is_classical := (denoiser, not wrapped) in forms:
                against, reference = "alone", forms[denoiser, False]
            if wrapped or not is_classical:
                gain = difference(values[["psnr"]], reference[["psnr"]], f"controls.{item}: {denoiser} and {against}")
                parts.append(estimates(gain, params.statistics, against=against, **keys))
            parts.append(facts(defects.loc[denoiser, wrapped], n=images, **keys))
    return joined(parts)
