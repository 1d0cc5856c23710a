"""The table of effects that do not add up."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ...evidence import Context, Interaction, Screening
from ..numbers import NOTHING, interval, points
from .printed import Column, PrintedTable

__all__ = ["TABLE", "DisagreementRow", "disagreement_rows"]


@dataclass(frozen=True)
class DisagreementRow:
    """One line of the table of effects that do not add up.

    Attributes:
        where: a cell, or a pair of sites.
        alone: effect with ``conv`` everywhere else; nothing for a pair.
        together: effect with other sites relaxed; nothing for a pair.
        difference: between the two, or what a pair gives beyond the sum of its effects.
        interval: 95 %, of the difference.
    """

    where: str
    alone: str
    together: str
    difference: str
    interval: str


def disagreement_rows(screening: Screening) -> list[DisagreementRow]:
    """One row for each cell and each pair of sites whose effects do not add up."""
    return [
        *(_context_row(context) for context in screening.contexts if context.disagrees),
        *(_pair_row(pair) for pair in screening.interactions if pair.flagged),
    ]


def _context_row(context: Context) -> DisagreementRow:
    return DisagreementRow(
        f"{context.site}: {context.choice}",
        points(context.alone),
        points(context.in_company),
        points(context.difference),
        interval(context.low, context.high),
    )


def _pair_row(pair: Interaction) -> DisagreementRow:
    return DisagreementRow(
        f"{pair.first} with {pair.second}", NOTHING, NOTHING, points(pair.estimate), interval(pair.low, pair.high)
    )


TABLE = PrintedTable(
    key="disagreements",
    title="effects that do not add up",
    columns=(
        Column("Where", "where"),
        Column("Alone", "alone", "number"),
        Column("Together", "together", "number"),
        Column("Difference", "difference", "number"),
        Column("95 % interval", "interval", "number"),
    ),
    rows=lambda reading: disagreement_rows(reading.screening),
    call=(
        "[each for each in reading.screening.contexts if each.disagrees], "
        "[each for each in reading.screening.interactions if each.flagged]"
    ),
    note=Markup(
        "Alone: every other site is <code>conv</code>. Together: other sites are relaxed too. For a pair of "
        "sites the difference is what both give beyond the sum of their effects."
    ),
)
