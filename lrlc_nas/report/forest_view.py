"""The forest as a picture: estimates with their intervals, seeds as dots, what the search had seen in grey."""

from __future__ import annotations

import plotly.graph_objects as go

from .drawing import BEST, GREY, HOST, INK, base_layout, plain, short
from .forest import Forest, ForestRow
from .numbers import interval, points


__all__ = ["draw_forest"]

_ROW = 34
_LOOKS = {"helps": (BEST, "square"), "hurts": (HOST, "square"), "control": (GREY, "circle")}


def draw_forest(info: Forest) -> go.Figure:
    """Draw each comparison as a point with its interval, seeds as dots, the estimate of the search grey."""
    figure = go.Figure()
    figure.add_vrect(x0=-info.delta, x1=info.delta, fillcolor=GREY, opacity=0.18, line_width=0)
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.add_trace(_seeds(info))
    if any(row.searched is not None for row in info.rows):
        figure.add_trace(_searched(info))
    figure.add_trace(_estimates(info))
    base_layout(figure, x="difference, points", y="", height=170 + _ROW * len(info.rows))
    figure.update_yaxes(
        tickvals=list(range(len(info.rows))),
        ticktext=[_label(row) for row in info.rows],
        range=[len(info.rows) - 0.4, -0.6],
    )
    figure.update_xaxes(range=_reach(info))
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def _label(row: ForestRow) -> str:
    if row.against == "host":
        return f"<b>{plain(short(row.claim))}</b>"
    return f"… − {plain(short(row.against))}"


def _reach(info: Forest) -> list[float]:
    """Both ends of the axis: all estimates and seeds lie within; an interval may go on beyond them."""
    inner = [-info.delta, info.delta, *(value for row in info.rows for value in row.differences)]
    inner += [row.searched for row in info.rows if row.searched is not None]
    furthest = 3 * max(map(abs, inner))
    ends = [
        max(-furthest, min(end, furthest))
        for row in info.rows
        for end in (row.comparison.low, row.comparison.high)
        if end is not None
    ]
    low, high = min([*inner, *ends]), max([*inner, *ends])
    room = 0.05 * (high - low)
    return [low - room, high + room]


def _seeds(info: Forest) -> go.Scatter:
    pairs = [(value, place + 0.22) for place, row in enumerate(info.rows) for value in row.differences]
    return go.Scatter(
        x=[x for x, _ in pairs],
        y=[y for _, y in pairs],
        mode="markers",
        name="each seed",
        marker={"size": 5, "color": GREY},
        hovertemplate="one seed: %{x:+.2f} points<extra></extra>",
    )


def _searched(info: Forest) -> go.Scatter:
    found = [(place, row) for place, row in enumerate(info.rows) if row.searched is not None]
    return go.Scatter(
        x=[row.searched for _, row in found],
        y=[place - 0.24 for place, _ in found],
        error_x=_bars([(row.searched, row.searched_low, row.searched_high) for _, row in found], 1),
        mode="markers",
        name="what the search had seen",
        marker={"size": 8, "color": GREY, "symbol": "diamond-open"},
        hoverinfo="text",
        hovertext=[
            f"search: {points(row.searched)} points {interval(row.searched_low, row.searched_high)}"
            f"<br>shrinkage {points(row.shrinkage)}"
            for _, row in found
        ],
    )


def _estimates(info: Forest) -> go.Scatter:
    looks = [_look(row) for row in info.rows]
    return go.Scatter(
        x=[row.comparison.difference for row in info.rows],
        y=list(range(len(info.rows))),
        error_x=_bars(
            [(row.comparison.difference, row.comparison.low, row.comparison.high) for row in info.rows], 2
        ),
        mode="markers",
        name="fresh seeds",
        marker={"size": 10, "color": [colour for colour, _ in looks], "symbol": [sign for _, sign in looks]},
        hoverinfo="text",
        hovertext=[_hover(row) for row in info.rows],
    )


def _look(row: ForestRow) -> tuple[str, str]:
    if row.against != "host":
        return (BEST, "circle") if row.outcome == "beaten" else _LOOKS["control"]
    return _LOOKS.get(row.outcome, (INK, "square-open"))


def _bars(values: list[tuple[float | None, float | None, float | None]], thickness: int) -> dict[str, object]:
    return {
        "type": "data",
        "array": [(high or 0.0) - (middle or 0.0) if high is not None else 0.0 for middle, _, high in values],
        "thickness": thickness,
        "width": 4,
        "color": GREY if thickness == 1 else INK,
    }


def _hover(row: ForestRow) -> str:
    comparison = row.comparison
    return (
        f"<b>{plain(row.claim)} − {plain(row.against)}</b>: {row.outcome}<br>{points(comparison.difference)} points"
        f"<br>{100 * comparison.confidence:.4g} % interval {interval(comparison.low, comparison.high)}, "
        f"{comparison.n} seeds"
    )
