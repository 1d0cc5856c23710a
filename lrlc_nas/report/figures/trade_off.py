"""Accuracy against cost, with the Pareto front, the host and the arms of the confirmation marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import mean

import plotly.graph_objects as go

from ...choices import Plan
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import BEST, GREY, HOST, INK, MARKED, base_layout, plain, plan_text
from ..numbers import magnitude, percent
from ..reading import Confirmation
from .figure import Figure, Section, Width

__all__ = [
    "COSTS",
    "LATENCY",
    "MACS",
    "PARAMETERS",
    "ArmPoint",
    "CostPoint",
    "TradeOff",
    "draw_trade_off",
    "trade_off",
    "trade_off_table",
]

COSTS = {"parameters": "parameters", "macs": "MACs per image", "latency": "training step, ms"}
"""The costs that a run is compared by, and how they are called."""

_COST_OF: dict[str, Callable[[RunRecord], int | None]] = {
    "parameters": lambda run: run.parameters,
    "macs": lambda run: run.macs,
    "latency": lambda run: None,
}
_LOGARITHMIC_FROM = 20
_ARMS = {"host": ("diamond-open", HOST), "claim": ("square", MARKED), "control": ("x-thin", INK)}


@dataclass(frozen=True)
class CostPoint:
    """One complete run of the search.

    Attributes:
        number: of the run.
        plan: of the run.
        cost: parameters or multiply-accumulates.
        accuracy: on the search images, a fraction.
        on_front: whether no run is at least as accurate and cheaper, or more accurate and as cheap.
    """

    number: int
    plan: Plan
    cost: int
    accuracy: float
    on_front: bool


@dataclass(frozen=True)
class ArmPoint:
    """One arm of the confirmation.

    Attributes:
        label: what it is called.
        kind: ``host``, ``claim`` or ``control``.
        plan: of the arm.
        cost: parameters, multiply-accumulates, or milliseconds of a training step.
        accuracy: on the confirm images, a fraction, the mean over seeds.
        seeds: how many there are.
    """

    label: str
    kind: str
    plan: Plan
    cost: float
    accuracy: float
    seeds: int


@dataclass(frozen=True)
class TradeOff:
    """The complete runs of a study by one cost.

    Attributes:
        cost: a key of `COSTS`.
        points: by number.
        arms: of the confirmation.
        device: where latencies were measured; empty for other costs.
    """

    cost: str
    points: tuple[CostPoint, ...]
    arms: tuple[ArmPoint, ...] = ()
    device: str = ""

    @property
    def front(self) -> tuple[CostPoint, ...]:
        """The Pareto front, cheapest first."""
        return tuple(sorted((point for point in self.points if point.on_front), key=lambda p: (p.cost, p.number)))


def trade_off(runs: Iterable[RunRecord], cost: str, confirmation: Confirmation | None = None) -> TradeOff:
    """Compare the complete runs by accuracy and one cost, a key of `COSTS`; a confirmation alone has latencies."""
    known = [
        (run.number, run.plan, price, run.value)
        for run in runs
        if run.state == "complete" and run.plan is not None and run.value is not None and isfinite(run.value)
        if (price := _COST_OF[cost](run)) is not None
    ]
    front = _front([(price, value) for _, _, price, value in known])
    return TradeOff(
        cost,
        tuple(CostPoint(number, plan, price, value, (price, value) in front) for number, plan, price, value in known),
        _arms(confirmation, cost) if confirmation else (),
        _device(confirmation) if confirmation and cost == "latency" else "",
    )


def trade_off_table(info: TradeOff) -> Table:
    """The numbers of the figure: the runs of the search, then the arms of the confirmation."""
    return table(
        ("images", "run", "arm", "kind", "plan", info.cost, "accuracy", "seeds", "on_front"),
        [
            *(
                ("search", p.number, "", "", str(p.plan), p.cost, p.accuracy, 1, str(p.on_front).lower())
                for p in info.points
            ),
            *(("confirm", None, a.label, a.kind, str(a.plan), a.cost, a.accuracy, a.seeds, "") for a in info.arms),
        ],
    )


def draw_trade_off(info: TradeOff) -> go.Figure:
    """Draw the runs as points, the front as steps and the arms of the confirmation as signs of their own."""
    figure = go.Figure()
    others = [point for point in info.points if point.plan != Plan()]
    hosts = [point for point in info.points if point.plan == Plan()]
    front = info.front
    if front:
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
    for kind in _ARMS:
        figure.add_trace(_arm_points([arm for arm in info.arms if arm.kind == kind], kind))
    base_layout(figure, x=COSTS[info.cost], y="accuracy, %", height=460)
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    costs = [cost for cost in (*(p.cost for p in info.points), *(a.cost for a in info.arms)) if cost > 0]
    if costs and max(costs) > _LOGARITHMIC_FROM * min(costs):
        figure.update_xaxes(type="log", dtick=1, title={"text": f"{COSTS[info.cost]} (logarithmic)"})
    return figure


def _arms(confirmation: Confirmation, cost: str) -> tuple[ArmPoint, ...]:
    conclusion = confirmation.conclusion
    named: dict[Plan, tuple[str, str]] = {Plan(): ("host", "host")}
    for result in conclusion.results:
        named.setdefault(result.plan, (result.label, "claim"))
    for result in conclusion.results:
        for label, plan in result.controls.items():
            named.setdefault(plan, (f"{result.label}, control {label}", "control"))
    found = []
    for plan, (label, kind) in named.items():
        scores, price = confirmation.scores(plan), _price(confirmation, plan, cost)
        if scores and price is not None:
            found.append(ArmPoint(label, kind, plan, price, mean(scores) / 100, len(scores)))
    return tuple(found)


def _price(confirmation: Confirmation, plan: Plan, cost: str) -> float | None:
    if cost == "latency":
        measured = confirmation.study.facts.get("latencies", {}).get(plan.to_json())
        return 1000 * measured["seconds"] if measured else None
    run = next((run for run in confirmation.runs if run.plan == plan), None)
    return None if run is None else _COST_OF[cost](run)


def _device(confirmation: Confirmation) -> str:
    devices = {each["device"] for each in confirmation.study.facts.get("latencies", {}).values()}
    return ", ".join(sorted(devices))


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


def _arm_points(arms: Sequence[ArmPoint], kind: str) -> go.Scatter:
    symbol, colour = _ARMS[kind]
    return go.Scatter(
        x=[arm.cost for arm in arms],
        y=[100 * arm.accuracy for arm in arms],
        mode="markers",
        name=f"{kind}, fresh seeds",
        showlegend=bool(arms),
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 2}},
        hoverinfo="text",
        hovertext=[_arm_hover(arm) for arm in arms],
    )


def _hover(point: CostPoint) -> str:
    head = f"<b>run {point.number}: {percent(point.accuracy)}</b>, {magnitude(point.cost)}"
    return f"{head}<br>{plan_text(point.plan)}"


def _arm_hover(arm: ArmPoint) -> str:
    head = f"<b>{plain(arm.label)}: {percent(arm.accuracy)}</b> (mean of {arm.seeds}), {magnitude(arm.cost)}"
    return f"{head}<br>{plan_text(arm.plan)}"


def _front(pairs: Iterable[tuple[int, float]]) -> set[tuple[int, float]]:
    """The pairs of (cost, value) that no other pair dominates."""
    front: set[tuple[int, float]] = set()
    best = float("-inf")
    for cost, value in sorted(pairs, key=lambda pair: (pair[0], -pair[1])):
        if value > best:
            front.add((cost, value))
            best = value
    return front


def _figure(cost: str, name: str, caption: str, otherwise: str) -> Figure[TradeOff]:
    return Figure(
        key=cost,
        section=Section.COST,
        width=Width.THIRD,
        title=f"Accuracy and {name}",
        caption=caption,
        compute=lambda reading: trade_off(reading.runs, cost, reading.confirmation),
        empty=lambda info: "" if info.points or info.arms else otherwise,
        draw=draw_trade_off,
        table=trade_off_table,
        call=f'report.trade_off(reading.runs, "{cost}", reading.confirmation)',
        remark=lambda info: f"Measured on {info.device}." if info.device else "",
    )


PARAMETERS = _figure(
    "parameters",
    "parameters",
    "Left and high is better. Round points are single runs, scored on the search images; the line joins "
    "those that no other run beats on both, and lies too high, as it selects runs that were lucky. Squares, "
    "open diamonds and crosses are arms of the confirmation, means over fresh seeds on other images: compare "
    "those with each other.",
    "There is no finished run yet whose accuracy could be set against parameters.",
)
MACS = _figure(
    "macs",
    "MACs",
    "Read as accuracy and parameters. MACs are multiply-accumulates; they measure the work of a network, not "
    "the time that a device needs for it.",
    "There is no finished run yet whose accuracy could be set against MACs per image.",
)
LATENCY = _figure(
    "latency",
    "time",
    "Left and high is better. Only arms of the confirmation are timed: one training step, forward and "
    "backward. Accuracies are means over fresh seeds on the confirm images.",
    "Steps are timed for the arms of a confirmation; none has a score yet.",
)
