"""Numbers of the questions that an analysis answers: what null models do (C8), the statistics of windows, parts of NE-arch."""

from __future__ import annotations

from functools import partial

import pandas as pd

from replication.claims.analyses import COLLAPSE
from replication.claims.parts import Bounds
from replication.report.cells import escape, fixed, interval, signed
from replication.report.numbers.rows import span, where
from replication.report.numbers.study import Number, Value
from replication.report.source import Source
from replication.results import parts
from replication.results.errors import NULL
from replication.results.readers import smallest_windows
from replication.results.summary import PLACES, at_place
from replication.study.labels import NULL_MODELS


def _errors(source: Source, quantity: str, **values: str) -> pd.DataFrame:
    return where(source.summary.errors, quantity=quantity, **values)


def _spread(variant: str, source: Source) -> Value:
    return span(_errors(source, "spread", variant=variant)["value"], fixed)


def _null_spread(null: str, form: str, source: Source) -> Value:
    rows = _errors(source, "spread", variant=NULL, run=null)
    if rows.empty:
        return None
    row = rows.iloc[0]
    return interval(row["low"], row["high"]) if form else fixed(row["value"])


def _over_null(null: str, source: Source) -> Value:
    """Q(WNE) - Q(null model), dB, over the values of sigma_train."""
    return span(_errors(source, "null_gain", variant="wne", baseline=null)["value"], signed)


def _null_note(source: Source) -> Value:
    """Which null models collapse by the rule of C8, and what follows from that."""
    rows = _errors(source, "spread", variant=NULL)
    if rows.empty:
        return None
    holds = {row.run: Bounds(upper=COLLAPSE).hold(row.low, row.high) for row in rows.itertuples()}
    names = [label.lower() for name, label in NULL_MODELS.items() if holds[name]]
    if not names:
        is_open = None in holds.values()
        return f"{'It is open whether either' if is_open else 'Neither'} collapses to within the bound of C8."
    who = f"The {names[0]} collapses" if len(names) == 1 else "Both collapse"
    return (
        f"{who} to within the bound of C8, so a small spread alone does not show that a network denoises; C8 asks of "
        "WNE a smaller error than theirs as well."
    )


def _window_sides(source: Source) -> Value:
    return span(smallest_windows(source.summary)["window"], partial(fixed, digits=0))


def _window_note(source: Source) -> Value:
    """What windows gain at the lowest noise beside the distance to NE-arch there: medians over networks of the CNN family."""
    rows, contrasts = smallest_windows(source.summary), source.summary.contrasts
    runs = rows.loc[rows["group"] == "cnn", "run"].unique()
    contrasts = contrasts[(contrasts["against_variant"] == "ne_arch") & contrasts["run"].isin(runs)]
    if contrasts.empty:
        return None
    lowest, apart = (
        at_place(table, "lowest").groupby("run").first()
        for table in (rows[rows["run"].isin(contrasts["run"])], contrasts)
    )
    gain, gap = lowest["psnr_gain"].median(), apart["psnr_gain"].median()
    doubtful = ((lowest["psnr_gain_low"] <= 0) & (lowest["psnr_gain_high"] >= 0)).sum()
    return (
        f"For DnCNN-WNE the median change at the lowest noise is {signed(gain).latex} dB ({doubtful} of {len(lowest)} "
        f"intervals include 0); the median of DnCNN-WNE minus NE-arch on whole images is {signed(gap).latex} dB."
    )


def _parts_gap(which: str, place: str, source: Source) -> Value:
    """WNE - NE-arch in dB: without parts, with each part or two of them (a range), with all, on larger patches."""
    if not all(map(source.params.is_reported, (parts.GROUP, parts.MAIN))):
        return None
    rows = parts.gaps_by_part(source.params, source.summary)
    without, patches = rows["change"] == "", (rows["change"] != "") & (rows["parts"] == 0)
    every = rows["parts"] == rows["parts"].max()
    chosen = {"Without": without, "All": every, "Patches": patches, "Single": ~(without | patches | every)}[which]
    return span(at_place(rows[chosen], place).groupby("run")["psnr_gain"].first(), signed)


QUESTIONS: dict[str, Number] = {
    "WneSpreadRange": partial(_spread, "wne"),
    "BaselineSpreadRange": partial(_spread, "baseline"),
    **{
        f"Null{null.capitalize()}Spread{form}": partial(_null_spread, null, form)
        for null in NULL_MODELS
        for form in ("", "Interval")
    },
    **{f"WneOver{null.capitalize()}Range": partial(_over_null, null) for null in NULL_MODELS},
    "NullNote": _null_note,
    "StudyErrorPatches": lambda s: escape(_errors(s, "spread")["n"].max()) if len(s.summary.errors) else None,
    "WindowNetworks": lambda s: smallest_windows(s.summary)["run"].nunique() or None,
    "WindowSides": _window_sides,
    "WindowNote": _window_note,
    **{
        f"PartsGap{which}{place.capitalize()}": partial(_parts_gap, which, place)
        for which in ("Without", "Single", "All", "Patches")
        for place in PLACES
    },
}
