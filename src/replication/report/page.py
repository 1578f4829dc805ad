"""results/<profile>/README.md: what was run, then every artefact of the profile, for readers of the repository."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from replication.report.artefacts import ARTEFACTS, Artefact
from replication.report.source import Source
from replication.report.table import Table, markdown
from replication.results.summary import Summary
from replication.study import labels
from replication.study.params import Params


def page(source: Source, tables: Mapping[str, list[Table]]) -> str:
    """The page as Markdown. tables: those that the profile has, by their names."""
    params, summary = source.params, source.summary
    shown = [artefact for artefact in ARTEFACTS if not artefact.why_not(params)]
    sections = [
        f"<!-- made by `replicate tables` (report.page.page) with hash {summary.source['inputs']} -->",
        f"# Results of the profile `{params.profile}`",
        _what_was_run(params, summary),
        *[_section(artefact, params, tables) for artefact in shown],
    ]
    return "\n\n".join(sections) + "\n"


def _section(artefact: Artefact, params: Params, tables: Mapping[str, list[Table]]) -> str:
    title = artefact.title + (f" ({', '.join(artefact.claims)})" if artefact.claims else "")
    if artefact.kind == "table":
        body = markdown(tables[artefact.name])
    else:
        body = f"![{artefact.title}](../../paper/{params.profile}/figures/{artefact.name}.png)"
    return "\n\n".join(filter(None, (f"## {title}", artefact.caption, body)))


def _what_was_run(params: Params, summary: Summary) -> str:
    training, timing = summary.training, summary.source["timing"]
    steps = " to ".join(f"{value:,}" for value in dict.fromkeys((training["steps"].min(), training["steps"].max())))
    sets = [_test_set(rows) for _, rows in summary.curves.groupby("test_set", sort=False)]
    if len(summary.real):
        sets += [_test_set(rows) for _, rows in summary.real.groupby("test_set", sort=False)]
    cards = ", ".join(f"[{name}](weights/{name}.md)" for name in params.weights)
    versions = ", ".join(f"{name} {version}" for name, version in timing["versions"].items())
    lines = [
        f"{len(params.reported_runs)} runs of {steps} steps each, {training['seconds'].sum() / 3600:.1f} hours "
        f"of training in total, on {', '.join(training['device'].unique())}, in "
        f"{' and '.join(training['backbone_dtype'].unique())}; last run {training['date'].max()}.",
        versions and f"Versions: {versions}.",
        f"Training sets: {', '.join(training['train_set'].unique())}. Test sets (sigma of 255): {', '.join(sets)}.",
        f"Intervals: {100 * params.statistics.confidence:g} %, bootstrap over images "
        f"({params.statistics.resamples} resamples), Student's t for four images or fewer; they "
        f"{'do not cover the seed' if summary.recipe.empty else 'cover the seed in the recipe ablation alone'}. "
        f"Gains are paired: same images, same noise.",
        "In italics: the paper's numbers, for its own models, data and schedules.",
        f"Times measured on {', '.join(timing['devices'].values())}, {timing.get('date', 'no date')}."
        + ("" if "cuda" in timing["devices"] else " No GPU was available in this profile."),
        cards and f"Published weights, with their cards: {cards}.",
    ]
    return "\n".join(f"- {line}" for line in lines if line)


def _test_set(rows: pd.DataFrame) -> str:
    """Name, images, and the range of sigma_test where the noise is added."""
    levels = [f"{level:g}" for level in sorted(set(rows.get("sigma_test", ())))]
    sigma = f", sigma {' to '.join(dict.fromkeys((levels[0], levels[-1])))}" if levels else ""
    return f"{labels.test_set_label(rows['test_set'].iloc[0])} ({rows['n'].iloc[0]} images{sigma})"
