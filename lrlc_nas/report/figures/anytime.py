r"""The anytime curve: the best accuracy so far, and what as many draws by chance would have given.

The runs of the initial design were chosen before any result was there. With their n accuracies in order,
v_(1) <= ... <= v_(n), the best of k of them, drawn without replacement, is on average

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

from ...runs.results import EpochResult
from ...store import RunRecord
from ..data_table import Table, table
from ..drawing import BEST, HOST, base_layout
from ..numbers import duration, percent
from .figure import Figure, Section, Width

__all__ = ["BY_RUNS", "BY_SECONDS", "Anytime", "AnytimeStep", "anytime", "anytime_table", "best_of", "draw_anytime"]


@dataclass(frozen=True)
class AnytimeStep:
    """How far the search was after a run.

    Attributes:
        runs: how many had ended, however they ended.
        seconds: of training and evaluation, summed over these.
        number: of the run.
        best: the best accuracy of the complete ones, a fraction; None before the first.
        by_chance: the mean of the best of as many runs of the initial design, a fraction; None where it has fewer.
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


def anytime(runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Anytime:
    """Follow a search through those of its runs that have ended; `epochs` is run id to recorded epochs."""
    ended = [run for run in runs if run.finished is not None]
    ended.sort(key=lambda run: (run.finished, run.number))
    initial = [run for run in runs if run.role != "sampled" and _value(run) is not None]
    chance = best_of([value for run in initial if (value := _value(run)) is not None])
    steps: list[AnytimeStep] = []
    seconds, best = 0.0, None
    for count, run in enumerate(ended, start=1):
        seconds += _seconds(run, epochs)
        value = _value(run)
        best = value if best is None else max(best, value) if value is not None else best
        by_chance = chance[count - 1] if count <= len(chance) else None
        steps.append(AnytimeStep(count, seconds, run.number, best, by_chance))
    took = sum(_seconds(run, epochs) for run in initial) / len(initial) if initial else 0.0
    return Anytime(tuple(steps), len(initial), took)


def best_of(values: Sequence[float]) -> list[float]:
    """The mean of the best of k values, drawn without replacement, for k = 1, 2, … up to their number."""
    ordered = sorted(values)
    n = len(ordered)
    return [sum(ordered[i - 1] * (comb(i - 1, k - 1) / comb(n, k)) for i in range(k, n + 1)) for k in range(1, n + 1)]


def anytime_table(info: Anytime) -> Table:
    """One row for each run that has ended."""
    return table(
        ("runs_ended", "seconds", "run", "best_accuracy", "by_chance"),
        [(step.runs, step.seconds, step.number, step.best, step.by_chance) for step in info.steps],
    )


def draw_anytime(info: Anytime, *, by: str) -> go.Figure:
    """Draw the course of a search by ``runs`` or ``seconds``, which lie on the horizontal axis."""
    steps = [step for step in info.steps if step.best is not None]
    chance = [step for step in info.steps if step.by_chance is not None]
    figure = go.Figure(
        go.Scatter(
            x=[getattr(step, by) for step in steps],
            y=[100 * (step.best or 0.0) for step in steps],
            mode="lines+markers",
            name="best so far",
            line={"shape": "hv", "color": BEST, "width": 2},
            marker={"size": 4},
            hoverinfo="text",
            hovertext=[f"after {step.runs} runs, {duration(step.seconds)}: {percent(step.best)}" for step in steps],
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[step.runs * (1 if by == "runs" else info.initial_seconds) for step in chance],
            y=[100 * (step.by_chance or 0.0) for step in chance],
            mode="lines",
            name="initial design, drawn by chance",
            line={"color": HOST, "width": 2, "dash": "dash"},
            hovertemplate="mean of the best: %{y:.2f} %<extra></extra>",
        )
    )
    words = {"runs": "runs ended", "seconds": "seconds of training, summed"}
    return base_layout(figure, x=words[by], y="best accuracy, %", height=340)


def _value(run: RunRecord) -> float | None:
    told = run.state == "complete" and run.value is not None and isfinite(run.value)
    return run.value if told else None


def _seconds(run: RunRecord, epochs: Mapping[int, Sequence[EpochResult]]) -> float:
    return sum(epoch.seconds for epoch in epochs.get(run.run_id, ()))


def _figure(by: str) -> Figure[Anytime]:
    return Figure(
        key=f"anytime-{by}",
        section=Section.SEARCH,
        width=Width.HALF,
        title=f"Best so far, by {by}",
        caption=(
            "Full line: the best run so far. Broken line: the mean of the best of as many runs of the "
            "initial design, which were chosen before any result was there. A sampler that does not rise "
            "above it has found nothing that chance would not."
        ),
        compute=lambda reading: anytime(reading.runs, reading.epochs),
        empty=lambda info: (
            ""
            if any(step.best is not None for step in info.steps)
            else "No run is complete yet, so there is no best one so far."
        ),
        draw=lambda info: draw_anytime(info, by=by),
        table=anytime_table,
        call="report.anytime(reading.runs, reading.epochs).steps",
    )


BY_RUNS = _figure("runs")
BY_SECONDS = _figure("seconds")
