"""A set of labelled images in memory, checked when it is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..errors import InputError

__all__ = ["ImageSet"]

_CHUNK = 4096  # images at a time, so that hashing needs no second copy of the set


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images, with official test images where the set has them.

    Attributes:
        images: uint8 with shape (N, C, H, W).
        labels: int64 with shape (N,), counting the classes from 0.
        test_images: the official test images, uint8 with shape (M, C, H, W), or None; `test_labels` likewise.
        classes: the name of each class.

    Raises:
        InputError: if a tensor has another type or shape, or a class has no image.
    """

    name: str
    images: Tensor
    labels: Tensor
    test_images: Tensor | None
    test_labels: Tensor | None
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(f"a classification needs at least two classes, but got {list(self.classes)}")
        _require_pair(self.images, self.labels, len(self.classes), "")
        self._require_every_class()
        if (self.test_images is None) != (self.test_labels is None):
            raise InputError("test images and test labels must be given together")
        if self.test_images is not None and self.test_labels is not None:
            _require_pair(self.test_images, self.test_labels, len(self.classes), "test ")
            if self.test_images.shape[1:] != self.images.shape[1:]:
                shapes = f"{tuple(self.test_images.shape[1:])} and {tuple(self.images.shape[1:])}"
                raise InputError(f"test images must have the shape (C, H, W) of the others, but got {shapes}")

    @property
    def channels(self) -> int:
        """C, the channels of an image."""
        return self.images.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of an image."""
        return (self.images.shape[2], self.images.shape[3])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over shapes, pixels, labels and class names, as 64 hexadecimal digits."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for tensor in (self.images, self.labels, self.test_images, self.test_labels):
            digest.update(repr(None if tensor is None else tuple(tensor.shape)).encode())
            for part in () if tensor is None else torch.split(tensor, _CHUNK):
                digest.update(part.cpu().numpy().tobytes())
        return digest.hexdigest()

    def _require_every_class(self) -> None:
        counts = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        empty = [f"{index} ({name})" for index, name in enumerate(self.classes) if counts[index] == 0]
        if empty:
            raise InputError(f"every class needs an image, but there is none of class {', '.join(empty)}")


def _require_pair(images: Tensor, labels: Tensor, classes: int, kind: str) -> None:
    if images.dtype != torch.uint8 or images.dim() != 4 or images.numel() == 0:
        raise InputError(
            f"{kind}images must be uint8 with shape (N, C, H, W) and not empty, "
            f"but got {images.dtype} with shape {tuple(images.shape)}"
        )
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(
            f"{kind}labels must be int64 with shape {tuple(images.shape[:1])}, "
            f"but got {labels.dtype} with shape {tuple(labels.shape)}"
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise InputError(f"{kind}labels must lie in 0..{classes - 1}, but got {low}..{high}")
