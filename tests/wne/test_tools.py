"""The page of tools and networks: it has every row, and its numbers and those of the guide are the measured ones."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import deblurring, tools
from benchmarks.tools import NETWORKS, PAGE, TOOLS, network_row

GUIDE = Path(__file__).parents[2] / "docs/tools.md"


def table_rows() -> dict[str, list[str]]:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in rows}


def means() -> dict[tuple[str, float], float]:
    scores = pd.read_csv(deblurring.SCORES).fillna({"step": 0})
    return scores.groupby(["denoiser", "step"])["psnr"].mean().to_dict()


def test_the_page_has_every_tool_and_network():
    assert {*TOOLS, *NETWORKS} <= set(table_rows())


@pytest.mark.parametrize("name", NETWORKS)
def test_wrapped_networks_of_others_are_equivariant_and_bare_ones_are_not(name):
    _, told, bare, wrapped, verdict = network_row(name)
    assert float(wrapped) < 1e-5 < 1e-2 < float(bare)
    assert table_rows()[name][0] == told and table_rows()[name][3] == verdict
    assert float(table_rows()[name][2]) < 1e-5 < 1e-2 < float(table_rows()[name][1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_still_does_what_the_page_says(name):
    assert table_rows()[name] == [TOOLS[name][0], TOOLS[name][1]()]


def test_the_deblurring_on_the_page_is_the_measured_one():
    assert "\n".join(deblurring.section(pd.read_csv(deblurring.SCORES))) in PAGE.read_text()


def test_the_numbers_of_the_guide_are_the_measured_ones():
    mean, text = means(), GUIDE.read_text()
    best = max(score for (name, _), score in mean.items() if "rescaled" in name)
    for score in (mean["WNE", 1.9], mean["baseline", 1.9], mean["none", 0], best):
        assert f"{score:.2f} dB" in text
    assert mean["WNE", 1.9] > best > mean["baseline", 1.9] > mean["none", 0]  # which the guide says


def test_the_page_is_written_from_its_parts():
    page = tools.page(
        [["tool", "through", "works"]],
        [["net", "the image", "1", "0", "taken"]],
        pd.read_csv(deblurring.SCORES),
        "versions",
    )
    assert (
        "| tool | through | works |" in page
        and "| net | the image | 1 | 0 | taken |" in page
        and "versions -->" in page
    )
