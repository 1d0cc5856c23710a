"""The table of effects, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...evidence import Screening
from ..numbers import NOTHING, interval, points
from .printed import Column, PrintedTable

__all__ = ["TABLE", "EffectRow", "effect_rows"]


@dataclass(frozen=True)
class EffectRow:
    """One line of the table of effects.

    Attributes:
        site: name of the site.
        choice: token of the choice.
        effect: in points, with its sign.
        interval: 95 %, in points.
        runs: how many complete runs hold the choice there.
        note: why a number is missing, or that the choice does something else together with other sites.
        clear: whether the interval excludes zero.
        importance: Optuna's, of the site; on the first row of each site.
    """

    site: str
    choice: str
    effect: str
    interval: str
    runs: str
    note: str
    clear: bool
    importance: str = ""


def effect_rows(screening: Screening, importances: Mapping[str, float] | None = None) -> list[EffectRow]:
    """One row for each effect, in the order of the space.

    Args:
        screening: of the study.
        importances: of its sites, by Optuna.
    """
    notes = {(context.site, context.choice): context.sentence for context in screening.contexts}
    first = {effect.site: effect for effect in reversed(screening.effects)}
    return [
        EffectRow(
            site=effect.site,
            choice=effect.choice,
            effect=points(effect.estimate),
            interval=interval(effect.low, effect.high),
            runs=str(effect.runs),
            note=effect.reason or notes.get((effect.site, effect.choice), ""),
            clear=effect.distinguishable,
            importance=_share((importances or {}).get(effect.site)) if effect is first[effect.site] else "",
        )
        for effect in screening.effects
    ]


def _share(importance: float | None) -> str:
    return NOTHING if importance is None else f"{importance:.2f}"


TABLE = PrintedTable(
    key="effects",
    title="effects and importances",
    columns=(
        Column("Site", "site", "name"),
        Column("Choice", "choice"),
        Column("Effect", "effect", "number"),
        Column("95 % interval", "interval", "number"),
        Column("Runs", "runs", "number"),
        Column("Importance", "importance", "number"),
        Column("Note", "note"),
    ),
    rows=lambda reading: effect_rows(reading.screening, reading.importances) if reading.screening.runs_used else [],
    call="reading.screening.effects, reading.importances",
    note=(
        "Bold: the interval excludes zero. Runs: how many finished runs hold the choice there. Importance: "
        "that of the site by Optuna (PED-ANOVA), a second opinion that has no interval and that nothing here "
        "uses."
    ),
    css=lambda row: "clear" if row.clear else "",
)
