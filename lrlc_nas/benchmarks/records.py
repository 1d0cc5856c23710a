"""What a benchmark finds, as records that are written as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from .floors import Rates, Work
from .racing import Spread
from .sizes import Size

__all__ = ["Benchmark", "Comparison", "Entry", "Machine", "Outcome", "Pass"]


@dataclass(frozen=True)
class Pass:
    """The times of one contender.

    Attributes:
        seconds: of one call, in each round; round i of one contender goes with round i of another.
        floor: seconds below which this device cannot do the work.
    """

    seconds: tuple[float, ...]
    spread: Spread
    work: Work
    floor: float

    @property
    def over_floor(self) -> float:
        """The median over the floor."""
        return self.spread.median / self.floor


@dataclass(frozen=True)
class Entry:
    """What one contender takes: forward without recording gradients, training with those of input and parameters.

    ``peak_bytes`` are of memory in training, above input and parameters; kind and rank are those of the contender.
    """

    kind: str
    rank: int
    forward: Pass
    training: Pass
    peak_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Contenders that were timed together."""

    size: Size
    layout: str
    entries: tuple[Entry, ...]

    def entry(self, kind: str, rank: int = 0) -> Entry | None:
        """One contender's entry, if it took part."""
        return next((entry for entry in self.entries if (entry.kind, entry.rank) == (kind, rank)), None)

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of the LRLC layers."""
        return tuple(entry.rank for entry in self.entries if entry.kind == "lrlc")


@dataclass(frozen=True)
class Machine:
    """Where it was measured; threads are torch's on the CPU, and the date is in UTC, ISO 8601."""

    device: str
    name: str
    dtype: str
    threads: int
    torch: str
    date: str
    rates: Rates


@dataclass(frozen=True)
class Outcome:
    """A target at one size.

    Attributes:
        case: the worst of the cases that the target covers, such as ``K=8``; empty where there is one only.
        ratio: quartiles of the ratios of the same round, whose median has to keep the limit.
        at_least: whether the limit is a lower one.
    """

    target: str
    size: Size
    layout: str
    case: str
    ratio: Spread
    limit: float
    at_least: bool
    met: bool


@dataclass(frozen=True)
class Benchmark:
    """All that one benchmark found, comparisons in the order in which they were made."""

    machine: Machine
    comparisons: tuple[Comparison, ...]
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> str:
        """The records as JSON text, with the names of their fields."""
        return json.dumps(asdict(self), indent=1, allow_nan=False) + "\n"
