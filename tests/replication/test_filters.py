"""Rows of the Jacobian: identities of linear, homogeneous and equivariant maps, and the files made of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from conftest import random_images, tiny_denoiser
from replication.data.noise import load_test_set
from replication.experiments.filters import analyse, effective_pixels, euler_defect, jacobian_rows, row_sums
from replication.report.figures.filters import fig05
from replication.results.filters import filters_table
from replication.results.summary import CollectError
from replication.study.params import Filters, load_params
from replication.study.paths import ProfilePaths
from synthetic_results import REPOSITORY
from tiny_profile import RUN, tiny_profile
from wne.checkpoints import CheckpointError, save_checkpoint
from wne.models import list_denoisers

CPU = torch.device("cpu")
ENTRIES = [(0, 3, 4), (0, 0, 0), (0, 7, 2)]


def _network(bias: bool) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(1, 6, 3, padding=1, bias=bias), nn.ReLU(), nn.Conv2d(6, 1, 3, padding=1, bias=bias)]
        return nn.Sequential(*layers).double()


# --- the measures


def test_a_linear_map_with_unit_row_sums(generator):
    """Each output is a weighted mean of all inputs, with random weights: its filter is its row of the matrix."""
    matrix = torch.rand(64, 64, generator=generator, dtype=torch.float64)
    matrix /= matrix.sum(dim=1, keepdim=True)
    y = random_images(1, 1, 8, 8)
    f = lambda x: (x.flatten(1) @ matrix.T).reshape(x.shape)  # noqa: E731
    assert euler_defect(f, y).item() < 1e-14
    torch.testing.assert_close(row_sums(f, y), torch.ones_like(y))
    rows = jacobian_rows(f, y, ENTRIES)
    torch.testing.assert_close(rows.flatten(1), matrix[[8 * row + column for _, row, column in ENTRIES]])


def test_a_shift_that_is_not_linear_has_a_known_defect():
    """f(y) = y + c: J = 1, so f(y) - J y = c, and rows still sum to 1."""
    y = random_images(3, 1, 8, 8)
    rho = euler_defect(lambda x: x + 0.5, y)
    expected = 0.5 * 8 / (y + 0.5).flatten(1).norm(dim=1)
    torch.testing.assert_close(rho, expected)
    assert (row_sums(lambda x: x + 0.5, y) == 1).all()


def test_a_power_has_the_defect_of_its_degree():
    """f homogeneous of degree k: J y = k f(y), so rho = |k - 1|."""
    y = random_images(2, 1, 8, 8) + 0.1
    assert euler_defect(lambda x: x**3, y).tolist() == pytest.approx([2, 2])
    assert euler_defect(lambda x: x**0.5, y).tolist() == pytest.approx([0.5, 0.5])


def test_a_network_without_biases_is_homogeneous_and_one_with_them_is_not():
    y = random_images(4, 1, 8, 8)
    assert euler_defect(_network(bias=False), y).max() < 1e-14
    assert euler_defect(_network(bias=True), y).min() > 0.05


def test_rows_agree_with_the_full_jacobian_and_with_finite_differences():
    f, y = _network(bias=True), random_images(1, 1, 8, 8)
    full = torch.autograd.functional.jacobian(f, y).reshape(64, 64)
    places = [8 * row + column for _, row, column in ENTRIES]
    rows = jacobian_rows(f, y, ENTRIES)
    torch.testing.assert_close(rows.flatten(1), full[places])
    torch.testing.assert_close(row_sums(f, y).flatten(), full.sum(dim=1))
    step = 1e-6
    with torch.no_grad():
        moved = [f(y + step * unit.reshape(y.shape)) - f(y - step * unit.reshape(y.shape)) for unit in torch.eye(64)]
    differences = torch.stack([m.flatten() for m in moved], dim=1) / (2 * step)
    torch.testing.assert_close(rows.flatten(1), differences[places], rtol=1e-6, atol=1e-8)


def test_rows_of_a_colour_image_belong_to_a_channel():
    """f swaps the channels: the filter of a red output has its weight in another channel, at the same place."""
    y = random_images(1, 3, 4, 4)
    rows = jacobian_rows(lambda x: x[:, [1, 2, 0]], y, [(0, 2, 3)])
    assert rows.shape == (1, 3, 4, 4) and rows[0, 1, 2, 3] == 1 and rows.sum() == 1


def test_the_effective_number_of_pixels():
    weights = torch.zeros(3, 1, 4, 4, dtype=torch.float64)
    weights[0, 0, 1, 1] = 0.3
    weights[1] = -2.0
    weights[2, 0, 0] = torch.tensor([3.0, 1.0, 0.0, 0.0])
    assert effective_pixels(weights).tolist() == pytest.approx([1, 16, 16 / 10])


@pytest.mark.parametrize(("backbone", "variant"), list_denoisers())
def test_every_equivariant_denoiser_and_no_other_obeys_the_identities(backbone, variant):
    f, y = tiny_denoiser(backbone, variant), 0.2 + 0.5 * random_images(1, 1, 16, 16)
    rho, sums = euler_defect(f, y).item(), row_sums(f, y)
    filters = jacobian_rows(f, y, ENTRIES).sum(dim=(1, 2, 3))
    torch.testing.assert_close(filters, sums[0, 0, [3, 0, 7], [4, 0, 2]])  # backward and forward derivatives
    if variant in ("wne", "wse", "se_arch", "ne_arch"):
        assert rho < 1e-13
    else:
        assert rho > 1e-3
    if variant in ("wne", "ne_arch"):
        assert (sums - 1).abs().max() < 1e-12
    else:
        assert (sums - 1).abs().max() > 1e-3


@pytest.mark.parametrize("backbone", ["dncnn", "swinir"])
def test_the_guard_on_constants_keeps_the_identities(backbone):
    f, y = tiny_denoiser(backbone, "wne"), torch.full((1, 1, 16, 16), 0.7, dtype=torch.float64)
    assert euler_defect(f, y).item() < 1e-15
    assert (row_sums(f, y) == 1).all()
    rows = jacobian_rows(f, y, ENTRIES)
    torch.testing.assert_close(rows, torch.full_like(rows, 1 / 256))  # the mean of the image


# --- the files


def _profile(root, variant="wne", **changes):
    params, paths = tiny_profile(root, variant=variant, crop=None)
    item = Filters(
        group=params.runs[RUN].group, test_set="tiny", image="a", size=16, sigmas=[25, 5], pixels=[(5, 9), (11, 4)],
        runs=[RUN],
    )  # fmt: skip
    params = params.model_copy(update={"filters": {"item": item.model_copy(update=changes)}})
    model = tiny_denoiser("dncnn", variant, dtype=torch.float32)
    config = params.describe(RUN)
    config["model"] = {"backbone": "dncnn", "depth": 4, "width": 8}
    save_checkpoint(paths.checkpoint(params, RUN), model, config, params.fingerprint(RUN))
    return params, paths, model.double()


def test_the_files_hold_what_the_model_does_to_the_central_crop(tmp_path):
    params, paths, model = _profile(tmp_path)
    analyse(params, "item", paths, CPU)
    folder = paths.analysis("filters", "item")
    table = pd.read_csv(folder / "table.csv")
    assert list(table["sigma_test"]) == [25, 25, 5, 5] and list(table["row"]) == [5, 11, 5, 11]
    assert table["rho"].max() < 1e-13 and table["row_sum_error_max"].max() < 1e-12
    assert table["row_sum"].tolist() == pytest.approx([1] * 4, abs=1e-5)  # as printed

    image = next(i for i in load_test_set(paths, "tiny") if i.name == "a")
    clean, field = image.clean_unit(), image.field_unit("gaussian", 0)
    noisy = (clean + np.float32(5 / 255) * field)[:, 12:28, 14:30]  # the middle of 40 x 44
    y = torch.from_numpy(noisy)[None].double()
    with torch.no_grad():
        denoised = model(y)[0].numpy()
    with np.load(folder / f"{RUN}-5.npz") as arrays:
        np.testing.assert_array_equal(arrays["noisy"], np.rint(255 * noisy[0].clip(0, 1)))
        np.testing.assert_allclose(arrays["denoised"], 255 * denoised[0].clip(0, 1), atol=0.501)
        expected = jacobian_rows(model, y, [(0, 5, 9), (0, 11, 4)])[:, 0].numpy()
        np.testing.assert_allclose(arrays["filters"], expected, rtol=1e-3, atol=1e-6)
    error = np.mean((denoised.clip(0, 1) - clean[:, 12:28, 14:30]) ** 2)
    assert table["psnr"].iloc[-1] == pytest.approx(-10 * np.log10(error), abs=1e-3)


def test_a_bare_network_is_seen_to_break_the_identities(tmp_path):
    params, paths, _ = _profile(tmp_path, variant="baseline")
    analyse(params, "item", paths, CPU)
    table = filters_table(params, paths)
    assert len(table) == 4 and (table["item"] == "item").all() and (table["variant"] == "baseline").all()
    assert table["rho"].min() > 1e-3 and table["row_sum_error_max"].min() > 1e-3
    assert (table["row_sum_error_max"] >= (table["row_sum"] - 1).abs() - 1e-5).all()


def test_a_profile_without_items_has_a_table_without_rows(tmp_path):
    params, paths = tiny_profile(tmp_path)
    table = filters_table(params, paths)
    assert table.empty and {"item", "run", "rho", "row_sum"} <= set(table)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "c"}, "no image called 'c'"),
        ({"size": 41}, "40 x 44, smaller than the crop of 41"),
        ({"pixels": [(3, 16)]}, r"pixel \(3, 16\) is outside"),
    ],
)
def test_what_is_not_there_is_named(tmp_path, changes, message):
    params, paths, _ = _profile(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        analyse(params, "item", paths, CPU)
    assert not paths.analysis("filters", "item").exists()


def test_an_untrained_run_is_refused(tmp_path):
    params, paths, _ = _profile(tmp_path)
    paths.checkpoint(params, RUN).unlink()
    with pytest.raises(CheckpointError, match=f"replicate train {RUN}"):
        analyse(params, "item", paths, CPU)


# --- the figure


def _drawn(tmp_path):
    params, paths = load_params(REPOSITORY / "params.yaml"), ProfilePaths("default", tmp_path)
    runs = ["swinir-baseline-s25", "swinir-wne-s25"]
    changes = {"size": 16, "pixels": [(2, 9), (11, 4)], "sigmas": [25, 5], "runs": runs}
    spec = params.filters["fig05"].model_copy(update=changes)
    params = params.model_copy(update={"filters": {"fig05": spec}})
    folder, rows = paths.analysis("filters", "fig05"), []
    folder.mkdir(parents=True)
    for index, run in enumerate(runs):
        for sigma in spec.sigmas:
            filters = np.zeros((2, 16, 16), np.float16)
            filters[0, 2, 9], filters[1, 11, 4] = 0.5, -0.25
            picture = np.full((16, 16), 100, np.uint8)
            np.savez_compressed(folder / f"{run}-{sigma:g}.npz", noisy=picture, denoised=picture, filters=filters)
            for row, column in spec.pixels:
                facts = {"run": run, "sigma_test": sigma, "input_psnr": 20.25, "psnr": 30 + index + sigma / 100}
                facts |= {"rho": [0.125, 3e-16][index], "row_sum_error_max": 0.1, "row": row, "column": column}
                rows.append(facts | {"row_sum": 0.9 + 0.1 * index, "effective_pixels": 7.0 + row})
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return params, paths, SimpleNamespace(filters=filters_table(params, paths))


def test_the_figure_has_a_panel_for_each_picture_and_filter_with_its_numbers(tmp_path):
    params, paths, summary = _drawn(tmp_path)
    figure = fig05(params, summary, paths)
    panels, colour_bar = figure.axes[:-1], figure.axes[-1]
    assert len(panels) == 2 * (1 + 2 * 3)
    captions = [panel.texts[-1].get_text() for panel in panels]
    assert sum("30.25 dB" in text and "0.125" in text for text in captions) == 1
    assert sum("31.05 dB" in text and "10^{-16}" in text for text in captions) == 1
    assert sum("0.900" in text and "= 18" in text for text in captions) == 2
    filters = [panel for panel in panels if panel.images[0].norm is colour_bar.images[0].norm]
    assert len(filters) == 8
    for panel in filters:  # the marked pixel holds the weight, in a window that stays inside the crop
        weights, (column, row) = panel.images[0].get_array(), panel.lines[0].get_xydata()[0].astype(int)
        assert np.flatnonzero(weights).tolist() == [16 * row + column]
        (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
        assert right - left == bottom - top == 8 and left <= column <= right and top <= row <= bottom
        assert min(left, top) >= -0.5 and max(right, bottom) <= 15.5
    figure.savefig(tmp_path / "fig05.png", dpi=50)


def test_missing_arrays_and_a_missing_variant_are_named(tmp_path):
    params, paths, summary = _drawn(tmp_path)
    (paths.analysis("filters", "fig05") / "swinir-wne-s25-5.npz").unlink()
    with pytest.raises(CollectError, match=r"swinir-wne-s25-5\.npz: missing"):
        fig05(params, summary, paths)
    alone = params.filters["fig05"].model_copy(update={"runs": ["swinir-wne-s25"]})
    with pytest.raises(CollectError, match="baseline and wne"):
        fig05(params.model_copy(update={"filters": {"fig05": alone}}), summary, paths)
