"""Pages with sliders: the frames of each panel as one WebP, and the HTML around them with the numbers inside.

Frame k of a panel belongs to the k-th combination of the sliders' values, the last slider fastest; in the WebP it lies in
row k // columns and column k % columns.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from replication.data.metrics import psnr

HERE = Path(__file__).parent
QUALITY = 70  # of WebP; at 80 noise takes much more space and looks the same


@dataclass(frozen=True)
class Slider:
    """values: in rising order; start: the index of the first one shown; reference: the value that training saw."""

    label: str
    values: tuple[float, ...]
    start: int
    reference: float


@dataclass(frozen=True)
class Panel:
    """frames: each (H, W), intensities clipped to [0, 1] when shown. psnr: one value for each, or none; in dB."""

    label: str
    key: str
    frames: Sequence[np.ndarray]
    psnr: Sequence[float]

    @classmethod
    def still(cls, label: str, frame: np.ndarray) -> Panel:
        return cls(label, "clean", [frame], [])

    @classmethod
    def moving(cls, label: str, key: str, frames: Sequence[np.ndarray], clean: np.ndarray | None) -> Panel:
        return cls(label, key, frames, [] if clean is None else [psnr(frame, clean) for frame in frames])


@dataclass(frozen=True)
class Explorer:
    """panels: of each photograph, the same keys in the same order for all of them."""

    name: str
    sliders: tuple[Slider, ...]
    panels: dict[str, list[Panel]]

    @property
    def columns(self) -> int:
        return len(self.sliders[-1].values) if len(self.sliders) > 1 else 1

    def check(self) -> None:
        frames = prod(len(slider.values) for slider in self.sliders)
        for photo, panels in self.panels.items():
            for panel in panels:
                if len(panel.frames) not in (1, frames):
                    raise ValueError(f"{self.name}, {photo}, {panel.key}: {len(panel.frames)} frames, not {frames}")


def write(explorer: Explorer, folder: Path) -> None:
    """<name>.html, for a page to include, and <name>-<photograph>-<panel>.webp beside it."""
    explorer.check()
    for photo, panels in explorer.panels.items():
        for panel in panels:
            sheet(panel.frames, explorer.columns).save(
                folder / f"{explorer.name}-{photo}-{panel.key}.webp", quality=QUALITY, method=4
            )
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("explorer.html.jinja").render(explorer=explorer, data=_data(explorer))
    (folder / f"{explorer.name}.html").write_text(page)


def sheet(frames: Sequence[np.ndarray], columns: int) -> Image.Image:
    """All frames in one picture, row by row; a single frame alone."""
    columns = min(columns, len(frames))
    pixels = [np.rint(255 * np.clip(frame, 0, 1)).astype(np.uint8) for frame in frames]
    return Image.fromarray(np.vstack([np.hstack(pixels[i : i + columns]) for i in range(0, len(pixels), columns)]))


def _data(explorer: Explorer) -> str:
    """What the script needs, as JSON that may stand in HTML."""
    data = {
        "name": explorer.name,
        "sliders": [
            {"label": slider.label, "values": slider.values, "reference": slider.reference}
            for slider in explorer.sliders
        ],
        "columns": explorer.columns,
        "psnr": {
            photo: {panel.key: [round(value, 3) for value in panel.psnr] for panel in panels}
            for photo, panels in explorer.panels.items()
        },
    }
    return json.dumps(data).replace("<", "\\u003c")
