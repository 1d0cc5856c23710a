"""The tables of a study as rows of text, for the page and for the terminal alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence import Audit, Context, Interaction, Screening, compare
from ..store import EpochRecord, LookRecord, RunRecord
from .forest import Forest
from .numbers import NOTHING, count, duration, interval, percent, points
from .reading import Confirmation
from .spending import Spent


__all__ = [
    "AuditLine",
    "ClaimRow",
    "DisagreementRow",
    "EffectRow",
    "LookRow",
    "SpentRow",
    "TrialRow",
    "audit_rows",
    "claim_rows",
    "disagreement_rows",
    "effect_rows",
    "look_rows",
    "spent_rows",
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
class ClaimRow:
    """One line of the table of the confirmation: see `lrlc_nas.report.forest.ForestRow`."""

    claim: str
    against: str
    difference: str
    interval: str
    level: str
    seeds: str
    outcome: str
    adjusted_p: str
    superiority: str
    searched: str
    shrinkage: str


@dataclass(frozen=True)
class LookRow:
    """One arm in one opening of the test split.

    Attributes:
        opened: when.
        arm: what was measured.
        accuracy: the mean over its seeds; nothing if the look was never finished.
        seeds: how many there were.
        difference: from the host, paired by seed, in points.
        interval: 95 %, of the difference.
    """

    opened: str
    arm: str
    accuracy: str
    seeds: str
    difference: str
    interval: str


@dataclass(frozen=True)
class SpentRow:
    """One line of the table of what was spent: see `lrlc_nas.report.spending.Spent`; the last one is the sum."""

    stage: str
    what: str
    runs: str
    epochs: str
    time: str
    share: str


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


def claim_rows(info: Forest) -> list[ClaimRow]:
    """One row for each comparison of the confirmation."""
    return [
        ClaimRow(
            claim=row.claim,
            against=row.against,
            difference=points(row.comparison.difference),
            interval=interval(row.comparison.low, row.comparison.high),
            level=f"{100 * row.comparison.confidence:.4g} %",
            seeds=str(row.comparison.n),
            outcome=row.outcome,
            adjusted_p=NOTHING if row.adjusted_p is None else f"{row.adjusted_p:.3g}",
            superiority=_share(row.comparison.superiority),
            searched=points(row.searched),
            shrinkage=points(row.shrinkage),
        )
        for row in info.rows
    ]


def look_rows(confirmation: Confirmation | None) -> list[LookRow]:
    """One row for each arm of each opening of the test split."""
    return [row for look in (confirmation.looks if confirmation else ()) for row in _look_rows(look)]


def spent_rows(spent: Sequence[Spent]) -> list[SpentRow]:
    """One row for each kind of runs, and their sum."""
    total = sum(each.seconds for each in spent)
    every = Spent("all", "runs", sum(s.runs for s in spent), sum(s.epochs for s in spent), total)
    return [
        SpentRow(
            each.stage,
            each.what,
            count(each.runs),
            count(each.epochs),
            duration(each.seconds),
            percent(each.seconds / total if total else None),
        )
        for each in ((*spent, every) if spent else ())
    ]


def trial_rows(runs: Iterable[RunRecord], epochs: Mapping[int, Sequence[EpochRecord]]) -> list[TrialRow]:
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


def _look_rows(look: LookRecord) -> list[LookRow]:
    opened = f"{look.opened:%Y-%m-%d %H:%M UTC}"
    accuracies = (look.results or {}).get("accuracies", {})
    if not accuracies:
        arms = ", ".join(look.subject.get("arms", {}))
        return [LookRow(opened, f"{arms}: never finished", NOTHING, NOTHING, NOTHING, NOTHING)]
    host = accuracies.get("host", {})
    return [_look_row(opened, arm, by_seed, host) for arm, by_seed in accuracies.items()]


def _look_row(opened: str, arm: str, by_seed: Mapping[str, float], host: Mapping[str, float]) -> LookRow:
    shared = [] if arm == "host" else [seed for seed in by_seed if seed in host]
    found = compare(*([100 * scores[seed] for seed in shared] for scores in (by_seed, host)))
    return LookRow(
        opened,
        arm,
        percent(sum(by_seed.values()) / len(by_seed)),
        str(len(by_seed)),
        points(found.difference),
        interval(found.low, found.high),
    )


def _share(importance: float | None) -> str:
    return NOTHING if importance is None else f"{importance:.2f}"


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
