"""Beyond the paper: inputs of another contrast and brightness than those of training, as curves and as pictures."""

from __future__ import annotations

from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replication.report import style
from replication.report.figures.grid import Panels
from replication.report.figures.pictures import Picture, pictures_figure, read_pixels
from replication.report.figures.sweep import draw_curve
from replication.results.exposure import SWEEPS, degradation_of, denoising, restoration, swept
from replication.results.summary import CollectError, Summary, read_csv
from replication.study import labels
from replication.study.params import Exposure, Params
from replication.study.paths import ProfilePaths

_CONTRAST, _BRIGHTNESS = "contrast $a$ ($b$ = 0)", "brightness $b$ ($a$ = 1)"
_AXES = {
    "scaled": (r"noise $a\sigma$", _CONTRAST),
    "fixed": (r"noise $\sigma$", _CONTRAST),
    "brightness": (r"noise $\sigma$", _BRIGHTNESS),
}


def exposure(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """PSNR on the scale of the clean image, against contrast and brightness; a row of panels for each item that denoises."""
    return _sweeps(params, summary, denoising(params))


def exposure_tasks(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """The same for deblurring and super-resolution."""
    return _sweeps(params, summary, restoration(params))


def _sweeps(params: Params, summary: Summary, items: dict[str, Exposure]) -> Figure:
    table = summary.exposure[summary.exposure["item"].isin(items)]
    grid = Panels(len(items), len(SWEEPS), legend_lines=1, height=1.5, top_axis=False, left=0.62)  # two lines of label
    looks: dict[str, style.VariantStyle] = {}
    for index, (item, sweep) in enumerate(product(items, SWEEPS)):
        ax, (noise, label) = grid.axes.flat[index], _AXES[sweep]
        rows = swept(table, item, sweep)
        for _, run in rows.groupby("run", sort=False):
            look = style.variant_style(run["variant"].iloc[0])
            looks[look.label] = look
            draw_curve(ax, run, "place", "psnr", look)
        ax.plot(run["place"], run["input_psnr"], zorder=2, **style.IDENTITY)
        ax.axvline(SWEEPS[sweep], zorder=1, **style.TRAINING_NOISE)
        ax.set(xlabel=label, ylim=(table["psnr"].min() - 1, table["psnr"].max() + 1))
        if sweep != "brightness":
            _contrast_axis(ax, items[item])
        grid.title(index, noise)
    for ax, item in zip(grid.axes[:, 0], items):
        ax.set_ylabel(f"{_network(params, item)}\nPSNR (dB)")
    handles = [Line2D([], [], **look.as_line()) for look in sorted(looks.values(), key=lambda look: look.order)]
    handles.append(Line2D([], [], label="noisy input", **style.IDENTITY))
    handles.append(Line2D([], [], label="exposure of training", **style.TRAINING_NOISE))
    return grid.legend([handles])


def _network(params: Params, item: str) -> str:
    """DnCNN, or DnCNN deblurring."""
    spec = params.exposure[item]
    backbone = params.models[params.runs[spec.runs[0]].model].backbone
    words = labels.backbone_label(backbone), labels.DEGRADATIONS.get(degradation_of(params, spec), "")
    return " ".join(filter(None, words))


def _contrast_axis(ax: Axes, spec: Exposure) -> None:
    ax.set_xscale("log")
    ticks = sorted({min(spec.contrasts), 1.0, max(spec.contrasts)})
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)


def exposure_pictures(params: Params, summary: Summary, paths: ProfilePaths) -> Figure:
    """One image at several exposures, whose noise scales: the input as it is, and the output of each run mapped back."""
    lines = []
    for item, spec in denoising(params).items():
        lines += _lines(params, paths, item, spec) if spec.pictures else []
    if not lines:
        raise CollectError(f"{params.params_file}: no item of exposure has pictures; add some, or do not draw them")
    return pictures_figure(lines, gap=0.04, caption=0.2)


def _lines(params: Params, paths: ProfilePaths, item: str, spec: Exposure) -> list[tuple[str, list[Picture]]]:
    folder, places = paths.analysis("exposure", item), range(len(spec.pictures))
    names = ["input", *spec.runs]
    files = {name: [folder / f"{name}-{place}.png" for place in places] for name in names}
    if not all(file.is_file() for wanted in files.values() for file in wanted):
        raise CollectError(f"no pictures in exposure {item}; make them with: replicate exposure {item}")
    scores = read_csv(folder / "pictures.csv").set_index(["run", "place"])["psnr"]
    lines = []
    for name in names:
        captions = [f"$a$ = {a:g}, $b$ = {b:g}".replace("-", "\N{MINUS SIGN}") for a, b in spec.pictures]
        title = "Input $y$, as displayed"
        if name in spec.runs:
            run = params.runs[name]
            title = f"{labels.denoiser_label(params.models[run.model].backbone, run.variant)}, $(f(y)-b)/a$"
        psnr = [scores[name, place] if name in spec.runs else None for place in places]
        lines.append((title, [Picture(read_pixels(file), *rest) for file, *rest in zip(files[name], captions, psnr)]))
    return lines
