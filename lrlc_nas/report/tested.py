"""What the openings of the test split measured, arm by arm; without drawing, because the terminal needs it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..config import Metric
from ..evidence import Comparison, compare
from ..store import TestOpening
from .reading import Confirmation

__all__ = ["Tested", "tested", "tested_arms"]


@dataclass(frozen=True)
class Tested:
    """One arm in one opening of the test split.

    Attributes:
        value: of the metric on the test split, the mean over its seeds; None if it was never finished.
        seeds: how many there were.
        against_host: the arm less the host, paired by seed, in gains; without a number for the host itself.
    """

    opened: datetime
    arm: str
    value: float | None
    seeds: int
    against_host: Comparison


def tested(confirmation: Confirmation | None) -> tuple[Tested, ...]:
    """What the openings of the test split measured, arm by arm; nothing where there is no confirmation."""
    if confirmation is None:
        return ()
    metric = confirmation.study.metric
    return tuple(each for opening in confirmation.openings for each in tested_arms(opening, metric))


def tested_arms(opening: TestOpening, metric: Metric) -> list[Tested]:
    """What one opening measured, arm by arm."""
    if not opening.values:
        arms = ", ".join(opening.subject.get("arms", {}))
        return [Tested(opening.opened, f"{arms}: never finished", None, 0, compare((), ()))]
    host = opening.values.get("host", {})
    return [_arm(opening.opened, arm, by_seed, host, metric) for arm, by_seed in opening.values.items()]


def _arm(opened: datetime, arm: str, by_seed: Mapping[str, float], host: Mapping[str, float], metric: Metric) -> Tested:
    shared = [] if arm == "host" else [seed for seed in by_seed if seed in host]
    against = compare(*([metric.gain(scores[seed]) for seed in shared] for scores in (by_seed, host)))
    return Tested(opened, arm, sum(by_seed.values()) / len(by_seed), len(by_seed), against)
