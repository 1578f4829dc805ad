"""The paper's own numbers in the columns of a summary, so that every rule can be put to them by the same code.

Matched noise is as printed (Tables 1, 7, 8, 9), on Set12 and BSD68 or on CBSD68; other levels are read off Fig. 3, 4, 10,
14, 15, 18, 20 and 21. No number has an interval: both ends are the value. What the paper shows only as a figure that was not read is empty.
"""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from replication.study.published import Published

# Experiment -> figure, table of matched noise, test set, backbone of its baseline and WNE.
_FIGURES = {
    "cnn": ("Figure 3", "Table 1", "set12", "dncnn"),
    "swinir": ("Figure 4", "Table 1", "set12", "swinir"),
    "fdncnn": ("Figure 10", "Table 7", "set12", "fdncnn"),
    "restormer": ("Figure 14", "Table 8", "set12", "restormer"),
    "colour": ("Figure 15", "Table 9", "cbsd68", "restormer"),
    "input-only": ("Figure 18", "", "set12", "dncnn"),
}
_ENDS = {"cuda": "GPU", "cpu": "CPU"}
_NOTHING = {
    "defects": "run group variant objective n paper_median paper_max",
    "filters": "item run variant sigma_test rho row_sum_error_max",
    "errors": "item variant sigma_train quantity baseline n value low high",
}


