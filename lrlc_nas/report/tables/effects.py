"""The table of effects, for people."""

from __future__ import annotations

from collections.abc import Mapping

from ...config import Metric
from ...evidence import Effect, Screening
from ..numbers import NOTHING, gained, interval
from .printed import PrintedTable

__all__ = ["TABLE"]

_Row = tuple[Effect, str, str]
"""An effect, the importance of its site on the first row of each site, and a note."""


def _rows(screening: Screening, importances: Mapping[str, float]) -> list[_Row]:
    """One row for each effect, in the order of the space."""
    notes = {(context.site, context.choice): context.sentence(screening.metric) for context in screening.contexts}
    first = {effect.site: effect for effect in reversed(screening.effects)}
    return [
        (
            effect,
            _share(importances.get(effect.site)) if effect is first[effect.site] else "",
            effect.reason or notes.get((effect.site, effect.choice), ""),
        )
        for effect in screening.effects
    ]


def _share(importance: float | None) -> str:
    return NOTHING if importance is None else f"{importance:.2f}"


def _cells(row: _Row, metric: Metric) -> tuple[str, ...]:
    effect, importance, note = row
    estimate, between = gained(metric, effect.estimate), interval(metric, effect.low, effect.high)
    return (effect.site, effect.choice, estimate, between, str(effect.runs), importance, note)


TABLE = PrintedTable(
    key="effects",
    title="effects and importances",
    columns={
        "Site": "name",
        "Choice": "",
        "Effect": "number",
        "95 % interval": "number",
        "Runs": "number",
        "Importance": "number",
        "Note": "",
    },
    rows=lambda reading: _rows(reading.screening, reading.importances) if reading.screening.runs_used else [],
    cells=_cells,
    call="reading.screening.effects, reading.importances",
    note=(
        "Bold: the interval excludes zero. Runs: how many finished runs hold the choice there. Importance: that of the "
        "site by Optuna (PED-ANOVA), a second opinion that has no interval and that nothing here uses."
    ),
    css=lambda row: "clear" if row[0].distinguishable else "",
)
