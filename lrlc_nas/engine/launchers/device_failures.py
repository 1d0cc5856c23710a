"""Which devices are used no more: on two new processes in a row they failed."""

from __future__ import annotations

import time
from dataclasses import dataclass


__all__ = ["Losses"]

_MOST_LOSSES = 2


@dataclass
class _Loss:
    number: int
    when: float


class Losses:
    """Counts for each device how often in a row it was lost to a worker."""

    def __init__(self) -> None:
        self._losses: dict[str, _Loss] = {}

    def add(self, device: str, started: float) -> None:
        """Count the end of a worker that has lost its device.

        Args:
            device: its name.
            started: when the worker was, by the monotonic clock; one that was there at the last loss met the same.
        """
        loss = self._losses.setdefault(device, _Loss(0, started))
        if started >= loss.when:
            self._losses[device] = _Loss(loss.number + 1, time.monotonic())

    def clear(self, device: str, started: float) -> None:
        """Tell that a worker has ended otherwise; it does not count if it was there at the last loss."""
        loss = self._losses.get(device)
        if loss is not None and started >= loss.when and not self.is_useless(device):
            del self._losses[device]

    def is_suspect(self, device: str) -> bool:
        """Whether the last worker that was started on a device has lost it."""
        return device in self._losses

    def is_useless(self, device: str) -> bool:
        """Whether no more workers are to be started on a device."""
        return device in self.useless()

    def useless(self) -> list[str]:
        """The devices that are used no more."""
        return [device for device, loss in self._losses.items() if loss.number >= _MOST_LOSSES]
