"""The table of the claims of a confirmation."""

from __future__ import annotations

from ...config import Metric
from ..figures.forest import ForestRow, forest
from ..numbers import NOTHING, gained, interval
from .printed import PrintedTable

__all__ = ["TABLE"]


def _cells(row: ForestRow, metric: Metric) -> tuple[str, ...]:
    found = row.comparison
    return (
        row.claim,
        row.against,
        row.outcome,
        gained(metric, found.difference),
        interval(metric, found.low, found.high),
        str(found.n),
        NOTHING if row.adjusted_p is None else f"{row.adjusted_p:.3g}",
        NOTHING if found.superiority is None else f"{found.superiority:.2f}",
        gained(metric, row.searched),
        gained(metric, row.shrinkage),
    )


TABLE = PrintedTable(
    key="claims",
    title="claims",
    columns={
        "Claim": "name",
        "Against": "name",
        "Outcome": "",
        "Difference": "number",
        "{row.level} interval": "number",
        "Seeds": "number",
        "Adjusted p": "number",
        "P(better)": "number",
        "Search estimate": "number past",
        "Shrinkage": "number past",
    },
    rows=lambda reading: forest(reading).rows,
    cells=_cells,
    call="report.forest(reading).rows",
    note=(
        "Claim {metric.minus} the arm named beside it{metric.in_unit}, paired by seed, on a split that the search "
        "never saw. P(better): the chance that a fresh run of the claim beats a fresh run of the other. Shrinkage: how "
        "much of the search's estimate is not there on fresh seeds."
    ),
    css=lambda row: "clear" if row.against == "host" else "",
    whole=True,
)
