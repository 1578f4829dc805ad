"""results/<profile>/README.md: what was run and what came out, for readers of the repository."""

from __future__ import annotations

import pandas as pd

from replication.claims import claims
from replication.report.tables.audit import unleaked_main
from replication.report.tables.psnr import matched, run_families, sweep_ends, swept
from replication.results.summary import Summary, awgn, covered, of_group
from replication.study import labels
from replication.study.params import Params
from replication.study.published import Published, is_papers_real_set, row_name

_FIGURES = {
    "overview": "The effect",
    "fig02": "Figure 2: far above the training noise",
    "fig03": "Figure 3: the DnCNN family",
    "fig04": "Figure 4: SwinIR",
    "fig05": "Figure 5: adaptive filters",
    "fig06": "Figure 6: normalized error against difficulty",
    "fig07": "Figure 7: how hard the training patches are, in normalized coordinates",
    "fig08": "Figure 8: training on a range of noise, and the soft-NE objective",
    "fig09": "Figure 9: the equivariance defect of these controls",
    "fig10": "Figure 10: the FDnCNN family",
    "fig11": "Figure 11: normalized error against difficulty, bare and wrapped",
    "fig12": "Figure 12: SSIM of the DnCNN family",
    "fig13": "Figure 13: SSIM of SwinIR",
    "fig14": "Figure 14: Restormer",
    "fig15": "Figure 15: colour",
    "fig16": "Figure 16: Noise2Noise",
    "fig17": "Figure 17: random inpainting with the Noise2Noise denoisers",
    "fig18": "Figure 18: normalizing the input alone",
    "fig19": "Figure 19: the same as pictures",
    "fig20": "Figure 20: other noise and JPEG, DnCNN family",
    "fig21": "Figure 21: other noise and JPEG, SwinIR",
    "inverse_problems": "Beyond the paper: super-resolution and deblurring",
    "controls": "Beyond the paper: controls without training",
    "recipe": "Beyond the paper: wrapper and recipe, crossed",
    "training": "Training loss of every run",
}
_FIRST, _LAST = ("overview",), ("fig07", "training")  # placed with their tables
_MATCHED = (  # table of the paper -> groups of runs
    ("Table 1", ("cnn", "swinir")),
    ("Table 7", ("fdncnn",)),
    ("Table 8", ("restormer",)),
    ("Table 9", ("colour",)),
)


