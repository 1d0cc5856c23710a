"""The map of effects: sites down, choices across, colour the effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ..choices import Choice, Plan
from ..evidence import Effect, Screening
from ..store import RunRecord
from .drawing import GREY, base_layout, plain, short
from .numbers import count, interval, points


__all__ = ["EffectMap", "draw_effect_map", "effect_map"]

_ROW = 34
_NARROWEST_SCALE = 0.1


@dataclass(frozen=True)
class EffectMap:
    """The effects as a grid of sites by choices.

    Attributes:
        sites: rows, in the order of the space.
        choices: columns, from most to least sharing.
        cells: one effect for each row and column; None where the space has no such choice.
        parameters: of the network that differs from the host in this cell alone, where a run has it.
        limit: the largest absolute estimate, in points: both ends of the colour scale.
    """

    sites: tuple[str, ...]
    choices: tuple[str, ...]
    cells: tuple[tuple[Effect | None, ...], ...]
    parameters: tuple[tuple[int | None, ...], ...]
    limit: float

    @property
    def empty(self) -> bool:
        """Whether no effect can be told."""
        return not any(effect is not None and effect.estimable for row in self.cells for effect in row)


def effect_map(screening: Screening, runs: Sequence[RunRecord]) -> EffectMap:
    """Lay the effects of a screening out as a grid."""
    by_cell = {(effect.site, effect.choice): effect for effect in screening.effects}
    sites = tuple(dict.fromkeys(site for site, _ in by_cell))
    tokens = {token for _, token in by_cell}
    choices = tuple(sorted(tokens, key=lambda token: Choice.parse(token).relaxation))
    sizes = {run.plan: run.parameters for run in runs if run.plan is not None}
    return EffectMap(
        sites=sites,
        choices=choices,
        cells=tuple(tuple(by_cell.get((site, token)) for token in choices) for site in sites),
        parameters=tuple(tuple(sizes.get(Plan.of({site: token})) for token in choices) for site in sites),
        limit=max(
            [_NARROWEST_SCALE, *(abs(effect.estimate) for effect in screening.effects if effect.estimate)]
        ),
    )


def draw_effect_map(info: EffectMap) -> go.Figure:
    """Draw the map on a diverging scale centred at zero that the colour-blind can read."""
    grid = [list(zip(*rows, strict=True)) for rows in zip(info.cells, info.parameters, strict=True)]
    heat = go.Heatmap(
        z=[[effect.estimate if effect else None for effect, _ in row] for row in grid],
        text=[[_text(effect) for effect, _ in row] for row in grid],
        hovertext=[[_hover(effect, size) for effect, size in row] for row in grid],
        hoverinfo="text",
        texttemplate="%{text}",
        colorscale="RdBu",
        zmin=-info.limit,
        zmax=info.limit,
        xgap=2,
        ygap=2,
        hoverongaps=True,
        colorbar={
            "title": {"text": "points", "side": "right"},
            "orientation": "h",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
            "thickness": 10,
            "outlinewidth": 0,
        },
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


def _text(effect: Effect | None) -> str:
    if effect is None or not effect.estimable:
        return ""
    return f"<b>{points(effect.estimate)} *</b>" if effect.distinguishable else points(effect.estimate)


def _hover(effect: Effect | None, parameters: int | None) -> str:
    if effect is None:
        return "not in the space"
    lines = [f"<b>{plain(short(effect.site))} = {effect.choice}</b>"]
    if effect.estimable:
        lines.append(f"{points(effect.estimate)} points")
    if effect.low is not None:
        lines.append(f"95 % interval {interval(effect.low, effect.high)}")
    if effect.reason:
        lines.append(effect.reason)
    lines.append(f"complete runs with it: {effect.runs}")
    if parameters is not None:
        lines.append(f"parameters with it alone: {count(parameters)}")
    return "<br>".join(lines)
