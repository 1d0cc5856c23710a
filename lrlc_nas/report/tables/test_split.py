"""What the openings of the test split measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ...evidence import Comparison, compare
from ...store import TestOpening
from ..numbers import NOTHING, interval, percent, points
from ..reading import Confirmation
from .printed import Column, PrintedTable

__all__ = ["TABLE", "OpeningRow", "Tested", "opening_rows", "tested"]


@dataclass(frozen=True)
class Tested:
    """One arm in one opening of the test split.

    Attributes:
        opened: when.
        arm: what was measured.
        accuracy: on the test images, a fraction, the mean over its seeds; None if it was never finished.
        seeds: how many there were.
        against_host: the arm less the host, paired by seed, in points; without a number for the host itself.
    """

    opened: datetime
    arm: str
    accuracy: float | None
    seeds: int
    against_host: Comparison


@dataclass(frozen=True)
class OpeningRow:
    """One line of the table of these: see `Tested`."""

    opened: str
    arm: str
    accuracy: str
    seeds: str
    difference: str
    interval: str


def opening_rows(confirmation: Confirmation | None) -> list[OpeningRow]:
    """One row for each arm of each opening of the test split."""
    return [_opening_row(each) for each in tested(confirmation)]


def tested(confirmation: Confirmation | None) -> tuple[Tested, ...]:
    """What the openings of the test split measured, arm by arm; nothing where there is no confirmation."""
    return tuple(each for opening in (confirmation.openings if confirmation else ()) for each in _tested(opening))


def _tested(opening: TestOpening) -> list[Tested]:
    accuracies = (opening.results or {}).get("accuracies", {})
    if not accuracies:
        arms = ", ".join(opening.subject.get("arms", {}))
        return [Tested(opening.opened, f"{arms}: never finished", None, 0, compare((), ()))]
    host = accuracies.get("host", {})
    return [_arm(opening.opened, arm, by_seed, host) for arm, by_seed in accuracies.items()]


def _arm(opened: datetime, arm: str, by_seed: Mapping[str, float], host: Mapping[str, float]) -> Tested:
    shared = [] if arm == "host" else [seed for seed in by_seed if seed in host]
    against = compare(*([100 * scores[seed] for seed in shared] for scores in (by_seed, host)))
    return Tested(opened, arm, sum(by_seed.values()) / len(by_seed), len(by_seed), against)


def _opening_row(each: Tested) -> OpeningRow:
    return OpeningRow(
        opened=f"{each.opened:%Y-%m-%d %H:%M UTC}",
        arm=each.arm,
        accuracy=percent(each.accuracy),
        seeds=NOTHING if each.accuracy is None else str(each.seeds),
        difference=points(each.against_host.difference),
        interval=interval(each.against_host.low, each.against_host.high),
    )


TABLE = PrintedTable(
    key="tested",
    title="openings of the test split",
    columns=(
        Column("Arm", "arm", "name"),
        Column("Accuracy", "accuracy", "number"),
        Column("Less host", "difference", "number"),
        Column("95 % interval", "interval", "number"),
        Column("Seeds", "seeds", "number"),
        Column("Opened", "opened"),
    ),
    rows=lambda reading: opening_rows(reading.confirmation),
    call="report.tested(reading.confirmation)",
    whole=True,
)
