"""The table of the openings of the test split."""

from __future__ import annotations

from ...config import Metric
from ..numbers import NOTHING, gained, interval, shown
from ..tested import Tested, tested
from .printed import PrintedTable

__all__ = ["TABLE"]


def _cells(each: Tested, metric: Metric) -> tuple[str, ...]:
    return (
        each.arm,
        shown(metric, each.value),
        gained(metric, each.against_host.difference),
        interval(metric, each.against_host.low, each.against_host.high),
        NOTHING if each.value is None else str(each.seeds),
        f"{each.opened:%Y-%m-%d %H:%M UTC}",
    )


TABLE = PrintedTable(
    key="tested",
    title="openings of the test split",
    columns={
        "Arm": "name",
        "{metric.heading}": "number",
        "Against host": "number",
        "95 % interval": "number",
        "Seeds": "number",
        "Opened": "",
    },
    rows=lambda reading: tested(reading.confirmation),
    cells=_cells,
    call="report.tested(reading.confirmation)",
    whole=True,
)
