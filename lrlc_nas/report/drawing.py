"""What all figures share: colours, layout and names that stay text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import plotly.graph_objects as go

from ..choices import Plan
from ..config import Metric

__all__ = ["base_layout", "effect_heat", "epoch_layout", "marks", "plain", "plain_metric", "plan_text", "short"]

# Okabe and Ito's palette, which the colour-blind can tell apart.
HOST = "#d55e00"
BEST = "#0072b2"
MARKED = "#cc79a7"
GREY = "#a3a9b0"
INK = "#22272e"

_GRID = "#e5e8eb"
_LONGEST = 24
_MOST_SITES = 8


def base_layout(figure: go.Figure, *, x: str, y: str, height: int) -> go.Figure:
    """Give a figure the common look, titles of its axes and a height in pixels; it is changed and returned."""
    axis: dict[str, Any] = {"gridcolor": _GRID, "zeroline": False, "linecolor": GREY, "automargin": True}
    figure.update_layout(
        template="none",
        height=height,
        # The tools of plotly.js lie in the top margin, so the legend goes below.
        margin={"l": 56, "r": 16, "t": 36, "b": 48},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        hoverlabel={"align": "left"},
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"},
    )
    figure.update_xaxes(title={"text": x, "standoff": 8}, **axis)
    figure.update_yaxes(title={"text": y, "standoff": 8}, **axis)
    return figure


def epoch_layout(figure: go.Figure, longest: int, *, y: str, height: int) -> go.Figure:
    """As `base_layout`, over epochs, of which each has its tick where there are few."""
    base_layout(figure, x="epoch", y=y, height=height)
    return figure.update_xaxes(dtick=1) if longest <= 12 else figure


def marks(
    x: Sequence[float | str | None],
    y: Sequence[float | None],
    name: str,
    hovers: list[str],
    marker: dict[str, Any],
    **more: Any,
) -> go.Scatter:
    """Points with a text for each, which is shown where the pointer is."""
    return go.Scatter(x=x, y=y, mode="markers", name=name, marker=marker, hoverinfo="text", hovertext=hovers, **more)


def effect_heat(
    z: Sequence[Sequence[float | None]], text: list[list[str]], hovers: list[list[str]], limit: float, **more: Any
) -> go.Heatmap:
    """Effects on a diverging scale centred at zero that the colour-blind can read."""
    return go.Heatmap(
        z=z,
        text=text,
        hovertext=hovers,
        hoverinfo="text",
        texttemplate="%{text}",
        colorscale="RdBu",
        zmin=-limit,
        zmax=limit,
        xgap=2,
        ygap=2,
        **more,
    )


def plain(text: str) -> str:
    """Text that plotly shows as it is: in every label it reads a subset of HTML, and TeX between dollars."""
    return html.escape(text, quote=False).replace("$", "&#36;")


def plain_metric(metric: Metric) -> Metric:
    """The metric, with a name and a unit that plotly shows as they are."""
    return replace(metric, name=plain(metric.name), unit=plain(metric.unit))


def short(name: str) -> str:
    """A name that fits beside a figure: the middle of a long one is left out."""
    if len(name) <= _LONGEST:
        return name
    half = (_LONGEST - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def plan_text(plan: Plan) -> str:
    """A plan as lines for a hover box, safe to show."""
    lines = [plain(f"{short(site)} = {choice}") for site, choice in plan]
    if len(lines) > _MOST_SITES:
        lines = [*lines[:_MOST_SITES], f"… and {len(lines) - _MOST_SITES} more"]
    return "<br>".join(lines) or "host"
