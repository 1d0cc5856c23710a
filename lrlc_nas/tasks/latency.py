"""How long a training step of a network takes on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ..layers.tuning import wait_for

__all__ = ["Latency", "time_step"]

_ROUNDS = 5


@dataclass(frozen=True)
class Latency:
    """A measured time: the median of one step of training, forward and backward, without the optimiser.

    The spread is from the fastest to the slowest of the rounds, in seconds, and the batch the samples in the step. The
    device is its name, with the number of threads on the CPU.
    """

    seconds: float
    spread: float
    batch: int
    device: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, of which `Latency(**…)` makes an equal record."""
        return asdict(self)


def time_step(step: Callable[[], None], batch: int, device: torch.device) -> Latency:
    """Time a step of training, forward and backward, with so many samples."""
    # The first call allocates and compiles.
    seconds = [_timed(step, device) for _ in range(_ROUNDS + 1)][1:]
    return Latency(statistics.median(seconds), max(seconds) - min(seconds), batch, _name(device))


def _timed(step: Callable[[], None], device: torch.device) -> float:
    wait_for(device)
    start = time.perf_counter()
    step()
    wait_for(device)
    return time.perf_counter() - start


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
