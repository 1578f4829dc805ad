"""README says what the results say, and its example runs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pandas as pd
import torch

from replication.claims.paper import PaperSummary
from replication.report.figures.length import _papers_gap
from replication.report.readme import _source, blocks, replace_block
from replication.results.length import gaps_by_steps

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@cache
def made() -> dict[str, str]:
    return blocks(ROOT)


def test_the_tables_are_those_of_the_committed_results():
    assert set(made()) == {"claims"}
    for name, block in made().items():
        assert replace_block(README, name, block) == README, "out of date; run: replicate readme"


def test_the_psnr_at_the_published_size_is_that_of_the_results():
    def means(run: str) -> pd.Series:
        (file,) = (ROOT / "results/published/evaluation").glob(f"*/{run}-s25/psnr.csv")
        scores = pd.read_csv(file)
        return scores[scores["test_set"] == "set12"].groupby("sigma_test")["psnr"].mean()

    text = " ".join(README.split())
    baseline, wne = means("dncnn-baseline-steps10000")[25], means("dncnn-wne-steps10000")[25]
    assert f"on Set12 at sigma 25 DnCNN has {baseline:.2f} dB and DnCNN-WNE {wne:.2f} dB" in text
    assert f"{30.50 - baseline:.2f} and {30.43 - wne:.2f} dB below the published" in text  # Table 1
    baseline, wne = means("fdncnn-baseline-steps10000")[25], means("fdncnn-wne-steps10000")[25]
    assert f"FDnCNN and FDnCNN-WNE are {30.51 - baseline:.2f} and {30.38 - wne:.2f} dB below" in text  # Table 7
    baseline, wne = means("swinir-baseline-steps2500"), means("swinir-wne-steps2500")
    below = f"{30.79 - baseline[25]:.2f} and {30.65 - wne[25]:.2f} dB"  # Table 1
    assert f"SwinIR and SwinIR-WNE (2,500 steps) {below}" in text


def test_the_distance_to_ne_arch_at_the_published_size_is_that_of_the_results():
    def means(run: str) -> pd.Series:
        (file,) = (ROOT / "results/published/evaluation").glob(f"*/{run}-steps10000-s25/psnr.csv")
        scores = pd.read_csv(file)
        return scores[scores["test_set"] == "set12"].groupby("sigma_test")["psnr"].mean()

    dncnn, fdncnn = (means(f"{name}-wne") - means("fdncnn-ne_arch") for name in ("dncnn", "fdncnn"))
    text = " ".join(README.split())
    assert "DnCNN-WNE is within 0.2 dB of NE-arch" in text and dncnn.abs().max() < 0.2
    assert f"and FDnCNN-WNE {-fdncnn.max():.1f} to {-fdncnn.min():.1f} dB below it" in text


def test_what_longer_training_and_other_seeds_change_is_that_of_the_results():
    source = _source(ROOT, "profiles/published/params.yaml")
    gaps = gaps_by_steps(source.params, source.summary)
    means = gaps.groupby(["backbone", "against_variant", "place", "steps"])["psnr_gain"].mean()
    papers = PaperSummary(source.published)
    for (backbone, place), rows in gaps[gaps["against_variant"] == "baseline"].groupby(["backbone", "place"]):
        shortest, longest = (means[backbone, "baseline", place, steps] for steps in (400, 10_000))
        paper = _papers_gap(papers, "baseline", rows)
        assert abs(longest - paper) < abs(shortest - paper), (backbone, place)
    seeds = gaps[(gaps["steps"] == 400) & (gaps["against_variant"] == "ne_arch")]
    spread = seeds.groupby(["backbone", "place"])["psnr_gain"].agg(lambda gain: gain.max() - gain.min()).max()
    assert f"at 400 steps three seeds differ by up to {spread:.1f} dB" in " ".join(README.split())


def test_what_contrast_costs_where_the_noise_stays_is_that_of_the_results():
    table = pd.read_csv(ROOT / "results/default/summary/estimates.csv")
    rows = table[(table["kind"] == "exposure") & table["item"].isin(["dncnn", "swinir"]) & table["against"].notna()]
    losses = -rows[(rows["corruption"] == "fixed") & (rows["level"] == 4)]["value"]
    assert len(losses) == 2
    text = " ".join(README.split())
    assert f"the noise stays, WNE loses {losses.min():.1f} to {losses.max():.1f} dB to its baseline" in text


def test_what_baselines_lose_at_other_exposures_is_what_was_measured():
    losses = []
    for item in (
        f"{backbone}-{task}" for backbone in ("dncnn", "swinir") for task in ("deblurring", "super-resolution")
    ):
        scores = pd.read_csv(ROOT / f"results/default/exposure/{item}/scores.csv")
        rows = scores[scores["run"].str.contains("baseline") & (scores["sweep"] != "fixed")]
        means = rows.groupby(["a", "b"])["psnr"].mean()
        losses.append(means[1, 0] - means.min())
    assert len(losses) == 4
    assert f"their baselines lose up to {max(losses):.1f} dB" in " ".join(README.split())


def test_the_range_at_matched_noise_is_that_of_the_results():
    tables = (pd.read_csv(ROOT / f"results/{profile}/comparisons.csv") for profile in ("default", "bsd400"))
    gains = pd.concat([table.loc[table["id"] == "C3", "value"] for table in tables])
    assert f"by {gains.min():.1f} to {gains.max():+.1f} dB (C3)" in README


def test_every_claim_has_one_row_with_the_verdict_at_both_sizes():
    rows = [line.strip("| ").split(" | ") for line in made()["claims"].splitlines() if line.startswith("| C")]
    published, bsd400, default = (
        pd.read_csv(ROOT / f"results/{profile}/claims.csv", keep_default_na=False, index_col="id")
        for profile in ("published", "bsd400", "default")
    )
    assert (
        [title.split()[0] for title, *_ in rows] == [f"C{number}" for number in range(1, 18)] == list(published.index)
    )
    for title, *_, large, small in rows:
        (claim, *_), is_elsewhere = title.split(), small.endswith("([default])")
        assert is_elsewhere == (bsd400.loc[claim, "outcome"] == ""), claim
        for cell, table in ((large, published), (small, default if is_elsewhere else bsd400)):
            verdict, outcome = table.loc[claim, ["verdict", "outcome"]]
            word = outcome if verdict in ("at reduced scale only", "not tested") else f"**{verdict}**"
            assert re.split(",|:", cell)[0] == (word or "not run"), (claim, cell)
    assert len(made()["claims"]) < 3700


def test_the_example_runs():
    torch.manual_seed(0)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_readme_is_short():
    """A page that is read in three minutes; all else is a link away."""
    written = re.sub(r"<!-- (\w+): made by.*?<!-- end of \1 -->", "", README, flags=re.DOTALL)
    assert len(written) < len(README) - 3000
    assert len(written.encode()) < 7250


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", README)
    assert len(links) > 8
    missing = [link for link in links if link != "https" and not (ROOT / link).exists()]
    assert not missing


def test_every_anchor_that_readme_links_to_is_a_heading():
    for file, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
