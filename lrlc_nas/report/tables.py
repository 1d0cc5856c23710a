"""The tables of a study as rows of text, for the page and for the terminal alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence import Audit, Context, Interaction, Screening
from ..runs.results import EpochResult
from ..store import RunRecord
from .numbers import NOTHING, count, interval, percent, points


__all__ = [
    "AuditLine",
    "DisagreementRow",
    "EffectRow",
    "TrialRow",
    "audit_rows",
    "disagreement_rows",
    "effect_rows",
    "trial_rows",
]


@dataclass(frozen=True)
class EffectRow:
    """One line of the table of effects.

    Attributes:
        site: name of the site.
        choice: token of the choice.
        effect: in points, with its sign.
        interval: 95 %, in points.
        runs: how many complete runs hold the choice there.
        note: why a number is missing, or that the choice does something else in company.
        clear: whether the interval excludes zero.
        importance: Optuna's, of the site; on the first row of each site.
    """

    site: str
    choice: str
    effect: str
    interval: str
    runs: str
    note: str
    clear: bool
    importance: str = ""


@dataclass(frozen=True)
class DisagreementRow:
    """One line of the table of effects that do not add up.

    Attributes:
        where: a cell, or a pair of sites.
        alone: effect with ``conv`` everywhere else; nothing for a pair.
        in_company: effect with other sites relaxed; nothing for a pair.
        difference: between the two, or what a pair gives beyond the sum of its effects.
        interval: 95 %, of the difference.
    """

    where: str
    alone: str
    in_company: str
    difference: str
    interval: str


@dataclass(frozen=True)
class AuditLine:
    """One line of the table of the audit: see `lrlc_nas.evidence.AuditRow`."""

    choice: str
    audited: str
    would_end: str
    wrongly: str
    never_pruned: str
    rank_correlation: str


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


def effect_rows(screening: Screening, importances: Mapping[str, float] | None = None) -> list[EffectRow]:
    """One row for each effect, in the order of the space.

    Args:
        screening: of the study.
        importances: of its sites, by Optuna.
    """
    notes = {(context.site, context.choice): context.sentence for context in screening.contexts}
    first = {effect.site: effect for effect in reversed(screening.effects)}
    return [
        EffectRow(
            site=effect.site,
            choice=effect.choice,
            effect=points(effect.estimate),
            interval=interval(effect.low, effect.high),
            runs=str(effect.runs),
            note=effect.reason or notes.get((effect.site, effect.choice), ""),
            clear=effect.distinguishable,
            importance=_share((importances or {}).get(effect.site)) if effect is first[effect.site] else "",
        )
        for effect in screening.effects
    ]


def disagreement_rows(screening: Screening) -> list[DisagreementRow]:
    """One row for each cell and each pair of sites whose effects do not add up."""
    return [
        *(_context_row(context) for context in screening.contexts if context.disagrees),
        *(_pair_row(pair) for pair in screening.interactions if pair.flagged),
    ]


def audit_rows(audit: Audit) -> list[AuditLine]:
    """One row for all runs, then one for each choice."""
    return [
        AuditLine(
            row.choice or "all",
            str(row.audited),
            str(row.would_end),
            str(row.wrongly),
            str(row.never_pruned),
            points(row.rank_correlation),
        )
        for row in audit.rows
    ]


def trial_rows(runs: Iterable[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> list[TrialRow]:
    """One row for each run, by slot.

    Args:
        runs: of the study.
        epochs: run id to its recorded epochs.
    """
    return [_trial_row(run, epochs.get(run.run_id, ())) for run in runs]


def _context_row(context: Context) -> DisagreementRow:
    return DisagreementRow(
        f"{context.site}: {context.choice}",
        points(context.alone),
        points(context.in_company),
        points(context.difference),
        interval(context.low, context.high),
    )


def _pair_row(pair: Interaction) -> DisagreementRow:
    return DisagreementRow(
        f"{pair.first} with {pair.second}",
        NOTHING,
        NOTHING,
        points(pair.estimate),
        interval(pair.low, pair.high),
    )


def _share(importance: float | None) -> str:
    return NOTHING if importance is None else f"{importance:.2f}"


def _trial_row(run: RunRecord, epochs: Sequence[EpochResult]) -> TrialRow:
    last = epochs[-1].value if epochs else None
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
