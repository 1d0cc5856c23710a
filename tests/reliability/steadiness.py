"""Whether a process that runs for long stays as it is: samples of its memory and of its open descriptors."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import psutil

from lrlc_nas.errors import LrlcNasError

__all__ = ["Samples", "Steadiness"]

_SAMPLES = 10
_MOST_GROWTH = 0.05
_MOST_DESCRIPTORS = 2


@dataclass(frozen=True)
class Steadiness:
    """How a process changed.

    Attributes:
        growth: of its memory, from the first samples to the last, as a fraction.
        descriptors: fewest and most that it had open.
    """

    growth: float
    descriptors: tuple[int, int]

    @property
    def holds(self) -> bool:
        """Whether it leaks nothing: memory grows by less than 5 %, descriptors stay within 2."""
        fewest, most = self.descriptors
        return self.growth < _MOST_GROWTH and most - fewest <= _MOST_DESCRIPTORS

    def __str__(self) -> str:
        fewest, most = self.descriptors
        return f"memory {self.growth:+.1%}, {fewest} to {most} descriptors"


@dataclass
class Samples:
    """Samples of a process.

    Attributes:
        pid: which.
    """

    pid: int
    _taken: list[tuple[int, int]] = field(default_factory=list)

    def take(self) -> None:
        """Take one; none of a process that has ended."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            self._taken.append((process.memory_info().rss, process.num_fds()))

    def steadiness(self) -> Steadiness:
        """What they say, without the first tenth, in which a process grows up, and the last, in which it may end.

        Raises:
            LrlcNasError: if there are too few.
        """
        settled = self._taken[len(self._taken) // 10 : -1]
        if len(settled) < 2:
            raise LrlcNasError(
                f"process {self.pid} was sampled {len(self._taken)} times; 3 times are needed to see it change"
            )
        memory, descriptors = zip(*settled, strict=True)
        growth = median(memory[-_SAMPLES:]) / median(memory[:_SAMPLES]) - 1
        return Steadiness(growth, (min(descriptors), max(descriptors)))
