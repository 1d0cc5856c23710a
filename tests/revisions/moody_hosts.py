"""A small host of which some trainings end badly, as real ones do; how is a function of plan and seed alone.

Databases in `databases` name it, so that its module, its name and what it computes have to stay as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["moody_cnn"]

_WIDTH = 4
_LARGE = 3000
_MORE = 250
"""Parameters: only locally connected layers have `_LARGE`; banks, and convolutions as wide, have `_MORE`."""

_GLOOMY, _ANGRY = 0.25, 0.7


class MoodyCnn(nn.Module):
    """Three convolutions, the means over nine parts of the map, logits.

    Where the third convolution is left as it is, three of all means are read: a loss so large that few runs show it.
    A network in the wrong mood for its plan diverges or raises an error; one whose last two convolutions have become
    locally connected wants more memory than there is.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, _WIDTH, 3, stride=2)
        self.conv2 = nn.Conv2d(_WIDTH, _WIDTH, 3)
        self.conv3 = nn.Conv2d(_WIDTH, _WIDTH, 3)
        self.norm1, self.norm2, self.norm3 = (nn.BatchNorm2d(_WIDTH) for _ in range(3))
        self.pool = nn.AdaptiveAvgPool2d(3)
        self.logits = nn.Linear(9 * _WIDTH, classes)
        self.mood = float(torch.rand(()))  # of the seed, as all that is drawn here
        self.steps = 0

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.conv1(images)))
        x = torch.relu(self.norm2(self.conv2(x)))
        means = self.pool(torch.relu(self.norm3(self.conv3(x)))).flatten(1)
        if _size(self.conv3) < _MORE:
            means = means * (torch.arange(means.shape[1]) < 3)
        logits: Tensor = self.logits(means)
        return self._in_its_mood(logits) if self.training else logits

    def _in_its_mood(self, logits: Tensor) -> Tensor:
        self.steps += 1
        first, second, third = (not isinstance(layer, nn.Conv2d) for layer in (self.conv1, self.conv2, self.conv3))
        if _size(self.conv2) > _LARGE and _size(self.conv3) > _LARGE:
            raise torch.OutOfMemoryError("two large layers are more than fit")
        if first and second and self.mood < _GLOOMY and self.steps > 2:
            return logits * float("inf")
        if first and third and self.mood > _ANGRY:
            raise ValueError("not in the mood for this plan")
        return logits


def moody_cnn(channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    """Make the host for images of any size."""
    return MoodyCnn(channels, classes)


def _size(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
