"""What the site is made with: frames and numbers of the pages with sliders, docstrings, formulas."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from docs.site.docstrings import as_rst
from docs.site.explorer import Explorer, Panel, Slider, sheet, write
from docs.site.mathml import mathml
from docs.site.pictures import NETWORKS, Photo, contrast_page, denoiser, noise_page, photo


@pytest.fixture(scope="module")
def denoisers():
    return {variant: denoiser(variant) for variant in NETWORKS}


@pytest.fixture(scope="module")
def corner() -> Photo:
    """A part of a photograph: less to compute."""
    whole = photo("camera")
    return Photo(whole.clean[:96, :96], whole.noise[:96, :96])


def panels(explorer: Explorer) -> dict[str, Panel]:
    return {panel.key: panel for panel in explorer.panels["corner"]}


def test_the_noisy_picture_has_the_psnr_of_its_sigma_and_wne_keeps_what_the_baseline_loses(denoisers, corner):
    explorer = noise_page(denoisers, {"corner": corner})
    (slider,), shown = explorer.sliders, panels(explorer)
    np.testing.assert_allclose(shown["noisy"].psnr, 20 * np.log10(255 / np.array(slider.values)), atol=0.2)
    at = {sigma: {key: shown[key].psnr[k] for key in NETWORKS} for k, sigma in enumerate(slider.values)}
    assert abs(at[25]["wne"] - at[25]["baseline"]) < 1
    assert at[100]["wne"] - at[100]["baseline"] > 5


def test_mapped_back_wne_is_the_same_for_every_contrast_and_brightness_and_the_baseline_is_not(denoisers, corner):
    shown = panels(contrast_page(denoisers, {"corner": corner}))
    assert len(shown["wne"].frames) == len(shown["baseline"].frames) == 35
    assert np.ptp(shown["wne"].frames, axis=0).max() < 1e-4
    assert np.ptp(shown["wne"].psnr) < 0.01
    assert np.ptp(shown["baseline"].psnr) > 5


def test_frames_lie_row_by_row_with_the_last_slider_along_the_row():
    levels = [np.full((4, 4), level / 255) for level in (0, 50, 100, 150, 200, 250)]
    pixels = np.asarray(sheet(levels, 3))
    assert pixels[::4, ::4].tolist() == [[0, 50, 100], [150, 200, 250]]
    assert np.asarray(sheet(levels[:1], 3)).shape == (4, 4)


def test_intensities_out_of_range_are_clipped_and_not_wrapped():
    assert np.asarray(sheet([np.array([[-0.5, 1.5]])], 1)).tolist() == [[0, 255]]


def test_page_and_pictures_are_written_with_the_numbers_as_json(tmp_path):
    frames = [np.full((8, 8), level) for level in (0.0, 0.5)]
    clean = np.zeros((8, 8))
    explorer = Explorer(
        "demo",
        (Slider("a < b", (1.0, 2.0), 0, 1.0),),
        {"p": [Panel.still("Clean", clean), Panel.moving("WNE", "wne", [f + 0.1 for f in frames], clean)]},
    )
    write(explorer, tmp_path)
    page = (tmp_path / "demo.html").read_text()
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert json.loads(data)["psnr"] == {"p": {"clean": [], "wne": [20.0, 4.437]}}
    assert "a &lt; b" in page and "<" not in data
    assert Image.open(tmp_path / "demo-p-wne.webp").size == (8, 16)


def test_a_panel_without_a_frame_for_each_setting_is_an_error(tmp_path):
    panel = Panel.moving("WNE", "wne", [np.ones((2, 2))] * 2, np.zeros((2, 2)))
    explorer = Explorer("demo", (Slider("a", (1.0, 2.0, 3.0), 0, 1.0),), {"p": [panel]})
    with pytest.raises(ValueError, match="demo, p, wne: 2 frames, not 3"):
        write(explorer, tmp_path)


def test_docstrings_keep_their_formulas_and_examples():
    lines = [
        "s = ||y|| and 2 * x.", "", "    f(y) = |y| * 2", "", "Args:", "    x: |x| <= 1.", "", "    More of x.", "",
        ">>> 2 * 3", "6",
    ]  # fmt: skip
    assert as_rst(lines) == [
        r"s = \|\|y\|\| and 2 \* x.", "", "::", "", "    f(y) = |y| * 2", "", "Args:", r"    x: \|x\| <= 1.", "",
        "    More of x.", "", ">>> 2 * 3", "6", "",
    ]  # fmt: skip


def test_names_of_functions_are_identifiers_without_space_around_them():
    made = mathml(r"\operatorname{std}(y)\!")
    assert "<mi>std</mi>" in made and "negativethinmathspace" not in made
