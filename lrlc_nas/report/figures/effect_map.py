"""The map of effects: sites down, choices across, colour the effect, mark the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ...choices import Choice, Plan
from ...config import ACCURACY, Metric
from ...evidence import Effect, Screening, Verdict
from ...evidence.conclusion import Conclusion
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import GREY, base_layout, effect_heat, plain, plain_metric, short
from ..numbers import count, difference, gained, interval
from .figure import Figure, Section

__all__ = ["FIGURE", "MARKS", "EffectMap", "MapCell", "draw_effect_map", "effect_map", "effect_table"]

MARKS = {"helps": "▲", "hurts": "▼", "equivalent": "=", "undecided": "?"}
"""What a verdict of the confirmation looks like; a star is an interval of the screening that excludes zero."""

_ROW = 34
_NARROWEST_SCALE = 0.001
"""Of the colours, times the scale of the metric."""

_MOST_TWO_DIGITS = 6


@dataclass(frozen=True)
class MapCell:
    """One choice at one site: what the screening says, and the confirmation of just this, if anything.

    Parameters, and multiply-accumulates per image, are those of the network that differs from the host in this cell
    alone, where a run has it.
    """

    effect: Effect
    verdict: Verdict | None
    parameters: int | None
    macs: int | None

    @property
    def mark(self) -> str:
        """The verdict, or whether the interval excludes zero, as one sign."""
        if self.verdict is not None:
            return MARKS[self.verdict.outcome]
        return "*" if self.effect.distinguishable else ""


@dataclass(frozen=True)
class EffectMap:
    """The effects as a grid of sites, in the order of the space, by choices, from most to least sharing.

    Cells are None where the space has no such choice; the limit is the largest absolute estimate.
    """

    sites: tuple[str, ...]
    choices: tuple[str, ...]
    cells: tuple[tuple[MapCell | None, ...], ...]
    limit: float
    metric: Metric = ACCURACY

    @property
    def empty(self) -> bool:
        """Whether no effect is estimable."""
        return not any(cell is not None and cell.effect.estimable for row in self.cells for cell in row)


def effect_map(screening: Screening, runs: Sequence[RunRecord], conclusion: Conclusion | None = None) -> EffectMap:
    """Lay the effects of a screening out as a grid, with all runs of the study and its confirmation, if any."""
    by_cell = {(effect.site, effect.choice): effect for effect in screening.effects}
    sites = tuple(dict.fromkeys(site for site, _ in by_cell))
    tokens = {token for _, token in by_cell}
    choices = tuple(sorted(tokens, key=lambda token: Choice.parse(token).relaxation))
    costs = {run.plan: run for run in runs if run.plan is not None}
    verdicts = {result.plan: result.verdict for result in conclusion.results} if conclusion else {}
    cells = {}
    for cell, effect in by_cell.items():
        plan = Plan.of(dict([cell]))
        run = costs.get(plan)
        parameters, macs = (run.parameters, run.macs) if run else (None, None)
        cells[cell] = MapCell(effect, verdicts.get(plan), parameters, macs)
    narrowest = _NARROWEST_SCALE * screening.metric.scale
    return EffectMap(
        sites=sites,
        choices=choices,
        cells=tuple(tuple(cells.get((site, token)) for token in choices) for site in sites),
        limit=max([narrowest, *(abs(effect.estimate) for effect in screening.effects if effect.estimate)]),
        metric=screening.metric,
    )


def effect_table(info: EffectMap) -> Table:
    """The numbers of the map, one row for each choice at each site."""
    columns = ("site", "choice", "effect", "low", "high", "runs", "verdict", "confirmed_difference")
    return table(
        (*columns, "parameters", "macs"), [_row(cell) for row in info.cells for cell in row if cell is not None]
    )


def draw_effect_map(info: EffectMap) -> go.Figure:
    """Draw the map, a row for each site and a column for each choice."""
    metric = plain_metric(info.metric)
    digits = max(0, metric.decimals - (len(info.choices) > _MOST_TWO_DIGITS))
    bar = {"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom", "thickness": 10, "outlinewidth": 0}
    heat = effect_heat(
        [[cell.effect.estimate if cell else None for cell in row] for row in info.cells],
        [[_text(metric, cell, digits) for cell in row] for row in info.cells],
        [[_hover(metric, cell) for cell in row] for row in info.cells],
        info.limit,
        hoverongaps=True,
        colorbar={"title": {"text": metric.unit or metric.effects, "side": "right"}} | bar,
    )
    figure = base_layout(go.Figure(heat), x="", y="", height=160 + _ROW * max(3, len(info.sites)))
    figure.update_layout(plot_bgcolor="#f1f3f5", margin={"b": 90})
    figure.update_xaxes(showgrid=False, tickvals=list(range(len(info.choices))), ticktext=list(info.choices))
    figure.update_yaxes(
        showgrid=False,
        autorange="reversed",
        tickvals=list(range(len(info.sites))),
        ticktext=[plain(short(site)) for site in info.sites],
        tickcolor=GREY,
    )
    return figure


def _row(cell: MapCell) -> tuple[str | int | float | None, ...]:
    effect, verdict = cell.effect, cell.verdict
    told = (verdict.outcome, verdict.comparison.difference) if verdict else ("", None)
    screened = (effect.site, effect.choice, effect.estimate, effect.low, effect.high, effect.runs)
    return (*screened, *told, cell.parameters, cell.macs)


def _text(metric: Metric, cell: MapCell | None, digits: int) -> str:
    if cell is None or not cell.effect.estimable:
        return cell.mark if cell else ""
    number = gained(metric, cell.effect.estimate, digits)
    return f"<b>{number} {cell.mark}</b>" if cell.mark else number


def _hover(metric: Metric, cell: MapCell | None) -> str:
    if cell is None:
        return "not in the space"
    effect = cell.effect
    lines = [f"<b>{plain(short(effect.site))} = {effect.choice}</b>"]
    if effect.estimable:
        lines.append(difference(metric, effect.estimate))
    if effect.low is not None:
        lines.append(f"95 % interval {interval(metric, effect.low, effect.high)}")
    if effect.reason:
        lines.append(effect.reason)
    lines.append(f"complete runs with it: {effect.runs}")
    if cell.verdict is not None:
        against = cell.verdict.comparison
        lines.append(
            f"confirmation: {cell.verdict.outcome}, {difference(metric, against.difference)} "
            f"{interval(metric, against.low, against.high)}, {against.n} seeds"
        )
    if cell.parameters is not None:
        lines.append(f"parameters with it alone: {count(cell.parameters)}")
    if cell.macs is not None:
        lines.append(f"multiply-accumulates with it alone: {count(cell.macs)}")
    return "<br>".join(lines)


FIGURE = Figure(
    key="effects",
    section=Section.EFFECTS,
    title="Where relaxing helps",
    caption=(
        "Blue is better than conv at that site, red is worse; zero is white. Marks: ▲ helps, ▼ hurts, = equivalent, ? "
        "undecided on fresh seeds; * is not a verdict: an interval of the screening excludes zero. Blank cells are not "
        "estimable yet, or not in the space. All numbers are {metric.effects}."
    ),
    compute=lambda reading: effect_map(reading.screening, reading.runs, reading.conclusion),
    empty=lambda info: "No effect is estimable yet from the finished runs, so there is no map." if info.empty else "",
    draw=draw_effect_map,
    table=effect_table,
    call="report.effect_map(reading.screening, reading.runs, reading.conclusion).cells",
)
