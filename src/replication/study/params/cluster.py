"""What a stage may use of a cluster: the section `cluster` of params.yaml. It changes no result, and no stage depends on it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from replication.study.params.types import Count, Frozen, Name, Positive

DEFAULT_KIND = "default"


class Resources(Frozen):
    """Of one job. `memory` in GB; `hours`: its time limit, after which it is requeued; `gpus`: 0 or 1."""

    partition: str | None  # null: the cluster's default
    hours: Positive
    cpus: Count
    memory: Positive
    gpus: Annotated[int, Field(ge=0)]

    @field_validator("gpus")
    @classmethod
    def _uses_one(cls, gpus: int) -> int:
        if gpus > 1:
            raise ValueError("0 or 1, because a stage is one process; to train on several GPUs, start torchrun by hand")
        return gpus

    def __str__(self) -> str:
        gpus = f"{self.gpus} GPU, " if self.gpus else ""
        place = self.partition or "default partition"
        return f"{place}, {gpus}{self.cpus} CPU, {self.memory:g} GB, {self.hours:g} h"


class Cluster(Frozen):
    """SLURM jobs by kind of stage, the command after `replicate`: download, noise, train, evaluate, ...

    `requeues`: how often a job starts again that was killed, preempted or ran out of time. `options`: further options of
    sbatch, such as `qos: long`.
    """

    account: str | None
    requeues: Annotated[int, Field(ge=0)]
    options: dict[str, str | int | bool] = Field({})
    stages: dict[Name, Resources]

    @model_validator(mode="after")
    def _has_a_default(self) -> Cluster:
        if DEFAULT_KIND not in self.stages:
            raise ValueError(f"stages: needs {DEFAULT_KIND}, for the kinds of stage that are not named")
        return self

    def resources(self, kind: str) -> Resources:
        return self.stages.get(kind, self.stages[DEFAULT_KIND])
