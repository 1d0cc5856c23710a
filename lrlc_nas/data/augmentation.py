"""Augmentation of a whole batch at once, the same on every device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError

__all__ = ["Augmentation", "augment"]


@dataclass(frozen=True)
class Augmentation:
    """How training images are varied.

    Attributes:
        pad: P, the pixels of black border that are added before a crop to the old size at a random place;
            0 for no crop.
        flip: whether an image is mirrored, left to right, in one half of the cases.

    Raises:
        InputError: if a value is of another kind.
    """

    pad: int = 0
    flip: bool = False

    def __post_init__(self) -> None:
        if type(self.pad) is not int or self.pad < 0:
            raise InputError(f"pad must be a whole number of at least 0, but got {self.pad!r}")
        if type(self.flip) is not bool:
            raise InputError(f"flip must be true or false, but got {self.flip!r}")


def augment(images: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Vary each image of a batch (B, C, H, W) by itself; type and device stay.

    ``out[b, :, y, x] = padded[b, :, y + r_b, x' + c_b]``, with the row offset r and the column offset c
    uniform in 0..2P, and x' = W - 1 - x where the image is mirrored, x' = x elsewhere. The generator is one of the CPU,
    so that the draws are equal on every device.

    Raises:
        InputError: if the border is as wide as an image, so that a crop could miss it.
    """
    if augmentation == Augmentation():
        return images
    batch, channels, height, width = images.shape
    if augmentation.pad >= min(height, width):
        raise InputError(f"pad must be less than the side of an image, {height}x{width}, but got {augmentation.pad}")
    rows = torch.arange(height).expand(batch, height)
    columns = torch.arange(width).expand(batch, width)
    if augmentation.flip:
        mirrored = torch.randint(0, 2, (batch, 1), generator=generator).bool()
        columns = torch.where(mirrored, columns.flip(1), columns)
    if augmentation.pad:
        offsets = torch.randint(0, 2 * augmentation.pad + 1, (2, batch, 1), generator=generator)
        rows, columns = rows + offsets[0], columns + offsets[1]
        images = functional.pad(images, [augmentation.pad] * 4)
    which, channel = torch.arange(batch)[:, None, None, None], torch.arange(channels)[:, None, None]
    at = (which, channel, rows[:, None, :, None], columns[:, None, None, :])
    return images[tuple(index.to(images.device) for index in at)]
