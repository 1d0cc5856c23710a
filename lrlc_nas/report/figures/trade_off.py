"""The metric against cost, with the Pareto front, the host and the arms of the confirmation marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import mean

import plotly.graph_objects as go

from ...choices import Plan
from ...config import ACCURACY, Metric
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import BEST, GREY, HOST, INK, MARKED, base_layout, marks, plain, plain_metric, plan_text
from ..numbers import magnitude, shown
from ..reading import Confirmation
from .figure import Figure, Section, Width

__all__ = ["COSTS", "LATENCY", "MACS", "PARAMETERS", "TradeOff", "draw_trade_off", "trade_off", "trade_off_table"]

COSTS = {"parameters": "parameters", "macs": "MACs per image", "latency": "training step, ms"}
"""The costs that a run is compared by, and how they are called."""

_LOGARITHMIC_FROM = 20
_ARMS = {"host": ("diamond-open", HOST), "claim": ("square", MARKED), "control": ("x-thin", INK)}


@dataclass(frozen=True)
class CostPoint:
    """One complete run of the search, with a cost in parameters or multiply-accumulates.

    Attributes:
        value: of the metric on the search split.
        on_front: whether no run is at least as good and cheaper, or better and as cheap.
    """

    number: int
    plan: Plan
    cost: int
    value: float
    on_front: bool


@dataclass(frozen=True)
class ArmPoint:
    """One arm of the confirmation.

    Attributes:
        kind: ``host``, ``claim`` or ``control``.
        cost: parameters, multiply-accumulates, or milliseconds of a training step.
        value: of the metric on the confirm split, the mean over seeds.
        seeds: how many there are.
    """

    label: str
    kind: str
    plan: Plan
    cost: float
    value: float
    seeds: int


@dataclass(frozen=True)
class TradeOff:
    """The complete runs of a study by one cost, a key of `COSTS`; the device is where latencies were measured."""

    cost: str
    points: tuple[CostPoint, ...]
    arms: tuple[ArmPoint, ...] = ()
    device: str = ""
    metric: Metric = ACCURACY

    @property
    def front(self) -> tuple[CostPoint, ...]:
        """The Pareto front, cheapest first."""
        return tuple(sorted((point for point in self.points if point.on_front), key=lambda p: (p.cost, p.number)))


def trade_off(
    runs: Iterable[RunRecord], cost: str, confirmation: Confirmation | None = None, metric: Metric = ACCURACY
) -> TradeOff:
    """Compare the complete runs by the metric and one cost, a key of `COSTS`; a confirmation alone has latencies."""
    known = [
        (run.number, run.plan, price, run.value)
        for run in runs
        if run.state == "complete" and run.plan is not None and run.value is not None and isfinite(run.value)
        if (price := getattr(run, cost, None)) is not None
    ]
    times = confirmation.study.facts.get("latencies", {}) if confirmation else {}
    front = _front([(price, value) for _, _, price, value in known], metric)
    return TradeOff(
        cost,
        tuple(CostPoint(number, plan, price, value, (price, value) in front) for number, plan, price, value in known),
        _arms(confirmation, cost) if confirmation else (),
        ", ".join(sorted({each["device"] for each in times.values()})) if cost == "latency" else "",
        metric,
    )


def trade_off_table(info: TradeOff) -> Table:
    """The numbers of the figure: the runs of the search, then the arms of the confirmation."""
    return table(
        ("images", "run", "arm", "kind", "plan", info.cost, info.metric.name, "seeds", "on_front"),
        [
            *(
                ("search", p.number, "", "", str(p.plan), p.cost, p.value, 1, str(p.on_front).lower())
                for p in info.points
            ),
            *(("confirm", None, a.label, a.kind, str(a.plan), a.cost, a.value, a.seeds, "") for a in info.arms),
        ],
    )


def draw_trade_off(info: TradeOff) -> go.Figure:
    """Draw the runs as points, the front as steps and the arms of the confirmation as signs of their own."""
    figure, metric = go.Figure(), plain_metric(info.metric)
    hosts = [point for point in info.points if point.plan == Plan()]
    others = [point for point in info.points if point.plan != Plan() and not point.on_front]
    best = [point for point in info.points if point.plan != Plan() and point.on_front]
    if front := info.front:
        figure.add_trace(
            go.Scatter(
                x=[point.cost for point in front],
                y=[metric.scale * point.value for point in front],
                mode="lines",
                line={"shape": "hv", "color": BEST, "width": 1.5},
                name="Pareto front",
                hoverinfo="skip",
            )
        )
    figure.add_trace(_points(metric, others, "relaxed", GREY, "circle", 8))
    figure.add_trace(_points(metric, best, "relaxed, on the front", BEST, "circle", 10))
    figure.add_trace(_points(metric, hosts, "host", HOST, "diamond", 11))
    for kind, (symbol, colour) in _ARMS.items():
        arms = [arm for arm in info.arms if arm.kind == kind]
        figure.add_trace(_points(metric, arms, f"{kind}, fresh seeds", colour, symbol, 10, rim=(colour, 2)))
    base_layout(figure, x=COSTS[info.cost], y=metric.axis, height=460)
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    costs = [cost for cost in (*(p.cost for p in info.points), *(a.cost for a in info.arms)) if cost > 0]
    if costs and max(costs) > _LOGARITHMIC_FROM * min(costs):
        figure.update_xaxes(type="log", dtick=1, title={"text": f"{COSTS[info.cost]} (logarithmic)"})
    return figure


def _arms(confirmation: Confirmation, cost: str) -> tuple[ArmPoint, ...]:
    conclusion, metric = confirmation.conclusion, confirmation.study.metric
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
            value = metric.value(mean(scores)) / metric.scale
            found.append(ArmPoint(label, kind, plan, price, value, len(scores)))
    return tuple(found)


def _price(confirmation: Confirmation, plan: Plan, cost: str) -> float | None:
    if cost == "latency":
        measured = confirmation.study.facts.get("latencies", {}).get(plan.to_json())
        return 1000 * measured["seconds"] if measured else None
    run = next((run for run in confirmation.runs if run.plan == plan), None)
    return getattr(run, cost, None)


def _points(
    metric: Metric,
    points: Sequence[CostPoint | ArmPoint],
    name: str,
    colour: str,
    symbol: str,
    size: int,
    rim: tuple[str, int] = ("white", 1),
) -> go.Scatter:
    return marks(
        [point.cost for point in points],
        [metric.scale * point.value for point in points],
        name,
        [_hover(metric, point) for point in points],
        {"color": colour, "symbol": symbol, "size": size, "line": {"color": rim[0], "width": rim[1]}},
        showlegend=bool(points),
    )


def _hover(metric: Metric, point: CostPoint | ArmPoint) -> str:
    value = shown(metric, point.value)
    if isinstance(point, CostPoint):
        head = f"<b>run {point.number}: {value}</b>"
    else:
        head = f"<b>{plain(point.label)}: {value}</b> (mean of {point.seeds})"
    return f"{head}, {magnitude(point.cost)}<br>{plan_text(point.plan)}"


def _front(pairs: Iterable[tuple[int, float]], metric: Metric) -> set[tuple[int, float]]:
    """The pairs of (cost, value) that no other pair dominates."""
    front: set[tuple[int, float]] = set()
    best = float("-inf")
    for cost, value in sorted(pairs, key=lambda pair: (pair[0], -metric.gain(pair[1]))):
        if metric.gain(value) > best:
            front.add((cost, value))
            best = metric.gain(value)
    return front


def _figure(cost: str, name: str, caption: str, otherwise: str) -> Figure[TradeOff]:
    return Figure(
        key=cost,
        section=Section.COST,
        width=Width.THIRD,
        title=f"{{metric.heading}} and {name}",
        caption=caption,
        compute=lambda reading: trade_off(reading.runs, cost, reading.confirmation, reading.metric),
        empty=lambda info: "" if info.points or info.arms else otherwise.format(metric=info.metric),
        draw=draw_trade_off,
        table=trade_off_table,
        call=f'report.trade_off(reading.runs, "{cost}", reading.confirmation, reading.metric)',
        remark=lambda info: f"Measured on {info.device}." if info.device else "",
    )


PARAMETERS = _figure(
    "parameters",
    "parameters",
    "Left and {metric.better} is better. Round points are single runs, scored on the search split; the line joins "
    "those that no other run beats on both, and is too good, as chance favoured what it selects. Squares, open "
    "diamonds and crosses are arms of the confirmation, means over fresh seeds on another split: compare those with "
    "each other.",
    "There is no finished run yet whose {metric.name} could be set against parameters.",
)
MACS = _figure(
    "macs",
    "MACs",
    "Read as {metric.name} and parameters. MACs are multiply-accumulates; they measure the work of a network, not "
    "the time that a device needs for it.",
    "There is no finished run yet whose {metric.name} could be set against MACs per image.",
)
LATENCY = _figure(
    "latency",
    "time",
    "Left and {metric.better} is better. Only arms of the confirmation are timed: one training step, forward and "
    "backward. Values are means over fresh seeds on the confirm split.",
    "Steps are timed for the arms of a confirmation; none has a score yet.",
)
