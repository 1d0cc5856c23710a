"""The rank curves: how the effect of a site grows from full sharing to none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ...choices import Choice, Kind
from ...config import ACCURACY, Metric
from ...evidence import Effect, Screening
from ..data_table import Table, table
from ..drawing import BEST, GREY, MARKED, base_layout, marks, plain, plain_metric, short
from ..numbers import difference, interval
from .figure import Figure, Section

__all__ = ["FIGURE", "MOST_SITES", "RankCurve", "RankSeries", "draw_rank_curve", "rank_curves", "rank_table"]

MOST_SITES = 24
"""How many sites are drawn; those with the largest effects."""

_NARROWEST = 0.005
"""Half of the axis, times the scale of the metric."""


@dataclass(frozen=True)
class RankSeries:
    """The estimable effects of one family of choices at a site, by rank."""

    kind: Kind
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class RankCurve:
    """One site.

    Attributes:
        ranks: of the choices in its space.
        series: one for each family that has an effect.
        lc: the effect of no sharing at all; None where it is not in the space or not estimable.
        limit: both ends of the axis; equal for all sites, so that they can be compared.
    """

    site: str
    ranks: tuple[int, ...]
    series: tuple[RankSeries, ...]
    lc: Effect | None
    limit: float
    metric: Metric = ACCURACY

    @property
    def largest(self) -> float:
        """The largest absolute effect."""
        effects = [effect for series in self.series for effect in series.effects]
        return max(abs(effect.estimate or 0.0) for effect in (*effects, *([self.lc] if self.lc else [])))


def rank_curves(screening: Screening) -> tuple[RankCurve, ...]:
    """The curve of each site with at least one estimable effect, in the order of the space."""
    told = [effect for effect in screening.effects if effect.estimable]
    limit = 1.3 * max([_NARROWEST * screening.metric.scale, *(abs(effect.estimate or 0.0) for effect in told)])
    sites = tuple(dict.fromkeys(effect.site for effect in told))
    curves = [
        _curve(site, [effect for effect in told if effect.site == site], limit, screening.metric) for site in sites
    ]
    return tuple(curve for curve in curves if curve.series or curve.lc)


def rank_table(curves: Sequence[RankCurve]) -> Table:
    """The numbers of the curves, one row for each effect."""
    return table(
        ("site", "choice", "rank", "effect", "low", "high", "runs"),
        [
            (effect.site, effect.choice, rank, effect.estimate, effect.low, effect.high, effect.runs)
            for curve in curves
            for rank, effect in _ranked(curve)
        ],
    )


def draw_rank_curve(info: RankCurve) -> go.Figure:
    """Draw a site: full sharing on the left at zero, no sharing on the right, controls grey."""
    figure, metric = go.Figure(), plain_metric(info.metric)
    for number, series in enumerate(info.series):
        figure.add_trace(_line(info, metric, series, number))
    if info.lc is not None:
        marker = {"symbol": "diamond", "size": 9, "color": MARKED}
        effect = info.lc
        figure.add_trace(
            marks(["lc"], [effect.estimate], "no sharing", [_hover(metric, effect)], marker, error_y=_bars([effect]))
        )
    base_layout(figure, x="rank", y=metric.unit or "effect", height=220)
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    figure.update_layout(
        title={"text": plain(short(info.site)), "font": {"size": 13}, "x": 0, "xref": "paper"},
        showlegend=False,
        margin={"l": 44, "r": 8, "t": 32, "b": 40},
    )
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=["conv", *map(str, info.ranks), "lc"],
        range=[-0.5, len(info.ranks) + 1.5],
    )
    figure.update_yaxes(range=[-info.limit, info.limit])
    return figure


def _curve(site: str, effects: Sequence[Effect], limit: float, metric: Metric) -> RankCurve:
    families: dict[str, list[Effect]] = {}
    for effect in effects:
        choice = Choice.parse(effect.choice)
        if choice.rank:
            families.setdefault(choice.definition.form, []).append(effect)
    return RankCurve(
        site=site,
        ranks=tuple(sorted({Choice.parse(each.choice).rank for each in effects} - {0})),
        series=tuple(
            RankSeries(
                Choice.parse(those[0].choice).definition,
                tuple(sorted(those, key=lambda each: Choice.parse(each.choice).rank)),
            )
            for those in families.values()
        ),
        lc=next((effect for effect in effects if effect.choice == "lc"), None),
        limit=limit,
        metric=metric,
    )


def _ranked(curve: RankCurve) -> Iterator[tuple[int | None, Effect]]:
    for series in curve.series:
        for effect in series.effects:
            yield Choice.parse(effect.choice).rank, effect
    if curve.lc is not None:
        yield None, curve.lc


def _line(info: RankCurve, metric: Metric, series: RankSeries, number: int) -> go.Scatter:
    effects = list(series.effects)
    control = not series.kind.relaxes
    ends = [info.lc] if info.lc is not None and not control else []
    shown = [*effects, *ends]
    return go.Scatter(
        x=["conv", *(str(Choice.parse(effect.choice).rank) for effect in effects), *("lc" for _ in ends)],
        y=[0, *(effect.estimate for effect in shown)],
        error_y=_bars([None, *shown]),
        mode="lines+markers",
        name=series.kind.label,
        line={"color": GREY if control else BEST, "dash": ("solid", "dash", "dot", "dashdot")[number % 4]},
        marker={"symbol": "x" if control else "circle", "size": 7},
        hoverinfo="text",
        hovertext=["conv: what all are compared with", *(_hover(metric, effect) for effect in shown)],
    )


def _bars(effects: Sequence[Effect | None]) -> dict[str, object]:
    halves = [
        0.0 if effect is None or effect.high is None else effect.high - (effect.estimate or 0.0) for effect in effects
    ]
    return {"type": "data", "array": halves, "thickness": 1, "width": 3}


def _hover(metric: Metric, effect: Effect) -> str:
    told = f" {interval(metric, effect.low, effect.high)}" if effect.low is not None else ""
    return f"<b>{effect.choice}</b>: {difference(metric, effect.estimate)}{told}<br>complete runs: {effect.runs}"


def _shown(curves: Sequence[RankCurve]) -> list[RankCurve]:
    kept = {curve.site for curve in sorted(curves, key=lambda each: -each.largest)[:MOST_SITES]}
    return [curve for curve in curves if curve.site in kept]


def _left_out(curves: Sequence[RankCurve]) -> str:
    left_out = len(curves) - len(_shown(curves))
    return f"Not drawn, for room: {left_out} sites with smaller effects; the data hold all." if left_out else ""


FIGURE = Figure(
    key="ranks",
    section=Section.SHAPE,
    title="How much to relax",
    caption=(
        "Left end: full sharing (conv), zero by definition. Right end: no sharing (lc). Where a curve has "
        "become flat, more banks do not help further. Bars are 95 % intervals and may extend beyond the "
        "plot; grey crosses are controls of that rank."
    ),
    compute=lambda reading: rank_curves(reading.screening),
    empty=lambda curves: (
        "" if curves else "No effect of a rank is estimable yet from the finished runs, so there are no curves."
    ),
    draw=lambda curves: [draw_rank_curve(curve) for curve in _shown(curves)],
    table=rank_table,
    call="report.rank_curves(reading.screening)",
    remark=_left_out,
)
