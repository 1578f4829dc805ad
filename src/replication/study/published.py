"""The numbers printed in the paper, and the curves it draws, from data/paper_*.csv alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from replication.study import labels

PSNR_TABLES = ("Table 1", "Table 7", "Table 8", "Table 9")
TIMING_TABLES = ("Table 5", "Table 6")
# Parameters of the published networks (App. A.1), as profiles/paper builds them.
PARAMETERS = {"dncnn": 667_073, "fdncnn": 665_920, "swinir": 903_121, "restormer": 26_109_076}


class Published:
    """Look-up of a printed number by table, row and column as they are called there.

    `curves`: points read off the vector graphics of Fig. 3, 4, 10, 14, 15 and 18, within 0.03 dB (Fig. 18: 0.07 dB);
    sigma_train and sigma_test in 8-bit units, PSNR in dB, backbones and variants as this project calls them.
    `corruptions`: the same of Fig. 20 and 21, where `level` is sigma_test or the quality of JPEG files.
    """

    def __init__(self, values: pd.DataFrame, curves: pd.DataFrame, corruptions: pd.DataFrame):
        indexed = values.set_index(["table", "row", "column"])
        self._values, self._deviations = indexed["value"], indexed["std"]
        self.corruptions = corruptions
        names = {label: name for name, label in labels.BACKBONES.items()} | {"Restormer colour": "restormer"}
        self.curves = curves.assign(
            backbone=curves["backbone"].map(names), variant=curves["variant"].replace("in", "wne_input")
        )

    def curve(self, figure: str, variant: str, sigma_train: float) -> pd.DataFrame:
        """The rows of one line of a figure ("Figure 3"), sigma_test falling; none where the figure lacks it."""
        rows = self.curves
        return rows[(rows["figure"] == figure) & (rows["variant"] == variant) & (rows["sigma_train"] == sigma_train)]

    def value(self, tables: tuple[str, ...], row: str, column: str) -> float | None:
        """The number in the first of the tables that has it, None where none has."""
        for table in tables:
            if (table, row, column) in self._values.index:
                return float(self._values[(table, row, column)])
        return None

    def deviation(self, table: str, row: str, column: str) -> float | None:
        """The standard deviation printed in brackets behind a number, None where there is none."""
        value = self._deviations.get((table, row, column))
        return None if value is None or pd.isna(value) else float(value)

    def matched_psnr(
        self, backbone: str, variant: str, test_set: str, sigma: str, tables: tuple[str, ...] = PSNR_TABLES
    ) -> float | None:
        """dB at sigma_test = sigma_train; None for test sets and models that are not the paper's.

        Tables 1 and 7 both have SE-arch and NE-arch, in numbers that differ by up to 0.06 dB.
        """
        colour = "colour " if tables == ("Table 9",) else ""
        row = f"{labels.backbone_label(backbone)} {colour}{labels.variant_label(variant)}"
        return self.value(tables, row, f"{labels.test_set_label(test_set)} sigma={sigma}")

    def corrupted_psnr(self, noise: str, backbone: str, variant: str, test_set: str, sigma: str) -> float | None:
        """The same for uniform, Laplace and Rayleigh noise, read off Fig. 20 and 21, whose test set is Set12."""
        rows = self.corruptions
        level = float(sigma)
        rows = rows[(rows["corruption"] == noise) & (rows["sigma_train"] == level) & (rows["level"] == level)]
        rows = rows[(rows["backbone"] == backbone) & (rows["variant"] == variant)]
        return None if rows.empty or test_set != "set12" else float(rows["output_psnr"].iloc[0])

    def matched_gains(self, table: str) -> list[float]:
        """PSNR(WNE) - PSNR(baseline) in dB: every backbone, test set and sigma of one of PSNR_TABLES."""
        values = self._values[table].unstack("column")
        backbones = [row.removesuffix(" WNE") for row in values.index if row.endswith(" WNE")]
        gains = [values.loc[f"{backbone} WNE"] - values.loc[f"{backbone} Baseline"] for backbone in backbones]
        return [round(float(gain), 4) for row in gains for gain in row]

    def real(self, backbone: str, variant: str, metric: str) -> float | None:
        """PSNR in dB or SSIM on SIDD's validation blocks (Table 10)."""
        return self.value(("Table 10",), row_name(backbone, variant), f"SIDD validation {metric}")

    def time_ratio(self, backbone: str, variant: str, device: str, mode: str) -> float | None:
        """Time over the baseline's, on the paper's hardware."""
        quantity = {"training": "backward", "inference": "inference"}[mode]
        column = f"{'GPU' if device == 'cuda' else 'CPU'} {quantity} ratio"
        return self.value(TIMING_TABLES, row_name(backbone, variant), column)

    def coverage(self, sigma_train: float, sigma_test: float) -> float | None:
        """m(sigma_test; sigma_train) in percent."""
        return self.value(("Table 3",), f"sigma_train={sigma_train:g}", f"sigma_test={sigma_test:g}")


def is_papers_real_set(test_set: str) -> bool:
    """Whether pairs of photographs are SIDD's, the paper's, and not a stand-in for them."""
    return test_set.startswith("sidd")


def is_published_size(backbone: str, parameters: int) -> bool:
    """Whether a network has at least nine tenths of the published one's parameters; False for others' networks."""
    return parameters >= 0.9 * PARAMETERS.get(backbone, float("inf"))


def row_name(backbone: str, variant: str) -> str:
    return f"{labels.backbone_label(backbone)} {labels.variant_label(variant)}"


def read_published(path: Path) -> Published:
    """From paper_values.csv, and paper_curves.csv and paper_corruptions.csv beside it."""
    return Published(
        *(pd.read_csv(path.with_name(f"paper_{name}.csv")) for name in ("values", "curves", "corruptions"))
    )
