"""The estimated cost of a profile: numbers that can be worked out by hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

import replication.cli
from replication.experiments.cost import cost_of_runs, hours_on
from replication.report.cost import cost_tables
from replication.report.table import markdown
from replication.study.params import Card
from tiny_profile import RUN, tiny_profile

ROOT = Path(__file__).parents[2]


def test_hours_of_a_run_are_its_flops_over_the_share_of_the_peak(tmp_path):
    recipe = {"steps": 7200, "batch": 2, "patch": 10}
    params, _ = tiny_profile(tmp_path, variant="baseline", recipe=recipe, size={"depth": 3, "width": 8})
    # 2 FLOP for each weight and pixel, thrice for the gradients of weights and inputs; the image needs no gradient.
    weights, pixels = 9 * (1 * 8 + 8 * 8 + 8 * 1), 2 * 10 * 10
    flops = 2 * pixels * (3 * weights - 9 * 8)
    card = Card(title="Toy", teraflops=1e-6, terabytes=1e9, launch=0)  # 1 MFLOP/s, and memory that costs nothing
    (row,) = cost_of_runs(params, card, share=0.5).itertuples()
    assert (row.run, row.group, row.steps) == (RUN, "cnn", 7200)
    assert row.flops == 7200 * flops
    assert row.hours == row.arithmetic_hours == pytest.approx(7200 * flops / 0.5e6 / 3600)

    slow = card.model_copy(update={"teraflops": 1e9, "terabytes": 1e-6})  # 1 MB/s
    (other,) = cost_of_runs(params, slow, share=0.5).itertuples()
    assert other.hours == other.memory_hours == pytest.approx(1e15 * row.memory_hours)
    # At the very least each of the 18 feature maps before and after layers is read or written once.
    assert other.memory_hours * 3600 / 7200 * 1e6 > 4 * pixels * 8 * 18


def test_the_longest_runs_start_first_one_a_gpu():
    hours = [3, 5, 3, 4, 3]
    assert hours_on(1, hours) == 18
    assert hours_on(2, hours) == 10  # 5 + 3 and 4 + 3 + 3
    assert hours_on(8, hours) == 5


def test_the_table_adds_up(tmp_path):
    params, _ = tiny_profile(tmp_path)
    rows = [["a", "cnn", 10, 2e18, 6.0, 1.0, 6.0], ["b", "cnn", 10, 1e18, 3.0, 4.0, 4.0]]
    columns = ["run", "group", "steps", "flops", "arithmetic_hours", "memory_hours", "hours"]
    card = Card(title="Toy", teraflops=100, terabytes=2, launch=0)
    page = markdown(cost_tables(params, pd.DataFrame(rows, columns=columns), card, 0.25))
    assert "| DnCNN family | 2 | 3.0 | 9.0 | 5.0 | 10.0 | 100 % | 6.0 |" in page
    assert "| 1 | 10.0 |" in page and "| 8 | 6.0 |" in page and "| 64 | 6.0 |" in page
    assert "An estimate, not measured" in page and "25 % of 100 TFLOP/s (assumed)" in page


def test_an_unknown_card_is_one_line(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["replicate", "cost", "--card", "h1000"])
    with pytest.raises(SystemExit):
        replication.cli.main()
    assert "cards has no 'h1000'; known: rtx-4090, a100, h100, h100-tf32" in capsys.readouterr().err


@pytest.mark.slow
def test_the_table_of_the_page_is_that_of_the_command(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["replicate", "cost"])
    with pytest.raises(SystemExit, match="0"):
        replication.cli.main()
    page = (ROOT / "docs/running.md").read_text()
    (block,) = re.findall(r"<!-- made by `replicate cost` -->\n\n(.*?)\n\n<!-- end -->", page, re.DOTALL)
    assert block == capsys.readouterr().out.strip()
