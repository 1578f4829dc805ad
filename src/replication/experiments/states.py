"""Training states: what a run needs to go on from, checked before anything of it is used."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from wne.files import replacing

# What each optimizer keeps of a parameter, in its shape.
_KEPT = {"Adam": {"exp_avg", "exp_avg_sq"}, "AdamW": {"exp_avg", "exp_avg_sq"}, "ConvolutionMuon": {"momentum_buffer"}}


class TrainingError(RuntimeError):
    """Training cannot go on; one line says why."""


@dataclass
class Curve:
    """The training curve so far, and the loss summed since its last row."""

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0  # of training, over all sessions
    loss_sum: float = 0.0
    loss_count: int = 0


def row_every(steps: int) -> int:
    """Steps between two rows of a curve."""
    return max(1, steps // 100)


def save_state(
    path: Path, fingerprint: str, model: nn.Module, chosen: list[Optimizer], step: int, curve: Curve
) -> None:
    """Writes what `resume` reads, after `step` steps."""
    state = {
        "fingerprint": fingerprint,
        "step": step,
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in chosen],
        "rows": curve.rows,
        "seconds": curve.seconds,
        "loss_sum": float(curve.loss_sum),
        "loss_count": curve.loss_count,
    }
    with replacing(path) as temporary:
        torch.save(state, temporary)


def resume(
    path: Path,
    fingerprint: str,
    steps: int,
    model: nn.Module,
    chosen: list[Optimizer],
    say: Callable[[str], None],
) -> tuple[int, Curve]:
    """The step to go on from and the curve up to it; (0, an empty curve) without a usable state.

    `model` and `chosen` are fresh ones, and take the state. A state of other parameters is dropped. `say` tells the user.

    Raises:
        TrainingError: the file cannot be read, or its content is not what `save_state` writes for this run.
    """
    if not path.exists():
        return 0, Curve()
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        _check(isinstance(state, dict), f"a {type(state).__name__}, not a table")
        _check(type(state["fingerprint"]) is str, "fingerprint is no text")
        if state["fingerprint"] != fingerprint:
            say(f"{path}: was made with other parameters; training from the start")
            return 0, Curve()
        step = state["step"]
        _check(type(step) is int and 0 < step < steps, f"step {step} of {steps}")
        curve = _checked_curve(state, step, steps)
        _check_model(state["model"], model)
        _check(isinstance(state["optimizers"], list) and len(state["optimizers"]) == len(chosen), "other optimizers")
        moments = [_checked_moments(one["state"], o, step, state["model"], model)
                   for one, o in zip(state["optimizers"], chosen)]  # fmt: skip
    except Exception as error:  # torch raises many kinds for a damaged file
        if isinstance(error, OSError) and error.errno:
            raise TrainingError(f"{path}: cannot be read ({error.strerror})") from None
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(f"{path}: damaged training state ({reason}); delete it to train from the start") from None
    model.load_state_dict(state["model"])
    for optimizer, kept in zip(chosen, moments):
        optimizer.load_state_dict({"state": kept, "param_groups": optimizer.state_dict()["param_groups"]})
    say(f"{path}: resuming at step {step}")
    return step, curve


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _checked_curve(state: dict, step: int, steps: int) -> Curve:
    """A loss may be NaN: the next row of the curve says so, and what to do."""
    curve = Curve(state["rows"], state["seconds"], state["loss_sum"], state["loss_count"])
    every = row_every(steps)
    kinds = {"step": int, "loss": float, "learning_rate": float}
    _check(
        type(curve.rows) is list
        and all(type(r) is dict and {key: type(value) for key, value in r.items()} == kinds for r in curve.rows)
        and [r["step"] for r in curve.rows] == list(range(every, step + 1, every)),
        f"rows are not those of {step} steps",
    )
    _check(type(curve.seconds) is float and 0 <= curve.seconds < math.inf, f"seconds are {curve.seconds!r}")
    _check(type(curve.loss_sum) is float, f"loss_sum is {curve.loss_sum!r}")
    _check(curve.loss_count == step % every and type(curve.loss_count) is int, f"loss_count is {curve.loss_count!r}")
    return curve


def _check_model(saved: object, model: nn.Module) -> None:
    own = model.state_dict()
    _check(isinstance(saved, dict) and saved.keys() == own.keys(), "weights of another network")
    for name, value in own.items():
        _check_tensor(saved[name], value.shape, value.dtype, name)


def _checked_moments(
    saved: object, optimizer: Optimizer, step: int, weights: dict[str, Tensor], model: nn.Module
) -> dict[int, dict[str, Tensor]]:
    """What an optimizer keeps, laid out in memory as its parameters are.

    Every parameter has an entry, unless it had no gradient so far and is still what it was at the start.
    """
    kept_names = _KEPT[type(optimizer).__name__]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    _check(isinstance(saved, dict) and set(saved) <= set(range(len(parameters))), "an optimizer of other parameters")
    changed = {
        value.data_ptr() for name, value in model.state_dict().items() if not torch.equal(value.cpu(), weights[name])
    }
    moments: dict[int, dict[str, Tensor]] = {}
    for index, parameter in enumerate(parameters):
        if index not in saved:
            _check(parameter.data_ptr() not in changed, f"an optimizer lacks parameter {index}")
            continue
        entry = dict(saved[index])
        names = kept_names | ({"step"} if "exp_avg" in kept_names else set())
        _check(entry.keys() == names, f"an optimizer keeps {', '.join(map(str, entry))} of parameter {index}")
        for name in kept_names:
            _check_tensor(entry[name], parameter.shape, parameter.dtype, f"{name} of parameter {index}")
            entry[name] = torch.empty_like(parameter, device="cpu").copy_(entry[name])
        if "step" in entry:
            _check_tensor(entry["step"], torch.Size(()), torch.float32, f"step of parameter {index}")
            _check(0 < float(entry["step"]) <= step, f"step of parameter {index} is {float(entry['step']):g}")
        moments[index] = entry
    return moments


def _check_tensor(value: object, shape: torch.Size, dtype: torch.dtype, name: str) -> None:
    _check(isinstance(value, Tensor), f"{name} is a {type(value).__name__}, not a tensor")
    _check(
        value.shape == shape and value.dtype == dtype and value.layout == torch.strided,
        f"{name} is {value.dtype} {tuple(value.shape)}, not {dtype} {tuple(shape)}",
    )
