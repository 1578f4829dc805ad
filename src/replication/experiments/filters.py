"""Rows of a denoiser's Jacobian as filters that adapt to the input (Section 4.5 and Fig. 5 of the paper).

    f(y) = J_f(y) y                                  for f positively 1-homogeneous      (Eq. 10)
    J_f(y) 1 = 1                                     for f shift equivariant             (Eq. 11)
    rho(y) = ||f(y) - J_f(y) y||_2 / ||f(y)||_2      0 under Eq. 10                      (Eq. 12)

Row i of J_f(y), in the shape of the image, is the filter whose inner product with y is the output pixel
f(y)_i, if Eq. 10 holds. All in float64: rho and the row sums are differences of nearly equal numbers, and in
float32 the rounding of a map that obeys Eqs. 10 and 11 looks like a defect of about 1e-6. No inference_mode,
which forbids derivatives.

`analyse` writes table.csv, one row for each (run, sigma_test, pixel), and <run>-<sigma_test>.npz to draw:
`noisy` and `denoised` (H, W) uint8, clipped; `filters` (pixels, H, W) float16.

| column | meaning |
|---|---|
| sigma_test | 8-bit units |
| input_psnr, psnr | of the crop before (not clipped) and after (clipped to [0, 1]), dB |
| rho | Eq. 12, of the whole crop |
| row_sum_error_max | largest abs((J_f(y) 1)_i - 1) over all pixels i of the crop |
| row, column | the output pixel, in the crop |
| row_sum | sum of its filter |
| effective_pixels | (sum w)^2 / sum w^2 of its filter w: the number of equal weights that average noise as well |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from replication.data.metrics import psnr
from replication.data.noise import central_crop, load_test_set
from replication.experiments.analysis import analysis_folder
from replication.experiments.trained import load_run
from replication.study.params import Filters, Params
from replication.study.paths import ProfilePaths

Map = Callable[[Tensor], Tensor]
_NOISE = "gaussian"


def euler_defect(f: Map, y: Tensor) -> Tensor:
    """rho(y) of Eq. 12: (B, C, H, W) to (B,). NaN where f(y) = 0."""
    out, image = torch.func.jvp(f, (y,), (y,))  # J_f(y) y in one forward pass, without the Jacobian
    return torch.linalg.vector_norm((out - image).flatten(1), dim=1) / torch.linalg.vector_norm(out.flatten(1), dim=1)


def row_sums(f: Map, y: Tensor) -> Tensor:
    """J_f(y) 1, the sum of the filter of every output entry. The shape of y."""
    return torch.func.jvp(f, (y,), (torch.ones_like(y),))[1]


def jacobian_rows(f: Map, y: Tensor, entries: Sequence[tuple[int, int, int]]) -> Tensor:
    """(J_f(y))_{i,:} for output entries i = (channel, row, column) of one image (1, C, H, W): (entries, C, H, W)."""
    y = y.detach().requires_grad_()
    with torch.enable_grad():
        out = f(y)[0]
        rows = [torch.autograd.grad(out[entry], y, retain_graph=True)[0][0] for entry in entries]
    return torch.stack(rows)


def effective_pixels(rows: Tensor) -> Tensor:
    """(sum w)^2 / sum w^2 of (K, C, H, W) filters, (K,): n for n equal weights, 1 for a single one."""
    return rows.flatten(1).sum(1).square() / rows.flatten(1).square().sum(1)


def analyse(params: Params, name: str, paths: ProfilePaths, device: torch.device) -> None:
    """Writes results/<profile>/filters/<name>/, as said at the head of this module.

    Raises:
        ValueError: the item asks for an image, a noise or a pixel that is not there, or for colour.
        CheckpointError: a run is not trained, or trained with other parameters.
    """
    spec = params.filters[name]
    clean, field = _crop(params, name, paths)
    rows = []
    with analysis_folder(params, paths, "filters", name) as folder:
        for run in spec.runs:
            model = load_run(paths, params, run, device).double().requires_grad_(False)
            for sigma in spec.sigmas:
                noisy = clean + np.float32(sigma / 255) * field
                rows += _analyse_crop(model, clean, noisy, run, sigma, spec, folder, device)
        pd.DataFrame(rows).to_csv(folder / "table.csv", index=False, float_format="%.6g")


def _crop(params: Params, name: str, paths: ProfilePaths) -> tuple[np.ndarray, np.ndarray]:
    """The clean crop of an item and its noise of unit deviation, (1, size, size) float32."""
    spec, where = params.filters[name], f"filters.{name}"
    image = next((image for image in load_test_set(paths, spec.test_set) if image.name == spec.image), None)
    if image is None:
        raise ValueError(f"{where}: {spec.test_set} has no image called {spec.image!r}")
    if _NOISE not in image.fields:
        raise ValueError(f"{where}: {spec.test_set} has no {_NOISE} noise; known: {', '.join(image.fields)}")
    height, width, channels = image.clean.shape
    if channels != 1:
        raise ValueError(f"{where}: {spec.test_set} has {channels} channels; filters are drawn of grey images")
    if min(height, width) < spec.size:
        raise ValueError(f"{where}: {spec.image} is {height} x {width}, smaller than the crop of {spec.size}")
    outside = [pixel for pixel in spec.pixels if not all(0 <= place < spec.size for place in pixel)]
    if outside:
        raise ValueError(f"{where}: pixel {outside[0]} is outside the crop of {spec.size} x {spec.size}")
    pair = image.clean_unit(), image.field_unit(_NOISE, draw=0)
    clean, field = (np.moveaxis(central_crop(np.moveaxis(a, 0, -1), spec.size), -1, 0) for a in pair)
    return clean, field


def _analyse_crop(
    model: torch.nn.Module,
    clean: np.ndarray,
    noisy: np.ndarray,
    run: str,
    sigma: float,
    spec: Filters,
    folder: Path,
    device: torch.device,
) -> list[dict[str, object]]:
    y = torch.from_numpy(noisy)[None].to(device, torch.float64)
    with torch.no_grad():
        denoised = model(y)[0].cpu().numpy()
    filters = jacobian_rows(model, y, [(0, *pixel) for pixel in spec.pixels])
    pictures = {"noisy": _to_bytes(noisy[0]), "denoised": _to_bytes(denoised[0])}
    np.savez_compressed(
        folder / f"{run}-{sigma:g}.npz", filters=filters[:, 0].cpu().numpy().astype(np.float16), **pictures
    )
    facts = {
        "run": run,
        "sigma_test": sigma,
        "input_psnr": psnr(noisy, clean),
        "psnr": psnr(np.clip(denoised, 0, 1), clean),
        "rho": euler_defect(model, y).item(),
        "row_sum_error_max": (row_sums(model, y) - 1).abs().max().item(),
    }
    per_pixel = zip(spec.pixels, filters.sum(dim=(1, 2, 3)).tolist(), effective_pixels(filters).tolist())
    return [
        facts | {"row": row, "column": column, "row_sum": total, "effective_pixels": size}
        for (row, column), total, size in per_pixel
    ]


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
