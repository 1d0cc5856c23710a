"""What one epoch of training gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


__all__ = ["EpochResult"]


@dataclass(frozen=True)
class EpochResult:
    """The outcome of one epoch.

    Attributes:
        epoch: counted from 0.
        train_loss: mean over the images trained on, as they were augmented, of the loss of the images
            (cross-entropy in nats, with the recipe's label smoothing; without its smoothness penalty), taken
            while the weights moved.
        train_accuracy: fraction of those images classified correctly, in [0, 1], taken while the weights
            moved.
        loss: mean cross-entropy in nats over the search split, without label smoothing, after the epoch.
        accuracy: fraction of the search split classified correctly, in [0, 1], after the epoch.
        learning_rate: of the last step of the epoch.
        seconds: wall-clock time of training and evaluation, without the writing of the checkpoint.
        images_per_second: images trained on, per second of training alone.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EpochResult:
        """Read what `to_dict` wrote."""
        return cls(**values)

    def to_dict(self) -> dict[str, int | float]:
        """The fields by name, as plain numbers."""
        return asdict(self)
