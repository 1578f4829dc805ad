"""The tables that figures and tables of the report read, picked from the long table of estimates."""

from __future__ import annotations

import pandas as pd

from replication.results.estimates import wide
from replication.results.identity import IDENTITY

_SWEEP = ["run", "test_set", "corruption", "level"]
_OUTCOMES = ["converged", "unfinished", "diverged"]
_SAMPLED = ["one_pass_psnr", "best_psnr", "psnr", "ssim", "best_step", "steps", "gap", "change"]
_GAINS = ["psnr_gain", "ssim_gain"]


def _with_ends(*quantities: str, ends: tuple[str, ...] = ("", "_low", "_high")) -> list[str]:
    return [f"{quantity}{end}" for quantity in quantities for end in ends]


def _view(rows: pd.DataFrame, runs: pd.DataFrame, keys: list[str], columns: list[str], **names: str) -> pd.DataFrame:
    """The rows in wide form: keys and identity of the run, n, and these columns. `names`: other names of keys."""
    made = wide(rows, keys).merge(runs, on="run", how="left").rename(columns=names)
    head = [name for key in keys for name in (IDENTITY if key == "run" else [names.get(key, key)])]
    return made.reindex(columns=[*head, "n", *columns])


def curves_view(estimates: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Quality through the noise sweep."""
    rows = estimates[(estimates["kind"] == "quality") & ~estimates["corruption"].isin(["jpeg", "real"])]
    inputs = ["input_psnr", "input_psnr_clipped", "input_ssim", "input_ssim_uniform"]
    columns = [*_with_ends("psnr", "ssim", "ssim_uniform"), *inputs]
    return _view(rows, runs, _SWEEP, columns, corruption="noise", level="sigma_test")


def views(estimates: pd.DataFrame, runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name in Summary -> table.

    Args:
        runs: the identity of each run.
    """
    kind, corruption, quantity = (estimates[column] for column in ("kind", "corruption", "quantity"))
    noise = {"corruption": "noise", "level": "sigma_test"}
    quality, gains = kind.isin(["quality", "gain"]), _with_ends(*_GAINS)
    paired = estimates[(kind == "gain") & ~corruption.isin(["jpeg", "real"])]
    curves, means = curves_view(estimates, runs), _with_ends("psnr", "ssim")
    contrasts = _view(estimates[kind == "contrast"], runs, ["run", "against", *_SWEEP[1:]], gains, **noise)
    variants = contrasts["against"].map(runs.set_index("run")["variant"])
    contrasts.insert(list(contrasts).index("against") + 1, "against_variant", variants)
    extreme = quantity.str.contains("_")
    return {
        "curves": curves,
        "paired": _view(paired, runs, [*_SWEEP, "against"], gains, against="baseline", **noise),
        "contrasts": contrasts,
        "jpeg": _view(estimates[quality & (corruption == "jpeg")], runs, _SWEEP, [*means, "input_psnr", *gains],
                      corruption="noise", level="quality"),
        "real": _view(estimates[quality & (corruption == "real")], runs, _SWEEP[:-1],
                      [*means, "input_psnr", "input_ssim", *gains], corruption="noise"),
        "defects": _view(estimates[(kind == "defect") & extreme], runs, ["run"],
                         ["paper_median", "paper_max", "sharp_median", "sharp_max"]),
        "defect_levels": _view(estimates[(kind == "defect") & ~extreme], runs, ["run", "test_set", "level"],
                               _with_ends("paper", "sharp"), level="sigma_test"),
        "unleaked": _unleaked(estimates[kind == "unleaked"], curves),
        "samplers": samplers_view(estimates, runs),
        "controls": controls_view(estimates, runs),
    }  # fmt: skip


def _unleaked(rows: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """PSNR at matched noise with (n, psnr) and without the leaked images."""
    places = ["run", "test_set", "sigma_test"]
    rest = rows.rename(columns={"level": "sigma_test", "n": "n_unleaked", "value": "psnr_unleaked"})
    both = curves.merge(rest[[*places, "n_unleaked", "psnr_unleaked"]], on=places)
    return both[[*IDENTITY, "test_set", "noise", "n", "psnr", "n_unleaked", "psnr_unleaked"]]


def samplers_view(estimates: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each item and run, and before them one with run = "observed": the input, psnr and ssim alone."""
    rows = estimates[estimates["kind"] == "samplers"]
    columns = [*_OUTCOMES, *_with_ends(*_SAMPLED, ends=("", "_std", "_low", "_high")), "against", *_with_ends(*_GAINS)]
    table = _view(rows, runs, ["item", "corruption", "test_set", "run"], columns, corruption="operator")
    table["group"] = table.groupby("item")["group"].transform("first")  # runs of an item are of its group
    return table.rename(columns={"against": "baseline"})


def controls_view(estimates: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each item, denoiser, form and sigma_test; the identity is that of the trained baseline."""
    rows = estimates[estimates["kind"] == "controls"]
    columns = ["input_psnr", "input_psnr_clipped", *_with_ends("psnr", "ssim"), "against", *_with_ends("psnr_gain"),
               "paper_median", "sharp_median", "paper_max", "sharp_max"]  # fmt: skip
    keys = ["item", "run", "denoiser", "wrapped", "test_set", "corruption", "level"]
    table = _view(rows, runs, keys, columns, corruption="noise", level="sigma_test")
    return table.astype({"wrapped": bool})
