"""Backbones of every kind that people wrap, tiny and with random weights: not those of the replication."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from conftest import tiny_denoiser
from replication.experiments.classical import classical_denoiser
from replication.study.rng import stream_key
from wne.models import create_denoiser


class UNet(nn.Module):
    """Two scales with a skip, as a user would write it: it pads and crops by itself."""

    def __init__(self, channels: int = 1, width: int = 8):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.deep = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.out = nn.Conv2d(2 * width, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        skip = self.down(F.pad(x, (0, width % 2, 0, height % 2), mode="replicate"))
        return self.out(torch.cat([skip, self.up(self.deep(F.max_pool2d(skip, 2)))], 1))[..., :height, :width]


class Classical(nn.Module):
    """A total-variation denoiser of scikit-image as a module: no weights and no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        denoise = classical_denoiser("tv", 0.3)
        return torch.from_numpy(np.stack([denoise(image) for image in x.detach().numpy()]))


class SigmaConditioned(nn.Module):
    """A noise map and a class label beside the image."""

    def __init__(self, channels: int = 1, classes: int = 3):
        super().__init__()
        self.convolution = nn.Conv2d(channels + 1, channels, 3, padding=1)
        self.embedding = nn.Embedding(classes, channels)

    def forward(self, x: Tensor, sigma: Tensor, *, label: Tensor) -> Tensor:
        return torch.tanh(self.convolution(torch.cat([x, sigma], 1))) + self.embedding(label)[:, :, None, None]


class Volume(nn.Module):
    """A 3-D convolution, (B, C, D, H, W)."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv3d(channels, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class ComplexNet(nn.Module):
    """Convolution in the complex numbers, with a nonlinearity of the modulus."""

    def __init__(self, channels: int = 1, dtype: torch.dtype = torch.complex64):
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        return x / (1 + x.abs())


class Lraspp(nn.Module):
    """torchvision's segmentation network with BatchNorm; it returns a dict, of which "out" has as many maps as classes."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models.segmentation import lraspp_mobilenet_v3_large

        self.network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.network(x)


def seeded(name: str, make: Callable[[], nn.Module]) -> nn.Module:
    """`make()` with the weights of a random stream of its own, in eval()."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_key("backbones", name))
        return make().eval()


# Name -> (its channels, how to make it in float32). Each maps (B, channels, H, W) to the same shape for every H and W,
# except "lraspp", whose answer is the "out" of a dict.
BACKBONES: dict[str, tuple[int, Callable[[], nn.Module]]] = {
    "dncnn": (1, lambda: tiny_denoiser("dncnn", "baseline", dtype=torch.float32)),
    "swinir": (1, lambda: tiny_denoiser("swinir", "baseline", dtype=torch.float32)),
    "restormer": (1, lambda: tiny_denoiser("restormer", "baseline", dtype=torch.float32)),
    "unet": (1, UNet),
    "timm:convnext_atto": (1, lambda: create_denoiser("timm:convnext_atto", width=8)),
    "timm:swin_tiny_patch4_window7_224": (1, lambda: create_denoiser("timm:swin_tiny_patch4_window7_224", width=8)),
    "timm:vit_tiny_patch16_224": (3, lambda: create_denoiser("timm:vit_tiny_patch16_224", channels=3, width=8)),
    "lraspp": (3, Lraspp),
    "tv": (1, Classical),
}


def backbone(name: str) -> nn.Module:
    return seeded(name, BACKBONES[name][1])
