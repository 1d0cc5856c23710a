"""Each choice alone against the same choice together with other relaxed sites."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import plotly.graph_objects as go

from ...config import ACCURACY, Metric
from ...evidence import Context, Screening
from ..data_table import Table, table
from ..drawing import BEST, GREY, HOST, base_layout, marks, plain, plain_metric, short
from ..numbers import gained, interval
from .figure import Figure, Section, Width

__all__ = ["FIGURE", "MOST_CONTEXTS", "Contexts", "context_table", "contexts", "draw_contexts"]

MOST_CONTEXTS = 24
"""How many cells are drawn; those that differ most."""

_ROW = 26


@dataclass(frozen=True)
class Contexts:
    """Choices of which both effects are estimable: alone, and together with other sites."""

    contexts: tuple[Context, ...]
    metric: Metric = ACCURACY

    @property
    def shown(self) -> tuple[Context, ...]:
        """Those that are drawn, in the order of the space."""
        by_size = sorted(self.contexts, key=lambda each: -abs(each.difference or 0.0))
        kept = {(each.site, each.choice) for each in by_size[:MOST_CONTEXTS]}
        return tuple(each for each in self.contexts if (each.site, each.choice) in kept)


def contexts(screening: Screening) -> Contexts:
    """The choices of a screening of which both effects are estimable."""
    return Contexts(tuple(each for each in screening.contexts if each.difference is not None), screening.metric)


def context_table(info: Contexts) -> Table:
    """One row for each choice."""
    columns = ("site", "choice", "alone", "together", "difference", "low", "high", "p", "adjusted_p")
    fields = ("site", "choice", "alone", "in_company", "difference", "low", "high", "p_value", "adjusted")
    values = attrgetter(*fields, "runs_alone", "runs_in_company")
    return table((*columns, "runs_alone", "runs_together"), map(values, info.contexts))


def draw_contexts(info: Contexts) -> go.Figure:
    """Draw a line from the effect alone (open) to that together with other sites (filled)."""
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
    metric = plain_metric(info.metric)
    figure.add_trace(_ends(info, metric, "alone"))
    figure.add_trace(_ends(info, metric, "in_company"))
    base_layout(figure, x=metric.unit or metric.effects, y="", height=150 + _ROW * len(shown))
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(tickvals=rows, ticktext=labels, autorange="reversed")
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def _ends(info: Contexts, metric: Metric, which: str) -> go.Scatter:
    shown = info.shown
    colours = [HOST if each.disagrees else BEST for each in shown]
    symbol, name = ("circle-open", "alone") if which == "alone" else ("circle", "together with other sites")
    return marks(
        [getattr(each, which) for each in shown],
        list(range(len(shown))),
        name,
        [_hover(metric, each) for each in shown],
        {"symbol": symbol, "size": 10, "color": colours, "line": {"width": 2, "color": colours}},
    )


def _hover(metric: Metric, each: Context) -> str:
    alone, together, between = (gained(metric, gain) for gain in (each.alone, each.in_company, each.difference))
    return (
        f"<b>{plain(short(each.site))} = {each.choice}</b><br>alone {alone}, together {together}"
        f"<br>difference {between} {interval(metric, each.low, each.high)}"
        f"<br>complete runs: {each.runs_alone} alone, {each.runs_in_company} together"
    )


FIGURE = Figure(
    key="contexts",
    section=Section.SHAPE,
    width=Width.HALF,
    title="Alone and together with other sites",
    caption=(
        "Open: effect with conv at every other site. Filled: effect with other sites relaxed too. Where the "
        "two lie far apart, the effect depends on the other sites; orange marks a difference of more than "
        "chance."
    ),
    compute=lambda reading: contexts(reading.screening),
    empty=lambda info: (
        "" if info.contexts else "Of no choice are both effects estimable yet, alone and together with other sites."
    ),
    draw=draw_contexts,
    table=context_table,
    call="report.contexts(reading.screening).contexts",
    remark=lambda info: (
        f"Drawn: the {MOST_CONTEXTS} that differ most; the data hold all." if len(info.contexts) > MOST_CONTEXTS else ""
    ),
)
