"""One run: what it is, what became of it, and its curves beside the host's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from ..choices import CONV, Plan
from ..config import ACCURACY, Metric
from ..errors import InputError
from ..runs.results import EpochResult
from ..store import RunRecord, Store, StudyRecord
from .drawing import BEST, HOST, MARKED, epoch_layout, plain_metric
from .figures.drawn import DrawnFigure, plotly_json
from .numbers import NOTHING, count, duration, shown

__all__ = ["TrialCurves", "TrialView", "draw_loss", "draw_metric", "plotly_script", "trial_curves", "trial_view"]

_CAPTION = (
    "{metric.heading} on the search split after each epoch. The host is the network with every site left as it is, one "
    "line for each of its seeds: a run whose line lies among these may differ from the host by its seed alone."
)
_LOSS_CAPTION = "Loss of this run. Where the training loss falls far below the other, the network overfits."


@dataclass(frozen=True)
class TrialCurves:
    """The curves of a run; `hosts` are number to epochs of each run of the untouched host but the run itself."""

    number: int
    epochs: tuple[EpochResult, ...]
    hosts: Mapping[int, tuple[EpochResult, ...]]
    metric: Metric = ACCURACY

    @property
    def has_losses(self) -> bool:
        """Whether an epoch recorded one; trainings of other people's may not."""
        return any({"loss", "train_loss"} & epoch.scores.keys() for epoch in self.epochs)


@dataclass(frozen=True)
class TrialView:
    """All that a page on one run shows.

    Attributes:
        last: the last number of the study.
        reason: why it was pruned or failed; empty otherwise.
        facts: labelled lines.
        plan: site and choice, for each site of the study; empty until the sampler has decided.
        relaxed: how many of them are not ``conv``.
    """

    study: str
    number: int
    last: int
    state: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    plan: tuple[tuple[str, str], ...]
    relaxed: int
    figures: tuple[DrawnFigure, ...]


def trial_view(store: Store, name: str, number: int) -> TrialView:
    """Read what a page on one run shows.

    Raises:
        InputError: if there is no such study or no such run.
    """
    from ..engine import checkpoint_bytes  # imported here, since it brings torch

    study = store.study(name)
    runs = store.runs(study)
    run = next((run for run in runs if run.number == number), None)
    if run is None:
        raise InputError(f"study {name!r} has no run {number}; its runs are 0 to {len(runs) - 1}")
    epochs = store.run_epochs(run)
    hosts = {other.number: store.run_epochs(other) for other in runs if other.plan == Plan() and other is not run}
    size = checkpoint_bytes(store, study, run)
    kept = f"{size / 1e3:,.1f} kB" if size else "none"
    plan = [] if run.plan is None else [(site, run.plan.at(site).token) for site in study.space]
    return TrialView(
        study=name,
        number=number,
        last=runs[-1].number,
        state=run.state,
        reason=run.reason,
        facts=(*_facts(study, run, epochs), ("Checkpoints", f"{kept} on this machine")),
        plan=tuple(plan),
        relaxed=sum(token != CONV.token for _, token in plan),
        figures=_figures(trial_curves(run, epochs, hosts, study.metric)),
    )


def trial_curves(
    run: RunRecord, epochs: Sequence[EpochResult], hosts: Mapping[int, Sequence[EpochResult]], metric: Metric = ACCURACY
) -> TrialCurves:
    """Gather the curves of a run; `hosts` are number to epochs of each other run of the host."""
    told = {number: tuple(those) for number, those in hosts.items() if those}
    return TrialCurves(run.number, tuple(epochs), told, metric)


