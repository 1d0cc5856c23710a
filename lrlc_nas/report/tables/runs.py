"""The table of every run."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ...config import Metric
from ...runs.results import EpochResult
from ...store import RunRecord
from ..numbers import NOTHING, count, shown
from .printed import PrintedTable

__all__ = ["TABLE"]


def _cells(row: tuple[RunRecord, Sequence[EpochResult]], metric: Metric) -> tuple[str, ...]:
    run, epochs = row
    last = epochs[-1].value if epochs else None
    return (
        str(run.number),
        run.role,
        NOTHING if run.plan is None else str(run.plan),
        str(run.seed),
        run.state,
        str(len(epochs)),
        shown(metric, last if run.value is None else run.value),
        count(run.parameters),
        count(run.macs),
        f"{sum(epoch.seconds for epoch in epochs):.1f}" if epochs else NOTHING,
        run.reason,
    )


TABLE = PrintedTable(
    key="trials",
    title="runs and epochs",
    columns={
        "Run": "number",
        "Role": "",
        "Plan": "name plan",
        "Seed": "number",
        "State": "",
        "Epochs": "number",
        "{metric.heading}": "number",
        "Parameters": "number",
        "MACs": "number",
        "Seconds": "number",
        "Reason": "name reason",
    },
    rows=lambda reading: [(run, reading.epochs.get(run.run_id, ())) for run in reading.runs],
    cells=_cells,
    call="reading.runs, reading.epochs",
    note=Markup(
        "{metric.heading} is that on the search split after the last recorded epoch. A plan names the sites that "
        "are not <code>conv</code>. MACs are multiply-accumulates per image."
    ),
    css=lambda row: row[0].state,
)
