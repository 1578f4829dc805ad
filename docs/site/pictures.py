"""What the two interactive pages show, computed with the published weights.

python -m docs.site.pictures build/pictures

A page has one slider or two, and a frame for each combination of their values; each panel shows one frame. PSNR is that of
the float output of the network, not of the compressed picture:

    noise       noisy = clean + sigma n,               outputs f(noisy)
    contrast    input = a y + b, y at the training noise,   outputs mapped back, (f(a y + b) - b) / a
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import skimage
import torch

from docs.site.explorer import Explorer, Panel, Slider, write
from replication.data.images import grey
from replication.data.noise import STEP, noise_field
from wne import load_denoiser
from wne.files import replacing_folder

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "results/bsd400/weights"
NETWORKS = {"baseline": "dncnn-baseline-s25", "wne": "dncnn-wne-s25"}
TRAINED_AT = 25.0  # sigma of 255, of both networks

# Left upper corner of a square of SIDE pixels; all three photographs are CC0 and in no training set of these networks.
PHOTOS = {"camera": (60, 130), "chelsea": (20, 90), "coffee": (70, 180)}
SIDE = 256
SIGMAS = (2.5, 5.0, 7.0, 10.0, 14.0, 20.0, 25.0, 30.0, 35.0, 42.0, 50.0, 60.0, 70.0, 85.0, 100.0)
CONTRASTS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5)
BRIGHTNESSES = (-0.5, -0.25, 0.0, 0.25, 0.5)

Denoiser = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Photo:
    """A test image, (H, W) float32 in [0, 1], and unit noise of its shape."""

    clean: np.ndarray
    noise: np.ndarray

    def noisy(self, sigma: float) -> np.ndarray:
        return self.clean + np.float32(sigma / 255) * self.noise


def photo(name: str) -> Photo:
    pixels = getattr(skimage.data, name)()
    top, left = PHOTOS[name]
    square = (grey(pixels) if pixels.ndim == 3 else pixels)[top : top + SIDE, left : left + SIDE]
    noise = noise_field("gaussian", square.shape, "site", name) * np.float32(STEP)
    return Photo(square.astype(np.float32) / 255, noise.astype(np.float32))


def denoiser(variant: str) -> Denoiser:
    """The published network as a function of (H, W) arrays."""
    network = load_denoiser(WEIGHTS / f"{NETWORKS[variant]}.safetensors")

    def denoise(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(image)[None, None])[0, 0].numpy()

    return denoise


def noise_page(denoisers: dict[str, Denoiser], photos: dict[str, Photo]) -> Explorer:
    panels = {}
    for name, image in photos.items():
        noisy = [image.noisy(sigma) for sigma in SIGMAS]
        panels[name] = [
            Panel.still("Clean", image.clean),
            Panel.moving("Noisy", "noisy", noisy, image.clean),
            *[
                Panel.moving(label, key, [denoisers[key](y) for y in noisy], image.clean)
                for key, label in (("baseline", "Baseline"), ("wne", "WNE"))
            ],
        ]
    slider = Slider("Noise sigma", SIGMAS, SIGMAS.index(50.0), TRAINED_AT)
    return Explorer("noise", (slider,), panels)


def contrast_page(denoisers: dict[str, Denoiser], photos: dict[str, Photo]) -> Explorer:
    settings = [(np.float32(a), np.float32(b)) for a, b in product(CONTRASTS, BRIGHTNESSES)]
    panels = {}
    for name, image in photos.items():
        y = image.noisy(TRAINED_AT)
        mapped_back = {key: [(denoise(a * y + b) - b) / a for a, b in settings] for key, denoise in denoisers.items()}
        panels[name] = [
            Panel.still("Clean", image.clean),
            Panel.moving("Input a y + b", "noisy", [a * y + b for a, b in settings], None),
            Panel.moving("Baseline, mapped back", "baseline", mapped_back["baseline"], image.clean),
            Panel.moving("WNE, mapped back", "wne", mapped_back["wne"], image.clean),
        ]
    sliders = (
        Slider("Contrast a", CONTRASTS, CONTRASTS.index(0.5), 1.0),
        Slider("Brightness b", BRIGHTNESSES, BRIGHTNESSES.index(0.0), 0.0),
    )
    return Explorer("contrast", sliders, panels)


def main(target: Path) -> None:
    denoisers = {variant: denoiser(variant) for variant in NETWORKS}
    photos = {name: photo(name) for name in PHOTOS}
    with replacing_folder(target) as folder:
        for page in (noise_page, contrast_page):
            write(page(denoisers, photos), folder)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.site.pictures FOLDER")
    main(Path(sys.argv[1]))
