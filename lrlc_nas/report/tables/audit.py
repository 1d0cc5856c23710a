"""The table of the audit of pruning."""

from __future__ import annotations

from ...config import Metric
from ...evidence import AuditRow
from ..numbers import correlation
from .printed import PrintedTable

__all__ = ["TABLE"]


def _cells(row: AuditRow, metric: Metric) -> tuple[str, ...]:
    counts = (row.audited, row.would_end, row.wrongly, row.never_pruned)
    return (row.choice or "all", *map(str, counts), correlation(row.rank_correlation))


TABLE = PrintedTable(
    key="audit",
    title="the audit of pruning",
    columns={
        "Choice": "",
        "Audited runs": "number",
        "would have been pruned": "number",
        "of these in the best quarter": "number",
        "Runs never pruned": "number",
        "Early and late order, τ": "number",
    },
    rows=lambda reading: reading.audit.rows,
    cells=_cells,
    call="reading.audit.rows",
    note=(
        "Audited runs are drawn by chance and go on whatever the pruner says. The third number is what "
        "pruning would have lost; where it is large for one choice, that choice learns late and the search "
        "is unfair to it. τ is Kendall's rank correlation between the values at the first decision of "
        "the pruner and at the end: 1 means that the early order was the late one."
    ),
    css=lambda row: "" if row.choice else "clear",
)
