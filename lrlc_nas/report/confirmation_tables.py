"""The tables of a confirmation as rows of text: its claims, and the openings of the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..evidence import compare
from ..store import LookRecord
from .forest import Forest
from .numbers import NOTHING, interval, percent, points
from .reading import Confirmation


__all__ = ["ClaimRow", "LookRow", "claim_rows", "look_rows"]


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
class LookRow:
    """One arm in one opening of the test split.

    Attributes:
        opened: when.
        arm: what was measured.
        accuracy: the mean over its seeds; nothing if the look was never finished.
        seeds: how many there were.
        difference: from the host, paired by seed, in points.
        interval: 95 %, of the difference.
    """

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
    return [row for look in (confirmation.looks if confirmation else ()) for row in _look_rows(look)]


def _look_rows(look: LookRecord) -> list[LookRow]:
    opened = f"{look.opened:%Y-%m-%d %H:%M UTC}"
    accuracies = (look.results or {}).get("accuracies", {})
    if not accuracies:
        arms = ", ".join(look.subject.get("arms", {}))
        return [LookRow(opened, f"{arms}: never finished", NOTHING, NOTHING, NOTHING, NOTHING)]
    host = accuracies.get("host", {})
    return [_look_row(opened, arm, by_seed, host) for arm, by_seed in accuracies.items()]


def _look_row(opened: str, arm: str, by_seed: Mapping[str, float], host: Mapping[str, float]) -> LookRow:
    shared = [] if arm == "host" else [seed for seed in by_seed if seed in host]
    found = compare(*([100 * scores[seed] for seed in shared] for scores in (by_seed, host)))
    return LookRow(
        opened,
        arm,
        percent(sum(by_seed.values()) / len(by_seed)),
        str(len(by_seed)),
        points(found.difference),
        interval(found.low, found.high),
    )
