"""The confirmation as a forest plot: every claim against the host and against each of its controls.

The estimate of the search stands beside each claim, grey: it is the largest of many, and so too large on average
(the winner's curse). For a claim of one site it is the effect of the screening; for a plan of several it is what the
runs of the plan have beyond the mean of the hosts. What of it is not there on fresh seeds is told as shrinkage.

Reference: Efron, "Tweedie's Formula and Selection Bias", J. American Statistical Association 106 (2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from statistics import mean

import plotly.graph_objects as go

from ...choices import Plan
from ...config import ACCURACY, Metric
from ...evidence import Comparison
from ...evidence.conclusion import ClaimResult, Conclusion
from ..data_table import Table, table
from ..drawing import BEST, GREY, HOST, INK, base_layout, marks, plain, plain_metric, short
from ..numbers import difference, gained, interval
from ..reading import Reading, plan_scores
from .figure import Figure, Section

__all__ = ["FIGURE", "Forest", "ForestRow", "draw_forest", "forest", "forest_table"]

_ROW = 34
_OF_OPTUNA = (
    "Only Optuna knows this study, and lrlc-nas cannot train its claims on fresh seeds: its training is its user's own."
)
_SIGNS = {"helps": (BEST, "square"), "hurts": (HOST, "square"), "control": (GREY, "circle")}


@dataclass(frozen=True)
class ForestRow:
    """One comparison of a claim, less the host or a control, in gains.

    Attributes:
        against: ``host``, or the label of a control.
        differences: the comparison seed by seed.
        outcome: the verdict on the claim, or for a control whether it is beaten: ``beaten`` or ``not beaten``, or
            ``not tested`` where the claim does not help.
        adjusted_p: of a claim; None for a control.
        searched: the estimate of the search; None for a control and where there is none.
        searched_low: lower end of its 95 % interval, where there is one, with `searched_high`.
    """

    claim: str
    against: str
    comparison: Comparison
    differences: tuple[float, ...]
    outcome: str
    adjusted_p: float | None = None
    searched: float | None = None
    searched_low: float | None = None
    searched_high: float | None = None

    @property
    def level(self) -> str:
        """Of the interval, in words: ``95 %``."""
        return f"{100 * self.comparison.confidence:.4g} %"

    @property
    def shrinkage(self) -> float | None:
        """The estimate of the search less that of the confirmation."""
        if self.searched is None or self.comparison.difference is None:
            return None
        return self.searched - self.comparison.difference


@dataclass(frozen=True)
class Forest:
    """All comparisons of a confirmation: each claim against the host, followed by its controls.

    ``delta`` is the smallest effect that matters; ``reason`` says why there are no comparisons.
    """

    rows: tuple[ForestRow, ...]
    delta: float
    reason: str = ""
    metric: Metric = ACCURACY


def forest(reading: Reading) -> Forest:
    """Gather the comparisons of the confirmation of a study; none before a stage of it has ended."""
    confirmation = reading.confirmation
    if confirmation is None:
        reason = _OF_OPTUNA if reading.study.is_optunas_alone else _why_none(None)
        return Forest((), 0.0, reason, reading.metric)
    rows = [
        row
        for result in confirmation.conclusion.results
        if result.verdict is not None
        for row in _rows(result, reading)
    ]
    conclusion = confirmation.conclusion
    return Forest(tuple(rows), conclusion.rule.delta, "" if rows else _why_none(conclusion), reading.metric)


def forest_table(info: Forest) -> Table:
    """One row for each comparison."""
    compared = ("difference", "low", "high", "confidence", "n")
    searched = ("searched", "searched_low", "searched_high", "shrinkage")
    columns = ("claim", "against", *compared, "outcome", "adjusted_p", "superiority")
    more = ("search_estimate", "search_low", "search_high", "shrinkage", "by_seed")
    values = attrgetter(
        "claim",
        "against",
        *(f"comparison.{name}" for name in compared),
        "outcome",
        "adjusted_p",
        "comparison.superiority",
        *searched,
    )
    rows = [(*values(row), " ".join(map(repr, row.differences))) for row in info.rows]
    return table((*columns, *more), rows)


def draw_forest(info: Forest) -> go.Figure:
    """Draw each comparison as a point with its interval, seeds as dots, the estimate of the search grey."""
    figure, metric = go.Figure(), plain_metric(info.metric)
    figure.add_vrect(x0=-info.delta, x1=info.delta, fillcolor=GREY, opacity=0.18, line_width=0)
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.add_trace(_seeds(info, metric))
    if any(row.searched is not None for row in info.rows):
        figure.add_trace(_searched(info, metric))
    figure.add_trace(_estimates(info, metric))
    base_layout(figure, x=_axis(metric), y="", height=170 + _ROW * len(info.rows))
    figure.update_yaxes(
        tickvals=list(range(len(info.rows))),
        ticktext=[_label(metric, row) for row in info.rows],
        range=[len(info.rows) - 0.4, -0.6],
    )
    figure.update_xaxes(range=_reach(info))
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom", "x": 0})
    return figure


def _why_none(conclusion: Conclusion | None) -> str:
    if conclusion is None:
        return "Nothing of this study is confirmed or refuted yet: 'lrlc-nas confirm' trains its claims on fresh seeds."
    if conclusion.open_runs:
        return "No stage of the confirmation has completed a pair of runs yet, so there is nothing to compare."
    return (
        "The confirmation has ended, but no claim of it can be compared with the host, seed by seed; "
        "'lrlc-nas confirm' with a larger --seeds adds seeds."
    )


def _rows(result: ClaimResult, reading: Reading) -> Iterator[ForestRow]:
    verdict = result.verdict
    assert verdict is not None
    yield ForestRow(
        result.label,
        "host",
        verdict.comparison,
        result.differences["host"],
        verdict.outcome,
        verdict.adjusted_p,
        *_search_estimate(result.plan, reading),
    )
    tested = verdict.outcome == "helps"
    for label, comparison in result.against.items():
        beaten = "beaten" if label in verdict.beats else "not beaten" if tested else "not tested"
        yield ForestRow(result.label, label, comparison, result.differences[label], beaten)


def _search_estimate(plan: Plan, reading: Reading) -> tuple[float | None, float | None, float | None]:
    if len(plan.tokens) == 1:
        cell = next(iter(plan.tokens.items()))
        for effect in reading.screening.effects:
            if (effect.site, effect.choice) == cell:
                return effect.estimate, effect.low, effect.high
    values = [score for _, score in plan_scores(reading.metric, reading.runs, plan)]
    host = reading.screening.host.mean
    host_gain = None if host is None else reading.metric.value(host)
    return (mean(values) - host_gain if values and host_gain is not None else None), None, None


def _less(metric: Metric) -> str:
    return "−" if metric.direction == "maximize" else "gains over"


def _axis(metric: Metric) -> str:
    return f"{'difference' if metric.direction == 'maximize' else 'gain'}{f', {metric.unit}' if metric.unit else ''}"


def _label(metric: Metric, row: ForestRow) -> str:
    if row.against == "host":
        return f"<b>{plain(short(row.claim))}</b>"
    return f"… {_less(metric)} {plain(short(row.against))}"


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


def _seeds(info: Forest, metric: Metric) -> go.Scatter:
    pairs = [(value, place + 0.22) for place, row in enumerate(info.rows) for value in row.differences]
    return go.Scatter(
        x=[x for x, _ in pairs],
        y=[y for _, y in pairs],
        mode="markers",
        name="each seed",
        marker={"size": 5, "color": GREY},
        hovertemplate=f"one seed: %{{x:+.{metric.decimals}f}} {metric.unit}<extra></extra>",
    )


def _searched(info: Forest, metric: Metric) -> go.Scatter:
    found = [(place, row) for place, row in enumerate(info.rows) if row.searched is not None]
    return marks(
        [row.searched for _, row in found],
        [place - 0.24 for place, _ in found],
        "estimate of the search",
        [
            f"search: {difference(metric, row.searched)} {interval(metric, row.searched_low, row.searched_high)}"
            f"<br>shrinkage {gained(metric, row.shrinkage)}"
            for _, row in found
        ],
        {"size": 8, "color": GREY, "symbol": "diamond-open"},
        error_x=_bars([(row.searched, row.searched_high) for _, row in found], 1),
    )


def _estimates(info: Forest, metric: Metric) -> go.Scatter:
    signs = [_sign(row) for row in info.rows]
    return marks(
        [row.comparison.difference for row in info.rows],
        list(range(len(info.rows))),
        "fresh seeds",
        [_hover(metric, row) for row in info.rows],
        {"size": 10, "color": [colour for colour, _ in signs], "symbol": [sign for _, sign in signs]},
        error_x=_bars([(row.comparison.difference, row.comparison.high) for row in info.rows], 2),
    )


def _sign(row: ForestRow) -> tuple[str, str]:
    if row.against != "host":
        return (BEST, "circle") if row.outcome == "beaten" else _SIGNS["control"]
    return _SIGNS.get(row.outcome, (INK, "square-open"))


def _bars(values: list[tuple[float | None, float | None]], thickness: int) -> dict[str, object]:
    halves = [0.0 if high is None else high - (middle or 0.0) for middle, high in values]
    return {
        "type": "data",
        "array": halves,
        "thickness": thickness,
        "width": 4,
        "color": GREY if thickness == 1 else INK,
    }


def _hover(metric: Metric, row: ForestRow) -> str:
    comparison = row.comparison
    between = interval(metric, comparison.low, comparison.high)
    return (
        f"<b>{plain(row.claim)} {_less(metric)} {plain(row.against)}</b>: {row.outcome}"
        f"<br>{difference(metric, comparison.difference)}<br>{row.level} interval {between}, {comparison.n} seeds"
    )


FIGURE = Figure(
    key="forest",
    section=Section.CONFIRMATION,
    title="Claims on fresh seeds",
    caption=(
        "Right of zero the claim is better than the arm that the row names. The line is its interval on fresh seeds, "
        "dots are single seeds, and differences inside the grey band are too small to matter. The open grey diamond is "
        "the estimate of the search, the largest of many: expect it further from zero (winner's curse)."
    ),
    compute=forest,
    empty=lambda info: info.reason,
    draw=draw_forest,
    table=forest_table,
    call="report.forest(reading).rows",
)
