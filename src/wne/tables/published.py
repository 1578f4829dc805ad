"""The numbers printed in the paper, from data/paper_values.csv and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from wne import style

PSNR_TABLES = ("Table 1", "Table 7", "Table 8", "Table 9")
TIMING_TABLES = ("Table 5", "Table 6")


class Published:
    """Look-up of a printed number by table, row and column as they are called there."""

    def __init__(self, values: pd.DataFrame):
        self._values = values.set_index(["table", "row", "column"])["value"]

    def value(self, tables: tuple[str, ...], row: str, column: str) -> float | None:
        """The number in the first of the tables that has it, None where none has."""
        for table in tables:
            if (table, row, column) in self._values.index:
                return float(self._values[(table, row, column)])
        return None

    def matched_psnr(self, backbone: str, variant: str, test_set: str, sigma: str) -> float | None:
        """dB at sigma_test = sigma_train; None for test sets and models that are not the paper's."""
        names = row_name(backbone, variant), f"{style.test_set_label(test_set)} sigma={sigma}"
        return self.value(PSNR_TABLES, *names)

    def time_ratio(self, backbone: str, variant: str, device: str, mode: str) -> float | None:
        """Time over the baseline's, on the paper's hardware."""
        quantity = {"training": "backward", "inference": "inference"}[mode]
        column = f"{'GPU' if device == 'cuda' else 'CPU'} {quantity} ratio"
        return self.value(TIMING_TABLES, row_name(backbone, variant), column)

    def coverage(self, sigma_train: float, sigma_test: float) -> float | None:
        """m(sigma_test; sigma_train) in percent."""
        return self.value(("Table 3",), f"sigma_train={sigma_train:g}", f"sigma_test={sigma_test:g}")

    def largest_matched_loss(self) -> float:
        """dB by which WNE is below its baseline at matched noise, at most, in Table 1."""
        table = self._values["Table 1"].unstack("column")
        return max((table.loc[f"{b} Baseline"] - table.loc[f"{b} WNE"]).max() for b in ("DnCNN", "SwinIR"))


def row_name(backbone: str, variant: str) -> str:
    return f"{style.backbone_label(backbone)} {style.variant_label(variant)}"


def read_published(path: Path) -> Published:
    return Published(pd.read_csv(path))
