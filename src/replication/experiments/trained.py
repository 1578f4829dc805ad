"""The trained denoiser of a run, refused when it was trained with other parameters."""

from __future__ import annotations

import json

import torch
from torch import nn

from replication.study.params import Params
from replication.study.paths import ProfilePaths
from wne.checkpoints import CheckpointError, load_denoiser, read_config


def load_run(paths: ProfilePaths, params: Params, run: str, device: torch.device | str = "cpu") -> nn.Module:
    """`load_denoiser`, refusing a checkpoint that was trained with other parameters.

    Raises:
        CheckpointError: the first few settings that differ, checkpoint against parameters.
    """
    path = paths.checkpoint(params, run)
    config, fingerprint = read_config(path)
    if fingerprint != params.fingerprint(run):
        expected = json.loads(json.dumps(params.describe(run)))
        differing = [f"{k}: {config.get(k)} != {expected[k]}" for k in expected if config.get(k) != expected[k]]
        raise CheckpointError(
            f"{path}: does not fit {params.params_file} ({'; '.join(differing[:3])}); train it again: replicate train {run}"
        )
    return load_denoiser(path, device)
