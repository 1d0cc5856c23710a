"""The tables of a study as rows of text, for the page and for the terminal alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence import Screening
from ..store import EpochRecord, RunRecord
from .numbers import NOTHING, count, interval, percent, points


__all__ = ["EffectRow", "TrialRow", "effect_rows", "trial_rows"]


@dataclass(frozen=True)
class EffectRow:
    """One line of the table of effects.

    Attributes:
        site: name of the site.
        choice: token of the choice.
        effect: in points, with its sign.
        interval: 95 %, in points.
        runs: how many complete runs hold the choice there.
        note: why a number is missing.
        clear: whether the interval excludes zero.
    """

    site: str
    choice: str
    effect: str
    interval: str
    runs: str
    note: str
    clear: bool


@dataclass(frozen=True)
class TrialRow:
    """One line of the table of trials.

    Attributes:
        slot: place of the run in the study.
        role: ``host``, ``single``, ``fraction`` or ``sampled``.
        plan: the sites that are not ``conv``, with their choices.
        seed: of the run.
        state: of the run.
        reason: why it was pruned or failed.
        epochs: how many were recorded.
        accuracy: on the search images, after the last epoch.
        parameters: of its network.
        macs: multiply-accumulates of its network for one image.
        seconds: training and evaluation of its recorded epochs.
    """

    slot: str
    role: str
    plan: str
    seed: str
    state: str
    reason: str
    epochs: str
    accuracy: str
    parameters: str
    macs: str
    seconds: str


def effect_rows(screening: Screening) -> list[EffectRow]:
    """One row for each effect, in the order of the space."""
    return [
        EffectRow(
            site=effect.site,
            choice=effect.choice,
            effect=points(effect.estimate),
            interval=interval(effect.low, effect.high),
            runs=str(effect.runs),
            note=effect.reason,
            clear=effect.distinguishable,
        )
        for effect in screening.effects
    ]


def trial_rows(runs: Iterable[RunRecord], epochs: Mapping[int, Sequence[EpochRecord]]) -> list[TrialRow]:
    """One row for each run, by slot.

    Args:
        runs: of the study.
        epochs: run id to its recorded epochs.
    """
    return [_trial_row(run, epochs.get(run.run_id, ())) for run in runs]


def _trial_row(run: RunRecord, epochs: Sequence[EpochRecord]) -> TrialRow:
    last = epochs[-1].accuracy if epochs else None
    return TrialRow(
        slot=str(run.slot),
        role=run.role,
        plan=NOTHING if run.plan is None else str(run.plan),
        seed=str(run.seed),
        state=run.state,
        reason=run.reason,
        epochs=str(len(epochs)),
        accuracy=percent(last if run.value is None else run.value),
        parameters=count(run.parameters),
        macs=count(run.macs),
        seconds=f"{sum(epoch.seconds for epoch in epochs):.1f}" if epochs else NOTHING,
    )