def draw_metric(curves: TrialCurves) -> go.Figure:
    """Draw the metric of a run over those of the host."""
    figure, metric = go.Figure(), plain_metric(curves.metric)
    for index, (number, epochs) in enumerate(curves.hosts.items()):
        values = [metric.scale * epoch.value for epoch in epochs]
        figure.add_trace(_line(epochs, values, f"host, run {number}", "host", HOST, 1.5, legend=index == 0))
    if curves.epochs:
        values = [metric.scale * epoch.value for epoch in curves.epochs]
        figure.add_trace(_line(curves.epochs, values, f"run {curves.number}", "this run", BEST, 3.0))
    return _laid_out(figure, curves, metric.axis)


def draw_loss(curves: TrialCurves) -> go.Figure:
    """Draw the losses of a run."""
    training = [epoch.scores.get("train_loss", nan) for epoch in curves.epochs]
    search = [epoch.scores.get("loss", nan) for epoch in curves.epochs]
    figure = go.Figure(
        [
            _line(curves.epochs, training, "training split", "training split", MARKED, 2.0),
            _line(curves.epochs, search, "search split", "search split", BEST, 2.0),
        ]
    )
    return _laid_out(figure, curves, "loss, nats" if curves.metric == ACCURACY else "loss")


def plotly_script() -> str:
    """plotly.js, which draws the figures of `TrialView`."""
    return str(get_plotlyjs())


def _facts(study: StudyRecord, run: RunRecord, epochs: Sequence[EpochResult]) -> list[tuple[str, str]]:
    host = study.facts.get("host") or {}
    last = epochs[-1].value if epochs else None
    seconds = sum(epoch.seconds for epoch in epochs)
    return [
        (study.metric.heading, shown(study.metric, last if run.value is None else run.value)),
        ("Epochs", str(len(epochs))),
        ("Time", duration(seconds) if epochs else NOTHING),
        ("Parameters", _cost(run.parameters, host.get("parameters"))),
        ("MACs per image", _cost(run.macs, host.get("macs"))),
        ("Role", run.role),
        ("Seed", str(run.seed)),
        ("Started", _moment(run.started)),
        ("Ended", _moment(run.finished)),
        ("Worker", run.worker_id or NOTHING),
        ("Claimed", "once" if run.attempt == 1 else f"{run.attempt} times"),
        *((key.replace("_", " ").capitalize(), _fact(value)) for key, value in run.facts.items()),
    ]


def _cost(value: int | None, of_host: int | None) -> str:
    if value is None or not of_host:
        return count(value)
    return f"{count(value)} ({value / of_host:.2f} × the host)"


def _moment(moment: Any) -> str:
    return NOTHING if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _fact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figures(curves: TrialCurves) -> tuple[DrawnFigure, ...]:
    nothing = "No epoch has been recorded yet, so there is no curve."
    metric = curves.metric
    drawn = plotly_json(draw_metric(curves)) if curves.epochs or curves.hosts else None
    first = DrawnFigure("metric", metric.heading, _CAPTION.format(metric=metric) if drawn else nothing, drawn)
    if curves.epochs and not curves.has_losses:
        return (first,)
    loss = plotly_json(draw_loss(curves)) if curves.epochs else None
    return (first, DrawnFigure("loss", "Loss", _LOSS_CAPTION if loss else nothing, loss))


def _line(
    epochs: Sequence[EpochResult],
    values: Sequence[float],
    hover: str,
    name: str,
    colour: str,
    width: float,
    *,
    legend: bool = True,
) -> go.Scatter:
    return go.Scatter(
        x=[epoch.epoch + 1 for epoch in epochs],
        y=values,
        mode="lines+markers",
        name=name,
        showlegend=legend,
        legendgroup=name,
        line={"color": colour, "width": width},
        marker={"size": 2 * width + 1},
        hovertemplate=f"<b>{hover}</b>, epoch %{{x}}: %{{y:.4g}}<extra></extra>",
    )


def _laid_out(figure: go.Figure, curves: TrialCurves, y: str) -> go.Figure:
    longest = max((len(epochs) for epochs in (curves.epochs, *curves.hosts.values())), default=0)
    return epoch_layout(figure, longest, y=y, height=340)
