"""Where effects do not add up: each choice alone against the same choice in company, and pairs of sites."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from ..evidence import Context, Interaction, Screening
from .data_table import Table, table
from .drawing import BEST, GREY, HOST, base_layout, plain, short
from .numbers import interval, points


__all__ = [
    "MOST_CONTEXTS",
    "Company",
    "PairMatrix",
    "company",
    "company_table",
    "draw_company",
    "draw_pairs",
    "pair_matrix",
    "pair_table",
]

MOST_CONTEXTS = 24
"""How many cells are drawn; those that differ most."""

_ROW = 26
_PAIR_ROW = 34
_MOST_NUMBERED = 9
_NARROWEST_SCALE = 0.1


@dataclass(frozen=True)
class Company:
    """Choices alone and in company.

    Attributes:
        contexts: those of which both effects can be told.
    """

    contexts: tuple[Context, ...]

    @property
    def shown(self) -> tuple[Context, ...]:
        """Those that are drawn, in the order of the space."""
        by_size = sorted(self.contexts, key=lambda each: -abs(each.difference or 0.0))
        kept = {(each.site, each.choice) for each in by_size[:MOST_CONTEXTS]}
        return tuple(each for each in self.contexts if (each.site, each.choice) in kept)


@dataclass(frozen=True)
class PairMatrix:
    """What relaxing two sites at once does beyond the sum of their effects.

    Attributes:
        sites: in the order of the space.
        pairs: (first, second) to the interaction, for each pair that can be told.
        limit: both ends of the colour scale, in points.
    """

    sites: tuple[str, ...]
    pairs: dict[tuple[str, str], Interaction]
    limit: float


def company(screening: Screening) -> Company:
    """The choices of a screening of which both effects can be told."""
    return Company(tuple(each for each in screening.contexts if each.difference is not None))


def pair_matrix(screening: Screening) -> PairMatrix:
    """The pairs of sites of a screening."""
    told = {(each.first, each.second): each for each in screening.interactions if each.estimate is not None}
    return PairMatrix(
        tuple(dict.fromkeys(effect.site for effect in screening.effects)),
        told,
        max([_NARROWEST_SCALE, *(abs(each.estimate or 0.0) for each in told.values())]),
    )


def company_table(info: Company) -> Table:
    """One row for each choice."""
    columns = ("site", "choice", "alone", "in_company", "difference", "low", "high", "p", "adjusted_p")
    return table(
        (*columns, "runs_alone", "runs_in_company"),
        [
            (
                each.site,
                each.choice,
                each.alone,
                each.in_company,
                each.difference,
                each.low,
                each.high,
                each.p_value,
                each.adjusted,
                each.runs_alone,
                each.runs_in_company,
            )
            for each in info.contexts
        ],
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


def draw_company(info: Company) -> go.Figure:
    """Draw a line from the effect alone (open) to that in company (full)."""
    shown = info.shown
    labels = [plain(f"{short(each.site)}: {each.choice}") for each in shown]
    rows = list(range(len(shown)))
    figure = go.Figure(
        go.Scatter(
            x=[x for each in shown for x in (each.alone, each.in_company, None)],
            y=[y for row in rows for y in (row, row, None)],
            mode="lines",
            line={"color": GREY, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(_ends(info, "alone"))
    figure.add_trace(_ends(info, "in_company"))
    base_layout(figure, x="points", y="", height=150 + _ROW * len(shown))
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(tickvals=rows, ticktext=labels, autorange="reversed")
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def draw_pairs(info: PairMatrix) -> go.Figure:
    """Draw the pairs as a triangle, on the scale of the map of effects."""
    sites = info.sites
    cells = [[info.pairs.get((first, second)) for first in sites[:-1]] for second in sites[1:]]
    heat = go.Heatmap(
        z=[[each.estimate if each else None for each in row] for row in cells],
        text=[[_pair_text(each, len(sites) <= _MOST_NUMBERED) for each in row] for row in cells],
        hovertext=[[_pair_hover(each) for each in row] for row in cells],
        hoverinfo="text",
        texttemplate="%{text}",
        colorscale="RdBu",
        zmin=-info.limit,
        zmax=info.limit,
        xgap=2,
        ygap=2,
        showscale=False,
    )
    figure = base_layout(go.Figure(heat), x="", y="", height=150 + _PAIR_ROW * max(3, len(cells)))
    figure.update_layout(plot_bgcolor="#f1f3f5")
    for axis, names in ((figure.update_xaxes, sites[:-1]), (figure.update_yaxes, sites[1:])):
        axis(
            showgrid=False, tickvals=list(range(len(names))), ticktext=[plain(short(name)) for name in names]
        )
    figure.update_yaxes(autorange="reversed")
    return figure


def _ends(info: Company, which: str) -> go.Scatter:
    shown = info.shown
    colours = [HOST if each.disagrees else BEST for each in shown]
    return go.Scatter(
        x=[getattr(each, which) for each in shown],
        y=list(range(len(shown))),
        mode="markers",
        name="alone" if which == "alone" else "in company",
        marker={
            "symbol": "circle-open" if which == "alone" else "circle",
            "size": 10,
            "color": colours,
            "line": {"width": 2, "color": colours},
        },
        hoverinfo="text",
        hovertext=[_hover(each) for each in shown],
    )


def _hover(each: Context) -> str:
    return (
        f"<b>{plain(short(each.site))} = {each.choice}</b><br>alone {points(each.alone)}, in company "
        f"{points(each.in_company)}<br>difference {points(each.difference)} {interval(each.low, each.high)}"
        f"<br>complete runs: {each.runs_alone} alone, {each.runs_in_company} in company"
    )


def _pair_text(each: Interaction | None, numbered: bool) -> str:
    if each is None:
        return ""
    number = points(each.estimate, 1) if numbered else ""
    return f"<b>{number} *</b>" if each.flagged else number


def _pair_hover(each: Interaction | None) -> str:
    if each is None:
        return "cannot be told"
    return (
        f"<b>{plain(short(each.first))} with {plain(short(each.second))}</b><br>{points(each.estimate)} points "
        f"{interval(each.low, each.high)}<br>complete runs with both: {each.runs}"
    )
