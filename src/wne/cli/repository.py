"""Commands that rewrite this repository's own generated pages."""

from __future__ import annotations

from pathlib import Path

import typer

from wne.report import stage

PANEL = "For the repository itself"
app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def readme() -> None:
    """Rewrite README's generated tables from the committed results of the default and bsd400 profiles."""
    from wne.files import write_text
    from wne.tables.readme import blocks, read_profiles, replace_block

    file = Path("README.md")
    with stage("readme", [Path("results")], [file]):
        text = file.read_text()
        for name, block in blocks(*read_profiles()).items():
            text = replace_block(text, name, block)
        write_text(file, text)


@app.command(rich_help_panel=PANEL)
def docs() -> None:
    """Write docs/api.md from the docstrings."""
    from wne.apidoc import api_page
    from wne.files import write_text

    write_text(Path("docs/api.md"), api_page())


@app.command(rich_help_panel=PANEL)
def exactness() -> None:
    """Measure docs/exactness.md: rounding of the wrapper, and what a wrapped network goes through; some minutes."""
    import torch
    from skimage import data

    from wne.checkpoints import load_denoiser
    from wne.compatibility import measure
    from wne.denoise import DEFAULT_MODEL, find_weights
    from wne.exactness import SIZE, page, rows
    from wne.files import write_text

    target = Path("docs/exactness.md")
    with stage("exactness", [find_weights(DEFAULT_MODEL)], [target]):
        image = torch.from_numpy(data.camera()[100 : 100 + SIZE, 200 : 200 + SIZE].astype("float64") / 255)
        backbone = load_denoiser(find_weights(DEFAULT_MODEL)).backbone.double()
        versions = f"torch {torch.__version__}, CPU"
        write_text(target, page(rows(backbone, image[None, None]), measure(), versions))
