"""The tables that the report reads, picked from the long table of estimates: a column for each quantity and its ends."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from replication.results.estimates import wide
from replication.results.identity import IDENTITY


class View(NamedTuple):
    """`rows`: which of the long table. `keys`: one row for each of their values. `estimates`: quantities with their
    interval; those that end in _gain are differences to `against`. `facts`: other columns."""

    rows: str
    keys: str
    estimates: str
    facts: str = ""


_NOISE, _GAINS = "corruption not in ['jpeg', 'real']", "psnr_gain ssim_gain"
_QUALITY = "kind in ['quality', 'gain'] and corruption"
_SAMPLED = "one_pass_psnr best_psnr psnr ssim best_step steps gap change"
_DEFECTS = "paper_median paper_max sharp_median sharp_max"
VIEWS = {
    "curves": View(f"kind == 'quality' and {_NOISE}", "run test_set noise sigma_test", "psnr ssim ssim_uniform",
                   "input_psnr input_psnr_clipped input_ssim input_ssim_uniform"),
    "paired": View(f"kind == 'gain' and {_NOISE}", "run test_set noise baseline sigma_test", _GAINS),
    "contrasts": View("kind == 'contrast'", "run against test_set noise sigma_test", _GAINS),
    "jpeg": View(f"{_QUALITY} == 'jpeg'", "run test_set noise quality", f"psnr ssim {_GAINS}", "input_psnr"),
    "real": View(f"{_QUALITY} == 'real'", "run test_set noise", f"psnr ssim {_GAINS}", "input_psnr input_ssim"),
    "defects": View(f"kind == 'defect' and quantity in {_DEFECTS.split()}", "run", "", _DEFECTS),
    "defect_levels": View("kind == 'defect' and quantity in ['paper', 'sharp']", "run test_set sigma_test", "paper sharp"),
    "unleaked": View("kind == 'unleaked'", "run test_set noise sigma_test", "", "psnr"),
    "samplers": View("kind == 'samplers'", "item operator test_set run", f"{_SAMPLED} {_GAINS}",
                     "baseline converged unfinished diverged lost " + " ".join(f"{name}_std" for name in _SAMPLED.split())),
    "exposure": View("kind == 'exposure'", "item run test_set sweep place", "psnr psnr_gain", "input_psnr against"),
    "controls": View("kind == 'controls'", "item run denoiser wrapped test_set noise sigma_test", "psnr ssim psnr_gain",
                     f"input_psnr input_psnr_clipped against {_DEFECTS}"),
    "windows": View("kind == 'windows'", "item run window test_set noise sigma_test", "psnr psnr_gain"),
}  # fmt: skip
# How the report calls columns of the long table.
_NAMES = {"noise": "corruption", "operator": "corruption", "sweep": "corruption", "sigma_test": "level",
          "quality": "level", "place": "level", "baseline": "against"}  # fmt: skip


def view(name: str, estimates: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The table of this name, with the identity of each run, which `runs` holds; `n` images."""
    rows, *columns = VIEWS[name]
    keys, quantities, facts = (words.split() for words in columns)
    made = wide(estimates.query(rows), [_NAMES.get(key, key) for key in keys])
    made = made.rename(columns={_NAMES[key]: key for key in (*keys, *facts) if key in _NAMES})
    head = [column for key in keys for column in (IDENTITY if key == "run" else [key])]
    ends = [f"{quantity}{end}" for quantity in quantities for end in ("", "_low", "_high")]
    table = made.merge(runs, on="run", how="left").reindex(columns=[*head, "n", *ends, *facts])
    if "item" in keys:  # "observed" is no run; the runs of an item are of its group
        table["group"] = table.groupby("item")["group"].transform("first")
    return table


def views(estimates: pd.DataFrame, runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All of them, completed by the variant compared with, by PSNR with the leaked images, and by the brightness 0."""
    made = {name: view(name, estimates, runs) for name in VIEWS}
    made["exposure"]["place"] = made["exposure"]["place"].fillna(0)
    contrasts, curves, places = made["contrasts"], made["curves"], ["run", "test_set", "sigma_test"]
    contrasts["against_variant"] = contrasts["against"].map(runs.set_index("run")["variant"])
    rest = made["unleaked"][[*places, "n", "psnr"]]
    curves = curves[[*IDENTITY, "test_set", "noise", "sigma_test", "n", "psnr"]]
    return made | {"unleaked": curves.merge(rest, on=places, suffixes=("", "_unleaked"))}
