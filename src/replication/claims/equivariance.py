"""Claims on the equivariance itself: C1, C2, C7, C11, C17."""

from __future__ import annotations

import pandas as pd

from replication.claims.ledger import Rule
from replication.claims.parts import Outcome, Part, compared, counted, largest, measured, power, smallest
from replication.results.summary import Summary, on_first_set
from replication.study.params import Params

EXACT = 1e-5  # largest defect that counts as rounding in float32
VISIBLE = 1e-3  # smallest defect that counts as visible
FILTERS = 1e-6  # largest rho of WNE, and largest distance of a row sum from 1, in float64

_CONTROLS = ("training-controls", "swinir")
_TRAINED = ("cnn", "swinir", "fdncnn", "restormer", "colour", "real-noise", "training-controls", "n2n", "non-gaussian")
_TESTS = ("tests/wne/test_characterization.py", "tests/wne/test_wrapper.py")


def _run(row: pd.Series) -> str:
    return row["run"]


def exactness(params: Params, summary: Summary) -> Outcome:
    defects = summary.defects
    wne = defects[defects["variant"] == "wne"]
    baselines = defects[(defects["variant"] == "baseline") & (defects["group"] != "training-controls")]
    parts = (
        largest("largest eps_NE, WNE", wne, "paper_max", EXACT, _run),
        smallest("smallest median, baselines", baselines, "paper_median", VISIBLE, _run),
    )
    images, runs = (f"{f(wne)} and {f(baselines)}" for f in (lambda table: table["n"].sum(), len))
    return Outcome(parts, f"{images} noisy images, {runs} runs")


def characterization(params: Params, summary: Summary) -> Outcome:
    arch = summary.defects[summary.defects["variant"] == "ne_arch"]
    part = largest("largest eps_NE of the trained NE-arch", arch, "paper_max", EXACT, _run)
    return Outcome((part,), f"{arch['n'].sum()} noisy images, {len(arch)} runs")


def controls(params: Params, summary: Summary) -> Outcome:
    defects = summary.defects[summary.defects["variant"] == "baseline"].set_index("run", drop=False)
    special = defects[defects["group"] == "training-controls"]
    soft = set(special.loc[special["objective"] == "soft_ne", "run"])
    rows = on_first_set(summary.contrasts[summary.contrasts["run"].isin(special["run"])])
    # The baseline with the usual loss, at the level of the soft-NE run: also for the one on a range of noise.
    plain = set(rows.loc[rows["run"].isin(soft), "against"])
    rows = rows[rows["against"].isin(plain)]
    smaller, narrowed = [], []
    for (name, against), pair in rows.groupby(["run", "against"], sort=False):
        narrowed.append((name, pair.loc[pair["sigma_test"].idxmax()]))
        if name in soft:
            ours, usual = defects.loc[[name, against], "paper_median"]
            smaller.append(measured(f"{against} has {power(usual)}", ours, usual - ours))
    parts = (
        smallest("median eps_NE of the controls", special, "paper_median", VISIBLE, _run),
        Part("median eps_NE of soft-NE", tuple(smaller), power),
        compared("highest noise, control - usual baseline", narrowed, above=0),
    )
    return Outcome(parts, counted(rows))


def _noisy(row: pd.Series) -> str:
    return f"{row['variant']}, sigma_test {row['sigma_test']:g}"


def adaptive_filters(params: Params, summary: Summary) -> Outcome:
    rows = summary.filters.drop_duplicates(["item", "run", "sigma_test"])
    wne, baseline = (rows[rows["variant"] == variant] for variant in ("wne", "baseline"))
    parts = (
        largest("largest rho, WNE", wne, "rho", FILTERS, _noisy),
        largest("largest |row sum - 1|, WNE", wne, "row_sum_error_max", FILTERS, _noisy),
        smallest("smallest rho, baseline", baseline, "rho", VISIBLE, _noisy),
    )
    return Outcome(parts, f"{len(rows)} pairs of a run and a noisy crop")


RULES = (
    Rule(
        id="C1",
        statement="WNE is exactly NE around any backbone; the unwrapped backbone is not",
        where="Prop. 2, App. E",
        rule=f"Every WNE run that is reported: largest eps_NE over test images and noise levels at most {EXACT:.0e} "
        f"(float32). Every baseline outside the training controls: median of eps_NE at least {VISIBLE:.0e}.",
        decide=exactness,
        groups=_TRAINED,
        evidence=("defects",),
    ),
    Rule(
        id="C2",
        statement="The factorization is necessary and sufficient, g is unique on M, and constants map to themselves",
        where="Char. 1, App. C",
        rule=f"A theorem: the tests that the command runs check it in numbers (float64), with the wrapper's own code. "
        f"From the results: the largest eps_NE of the trained NE-arch, NE by its layers, is at most {EXACT:.0e}.",
        decide=characterization,
        groups=("cnn",),
        tests=_TESTS,
    ),
    Rule(
        id="C7",
        statement="WNE's Jacobian rows are filters: rho = 0 and row sums 1; the baseline's are not",
        where="Fig. 5",
        rule=f"Derivatives in float64, every noisy crop. WNE: rho and the largest |row sum - 1| over all pixels at "
        f"most {FILTERS:.0e}. Baseline: rho at least {VISIBLE:.0e}.",
        decide=adaptive_filters,
        groups=("swinir",),
        section="filters",
        evidence=("fig05",),
    ),
    Rule(
        id="C11",
        statement="Training on a range of noise and the soft-NE loss narrow the gap but leave a visible equivariance "
        "defect",
        where="Fig. 8, 9",
        rule=f"Baselines of the training controls: median of eps_NE at least {VISIBLE:.0e}, and for soft-NE at most "
        f"that of the baseline with the usual loss at the same sigma_train. At the highest sigma_test: the interval "
        f"of PSNR(control) - PSNR(that baseline) lies above 0.",
        decide=controls,
        groups=_CONTROLS,
        evidence=("fig08", "fig09"),
    ),
    Rule(
        id="C17",
        statement="Raw MSE is std(y)^2 times normalized MSE; the direct and the residual form agree",
        where="App. C.5, F",
        rule="Identities, which no result of a run can decide: the tests that the command runs check them in numbers "
        "(float64), with the wrapper's own code, and must pass.",
        tests=_TESTS,
    ),
)
