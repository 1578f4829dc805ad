"""The LaTeX tables, the numbers of the text as macros, and the results page: from the collected tables alone."""

from __future__ import annotations

from wne.collect import read_summary
from wne.files import replacing_folder, write_text
from wne.params import Params
from wne.paths import ProfilePaths
from wne.tables import audit, difficulty, numbers, page, psnr, timing
from wne.tables.latex import fitted, generated
from wne.tables.published import read_published

__all__ = ["write_all"]

# file name -> function of (params, summary, published) that returns its LaTeX
TABLES = {
    "table01": psnr.table01,
    "mismatch": psnr.mismatch,
    "table02": timing.table02,
    "table03": difficulty.table03,
    "table05": timing.table05,
    "table06": timing.table06,
    "defects": audit.defects,
    "training": audit.training,
    "leakage": audit.leakage,
    "unleaked": audit.unleaked,
    "numbers": numbers.numbers,
}


def write_all(params: Params, paths: ProfilePaths) -> None:
    """Writes paper/<profile>/tables/*.tex and results/<profile>/README.md.

    Raises:
        CollectError: runs are missing from the summary.
    """
    summary = read_summary(params, paths)
    published = read_published(paths.root / "data/paper_values.csv")
    with replacing_folder(paths.tables) as folder:
        for name, write in TABLES.items():
            body = write(params, summary, published)
            body = body if name == "numbers" else fitted(body)
            maker = f"{write.__module__}.{write.__name__}"
            (folder / f"{name}.tex").write_text(generated(maker, params.profile, summary.source["inputs"], body))
    write_text(paths.results / "README.md", page.page(params, summary, published))
