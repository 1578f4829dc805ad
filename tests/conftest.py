"""Small denoisers and seeded random streams for the tests."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from hypothesis import settings
from torch import Tensor, nn

from replication.study.rng import stream_key, torch_generator
from wne.models import create_denoiser

# Images this small gain nothing from a second thread, and threads that wait for one another are
# a hundred times slower on a busy machine.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # and of the notebooks and commands that tests start
# Derandomized: a failure on one machine is a failure on all of them.
settings.register_profile("wne", deadline=None, derandomize=True, max_examples=8)
settings.load_profile("wne")
# A shell starts what runs in the background with Ctrl-C ignored, and the commands that tests interrupt would inherit it.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process waits for another at the end: the pipeline, notebooks and slow tests, the rest."""
    items.sort(key=lambda item: (not has(item, "pipeline"), not has(item, "slow") and item.path.suffix != ".ipynb"))


def has(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


_TINY = {
    "dncnn": {"depth": 4, "width": 8},
    "fdncnn": {"depth": 4, "width": 8},
    "swinir": {"depths": (2,), "embed_dim": 12, "heads": 2, "window": 4},
    "restormer": {"dim": 8, "blocks": (1, 1, 1, 1), "heads": (1, 1, 2, 2), "refinement": 1},
}


def tiny_size(backbone: str) -> dict[str, object]:
    """Keywords of `create_denoiser` for a network that takes milliseconds on a small image."""
    return dict(_TINY[backbone])


def tiny_denoiser(backbone: str, variant: str, *, channels: int = 1, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A small denoiser in eval() with the biases and BatchNorm statistics of a trained one.

    At initialization these are 0 and 1, which would hide the symmetries that they break.
    """
    stream = torch_generator("tiny", backbone)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_key("tiny", backbone))
        model = create_denoiser(backbone, variant, channels=channels, **tiny_size(backbone))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.randn(parameter.shape, generator=stream)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer += 0.2 * torch.randn(buffer.shape, generator=stream)
            elif name.endswith("running_var"):
                buffer *= 0.5 + torch.rand(buffer.shape, generator=stream)
    return model.to(dtype).eval()


def random_images(*shape: int, seed: str | int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Uniform on [0, 1), without the test's own stream: for property tests that draw their seed."""
    return torch.rand(shape, generator=torch_generator("images", seed), dtype=torch.float64).to(dtype)


@pytest.fixture
def generator(request: pytest.FixtureRequest) -> torch.Generator:
    """A random stream that belongs to the test that asks for it."""
    return torch_generator("tests", request.node.name)
