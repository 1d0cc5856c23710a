"""The table of the openings of the test split."""

from __future__ import annotations

from ..numbers import NOTHING, interval, percent, points
from ..tested import Tested, tested
from .printed import PrintedTable

__all__ = ["TABLE"]


def _cells(each: Tested) -> tuple[str, ...]:
    return (
        each.arm,
        percent(each.accuracy),
        points(each.against_host.difference),
        interval(each.against_host.low, each.against_host.high),
        NOTHING if each.accuracy is None else str(each.seeds),
        f"{each.opened:%Y-%m-%d %H:%M UTC}",
    )


TABLE = PrintedTable(
    key="tested",
    title="openings of the test split",
    columns={
        "Arm": "name",
        "Accuracy": "number",
        "Less host": "number",
        "95 % interval": "number",
        "Seeds": "number",
        "Opened": "",
    },
    rows=lambda reading: tested(reading.confirmation),
    cells=_cells,
    call="report.tested(reading.confirmation)",
    whole=True,
)
