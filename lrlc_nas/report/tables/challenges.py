"""The table of the circumstances under which confirmed gains were tested again."""

from __future__ import annotations

from ...config import Metric
from ...evidence.challenge import ChallengeResult, ChallengeRow
from ..numbers import NOTHING, gained, interval
from ..reading import Reading
from .printed import PrintedTable

__all__ = ["TABLE", "challenges"]


def challenges(reading: Reading) -> tuple[tuple[ChallengeResult, ChallengeRow], ...]:
    """Each claim that was challenged with each of its circumstances."""
    if reading.confirmation is None:
        return ()
    return tuple((result, row) for result in reading.confirmation.challenges for row in result.rows)


def _cells(each: tuple[ChallengeResult, ChallengeRow], metric: Metric) -> tuple[str, ...]:
    result, row = each
    found, control = row.comparison, row.control
    return (
        result.label,
        row.text,
        row.finding,
        NOTHING if found is None else gained(metric, found.difference),
        NOTHING if found is None else interval(metric, found.low, found.high),
        NOTHING if found is None else str(found.n),
        NOTHING if control is None else control[0],
        NOTHING if control is None else gained(metric, control[1].difference),
        _epochs(row.epochs_to_host),
    )


def _epochs(told: tuple[float | None, float] | None) -> str:
    if told is None:
        return NOTHING
    return f"{'never' if told[0] is None else f'{told[0]:.0f}'}, {told[1]:.0f}"


TABLE = PrintedTable(
    key="challenges",
    title="challenges",
    columns={
        "Claim": "name",
        "Circumstance": "",
        "Finding": "",
        "Against host": "number",
        "Interval": "number",
        "Seeds": "number",
        "Best control": "name",
        "Against it": "number",
        "Epochs to host": "number",
    },
    rows=challenges,
    cells=_cells,
    call="report.challenges(reading)",
    note=(
        "A confirmed claim trained again on fresh seeds under other circumstances{metric.in_unit}. It holds where its "
        "interval lies above zero, is reversed where it lies below, and is gone where it is equivalent to the host or "
        "lies below half of the confirmed gain. Epochs: after how many the claim, and the host, reach the host's final "
        "score."
    ),
    whole=True,
)
