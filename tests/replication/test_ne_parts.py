"""WNE with parts of NE-arch: what each network has, and what it is compared with."""

from __future__ import annotations

import pytest
import torch

from replication.report.cells import signed
from replication.report.numbers.questions import QUESTIONS
from replication.report.source import Source
from replication.report.tables.parts import parts
from replication.results.parts import gaps_by_part
from whole_summary import whole_summary
from wne.models import create_denoiser
from wne.models.affine import AffineResidual, SortPool

_WHICH = ("Without", "Single", "All", "Patches")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return whole_summary(tmp_path_factory.mktemp("parts"))


def test_each_change_is_compared_with_ne_arch_on_its_own_patches(study):
    params, summary = study
    rows = gaps_by_part(params, summary).drop_duplicates("run").set_index("run")
    assert rows["change"].to_dict() == {
        "fdncnn-wne-s25": "",
        "fdncnn-reflect-wne-s25": "reflect padding",
        "fdncnn-sort-wne-s25": "SortPool",
        "fdncnn-mixing-wne-s25": "mixing scalar",
        "fdncnn-smoothing-wne-s25": "mixing scalar, sum-1 start",
        "fdncnn-parts-wne-s25": "all of these",
        "fdncnn-wne-patch64-s25": "patches of 64 pixels",
    }
    assert rows["against"].to_dict() == {
        run: "fdncnn-ne_arch-patch64-s25" if "patch64" in run else "fdncnn-ne_arch-s25" for run in rows.index
    }


def test_a_network_with_one_part_is_otherwise_fdncnn(study):
    params, _ = study
    plain = params.models["fdncnn"].size
    for name, part in (("reflect", {"padding": "reflect"}), ("sort", {"activation": "sort"})):
        assert params.models[f"fdncnn-{name}"].size == plain | part


def test_the_range_of_single_parts_leaves_out_none_and_all(study):
    params, summary = study
    size = {name: float(place) for place, name in enumerate(summary.contrasts["run"].unique(), start=1)}
    contrasts = summary.contrasts.assign(psnr_gain=summary.contrasts["run"].map(size))
    summary = type(summary)(**{**vars(summary), "contrasts": contrasts})
    some = [size[f"fdncnn-{name}-wne-s25"] for name in ("reflect", "sort", "mixing", "smoothing")]
    number = {which: QUESTIONS[f"PartsGap{which}Lowest"](Source(params, summary, None)) for which in _WHICH}
    assert number == {
        "Without": signed(size["fdncnn-wne-s25"]).latex,
        "Single": f"{signed(min(some)).latex} to {signed(max(some)).latex}",
        "All": signed(size["fdncnn-parts-wne-s25"]).latex,
        "Patches": signed(size["fdncnn-wne-patch64-s25"]).latex,
    }


def test_the_table_has_a_row_for_each_change(study):
    params, summary = study
    (table,) = parts(Source(params, summary, None))
    assert len(table.blocks[0]) == 1 + 7  # a line above says what is compared


def test_with_all_parts_only_constraint_and_biases_differ_from_ne_arch():
    torch.manual_seed(0)
    size = {"depth": 4, "width": 8}
    whole = create_denoiser(
        "fdncnn", mixing=True, initialization="smoothing", padding="reflect", activation="sort", **size
    )
    assert isinstance(whole.body, AffineResidual) and not whole.residual
    layers = whole.body.branch
    assert sum(isinstance(layer, SortPool) for layer in layers) == 3
    for layer in layers:
        if isinstance(layer, torch.nn.Conv2d):
            assert layer.padding_mode == "reflect"
            torch.testing.assert_close(layer.weight.sum((1, 2, 3)), torch.ones(layer.out_channels))
            assert not layer.bias.any()
    # So it starts as NE-arch: equivariant by itself.
    y = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(whole(3 * y - 7), 3 * whole(y) - 7, atol=1e-5, rtol=1e-5)


def test_each_part_alone_changes_only_itself():
    size = {"depth": 4, "width": 8, "residual": True}
    torch.manual_seed(0)
    plain = create_denoiser("fdncnn", **size)
    torch.manual_seed(0)
    reflect = create_denoiser("fdncnn", padding="reflect", **size)
    y = torch.rand(1, 1, 16, 16)
    same = (plain(y) - reflect(y)).abs()[0, 0]
    assert same[4:-4, 4:-4].max() == 0 and same.max() > 0
    with pytest.raises(ValueError, match="padding must be one of 'zeros', 'reflect'"):
        create_denoiser("fdncnn", padding="edge")
