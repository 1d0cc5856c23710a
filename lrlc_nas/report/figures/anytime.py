r"""The anytime curve: the best value so far, and what as many draws by chance would have given.

The runs of the initial design were chosen before any result was there. With their n values in order,
v_(1) to v_(n), the best last, the best of k of them, drawn without replacement, is on average

.. math:: \sum_{i=k}^{n} v_{(i)} \binom{i-1}{k-1} / \binom{n}{k} .

The initial design holds few relaxed sites at a time, so that this is the expectation of a modest search, not of one
over all plans.

Reference: Dodge et al., "Show Your Work: Improved Reporting of Experimental Results", EMNLP 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, isfinite

import plotly.graph_objects as go

from ...config import ACCURACY, Metric
from ...runs.results import EpochResult
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import BEST, HOST, base_layout, plain_metric
from ..numbers import duration, shown
from .figure import Figure, Section, Width

__all__ = ["BY_RUNS", "BY_SECONDS", "Anytime", "AnytimeStep", "anytime", "anytime_table", "best_of", "draw_anytime"]


@dataclass(frozen=True)
class AnytimeStep:
    """How far the search was after a run.

    Attributes:
        runs: how many had ended, however they ended.
        seconds: of training and evaluation, summed over these.
        number: of the run.
        best: the best value of the complete ones; None before the first.
        by_chance: the mean of the best of as many runs of the initial design; None where it has fewer.
    """

    runs: int
    seconds: float
    number: int
    best: float | None
    by_chance: float | None


@dataclass(frozen=True)
class Anytime:
    """The course of a search: one step for each run that has ended, in that order.

    ``initial`` counts the complete runs of the initial design, and ``initial_seconds`` is the mean of one of them.
    """

    steps: tuple[AnytimeStep, ...]
    initial: int
    initial_seconds: float
    metric: Metric = ACCURACY


def anytime(
    runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]], metric: Metric = ACCURACY
) -> Anytime:
    """Follow a search through those of its runs that have ended; `epochs` is run id to recorded epochs."""
    ended = [run for run in runs if run.finished is not None]
    ended.sort(key=lambda run: (run.finished, run.number))
    initial = [run for run in runs if run.role != "sampled" and _value(run) is not None]
    chance = best_of([value for run in initial if (value := _value(run)) is not None], metric)
    steps: list[AnytimeStep] = []
    seconds, best = 0.0, None
    for count, run in enumerate(ended, start=1):
        seconds += _seconds(run, epochs)
        value = _value(run)
        best = value if best is None else max(best, value, key=metric.gain) if value is not None else best
        by_chance = chance[count - 1] if count <= len(chance) else None
        steps.append(AnytimeStep(count, seconds, run.number, best, by_chance))
    took = sum(_seconds(run, epochs) for run in initial) / len(initial) if initial else 0.0
    return Anytime(tuple(steps), len(initial), took, metric)


def best_of(values: Sequence[float], metric: Metric = ACCURACY) -> list[float]:
    """The mean of the best of k values, drawn without replacement, for k = 1, 2, … up to their number."""
    ordered = sorted(values, key=metric.gain)
    n = len(ordered)
    return [sum(ordered[i - 1] * (comb(i - 1, k - 1) / comb(n, k)) for i in range(k, n + 1)) for k in range(1, n + 1)]


def anytime_table(info: Anytime) -> Table:
    """One row for each run that has ended."""
    return table(
        ("runs_ended", "seconds", "run", f"best_{info.metric.name}", "by_chance"),
        [(step.runs, step.seconds, step.number, step.best, step.by_chance) for step in info.steps],
    )


def draw_anytime(info: Anytime, *, by: str) -> go.Figure:
    """Draw the course of a search by ``runs`` or ``seconds``, which lie on the horizontal axis."""
    steps = [step for step in info.steps if step.best is not None]
    chance = [step for step in info.steps if step.by_chance is not None]
    metric = plain_metric(info.metric)
    figure = go.Figure(
        go.Scatter(
            x=[getattr(step, by) for step in steps],
            y=[metric.scale * (step.best or 0.0) for step in steps],
            mode="lines+markers",
            name="best so far",
            line={"shape": "hv", "color": BEST, "width": 2},
            marker={"size": 4},
            hoverinfo="text",
            hovertext=[
                f"after {step.runs} runs, {duration(step.seconds)}: {shown(metric, step.best)}" for step in steps
            ],
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[step.runs * (1 if by == "runs" else info.initial_seconds) for step in chance],
            y=[metric.scale * (step.by_chance or 0.0) for step in chance],
            mode="lines",
            name="initial design, drawn by chance",
            line={"color": HOST, "width": 2, "dash": "dash"},
            hovertemplate=f"mean of the best: %{{y:.{metric.decimals}f}} {metric.value_unit}<extra></extra>",
        )
    )
    words = {"runs": "runs ended", "seconds": "seconds of training, summed"}
    return base_layout(figure, x=words[by], y=f"best {metric.axis}", height=340)


def _value(run: RunRecord) -> float | None:
    told = run.state == "complete" and run.value is not None and isfinite(run.value)
    return run.value if told else None


def _seconds(run: RunRecord, epochs: Mapping[int, Sequence[EpochResult]]) -> float:
    return sum(epoch.seconds for epoch in epochs.get(run.run_id, ()))


def _why_none(info: Anytime, by: str) -> str:
    if all(step.best is None for step in info.steps):
        return "No run is complete yet, so there is no best one so far."
    return "" if by == "runs" or info.steps[-1].seconds else "No times were recorded."


def _figure(by: str) -> Figure[Anytime]:
    return Figure(
        key=f"anytime-{by}",
        section=Section.SEARCH,
        width=Width.HALF,
        title=f"Best so far, by {by}",
        caption=(
            "Full line: the best run so far. Broken line: the mean of the best of as many runs of the "
            "initial design, which were chosen before any result was there. A sampler that is not better "
            "than it has found nothing that chance would not."
        ),
        compute=lambda reading: anytime(reading.runs, reading.epochs, reading.metric),
        empty=lambda info: _why_none(info, by),
        draw=lambda info: draw_anytime(info, by=by),
        table=anytime_table,
        call="report.anytime(reading.runs, reading.epochs, reading.metric).steps",
    )


BY_RUNS = _figure("runs")
BY_SECONDS = _figure("seconds")
