"""Beyond the paper: what sets NE-arch apart from WNE on the same backbone."""

from __future__ import annotations

from replication.report.cells import at_sigma_test, fixed, heading, with_interval
from replication.report.families import setting, sweep_ends
from replication.report.source import Source
from replication.report.table import Row, Table
from replication.results.parts import gaps_by_part


def parts(source: Source) -> list[Table]:
    """PSNR of FDnCNN-WNE at matched noise, and its difference from NE-arch at three levels, for each change."""
    found = gaps_by_part(source.params, source.summary)
    first, (lowest, highest) = found.iloc[0], sweep_ends(found)
    levels = (lowest, float(first["sigma_train"]), highest)
    psnr = source.summary.curves.set_index(["run", "test_set", "sigma_test"])["psnr"]
    note = setting("FDnCNN-WNE", first["sigma_train"], first["test_set"], first["n"])
    rows: list[Row] = [[heading(5, note, emphasized=False)]]
    for name, run in found.groupby("run", sort=False):
        at = run.set_index("sigma_test")
        gaps = [with_interval(*at.loc[level, ["psnr_gain", "psnr_gain_low", "psnr_gain_high"]]) for level in levels]
        matched = fixed(psnr[name, first["test_set"], levels[1]])
        rows.append([run["change"].iloc[0] or "no part", matched, *gaps])
    head = ["", "PSNR (dB)", *map(at_sigma_test, levels)]
    return [Table("lcccc", [head], [rows])]
