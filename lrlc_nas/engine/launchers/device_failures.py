"""Which devices are used no more: on two new processes in a row they failed."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["DeviceFailures"]

_MOST_FAILURES = 2


@dataclass
class _Failure:
    number: int
    when: float


class DeviceFailures:
    """Counts for each device how often in a row it was lost to a worker."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failure] = {}

    def add(self, device: str, started: float) -> None:
        """Count the end of a worker that has lost its device.

        Args:
            device: its name.
            started: when the worker was, by the monotonic clock; one that was there at the last met the same.
        """
        failure = self._failures.setdefault(device, _Failure(0, started))
        if started >= failure.when:
            self._failures[device] = _Failure(failure.number + 1, time.monotonic())

    def clear(self, device: str, started: float) -> None:
        """Tell that a worker has ended otherwise; it does not count if it was there at the last failure."""
        failure = self._failures.get(device)
        if failure is not None and started >= failure.when and not self.is_useless(device):
            del self._failures[device]

    def is_suspect(self, device: str) -> bool:
        """Whether the last worker that was started on a device has lost it."""
        return device in self._failures

    def is_useless(self, device: str) -> bool:
        """Whether no more workers are to be started on a device."""
        return device in self.useless()

    def useless(self) -> list[str]:
        """The devices that are used no more."""
        return [device for device, failure in self._failures.items() if failure.number >= _MOST_FAILURES]
