"""What a benchmark finds, as records that travel as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from .floors import Rates, Work
from .racing import Spread
from .sizes import Size

__all__ = ["Benchmark", "Comparison", "Entry", "Machine", "Outcome", "Pass"]


@dataclass(frozen=True)
class Pass:
    """The times of one contender.

    Attributes:
        seconds: of one call, in each round; round i of one contender goes with round i of another.
        spread: quartiles of the seconds.
        work: what has to be computed and moved.
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
    """What one contender takes.

    Attributes:
        kind: ``conv``, ``lc``, ``lrlc``, a path, ``einsum`` or ``unfold``.
        rank: K; 0 for the kinds that have none.
        forward: without recording gradients.
        training: forward, and the gradients of input and parameters.
        peak_bytes: of memory in training, above input and parameters.
    """

    kind: str
    rank: int
    forward: Pass
    training: Pass
    peak_bytes: int


@dataclass(frozen=True)
class Comparison:
    """Contenders that were timed together.

    Attributes:
        size: with the batch.
        layout: ``nchw`` or ``channels_last``.
        entries: one for each contender.
    """

    size: Size
    layout: str
    entries: tuple[Entry, ...]

    def entry(self, kind: str, rank: int = 0) -> Entry | None:
        """One contender's entry, if it took part."""
        found = [entry for entry in self.entries if (entry.kind, entry.rank) == (kind, rank)]
        return found[0] if found else None

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of the LRLC layers."""
        return tuple(entry.rank for entry in self.entries if entry.kind == "lrlc")


@dataclass(frozen=True)
class Machine:
    """Where it was measured.

    Attributes:
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        name: of the processor or the GPU.
        dtype: of the computation.
        threads: of torch on the CPU.
        torch: its version.
        date: in UTC, ISO 8601.
        rates: what the device reaches.
    """

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
        target: its words.
        size: with the batch.
        layout: ``nchw`` or ``channels_last``.
        case: the worst of the cases that the target covers, such as ``K=8``; empty where there is one only.
        ratio: quartiles of the ratios of the same round.
        limit: that the median has to keep.
        at_least: whether the limit is a lower one.
    """

    target: str
    size: Size
    layout: str
    case: str
    ratio: Spread
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the median keeps the limit."""
        return self.ratio.median >= self.limit if self.at_least else self.ratio.median <= self.limit


@dataclass(frozen=True)
class Benchmark:
    """All that one benchmark found.

    Attributes:
        machine: where.
        comparisons: in the order in which they were made.
        outcomes: the targets.
    """

    machine: Machine
    comparisons: tuple[Comparison, ...]
    outcomes: tuple[Outcome, ...]

    def to_json(self) -> str:
        """The JSON text; `from_json` reads it back. ``met`` is told for readers and not read."""
        content = asdict(self)
        for told, outcome in zip(content["outcomes"], self.outcomes, strict=True):
            told["met"] = outcome.met
        return json.dumps(content, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Benchmark:
        """Read what `to_json` wrote."""
        read: Benchmark = _built(cls, json.loads(text))
        return read


def _built(kind: Any, value: Any) -> Any:
    """A value of a type made of dataclasses, tuples and plain values, from what JSON kept of it."""
    if is_dataclass(kind):
        types = get_type_hints(kind)
        named: Any = kind
        return named(**{field.name: _built(types[field.name], value[field.name]) for field in fields(kind)})
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]  # all tuples of these records hold one type
        return tuple(_built(item, each) for each in value)
    return value
