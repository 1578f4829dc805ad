"""The columns that say which run a row belongs to, and which run it is compared with."""

from __future__ import annotations

from replication.study.params import Params, Run


def sigma_text(run: Run) -> str:
    """sigma_train for tables and labels: "25", "0-55" for a range, "real" for sensor noise."""
    if run.sigma is None:
        return "real"
    return "-".join(f"{sigma:g}" for sigma in dict.fromkeys(run.sigma_range))


def identity(params: Params, name: str) -> dict[str, object]:
    """The columns that say which run a row belongs to."""
    run = params.runs[name]
    task = params.tasks[run.task]
    return {
        "run": name, "group": run.group, "task": run.task, "objective": task.objective, "channels": task.channels,
        "model": run.model, "backbone": params.models[run.model].backbone, "variant": run.variant,
        "sigma_train": sigma_text(run), "recipe": run.recipe, "train_set": run.train_set, "seed": run.seed,
    }  # fmt: skip


def baseline_of(params: Params, name: str) -> str | None:
    """The run to compare with: variant `baseline` of the same group, task and sigma_train.

    Where a group has several, the one that shares most of model, seed, recipe and training set, in this
    order of weight. So the architectural variants of FDnCNN meet the DnCNN baseline in the core group, as
    in Table 1, and the FDnCNN baseline where there is one.
    """
    run = params.runs[name]
    if run.variant == "baseline":
        return None
    candidates = [
        key
        for key, other in params.runs.items()
        if other.variant == "baseline" and (other.group, other.task, other.sigma) == (run.group, run.task, run.sigma)
    ]
    traits = ("model", "seed", "recipe", "train_set")
    return max(
        candidates,
        key=lambda key: [getattr(params.runs[key], trait) == getattr(run, trait) for trait in traits],
        default=None,
    )
