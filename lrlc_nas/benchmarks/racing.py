"""Timing several contenders against each other in one process.

In each round every contender has one turn, in an order that is drawn anew, so that drift of the machine (clocks,
other processes) hits all of them alike, and so does what the one before leaves in caches and heap. Two contenders
are compared by the ratio of their times in the same round; the spread of these ratios says how far they can be
trusted.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

__all__ = ["Effort", "Spread", "paired_ratio", "race", "shuffled", "synchronize"]

_MOST_CALLS = 64


@dataclass(frozen=True)
class Effort:
    """How long to time: rounds before the timed ones, timed rounds, and seconds after which these end early.

    ``at_least`` so many timed rounds are made whatever they take. A turn should take ``turn`` seconds; a faster
    contender is called several times in it, and once before it.
    """

    warmup: int = 2
    rounds: int = 15
    patience: float = 120.0
    at_least: int = 3
    turn: float = 0.01


@dataclass(frozen=True)
class Spread:
    """Quartiles of a sample."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The quartiles of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def paired_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Spread:
    """The spread of the ratios of two contenders' times in the same rounds."""
    return Spread.of([above / below for above, below in zip(numerator, denominator, strict=True)])


def race(
    contenders: Mapping[str, Callable[[], object]],
    effort: Effort,
    *,
    wait: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, tuple[float, ...]]:
    """Time all contenders, round by round; ``wait`` waits until the device has done what it was asked for.

    Returns:
        For each contender, in the given order, the seconds of one call in each round.
    """

    def seconds(name: str, calls: int) -> float:
        if calls > 1:
            # A fast contender suffers most from the caches that the one before it has left.
            contenders[name]()
        wait()
        start = clock()
        for _ in range(calls):
            contenders[name]()
        wait()
        return (clock() - start) / calls

    names = list(contenders)
    calls = dict.fromkeys(names, 1)
    for order in shuffled(names, effort.warmup, seed=1):
        # The last warm-up round decides: the first call of a contender says little of the others.
        took = {name: max(seconds(name, 1), 1e-9) for name in order}
        calls = {name: min(_MOST_CALLS, max(1, math.ceil(effort.turn / took[name]))) for name in order}
    times: dict[str, list[float]] = {name: [] for name in names}
    start = clock()
    for made, order in enumerate(shuffled(names, effort.rounds, seed=2)):
        if made >= effort.at_least and clock() - start >= effort.patience:
            break
        for name in order:
            times[name].append(seconds(name, calls[name]))
    return {name: tuple(times[name]) for name in names}


def shuffled(names: Sequence[str], rounds: int, *, seed: int) -> Iterator[list[str]]:
    """The order of each round, the same for the same seed."""
    drawn = random.Random(seed)
    for _ in range(rounds):
        yield drawn.sample(names, len(names))


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