class PaperSummary:
    """The tables of a `Summary` that rules read."""

    def __init__(self, published: Published):
        self.published = published
        for name, columns in _NOTHING.items():
            setattr(self, name, _with_ends(pd.DataFrame(columns=columns.split())))

    @cached_property
    def paired(self) -> pd.DataFrame:
        """PSNR(WNE) - PSNR(baseline), and no SSIM: its curves were not read."""
        groups = [group for group in _FIGURES if group != "input-only"]
        parts = [self._gains(group, "wne", "baseline") for group in groups]
        parts += [self._second_set(group) for group in groups if group != "colour"]
        parts.append(self._corrupted("wne", "baseline"))
        return pd.concat(parts, ignore_index=True).rename(columns={"against": "baseline"})

    @cached_property
    def contrasts(self) -> pd.DataFrame:
        """PSNR(WNE) - PSNR(NE-arch or SE-arch), and PSNR(IN) - PSNR(baseline)."""
        parts = [self._gains(group, "wne", arch) for group in ("cnn", "fdncnn") for arch in ("ne_arch", "se_arch")]
        parts.append(self._gains("input-only", "wne_input", "baseline"))
        parts += [self._corrupted("wne", arch) for arch in ("ne_arch", "se_arch")]
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def jpeg(self) -> pd.DataFrame:
        """PSNR(WNE) - PSNR(baseline) of the networks trained on uniform noise."""
        return self._corrupted("wne", "baseline", "jpeg").rename(columns={"sigma_test": "quality"})

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Output and input PSNR of every line that was read."""
        parts = []
        for group, (figure, _, test_set, _) in _FIGURES.items():
            rows = self.published.curves
            rows = rows[rows["figure"] == figure].rename(columns={"output_psnr": "psnr"})
            parts.append(rows.assign(group=group, test_set=test_set, noise="gaussian", n=12))
        table = pd.concat(parts, ignore_index=True)
        table["sigma_train"] = table["sigma_train"].astype(str)
        table["run"] = table["backbone"] + "-" + table["variant"] + "-s" + table["sigma_train"]
        return _with_ends(table)

    def _gains(self, group: str, variant: str, against: str) -> pd.DataFrame:
        """The differences of two lines of a figure, the matched level from the tables where they have it."""
        figure, table, test_set, backbone = _FIGURES[group]
        name, other = ("fdncnn" if which.endswith("_arch") else backbone for which in (variant, against))
        parts = []
        for sigma in sorted(self.published.curves.query("figure == @figure")["sigma_train"].unique()):
            ours, theirs = (self.published.curve(figure, which, sigma) for which in (variant, against))
            pair = ours.merge(theirs, on="sigma_test", suffixes=("", "_against"))
            gains = dict(zip(pair["sigma_test"], pair["output_psnr"] - pair["output_psnr_against"]))
            printed = [
                self.published.matched_psnr(*which, test_set, f"{sigma:g}", (table,))
                for which in ((name, variant), (other, against))
            ]
            if None not in printed:
                gains[float(sigma)] = round(printed[0] - printed[1], 4)
            parts.append(
                pd.DataFrame({"sigma_test": list(gains), "psnr_gain": list(gains.values())}).assign(
                    run=f"{group}-{name}-{variant}-s{sigma:g}", against=f"{group}-{other}-{against}-s{sigma:g}",
                    sigma_train=f"{sigma:g}",
                )
            )  # fmt: skip
        made = pd.concat(parts, ignore_index=True).sort_values(["run", "sigma_test"], kind="stable")
        return _with_ends(
            made.assign(
                group=group, variant=variant, against_variant=against, backbone=backbone, test_set=test_set,
                noise="gaussian", n=68 if test_set == "cbsd68" else 12,
            )
        )  # fmt: skip

    def _second_set(self, group: str) -> pd.DataFrame:
        """The gain over the baseline at matched noise on BSD68, which has no curve."""
        _, table, _, backbone = _FIGURES[group]
        rows = []
        for sigma in ("10", "25", "50"):
            wne, baseline = (
                self.published.matched_psnr(backbone, variant, "bsd68", sigma, (table,))
                for variant in ("wne", "baseline")
            )
            rows.append({"run": f"{group}-{backbone}-wne-s{sigma}", "sigma_train": sigma, "sigma_test": float(sigma),
                         "psnr_gain": round(wne - baseline, 4)})  # fmt: skip
        return _with_ends(
            pd.DataFrame(rows).assign(
                group=group, variant="wne", against_variant="baseline", backbone=backbone, test_set="bsd68",
                noise="gaussian", n=68,
            )
        )  # fmt: skip

    def _corrupted(self, variant: str, against: str, corruption: str = "uniform|laplace|rayleigh") -> pd.DataFrame:
        """The differences of two lines of Fig. 20 and of Fig. 21."""
        rows = self.published.corruptions
        rows = rows[rows["corruption"].str.fullmatch(corruption)]
        place = ["figure", "corruption", "sigma_train", "level"]
        ours, theirs = (rows[rows["variant"] == which] for which in (variant, against))
        made = ours.merge(theirs, on=place, suffixes=("", "_against"))
        made = made.rename(columns={"corruption": "noise", "level": "sigma_test"}).astype({"sigma_train": str})
        made["psnr_gain"] = made["output_psnr"] - made["output_psnr_against"]
        made["run"] = made["backbone"] + f"-{variant}-" + made["noise"] + "-s" + made["sigma_train"]
        return _with_ends(
            made.assign(group="non-gaussian", against_variant=against, against=against, test_set="set12", n=12)
        )

    @cached_property
    def real(self) -> pd.DataFrame:
        """Table 10."""
        values = {variant: self.published.real("swinir", variant, "PSNR") for variant in ("baseline", "wne")}
        rows = pd.DataFrame({"variant": list(values), "psnr": list(values.values())})
        rows = rows.assign(psnr_gain=[float("nan"), values["wne"] - values["baseline"]], input_psnr=float("nan"))
        return _with_ends(
            rows.assign(
                run="swinir-" + rows["variant"] + "-real", group="real-noise", test_set="sidd-validation", n=1280
            )
        )

    @cached_property
    def timing(self) -> pd.DataFrame:
        """The ratios of Tables 5 and 6, on both devices."""
        rows = [
            {"device": device, "backbone": backbone, "variant": variant, "mode": mode,
             "ratio": self.published.time_ratio(backbone, variant, device, mode)}
            for device in _ENDS for backbone in ("fdncnn", "swinir") for variant in ("wne", "ne_arch")
            for mode in ("training", "inference")
        ]  # fmt: skip
        return _with_ends(pd.DataFrame(rows).dropna(subset="ratio").assign(n=10))

    @cached_property
    def difficulty(self) -> pd.DataFrame:
        """Table 3."""
        sigmas = (10.0, 20.0, 30.0, 40.0, 50.0)
        rows = [
            {"quantity": quantity, "sigma": train, "at": test,
             "value": self.published.coverage(train, test) / 100 if quantity == "coverage" else 0.0}
            for quantity in ("coverage", "coverage_error") for train in sigmas for test in sigmas
        ]  # fmt: skip
        return pd.DataFrame(rows).assign(train_set="grey8694", patches=10**6, patch=70)

    @cached_property
    def samplers(self) -> pd.DataFrame:
        """WNE in Table 11 (denoising) and Table 12 (random inpainting)."""
        rows = []
        for item, operator, table, final, gap in (
            ("denoising", "none", "Table 11", "final", "final - best"),
            ("inpainting", "random_pixels", "Table 12", "final PSNR", "gap"),
        ):
            wne, baseline = (self.published.value((table,), f"{who}-N2N", final) for who in ("WNE", "Baseline"))
            rows.append(
                {"item": item, "operator": operator, "variant": "wne", "psnr_gain": wne - baseline,
                 "gap": self.published.value((table,), "WNE-N2N", gap)}
            )  # fmt: skip
        return _with_ends(pd.DataFrame(rows).assign(lost=float("nan"), n=12, test_set="set12"))

    @cached_property
    def training(self) -> pd.DataFrame:
        """The training set alone."""
        return pd.DataFrame({"group": list(_FIGURES), "train_set": "grey8694"})


def _with_ends(table: pd.DataFrame) -> pd.DataFrame:
    """Both ends of every interval at the value."""
    values = {name: table.get(name, float("nan")) for name in ("psnr", "psnr_gain", "ssim_gain", "ratio", "gap")}
    return table.assign(**{f"{name}{end}": value for name, value in values.items() for end in ("", "_low", "_high")})
