"""The whole site in a real browser: pages load without errors and from here alone, and sliders move the pictures.

Chromium is needed: `apt-get install chromium`, or `playwright install chromium`.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

import wne
from docs.site.pictures import BRIGHTNESSES, CONTRASTS, SIDE, SIGMAS

pytestmark = pytest.mark.slow  # builds the site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site as `make site` builds it, every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["make", "site", "VENV=none", f"SITE={folder}"]
    made = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        names = ("chromium", "chromium-browser", "google-chrome")
        found = own if Path(own).exists() else next(filter(None, map(shutil.which, names)), None)
        if found is None:
            pytest.skip("no Chromium here: apt-get install chromium, or playwright install chromium")
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    yield page
    page.close()


def test_every_public_name_is_on_the_api_page(site):
    html = (site / "docs/api.html").read_text()
    missing = [name for name in wne.__all__ if name != "__version__" and f'id="wne.{name}"' not in html]
    assert not missing


def test_every_page_loads_without_errors_and_from_this_site_alone(site, address, page):
    problems: dict[str, list[str]] = {}

    def note(kind: str, text: str) -> None:
        problems.setdefault(page.url.removeprefix(address), []).append(f"{kind}: {text}")

    page.on("console", lambda message: message.type in ("error", "warning") and note(message.type, message.text))
    page.on("pageerror", lambda error: note("exception", str(error)))
    page.on("response", lambda response: response.status < 400 or note(str(response.status), response.url))
    page.on("request", lambda request: request.url.startswith((address, "data:")) or note("elsewhere", request.url))
    pages = sorted(file.relative_to(site).as_posix() for file in site.rglob("*.html") if "_static" not in file.parts)
    pages.remove("index.html")  # leads elsewhere, and has a test of its own
    assert {"docs/noise.html", "docs/contrast.html", "notebooks/executed/01-wrapper.html"} <= set(pages)
    assert len(pages) > 25
    for name in pages:
        page.goto(address + name, wait_until="load")
        broken = page.evaluate(
            "[...document.images].filter(i => i.loading !== 'lazy' && !i.naturalWidth).map(i => i.src)"
        )
        if broken:
            note("broken image", ", ".join(broken))
    assert not problems


def test_the_address_of_the_site_leads_to_its_first_page(address, page):
    page.goto(address)
    page.wait_for_url("**/docs/index.html")
    assert page.title().startswith("WNE")


def test_search_finds_the_wrapper(address, page):
    page.goto(address + "search.html?q=NormalizationEquivariant")
    page.wait_for_selector("#search-results li a")
    assert "wne.NormalizationEquivariant" in page.locator("#search-results li a").all_inner_texts()


def shown(page: Page, panel: str) -> np.ndarray:
    """The picture of a panel as it is on the screen, (SIDE, SIDE), in grey levels."""
    page.wait_for_load_state("networkidle")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    pixels = page.locator(f"[data-panel={panel}] .picture").screenshot()
    return np.asarray(Image.open(io.BytesIO(pixels)).convert("L")).astype(float)


def frame(site: Path, sheet: str, row: int, column: int) -> np.ndarray:
    pixels = np.asarray(Image.open(site / "_static" / f"{sheet}.webp").convert("L")).astype(float)
    return pixels[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]


def set_slider(page: Page, number: int, index: int) -> None:
    page.locator(".explorer input[type=range]").nth(number).fill(str(index))


def psnr(page: Page, panel: str) -> float:
    return float(page.locator(f"[data-panel={panel}] output").inner_text().removesuffix(" dB"))


def open_at_full_size(page: Page, url: str, photo: str) -> None:
    """One pixel of a frame on exactly one of the screen, to compare them."""
    page.goto(url)
    page.get_by_role("radio", name=photo).check()
    page.add_style_tag(
        content=".explorer .panels { position: fixed; left: 0; top: 0; margin: 0; gap: 0; z-index: 99;"
        f"grid-template-columns: repeat(4, {SIDE}px) }}"
    )


@pytest.mark.parametrize("photo", ["camera", "coffee"])
def test_the_noise_slider_shows_the_pictures_and_psnr_of_its_sigma(site, address, page, photo):
    open_at_full_size(page, address + "docs/noise.html", photo)
    gains = {}
    for sigma in (5.0, 25.0, 100.0):
        index = SIGMAS.index(sigma)
        set_slider(page, 0, index)
        assert page.locator(".slider output").inner_text() == f"{sigma:g}"
        assert psnr(page, "noisy") == pytest.approx(20 * np.log10(255 / sigma), abs=0.2)
        gains[sigma] = psnr(page, "wne") - psnr(page, "baseline")
        for panel in ("noisy", "baseline", "wne"):
            picture = shown(page, panel)
            expected = frame(site, f"noise-{photo}-{panel}", index, 0)
            assert np.abs(picture - expected).mean() < 2, f"{panel} at {sigma}"
    assert gains[100.0] > 8 and abs(gains[25.0]) < 1
    assert page.locator(".chart polyline").count() == 3


def test_contrast_and_brightness_move_the_baseline_and_leave_wne_where_it_is(site, address, page):
    open_at_full_size(page, address + "docs/contrast.html", "camera")
    numbers, pictures = {}, {}
    for a, b in ((1.0, 0.0), (0.1, 0.0), (0.1, 0.5), (2.5, -0.5)):
        row, column = CONTRASTS.index(a), BRIGHTNESSES.index(b)
        set_slider(page, 0, row)
        set_slider(page, 1, column)
        assert page.locator(".slider output").all_inner_texts() == [f"{a:g}", f"{b:g}"]
        numbers[a, b] = psnr(page, "baseline"), psnr(page, "wne")
        pictures[a, b] = {panel: shown(page, panel) for panel in ("noisy", "baseline", "wne")}
        for panel, picture in pictures[a, b].items():
            expected = frame(site, f"contrast-camera-{panel}", row, column)
            assert np.abs(picture - expected).mean() < 2, f"{panel} at {a}, {b}"
    baseline, wrapped = zip(*numbers.values())
    assert np.ptp(wrapped) < 0.02 and np.ptp(baseline) > 5
    first, *others = pictures.values()
    assert all(np.abs(other["wne"] - first["wne"]).mean() < 2 for other in others)  # the compression differs
    assert all(np.abs(other["baseline"] - first["baseline"]).mean() > 4 for other in others)
