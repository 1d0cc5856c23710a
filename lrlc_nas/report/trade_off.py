"""Accuracy against cost, with the Pareto front and the host marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ..choices import Plan
from ..store import RunRecord
from .drawing import BEST, GREY, HOST, base_layout, plan_text
from .numbers import magnitude, percent


__all__ = ["COSTS", "CostPoint", "TradeOff", "draw_trade_off", "trade_off"]

COSTS = {"parameters": "parameters", "macs": "multiply-accumulates per image"}
"""The costs that a run is compared by, and how they are called."""

_COST_OF: dict[str, Callable[[RunRecord], int | None]] = {
    "parameters": lambda run: run.parameters,
    "macs": lambda run: run.macs,
}
_LOGARITHMIC_FROM = 20


@dataclass(frozen=True)
class CostPoint:
    """One complete run.

    Attributes:
        slot: of the run.
        plan: of the run.
        cost: parameters or multiply-accumulates.
        accuracy: on the search images, a fraction.
        on_front: whether no run is at least as accurate and cheaper, or more accurate and as cheap.
    """

    slot: int
    plan: Plan
    cost: int
    accuracy: float
    on_front: bool


@dataclass(frozen=True)
class TradeOff:
    """The complete runs of a study by one cost.

    Attributes:
        cost: a key of `COSTS`.
        points: by slot.
    """

    cost: str
    points: tuple[CostPoint, ...]

    @property
    def front(self) -> tuple[CostPoint, ...]:
        """The Pareto front, cheapest first."""
        return tuple(
            sorted((point for point in self.points if point.on_front), key=lambda p: (p.cost, p.slot))
        )


def trade_off(runs: Iterable[RunRecord], cost: str) -> TradeOff:
    """Compare the complete runs of a study by accuracy and one cost.

    Args:
        runs: all runs of the study.
        cost: a key of `COSTS`.
    """
    known = [
        (run.slot, run.plan, price, run.value)
        for run in runs
        if run.state == "complete" and run.plan is not None and run.value is not None
        if (price := _COST_OF[cost](run)) is not None
    ]
    front = _front([(price, value) for _, _, price, value in known])
    return TradeOff(
        cost,
        tuple(
            CostPoint(slot, plan, price, value, (price, value) in front) for slot, plan, price, value in known
        ),
    )


def draw_trade_off(info: TradeOff) -> go.Figure:
    """Draw the runs as points and the front as steps."""
    figure = go.Figure()
    others = [point for point in info.points if point.plan != Plan()]
    hosts = [point for point in info.points if point.plan == Plan()]
    front = info.front
    figure.add_trace(
        go.Scatter(
            x=[point.cost for point in front],
            y=[100 * point.accuracy for point in front],
            mode="lines",
            line={"shape": "hv", "color": BEST, "width": 1.5},
            name="Pareto front",
            hoverinfo="skip",
        )
    )
    figure.add_trace(_points([p for p in others if not p.on_front], "relaxed", GREY, "circle", 8))
    figure.add_trace(_points([p for p in others if p.on_front], "relaxed, on the front", BEST, "circle", 10))
    figure.add_trace(_points(hosts, "host", HOST, "diamond", 11))
    base_layout(figure, x=COSTS[info.cost], y="accuracy, %", height=380)
    costs = [point.cost for point in info.points if point.cost > 0]
    if costs and max(costs) > _LOGARITHMIC_FROM * min(costs):
        figure.update_xaxes(type="log", dtick=1, title={"text": f"{COSTS[info.cost]} (logarithmic)"})
    return figure


def _points(points: Sequence[CostPoint], name: str, colour: str, symbol: str, size: int) -> go.Scatter:
    return go.Scatter(
        x=[point.cost for point in points],
        y=[100 * point.accuracy for point in points],
        mode="markers",
        name=name,
        showlegend=bool(points),
        marker={"color": colour, "symbol": symbol, "size": size, "line": {"color": "white", "width": 1}},
        hoverinfo="text",
        hovertext=[_hover(point) for point in points],
    )


def _hover(point: CostPoint) -> str:
    head = f"<b>run {point.slot}: {percent(point.accuracy)}</b>, {magnitude(point.cost)}"
    return f"{head}<br>{plan_text(point.plan)}"


def _front(pairs: Iterable[tuple[int, float]]) -> set[tuple[int, float]]:
    """The pairs of (cost, value) that no other pair dominates."""
    front: set[tuple[int, float]] = set()
    best = float("-inf")
    for cost, value in sorted(pairs, key=lambda pair: (pair[0], -pair[1])):
        if value > best:
            front.add((cost, value))
            best = value
    return front
