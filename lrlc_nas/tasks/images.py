"""What a task has besides if its samples are images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from .task import Split

__all__ = ["ShowsImages"]


@runtime_checkable
class ShowsImages(Protocol):
    """Shows its images to a trained network, as they are or changed.

    It has methods alone, because a look at an attribute computes it in Python 3.11.
    """

    def count(self, split: Split) -> int:
        """How many images a split has."""

    def inputs(self, split: Split, most: int) -> Tensor:
        """The first images of a split as the network takes them, float32 of shape (B, C, H, W), B at most `most`."""

    def score_changed(
        self,
        network: nn.Module,
        split: Split,
        device: torch.device | str,
        *,
        most: int,
        change: Callable[[Tensor], Tensor],
    ) -> float:
        """Measure a trained network, which is moved to the device, on changed images.

        At most so many of a split are taken, the first ones; `change` goes from uint8 images (B, C, H, W) to others of
        the same shape.
        """
