"""README says what the results say, and its example runs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from replication.report.readme import _source, made_table, with_table
from replication.results.length import gaps_by_steps

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TEXT = " ".join(README.split())


@cache
def made() -> str:
    return made_table(ROOT)


def test_the_table_is_that_of_the_committed_results():
    assert with_table(README, made()) == README, "out of date; run: replicate readme"


def means(run: str) -> pd.Series:
    """Mean PSNR on Set12 by sigma_test."""
    (file,) = (ROOT / "results/published/evaluation").glob(f"*/{run}-s25/psnr.csv")
    scores = pd.read_csv(file)
    return scores[scores["test_set"] == "set12"].groupby("sigma_test")["psnr"].mean()


def test_the_psnr_at_the_published_size_is_that_of_the_results():
    baseline, wne = means("dncnn-baseline-steps10000"), means("dncnn-wne-steps10000")
    assert f"DnCNN reaches {baseline[25]:.2f} dB and DnCNN-WNE {wne[25]:.2f} dB on Set12 at sigma 25" in TEXT
    assert f"{30.50 - baseline[25]:.2f} and {30.43 - wne[25]:.2f} dB below the paper's" in TEXT  # Table 1
    papers = {
        "fdncnn-baseline-steps10000": 30.51, "fdncnn-wne-steps10000": 30.38,  # Table 7
        "swinir-baseline-steps2500": 30.79, "swinir-wne-steps2500": 30.65,  # Table 1
    }  # fmt: skip
    below = [paper - means(run)[25] for run, paper in papers.items()]
    assert f"without the wrapper, are {min(below):.2f} to {max(below):.2f} dB below" in TEXT
    noisy = 20 * np.log10(255 / 5)
    assert "Tested at sigma 5, WNE improves the image and the baseline does not" in TEXT
    for run in (*papers, "dncnn-baseline-steps10000", "dncnn-wne-steps10000"):
        assert (means(run)[5] > noisy + 0.02) == ("wne" in run), run  # the fields are not exactly of sigma 5


def test_what_the_comparisons_say_is_that_of_the_results():
    found = {
        profile: pd.read_csv(ROOT / f"results/{profile}/comparisons.csv")
        for profile in ("published", "bsd400", "default")
    }
    costs = -found["published"].query("id == 'C3'")["value"]
    assert f"At matched noise the wrapper costs {costs.min():.2f} to {costs.max():.2f} dB" in TEXT
    rows = pd.concat(found.values())
    gains = rows.query("id in ('C4', 'C5') and part == 'highest noise, WNE - baseline'")["value"]
    assert f"it gains {int(gains.min())} to {int(gains.max())} dB over its baseline" in TEXT
    assert "C4 and C16 fail against NE-arch alone" in TEXT
    failing = rows.query("id in ('C4', 'C16') and state == 'fails'")["part"]
    assert len(failing) and failing.str.contains("NE-arch").all()
    other = found["published"].query("id == 'C16'").groupby("part")["value"]
    noise, files = (other.get_group(f"{name}, WNE - baseline") for name in ("highest noise", "JPEG from quality 20"))
    assert f"noise of sigma 100, DnCNN-WNE gains {noise.min():.1f} to {noise.max():.1f} dB over its baseline" in TEXT
    assert f"JPEG files of quality 20 or more {files.min():.1f} to {files.max():.1f} dB;" in TEXT
    losses = []
    for noise in ("uniform-s14", "laplace-s20", "rayleigh-s17"):
        baseline, wne = (
            pd.read_csv(ROOT / f"results/published/evaluation/non-gaussian/dncnn-{variant}-{noise}/psnr.csv")
            for variant in ("baseline", "wne")
        )
        is_matched = baseline["sigma_test"] == float(noise[-2:])
        losses.append((baseline["psnr"] - wne["psnr"])[is_matched].mean())
    assert f"at matched noise it loses {min(losses):.1f} to {max(losses):.1f} dB (C16)" in TEXT


def test_the_distance_to_ne_arch_at_the_published_size_is_that_of_the_results():
    dncnn, fdncnn = (
        means(f"{name}-wne-steps10000") - means("fdncnn-ne_arch-steps10000") for name in ("dncnn", "fdncnn")
    )
    assert "DnCNN-WNE is within 0.2 dB of it" in TEXT and dncnn.abs().max() < 0.2
    assert f"FDnCNN, WNE is {-fdncnn.max():.1f} to {-fdncnn.min():.1f} dB below NE-arch" in TEXT


def test_what_other_seeds_change_is_that_of_the_results():
    source = _source(ROOT, "profiles/published/params.yaml")
    gaps = gaps_by_steps(source.params, source.summary)
    seeds = gaps[(gaps["steps"] == 400) & (gaps["against_variant"] == "ne_arch")]
    spread = seeds.groupby(["backbone", "place"])["psnr_gain"].agg(lambda gain: gain.max() - gain.min()).max()
    assert f"after 400 steps this difference varies by up to {spread:.1f} dB over three seeds" in TEXT


def test_what_contrast_costs_where_the_noise_stays_is_that_of_the_results():
    gains = {}
    for profile in ("default", "published"):
        table = pd.read_csv(ROOT / f"results/{profile}/summary/estimates.csv")
        rows = table[(table["kind"] == "exposure") & table["item"].isin(["dncnn", "swinir"]) & table["against"].notna()]
        gains[profile] = rows[(rows["corruption"] == "fixed") & (rows["level"] == 4)]
        assert len(gains[profile]) == 2
    losses, published = -gains["default"]["value"], gains["published"]
    assert f"the noise stays, WNE loses {losses.min():.1f} to {losses.max():.1f} dB to its baseline" in TEXT
    assert "(`default`); at the published size the difference is not clear" in TEXT
    assert ((published["low"] < 0) & (published["high"] > 0)).all()


def test_what_a_wrapper_after_training_and_a_known_level_give_is_that_of_the_results():
    table = pd.read_csv(ROOT / "results/published/controls/dncnn/table.csv")
    at = table.groupby(["denoiser", "sigma_test"])["psnr"].mean()
    wne = means("dncnn-wne-steps10000")
    after = max(at["wrapped_at_test"][100], at["wrapped_at_test_rescaled"][100])
    assert f"at sigma 100 such a DnCNN reaches [{after:.0f} dB]" in TEXT
    assert f"one trained in the wrapper {wne[100]:.0f} dB" in TEXT
    assert "above that of training, rescaling the baseline's input does as well" in TEXT
    assert all(0 < at["oracle"][sigma] - wne[sigma] < 0.3 for sigma in (50, 100))
    assert at["oracle"][10] < wne[10] - 1


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
    assert f"their baselines lose up to {max(losses):.1f} dB" in TEXT


def test_the_range_at_matched_noise_is_that_of_the_results():
    tables = (pd.read_csv(ROOT / f"results/{profile}/comparisons.csv") for profile in ("default", "bsd400"))
    gains = pd.concat([table.loc[table["id"] == "C3", "value"] for table in tables])
    assert f"by {gains.min():.1f} to {gains.max():+.1f} dB (C3)" in README


def test_every_claim_has_one_row_with_the_verdict_at_both_sizes():
    rows = [line.strip("| ").split(" | ") for line in made().splitlines() if line.startswith("| C")]
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
    assert len(made()) < 3700


def test_the_example_runs():
    torch.manual_seed(0)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})


def test_readme_is_short():
    """A page that is read in three minutes; all else is a link away."""
    written = re.sub(r"<!-- (\w+): made by.*?<!-- end of \1 -->", "", README, flags=re.DOTALL)
    assert len(written) < len(README) - 3000
    assert len(written.encode()) < 7750


def test_every_file_that_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#:]+)[^)]*\)", README)
    assert len(links) > 8
    missing = [link for link in links if link != "https" and not (ROOT / link).exists()]
    assert not missing


def test_every_anchor_that_readme_links_to_is_a_heading():
    for file, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", README):
        headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
