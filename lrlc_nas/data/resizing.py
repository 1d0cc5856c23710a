"""A set of images at another size."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .images import ImageSet

__all__ = ["resized"]

_CHUNK = 4096  # images at a time, so that no second copy of the set is made in floating point


def resized(images: ImageSet, size: int | None) -> ImageSet:
    """The set with images of size x size pixels (bilinear, antialiased); the set itself if it has them."""
    if size is None or images.size == (size, size):
        return images
    test = None if images.test_images is None else _resize(images.test_images, size)
    return replace(images, images=_resize(images.images, size), test_images=test)


def _resize(images: Tensor, size: int) -> Tensor:
    from torchvision.transforms.v2 import functional as transforms  # not before it is wanted: it takes seconds

    return torch.cat([transforms.resize(part, [size, size], antialias=True) for part in torch.split(images, _CHUNK)])
