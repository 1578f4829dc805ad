"""Training patches: all images in memory, crops and augmentation as one gather for the whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class PatchSampler:
    """Random P x P crops of uint8 images, each in one of the 8 orientations of the square.

    As in App. B of the paper: an image uniformly (small ones count as much as large ones), then a position
    uniformly, then a flip or rotation by 90 degrees.

    Args:
        images: (H, W, C) uint8 each; sizes may differ, C may not.
        patch: side of the crops in pixels.
        device: where the images stay and the crops are made.

    Raises:
        ValueError: no image, or one smaller than the patch, by its index.
    """

    def __init__(self, images: Sequence[np.ndarray], patch: int, device: torch.device | str = "cpu"):
        if not images:
            raise ValueError("there is no training image")
        for index, image in enumerate(images):
            if min(image.shape[:2]) < patch:
                raise ValueError(f"training image {index} is {image.shape[0]} x {image.shape[1]}: smaller than {patch}")
        self.patch = patch
        self.channels = images[0].shape[2]
        flat = np.concatenate([image.reshape(-1, self.channels) for image in images])
        self.pixels = torch.from_numpy(flat).to(device)  # (all pixels of all images, C)
        heights = torch.tensor([image.shape[0] for image in images])
        widths = torch.tensor([image.shape[1] for image in images])
        self.widths = widths.to(device)
        self.offsets = torch.cat((torch.zeros(1, dtype=torch.long), (heights * widths).cumsum(0)[:-1])).to(device)
        self.positions = torch.stack((heights, widths)).to(device) - patch + 1

    def sample(self, batch: int, generator: torch.Generator) -> Tensor:
        """(batch, C, P, P) float32 in [0, 1]. The generator lives on the sampler's device."""
        device, patch = self.pixels.device, self.patch
        # In float64: a float32 uniform times a large count could round up to the count itself.
        unit = torch.rand(4, batch, generator=generator, device=device, dtype=torch.float64)
        image = (unit[0] * len(self.offsets)).long()
        top = (unit[1] * self.positions[0, image]).long()
        left = (unit[2] * self.positions[1, image]).long()
        orientation = (unit[3] * 8).long()
        flip_rows, flip_columns, transpose = (orientation >> bit & 1 for bit in range(3))

        forward = torch.arange(patch, device=device).expand(batch, patch)
        rows = torch.where(flip_rows[:, None] == 1, patch - 1 - forward, forward)[:, :, None]
        columns = torch.where(flip_columns[:, None] == 1, patch - 1 - forward, forward)[:, None, :]
        swap = transpose[:, None, None] == 1
        down = torch.where(swap, columns.expand(-1, patch, -1), rows.expand(-1, -1, patch))
        right = torch.where(swap, rows.expand(-1, -1, patch), columns.expand(-1, patch, -1))
        start = self.offsets[image] + top * self.widths[image] + left
        index = start[:, None, None] + down * self.widths[image][:, None, None] + right
        return self.pixels[index].permute(0, 3, 1, 2).float() / 255  # (B, P, P, C) to (B, C, P, P)
