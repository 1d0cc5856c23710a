"""The tables of a confirmation as rows of text: its claims, and the openings of the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..evidence import Comparison, compare
from ..store import TestOpening
from .forest import Forest
from .numbers import NOTHING, interval, percent, points
from .reading import Confirmation


__all__ = ["ClaimRow", "LookRow", "Tested", "claim_rows", "look_rows", "tested"]


@dataclass(frozen=True)
class ClaimRow:
    """One line of the table of the confirmation: see `lrlc_nas.report.forest.ForestRow`."""

    claim: str
    against: str
    difference: str
    interval: str
    level: str
    seeds: str
    outcome: str
    adjusted_p: str
    superiority: str
    searched: str
    shrinkage: str


@dataclass(frozen=True)
class Tested:
    """One arm in one opening of the test split.

    Attributes:
        opened: when.
        arm: what was measured.
        accuracy: on the test images, a fraction, the mean over its seeds; None if the look was never finished.
        seeds: how many there were.
        against_host: the arm less the host, paired by seed, in points; without a number for the host itself.
    """

    opened: datetime
    arm: str
    accuracy: float | None
    seeds: int
    against_host: Comparison


@dataclass(frozen=True)
class LookRow:
    """One line of the table of these: see `Tested`."""

    opened: str
    arm: str
    accuracy: str
    seeds: str
    difference: str
    interval: str


def claim_rows(info: Forest) -> list[ClaimRow]:
    """One row for each comparison of the confirmation."""
    return [
        ClaimRow(
            claim=row.claim,
            against=row.against,
            difference=points(row.comparison.difference),
            interval=interval(row.comparison.low, row.comparison.high),
            level=f"{100 * row.comparison.confidence:.4g} %",
            seeds=str(row.comparison.n),
            outcome=row.outcome,
            adjusted_p=NOTHING if row.adjusted_p is None else f"{row.adjusted_p:.3g}",
            superiority=NOTHING
            if row.comparison.superiority is None
            else f"{row.comparison.superiority:.2f}",
            searched=points(row.searched),
            shrinkage=points(row.shrinkage),
        )
        for row in info.rows
    ]


def look_rows(confirmation: Confirmation | None) -> list[LookRow]:
    """One row for each arm of each opening of the test split."""
    return [_look_row(each) for each in tested(confirmation)]


def tested(confirmation: Confirmation | None) -> tuple[Tested, ...]:
    """What the openings of the test split measured, arm by arm; nothing where there is no confirmation."""
    return tuple(each for look in (confirmation.looks if confirmation else ()) for each in _tested(look))


def _tested(look: TestOpening) -> list[Tested]:
    accuracies = (look.results or {}).get("accuracies", {})
    if not accuracies:
        arms = ", ".join(look.subject.get("arms", {}))
        return [Tested(look.opened, f"{arms}: never finished", None, 0, compare((), ()))]
    host = accuracies.get("host", {})
    return [_arm(look.opened, arm, by_seed, host) for arm, by_seed in accuracies.items()]


def _arm(opened: datetime, arm: str, by_seed: Mapping[str, float], host: Mapping[str, float]) -> Tested:
    shared = [] if arm == "host" else [seed for seed in by_seed if seed in host]
    against = compare(*([100 * scores[seed] for seed in shared] for scores in (by_seed, host)))
    return Tested(opened, arm, sum(by_seed.values()) / len(by_seed), len(by_seed), against)


def _look_row(each: Tested) -> LookRow:
    return LookRow(
        opened=f"{each.opened:%Y-%m-%d %H:%M UTC}",
        arm=each.arm,
        accuracy=percent(each.accuracy),
        seeds=NOTHING if each.accuracy is None else str(each.seeds),
        difference=points(each.against_host.difference),
        interval=interval(each.against_host.low, each.against_host.high),
    )
