"""The table of effects that do not add up."""

from __future__ import annotations

from markupsafe import Markup

from ...config import Metric
from ...evidence import Context, Interaction, Screening
from ..numbers import NOTHING, gained, interval
from .printed import PrintedTable

__all__ = ["TABLE"]


def _rows(screening: Screening) -> list[Context | Interaction]:
    """Each cell and each pair of sites whose effects do not add up."""
    contexts = [context for context in screening.contexts if context.disagrees]
    return [*contexts, *(pair for pair in screening.interactions if pair.flagged)]


def _cells(row: Context | Interaction, metric: Metric) -> tuple[str, ...]:
    between = interval(metric, row.low, row.high)
    if isinstance(row, Interaction):
        return (f"{row.first} with {row.second}", NOTHING, NOTHING, gained(metric, row.estimate), between)
    effects = (row.alone, row.in_company, row.difference)
    return (f"{row.site}: {row.choice}", *(gained(metric, each) for each in effects), between)


TABLE = PrintedTable(
    key="disagreements",
    title="effects that do not add up",
    columns={"Where": "", "Alone": "number", "Together": "number", "Difference": "number", "95 % interval": "number"},
    rows=lambda reading: _rows(reading.screening),
    cells=_cells,
    call=(
        "[each for each in reading.screening.contexts if each.disagrees], "
        "[each for each in reading.screening.interactions if each.flagged]"
    ),
    note=Markup(
        "Alone: every other site is <code>conv</code>. Together: other sites are relaxed too. For a pair of "
        "sites the difference is what both give beyond the sum of their effects."
    ),
)
