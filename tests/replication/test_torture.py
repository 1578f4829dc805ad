"""A few of the kills and mutations of `make torture`; docs/robustness.md has what many of them gave."""

from __future__ import annotations

import pytest

from torture.kills import stages, try_stage
from torture.mutations import inputs, try_input
from torture.servers import try_servers

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["noise", "train", "figures --only"])
def test_a_stage_that_is_killed_leaves_whole_files_and_the_next_run_gives_the_same(tmp_path, name):
    for stage_name, stage in stages(tmp_path):
        if stage_name == name:
            assert try_stage(stage, kills=4, seed=1) == []
            return
    raise AssertionError(f"there is no stage {name}")


def test_damaged_input_is_read_or_refused_with_a_line(tmp_path):
    for name, kind in inputs(tmp_path):
        outcome = try_input(kind, mutations=30, seed=1)
        assert outcome.wrong == [], name
        assert outcome.refused > 5, f"{name}: the mutations damage nothing"


def test_downloads_from_bad_servers_come_whole_or_end_with_a_reason(tmp_path):
    outcome = try_servers(tmp_path, downloads=15, seed=1)
    assert outcome.wrong == [] and outcome.refused > 0
