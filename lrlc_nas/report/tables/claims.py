"""The table of the claims of a confirmation."""

from __future__ import annotations

from dataclasses import dataclass

from ..figures.forest import Forest, forest
from ..numbers import NOTHING, interval, points
from .printed import Column, PrintedTable

__all__ = ["TABLE", "ClaimRow", "claim_rows"]


@dataclass(frozen=True)
class ClaimRow:
    """One line of the table of the confirmation: see `lrlc_nas.report.figures.forest.ForestRow`."""

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
            superiority=NOTHING if row.comparison.superiority is None else f"{row.comparison.superiority:.2f}",
            searched=points(row.searched),
            shrinkage=points(row.shrinkage),
        )
        for row in info.rows
    ]


TABLE = PrintedTable(
    key="claims",
    title="claims",
    columns=(
        Column("Claim", "claim", "name"),
        Column("Against", "against", "name"),
        Column("Outcome", "outcome"),
        Column("Difference", "difference", "number"),
        Column("{level} interval", "interval", "number"),
        Column("Seeds", "seeds", "number"),
        Column("Adjusted p", "adjusted_p", "number"),
        Column("P(better)", "superiority", "number"),
        Column("Search estimate", "searched", "number past"),
        Column("Shrinkage", "shrinkage", "number past"),
    ),
    rows=lambda reading: claim_rows(forest(reading)),
    call="report.forest(reading).rows",
    note=(
        "Claim less the arm named beside it, in points, paired by seed, on images that the search never saw. "
        "P(better): the chance that a fresh run of the claim beats a fresh run of the other. Shrinkage: how "
        "much of the search's estimate is not there on fresh seeds."
    ),
    css=lambda row: "clear" if row.against == "host" else "",
    whole=True,
)
