"""Pairs of sites: what relaxing both does beyond the sum of their effects."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from ...config import ACCURACY, Metric
from ...evidence import Interaction, Screening
from ..data_table import Table, table
from ..drawing import base_layout, effect_heat, plain, plain_metric, short
from ..numbers import difference, gained, interval
from .figure import Figure, Section, Width

__all__ = ["FIGURE", "PairMatrix", "draw_pairs", "pair_matrix", "pair_table"]

_ROW = 34
_MOST_NUMBERED = 9
_NARROWEST_SCALE = 0.001
"""Of the colours, times the scale of the metric."""


@dataclass(frozen=True)
class PairMatrix:
    """What relaxing two sites at once does beyond the sum of their effects, for each estimable pair.

    Sites are in the order of the space, and the limit is both ends of the colour scale, which no effect of
    one site exceeds either.
    """

    sites: tuple[str, ...]
    pairs: dict[tuple[str, str], Interaction]
    limit: float
    metric: Metric = ACCURACY


def pair_matrix(screening: Screening) -> PairMatrix:
    """The pairs of sites of a screening."""
    told = {(each.first, each.second): each for each in screening.interactions if each.estimate is not None}
    numbers = [*(pair.estimate for pair in told.values()), *(effect.estimate for effect in screening.effects)]
    return PairMatrix(
        tuple(dict.fromkeys(effect.site for effect in screening.effects)),
        told,
        max(_NARROWEST_SCALE * screening.metric.scale, *(abs(number or 0.0) for number in numbers)),
        screening.metric,
    )


def pair_table(info: PairMatrix) -> Table:
    """One row for each pair."""
    return table(
        ("first", "second", "beyond_the_sum", "low", "high", "p", "adjusted_p", "runs"),
        [
            (*pair, each.estimate, each.low, each.high, each.p_value, each.adjusted, each.runs)
            for pair, each in info.pairs.items()
        ],
    )


def draw_pairs(info: PairMatrix) -> go.Figure:
    """Draw the pairs as a triangle, on the scale of the map of effects."""
    sites, metric = info.sites, plain_metric(info.metric)
    cells = [[info.pairs.get((first, second)) for first in sites[:-1]] for second in sites[1:]]
    heat = effect_heat(
        [[each.estimate if each else None for each in row] for row in cells],
        [[_text(metric, each, len(sites) <= _MOST_NUMBERED) for each in row] for row in cells],
        [[_hover(metric, each) for each in row] for row in cells],
        info.limit,
        showscale=False,
    )
    figure = base_layout(go.Figure(heat), x="", y="", height=150 + _ROW * max(3, len(cells)))
    figure.update_layout(plot_bgcolor="#f1f3f5")
    for axis, names in ((figure.update_xaxes, sites[:-1]), (figure.update_yaxes, sites[1:])):
        axis(showgrid=False, tickvals=list(range(len(names))), ticktext=[plain(short(name)) for name in names])
    figure.update_yaxes(autorange="reversed")
    return figure


def _text(metric: Metric, each: Interaction | None, numbered: bool) -> str:
    if each is None:
        return ""
    number = gained(metric, each.estimate, max(0, metric.decimals - 1)) if numbered else ""
    return f"<b>{number} *</b>" if each.flagged else number


def _hover(metric: Metric, each: Interaction | None) -> str:
    if each is None:
        return "not estimable yet"
    return (
        f"<b>{plain(short(each.first))} with {plain(short(each.second))}</b><br>{difference(metric, each.estimate)} "
        f"{interval(metric, each.low, each.high)}<br>complete runs with both: {each.runs}"
    )


FIGURE = Figure(
    key="pairs",
    section=Section.SHAPE,
    width=Width.HALF,
    title="Pairs of sites",
    caption=(
        "Blue: relaxing both sites gives more than the sum of their effects; red: less. * marks a difference "
        "of more than chance. Blank pairs are not estimable yet."
    ),
    compute=lambda reading: pair_matrix(reading.screening),
    empty=lambda info: "" if info.pairs else "No pair of sites is estimable yet: too few finished runs relax both.",
    draw=draw_pairs,
    table=pair_table,
    call="report.pair_matrix(reading.screening).pairs",
)