def page(params: Params, summary: Summary, published: Published) -> str:
    """The page as Markdown."""
    from replication.report.figures import FIGURES, why_not  # matplotlib: only here, for the names of what is drawn

    drawn = [name for name in FIGURES if not why_not(params, name)]
    sections = [
        f"<!-- replication.report.tables.page.page, from results with hash {summary.source['inputs']}; made by `replicate tables` -->",
        f"# Results of the profile `{params.profile}`",
        _what_was_run(params, summary),
        *[_figure(name, params) for name in _FIRST if name in drawn],
        "## The paper's claims",
        _ledger(params, summary, published),
        *_matched_sections(summary, published),
        *_real(summary, published),
        "## Gain over the baseline away from the training noise",
        _gains(params, summary),
        *[_figure(name, params) for name in drawn if name not in (*_FIRST, *_LAST)],
        "## Time (Tables 2, 5 and 6)",
        _timing(summary, published),
        "## Equivariance defect",
        _defects(summary),
        *[_figure(name, params) for name in drawn if name == "fig07"],
        *([_coverage(summary, published)] if len(summary.difficulty) else []),
        "## Test images in the training set",
        _leakage(summary),
        "## Cost of training",
        _training(summary),
        *[_figure(name, params) for name in drawn if name == "training"],
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _what_was_run(params: Params, summary: Summary) -> str:
    training, curves = summary.training, awgn(summary.curves)
    lowest, highest = sweep_ends(curves[curves["test_set"] == curves["test_set"].iloc[0]])
    steps = " to ".join(f"{value:,}" for value in dict.fromkeys((training["steps"].min(), training["steps"].max())))
    images = curves.drop_duplicates("test_set")
    sets = ", ".join(f"{labels.test_set_label(row.test_set)} ({row.n} images)" for row in images.itertuples())
    cards = ", ".join(f"[{name}](weights/{name}.md)" for name in params.weights)
    versions = ", ".join(f"{name} {version}" for name, version in summary.source["timing"]["versions"].items())
    return "\n".join(
        [
            f"- {len(params.reported_runs)} runs of {steps} steps each, {training['seconds'].sum() / 3600:.1f} hours "
            f"of training in total, on {', '.join(training['device'].unique())}, in {' and '.join(training['backbone_dtype'].unique())}; last run {training['date'].max()}.",
            *([f"- Versions: {versions}."] if versions else []),
            f"- Training set: {', '.join(training['train_set'].unique())}. Tested on {sets}, "
            f"at sigma {lowest:g} to {highest:g} of 255.",
            f"- Intervals: {100 * params.statistics.confidence:g} %, bootstrap over images "
            f"({params.statistics.resamples} resamples). Gains are paired: same images, same noise.",
            "- In italics: the paper's numbers, for its own models, data and schedules.",
            *([f"- Published weights, with their cards: {cards}."] if cards else []),
        ]
    )


def _figure(name: str, params: Params) -> str:
    title = _FIGURES.get(name, name)
    return f"## {title}\n\n![{title}](../../paper/{params.profile}/figures/{name}.png)"


def _table(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _ledger(params: Params, summary: Summary, published: Published) -> str:
    """The claims with their verdicts; the rules are in claims.csv beside this page."""
    head = ["", "claim", "where", "paper", "here, with intervals", "n", "verdict", "command"]
    rows = []
    for line in claims(params, summary, published):
        cells = [line.id, line.statement, line.where, line.paper, line.ours, line.n]
        rows.append([*cells, f"**{line.verdict}**", f"`{line.command}`"])
    note = (
        "Each verdict follows from a rule that was written down before the run that decides it; rules and numbers are "
        "in [claims.csv](claims.csv). An interval decides, not a mean."
    )
    return f"{note}\n\n{_table(head, rows)}"


def _matched_sections(summary: Summary, published: Published) -> list[str]:
    sections = []
    for table, groups in _MATCHED:
        curves = matched(summary.curves)
        curves = curves[curves["group"].isin(groups)]
        if len(curves):
            sections += [f"## PSNR at matched noise ({table})", _matched(curves, published, table)]
    return sections


def _matched(curves: pd.DataFrame, published: Published, table: str) -> str:
    cells = [
        (test_set, sigma)
        for test_set in curves["test_set"].unique()
        for sigma in sorted(curves["sigma_train"].unique(), key=float)
    ]
    head = ["PSNR in dB", *[f"{labels.test_set_label(test_set)}, sigma {sigma}" for test_set, sigma in cells]]
    rows = []
    for _, family, runs in run_families(curves):
        row = [_plain_label(family)]
        for test_set, sigma in cells:
            found = runs[(runs["test_set"] == test_set) & (runs["sigma_train"] == sigma)]
            printed = published.matched_psnr(family["backbone"], family["variant"], test_set, sigma, (table,))
            ours = "" if found.empty else f"{found['psnr'].iloc[0]:.2f}"
            row.append(ours + (f" *({printed:.2f})*" if printed is not None else ""))
        rows.append(row)
    return _table(head, rows)


def _real(summary: Summary, published: Published) -> list[str]:
    """Table 10, with the name of the stand-in where the pairs are not SIDD's."""
    runs = of_group(summary.real, "real-noise") if len(summary.real) else summary.real
    if runs.empty:
        return []
    head = ["Pairs of photographs", "model", "images", "PSNR in dB", "SSIM", "gain in dB"]
    rows = []
    for run in runs.itertuples():
        own = is_papers_real_set(run.test_set)
        printed = [published.real(run.backbone, run.variant, metric) if own else None for metric in ("PSNR", "SSIM")]
        paper = ["" if value is None else f" *({value:.{digits}f})*" for value, digits in zip(printed, (2, 4))]
        gain = ""
        if not pd.isna(run.psnr_gain):
            gain = _with_interval(f"{run.psnr_gain:+.2f}", run.psnr_gain_low, run.psnr_gain_high)
        name = labels.test_set_label(run.test_set) + ("" if own else " (a stand-in for SIDD)")
        cells = [name, row_name(run.backbone, run.variant), run.n]
        rows.append([*cells, f"{run.psnr:.2f}{paper[0]}", f"{run.ssim:.4f}{paper[1]}", gain])
    return ["## Real noise (Table 10)", _table(head, rows)]


def _plain_label(family: pd.Series) -> str:
    return row_name(family["backbone"], family["variant"])


def _gains(params: Params, summary: Summary) -> str:
    paired = awgn(summary.paired)
    parts = []
    for test_set, part in swept(paired):
        lowest, highest = sweep_ends(part)
        head = [f"{labels.test_set_label(test_set)}, {part['n'].iloc[0]} images; gain in dB", "sigma_train"]
        head += [f"sigma_test {lowest:g}", "sigma_test = sigma_train", f"sigma_test {highest:g}"]
        rows = []
        for _, _, runs in run_families(part):
            for _, run in runs.groupby("run", sort=False):
                own = run["sigma_train"].iloc[0]
                cells = [run[run["sigma_test"] == sigma].iloc[0] for sigma in (lowest, float(own), highest)]
                gains = [
                    _with_interval(f"{c['psnr_gain']:+.2f}", c["psnr_gain_low"], c["psnr_gain_high"]) for c in cells
                ]
                rows.append([f"`{run['run'].iloc[0]}`", own, *gains])
        parts.append(_table(head, rows))
    return "\n\n".join(parts)


def _with_interval(text: str, low: float, high: float) -> str:
    return text if pd.isna(low) else f"{text} [{low:.2f}, {high:.2f}]"


def _timing(summary: Summary, published: Published) -> str:
    devices = summary.source["timing"]["devices"]
    lines = [f"Measured on {', '.join(devices.values())}, {summary.source['timing'].get('date', 'no date')}."]
    if "cuda" not in devices:
        lines.append("No GPU was available in this profile, so the paper's GPU columns are not replicated here.")
    head = ["Model", "device", "input", "mode", "seconds a batch", "times the baseline", "paper"]
    rows = []
    for cell in summary.timing.itertuples():
        printed = published.time_ratio(cell.backbone, cell.variant, cell.device, cell.mode)
        shape = f"{cell.batch} x {cell.channels} x {cell.height} x {cell.width}"
        row = [row_name(cell.backbone, cell.variant), {"cuda": "GPU", "cpu": "CPU"}[cell.device], shape, cell.mode]
        has_ratio = cell.variant != "baseline" and not pd.isna(cell.ratio)
        row.append(f"{cell.median_seconds:.3g}")
        row.append(_with_interval(f"{cell.ratio:.2f}", cell.ratio_low, cell.ratio_high) if has_ratio else "")
        row.append(f"*{printed:.2f}*" if printed is not None else "")
        rows.append(row)
    return " ".join(lines) + "\n\n" + _table(head, rows)


def _defects(summary: Summary) -> str:
    head = ["Run", "eps_NE, median", "eps_NE, largest", "sharper form, median", "sharper form, largest"]
    rows = []
    for run in summary.defects.itertuples():
        values = (run.paper_median, run.paper_max, run.sharp_median, run.sharp_max)
        rows.append([f"`{run.run}`", *[f"{value:.1e}" for value in values]])
    return _table(head, rows)


def _coverage(summary: Summary, published: Published) -> str:
    """Table 3 for each training set, with the paper's numbers; 95 % on the diagonal by construction."""
    parts = [
        "Table 3: percent of the patches whose difficulty at sigma_test lies in the central 95 % of those at "
        "sigma_train. It depends on the contrast of the training patches, and needs no model."
    ]
    for (train_set, patches, patch), _ in summary.difficulty.groupby(["train_set", "patches", "patch"], sort=False):
        matrix = covered(summary.difficulty, train_set)
        head = [f"{train_set}, {patches:,} patches of {patch} x {patch}; sigma_train"]
        head += [f"sigma_test {sigma:g}" for sigma in matrix.columns]
        rows = []
        for sigma_train, shares in matrix.iterrows():
            cells = [(share, published.coverage(sigma_train, sigma_test)) for sigma_test, share in shares.items()]
            texts = [f"{100 * ours:.0f}" + (f" *({paper:.0f})*" if paper is not None else "") for ours, paper in cells]
            rows.append([f"{sigma_train:g}", *texts])
        parts.append(_table(head, rows))
    return "\n\n".join(parts)


def _leakage(summary: Summary) -> str:
    if summary.leakage.empty:
        return "No training set was audited in this profile."
    rows = []
    for (train_set, test_set), part in summary.leakage.groupby(["train_set", "test_set"], sort=False):
        leaked = list(part.loc[part["leaked"].astype(bool), "image"])
        largest = f"{100 * part['matched_fraction'].max():.1f} %"
        rows.append([train_set, labels.test_set_label(test_set), len(part), len(leaked), ", ".join(leaked), largest])
    text = _table(["Training set", "test set", "images", "leaked", "names", "largest match"], rows)
    table = unleaked_main(summary)
    if table.empty:
        return text
    lines = []
    for _, family, runs in run_families(table):
        for run in runs.itertuples():
            values = [f"{run.psnr:.2f} ({run.n})", f"{run.psnr_unleaked:.2f} ({run.n_unleaked})"]
            lines.append([_plain_label(family), run.sigma_train, labels.test_set_label(run.test_set), *values])
    return text + "\n\n" + _table(["Model", "sigma", "test set", "PSNR, all images", "PSNR, without leaked"], lines)


def _training(summary: Summary) -> str:
    head = ["Run", "parameters", "steps", "minutes", "final loss", "device", "date", "seed"]
    rows = []
    for run in summary.training.itertuples():
        size = [f"`{run.run}`", f"{run.parameters:,}", f"{run.steps:,}", f"{run.seconds / 60:.1f}"]
        rows.append(
            [
                *size,
                f"{run.final_loss:.2e}",
                f"{run.device}, {run.threads} thread(s), {run.backbone_dtype}",
                run.date,
                run.seed,
            ]
        )
    return _table(head, rows)
