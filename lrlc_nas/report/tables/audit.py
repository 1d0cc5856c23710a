"""The table of the audit of pruning."""

from __future__ import annotations

from dataclasses import dataclass

from ...evidence import Audit
from ..numbers import points
from .printed import Column, PrintedTable

__all__ = ["TABLE", "AuditLine", "audit_rows"]


@dataclass(frozen=True)
class AuditLine:
    """One line of the table of the audit: see `lrlc_nas.evidence.AuditRow`."""

    choice: str
    audited: str
    would_end: str
    wrongly: str
    never_pruned: str
    rank_correlation: str


def audit_rows(audit: Audit) -> list[AuditLine]:
    """One row for all runs, then one for each choice."""
    return [
        AuditLine(
            row.choice or "all",
            str(row.audited),
            str(row.would_end),
            str(row.wrongly),
            str(row.never_pruned),
            points(row.rank_correlation),
        )
        for row in audit.rows
    ]


TABLE = PrintedTable(
    key="audit",
    title="the audit of pruning",
    columns=(
        Column("Choice", "choice"),
        Column("Audited runs", "audited", "number"),
        Column("would have been pruned", "would_end", "number"),
        Column("of these in the best quarter", "wrongly", "number"),
        Column("Runs never pruned", "never_pruned", "number"),
        Column("Early and late order, τ", "rank_correlation", "number"),
    ),
    rows=lambda reading: audit_rows(reading.audit),
    call="reading.audit.rows",
    note=(
        "Audited runs are drawn by chance and go on whatever the pruner says. The third number is what "
        "pruning would have lost; where it is large for one choice, that choice learns late and the search "
        "is unfair to it. τ is Kendall's rank correlation between the accuracies at the first decision of "
        "the pruner and at the end: 1 means that the early order was the late one."
    ),
    css=lambda row: "clear" if row.choice == "all" else "",
)
