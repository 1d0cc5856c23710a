"""Learning curves: the metric on the search split after each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import plotly.graph_objects as go

from ...choices import Plan
from ...config import ACCURACY, Metric
from ...runs.results import EpochResult
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import BEST, GREY, HOST, MARKED, epoch_layout, marks, plain_metric, plan_text
from ..numbers import shown
from .figure import Figure, Section

__all__ = ["FIGURE", "Curve", "LearningCurves", "curve_table", "draw_learning_curves", "learning_curves", "thinned"]

_MOST_CURVES = 200
_MOST_POINTS = 60


@dataclass(frozen=True)
class Curve:
    """The curve of one run.

    Attributes:
        kind: ``best``, ``host``, ``pruned`` or ``other``.
        epochs: how many epochs were trained, from 1.
        values: of the metric after each of them.
    """

    number: int
    plan: Plan
    kind: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class LearningCurves:
    """The curves of all runs that have recorded an epoch, by number."""

    curves: tuple[Curve, ...]
    metric: Metric = ACCURACY


def learning_curves(
    runs: Sequence[RunRecord],
    epochs: Mapping[int, Sequence[EpochResult]],
    best: RunRecord | None,
    metric: Metric = ACCURACY,
) -> LearningCurves:
    """Gather the curves of a study; `epochs` is run id to recorded epochs, and the best run is drawn to be seen."""
    found = [_curve(run, epochs.get(run.run_id, ()), best) for run in runs]
    return LearningCurves(tuple(curve for curve in found if curve is not None and curve.epochs), metric)


def thinned(info: LearningCurves) -> LearningCurves:
    """At most so many curves and points that a browser stays quick: best run, hosts, and others evenly spread."""
    plain = [curve for curve in info.curves if curve.kind in ("pruned", "other")]
    step = -(-len(plain) // _MOST_CURVES) or 1
    kept = {curve.number for curve in plain[::step]}
    drawn = [curve for curve in info.curves if curve.kind not in ("pruned", "other") or curve.number in kept]
    return LearningCurves(tuple(map(_sparser, drawn)), info.metric)


def curve_table(info: LearningCurves) -> Table:
    """The numbers of the curves, one row for each epoch of each run."""
    return table(
        ("run", "kind", "epoch", info.metric.name),
        [
            (curve.number, curve.kind, epoch, value)
            for curve in info.curves
            for epoch, value in zip(curve.epochs, curve.values, strict=True)
        ],
    )


def draw_learning_curves(info: LearningCurves) -> go.Figure:
    """Draw the best run and the hosts in colour, all others thin and grey."""
    of_kind = {kind: [curve for curve in info.curves if curve.kind == kind] for kind in _STYLES}
    metric = plain_metric(info.metric)
    figure = go.Figure([_joined(curves, kind, metric) for kind, curves in of_kind.items() if curves])
    if of_kind["pruned"]:
        figure.add_trace(_ends(of_kind["pruned"], metric))
    longest = max((curve.epochs[-1] for curve in info.curves), default=0)
    return epoch_layout(figure, longest, y=metric.axis, height=400)


# Kind to (name in the legend, colour, width); drawn in this order, so that what matters lies on top.
_STYLES = {
    "other": ("other runs", GREY, 1.0),
    "pruned": ("pruned", GREY, 1.0),
    "host": ("host", HOST, 2.0),
    "best": ("best run", BEST, 3.0),
}


def _curve(run: RunRecord, epochs: Sequence[EpochResult], best: RunRecord | None) -> Curve | None:
    if run.plan is None:
        return None
    finite = [epoch for epoch in epochs if isfinite(epoch.value)]
    return Curve(
        number=run.number,
        plan=run.plan,
        kind=_kind(run, best),
        epochs=tuple(epoch.epoch + 1 for epoch in finite),
        values=tuple(epoch.value for epoch in finite),
    )


def _kind(run: RunRecord, best: RunRecord | None) -> str:
    if best is not None and run.run_id == best.run_id:
        return "best"
    if run.plan == Plan():
        return "host"
    return "pruned" if run.state == "pruned" else "other"


def _sparser(curve: Curve) -> Curve:
    """Every so many points, the last one always."""
    step = -(-len(curve.epochs) // _MOST_POINTS)
    places = slice((len(curve.epochs) - 1) % step, None, step)
    return Curve(curve.number, curve.plan, curve.kind, curve.epochs[places], curve.values[places])


def _joined(curves: Sequence[Curve], kind: str, metric: Metric) -> go.Scatter:
    """All curves of a kind as one trace, with a gap after each: a trace for each of 500 runs is slow."""
    name, colour, width = _STYLES[kind]
    return go.Scatter(
        x=[x for curve in curves for x in (*curve.epochs, None)],
        y=[y for curve in curves for y in (*(metric.scale * value for value in curve.values), None)],
        mode="lines+markers",
        name=name,
        showlegend=kind != "pruned",
        line={"color": colour, "width": width},
        marker={"size": 2 * width + 1},
        connectgaps=False,
        hoverinfo="text",
        hovertext=[text for curve in curves for text in (*_hovers(curve, metric), None)],
    )


def _ends(curves: Sequence[Curve], metric: Metric) -> go.Scatter:
    return marks(
        [curve.epochs[-1] for curve in curves],
        [metric.scale * curve.values[-1] for curve in curves],
        "pruned here",
        [f"pruned: {_hovers(curve, metric)[-1]}" for curve in curves],
        {"symbol": "x", "size": 8, "color": MARKED},
    )


def _hovers(curve: Curve, metric: Metric) -> list[str]:
    """The plan stands at the last point alone, as it is long."""
    texts = [
        f"<b>run {curve.number}</b>, epoch {epoch}: {shown(metric, value)}"
        for epoch, value in zip(curve.epochs, curve.values, strict=True)
    ]
    return [*texts[:-1], f"{texts[-1]}<br>{plan_text(curve.plan)}"]


def _thinning(info: LearningCurves) -> str:
    thin = thinned(info)
    if thin == info:
        return ""
    drawn, every = len(thin.curves), len(info.curves)
    return f"Thinned: {drawn} of {every} runs are drawn; the call from Python gives all."


FIGURE = Figure(
    key="curves",
    section=Section.SEARCH,
    title="Learning curves",
    caption=(
        "{metric.heading} on the search split after each epoch; a cross marks where a run was pruned. If curves "
        "still change at the end, more epochs could change the order."
    ),
    compute=lambda reading: learning_curves(reading.runs, reading.epochs, reading.screening.best, reading.metric),
    empty=lambda info: "" if info.curves else "No epoch has been recorded yet, so there are no curves.",
    draw=lambda info: draw_learning_curves(thinned(info)),
    table=lambda info: curve_table(thinned(info)),
    call="report.learning_curves(reading.runs, reading.epochs, reading.screening.best, reading.metric).curves",
    remark=_thinning,
)
